/* openai_chat.c - /v1/chat/completions and /v1/completions: from a body to an answer under way. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/engine_grammar.h"
#include "medical/persona.h"
#include "model/chat_template.h"
#include "server/answer.h"
#include "server/consult.h"
#include "server/tenant.h"

/* The raw model's defaults are those its publisher gives (generation_config.json). */
static void fill_raw_defaults(struct chat_request *r, const struct model_config *c)
{
    if (!(r->given & GIVEN_TEMPERATURE)) r->temperature = c->do_sample ? c->temperature : 0;
    if (!(r->given & GIVEN_TOP_P)) r->top_p = c->top_p;
    if (!(r->given & GIVEN_TOP_K)) r->top_k = c->top_k;
    if (!(r->given & GIVEN_REPETITION)) r->repetition_penalty = c->repetition_penalty;
}

static bool is_for_assistant(const struct chat_request *r)
{
    return strcmp(r->model, PERSONA_MODEL) == 0;
}

/* What would pass by the guard belongs to the raw model. */
static int check_assistant(struct chat_request *r, struct error *e)
{
    const char *field = r->is_completion ? "model"
                        : r->tools       ? "tools"
                        : r->logprobs    ? "logprobs"
                        : r->form.json   ? "response_format"
                        : r->form.regex  ? "guided_regex"
                                         : NULL;
    if (!field) return OK;
    snprintf(r->param, sizeof r->param, "%s", field);
    return r->is_completion ? error_set(e, ERR_INVALID, "the assistant answers at /v1/chat/completions")
                            : error_set(e, ERR_INVALID, "%s is for the raw model; the assistant has none", field);
}

static void fill_assistant_defaults(struct chat_request *r)
{
    if (!(r->given & GIVEN_TEMPERATURE)) r->temperature = persona_temperature;
    if (!(r->given & GIVEN_TOP_P)) r->top_p = persona_top_p;
    if (!(r->given & GIVEN_REPETITION)) r->repetition_penalty = persona_repetition_penalty;
    if (!r->max_tokens) r->max_tokens = PERSONA_MAX_TOKENS;
}

static int check_model(const struct app *app, struct chat_request *r, struct error *e)
{
    size_t n = strlen(app->model_id);
    if (is_for_assistant(r) || strcmp(r->model, app->model_id) == 0) return OK;
    if (strncmp(r->model, app->model_id, n) == 0 && r->model[n] == '+' && !r->lora) { /* base+adapter */
        r->lora = r->model + n + 1;
        return OK;
    }
    memcpy(r->param, "model", sizeof "model");
    return error_set(e, ERR_NOT_FOUND, "the model %.*s is not here; /v1/models lists what is", utf8_fit(r->model, 100),
                     r->model);
}

static int prompt_ids(const struct engine *en, struct chat_request *r, struct token_list *ids, struct error *e)
{
    int vocab = engine_config(en)->vocab_size;
    memcpy(r->param, "prompt", sizeof "prompt");
    if (json_is_string(r->prompt)) {
        int rc = tokenizer_encode(engine_tokenizer(en), json_string_value(r->prompt), json_string_length(r->prompt),
                                  TOKENIZE_SPECIAL, ids, e);
        return rc || ids->len > 0 ? rc : error_set(e, ERR_INVALID, "prompt must not be empty");
    }
    for (size_t i = 0; i < json_array_size(r->prompt); i++) {
        json_int_t id = json_integer_value(json_array_get(r->prompt, i));
        if (id < 0 || id >= vocab)
            return error_set(e, ERR_INVALID, "prompt[%zu] is no token id: they go from 0 to %d", i, vocab - 1);
        if (token_list_push(ids, (int32_t)id)) return error_set(e, ERR_NOMEM, "no memory for the prompt");
    }
    return OK;
}

static int check_bias(const struct engine *en, struct chat_request *r, struct error *e)
{
    int vocab = engine_config(en)->vocab_size;
    for (int i = 0; i < r->bias_count; i++) {
        if (r->bias[i].token < vocab) continue;
        memcpy(r->param, "logit_bias", sizeof "logit_bias");
        return error_set(e, ERR_INVALID, "logit_bias names token %d: they go from 0 to %d", r->bias[i].token,
                         vocab - 1);
    }
    return OK;
}

/* Messages or prompt to token ids, with the assistant's or the raw model's defaults. */
static int prepare(struct app *app, const struct engine *en, struct chat_request *r, struct answer *a,
                   struct answer_prompt *p, struct error *e)
{
    struct token_list *ids = &p->ids;
    int rc = check_model(app, r, e);
    if (!rc) rc = check_bias(en, r, e);
    json_t *messages = NULL;
    if (!rc && !engine_tokenizer(en))
        rc = error_set(e, ERR_UNSUPPORTED, "this model has no tokenizer; it answers no text");
    if (!rc && is_for_assistant(r)) {
        struct consult *c = NULL;
        rc = check_assistant(r, e);
        fill_assistant_defaults(r);
        if (!rc) rc = consult_new(&c, app->clinic, r->messages, answer_take, a, e);
        if (!rc) messages = consult_messages(c, r->messages);
        answer_set_consult(a, c);
    } else if (!rc) {
        fill_raw_defaults(r, engine_config(en));
        messages = json_incref(r->messages);
    }
    if (!rc)
        rc = r->is_completion ? prompt_ids(en, r, ids, e)
                              : chat_template_render(engine_tokenizer(en), messages, r->tools, true, NULL, ids, e);
    json_decref(messages);
    if (!rc && is_for_assistant(r)) rc = consult_public_tokens(engine_tokenizer(en), ids, &p->n_public, e);
    if (!rc) r->param[0] = '\0';
    if (!r->has_seed) randombytes_buf(&r->seed, sizeof r->seed);
    return rc;
}

/* The grammar of the answer's form, if it has one. */
static int make_grammar(struct engine *en, struct chat_request *r, struct error *e)
{
    const struct grammar_vocab *vocab;
    if (form_is_free(&r->form, r->tools)) return OK;
    int rc = engine_grammar_vocab(en, &vocab, e);
    if (!rc) rc = form_compile(&r->grammar, &r->form, r->tools, vocab, r->param, e);
    if (rc == ERR_LIMIT) return e->code = ERR_INVALID; /* too large a form is the client's mistake */
    if (rc) return rc;
    r->param[0] = '\0';
    int shortest = grammar_min_tokens(r->grammar);
    if (r->max_tokens == 0 || r->max_tokens >= shortest) return OK;
    memcpy(r->param, "max_tokens", sizeof "max_tokens");
    return error_set(e, ERR_INVALID, "max_tokens is %d, but the shortest answer of this form takes up to %d tokens",
                     r->max_tokens, shortest);
}

static void handle(struct http_exchange *x, struct app *app, bool is_completion)
{
    struct error e = {0};
    struct engine *en = app_engine_or_refuse(x, app);
    struct chat_request *r = en ? malloc(sizeof *r) : NULL;
    struct answer *a = NULL;
    struct answer_prompt prompt = {0};
    size_t n;
    const char *body = http_body(x, &n);
    if (!en) return;
    int rc =
        r ? chat_request_parse(r, is_completion, body, n, &e) : error_set(&e, ERR_NOMEM, "no memory for the request");
    if (rc) {
        app_send_error(x, &e, r ? r->param : NULL);
        free(r);
        return;
    }
    prompt.tenant = tenant_of(x, app->api_key, r->user);
    rc = answer_new(&a, app, en, r, &e);
    if (!rc) rc = prepare(app, en, r, a, &prompt, &e);
    if (!rc) rc = make_grammar(en, r, &e);
    if (!rc) rc = answer_submit(a, &prompt, &e);
    token_list_free(&prompt.ids);
    if (rc) {
        app_send_error(x, &e, e.code == ERR_TOO_LONG ? (is_completion ? "prompt" : "messages") : r->param);
        answer_free(a);
        chat_request_fini(r);
        free(r);
        return;
    }
    answer_own_request(a, r);
    if (r->stream)
        answer_stream(a, x);
    else
        answer_whole(a, x);
}

void app_chat(struct http_exchange *x, void *app)
{
    handle(x, app, false);
}

void app_completions(struct http_exchange *x, void *app)
{
    handle(x, app, true);
}
