/* dialogue.c - see dialogue.h. */
#include "cli/dialogue.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli/printing.h"
#include "medical/persona.h"
#include "model/chat_template.h"
#include "model/model_ref.h"

void dialogue_reset(struct dialogue *d)
{
    json_decref(d->messages);
    d->messages = json_array();
}

int dialogue_open(struct dialogue *d, struct engine_arguments *a, struct error *e)
{
    struct engine_options options;
    a->slots = 1;
    int rc = d->raw ? OK : clinic_open(&d->clinic, e);
    if (!rc) rc = engine_arguments_resolve(a, &options, e);
    if (!rc) rc = engine_open(&d->engine, &options, e);
    if (!rc && model_is_standin(a->path, engine_model_name(d->engine)))
        fputs("演示模型 / demonstration model: not for patients.\n", stderr);
    if (!rc && !engine_tokenizer(d->engine))
        rc = error_set(e, ERR_UNSUPPORTED, "this model has no tokenizer; it answers no text");
    if (!rc && sodium_init() < 0) rc = error_set(e, ERR_INTERNAL, "the cryptography library does not start");
    if (!rc) dialogue_reset(d);
    return rc;
}

void dialogue_close(struct dialogue *d)
{
    engine_close(d->engine);
    clinic_close(d->clinic);
    json_decref(d->messages);
    *d = (struct dialogue){.reader_gone = d->reader_gone};
}

static bool has_role(const json_t *message, const char *role)
{
    const char *own = json_string_value(json_object_get(message, "role"));
    return own && strcmp(own, role) == 0;
}

bool dialogue_drop_oldest(struct dialogue *d)
{
    if (json_array_size(d->messages) < 2) return false;
    json_array_remove(d->messages, 0);
    while (json_array_size(d->messages) > 0 && !has_role(json_array_get(d->messages, 0), "user"))
        json_array_remove(d->messages, 0);
    return true;
}

static void fill_sampling(const struct dialogue *d, struct sampling *s)
{
    const struct model_config *c = engine_config(d->engine);
    sampling_defaults(s);
    s->temperature = d->raw ? (c->do_sample ? c->temperature : 0) : persona_temperature;
    s->top_p = d->raw ? c->top_p : persona_top_p;
    s->top_k = d->raw ? c->top_k : 0;
    s->repetition_penalty = d->raw ? c->repetition_penalty : persona_repetition_penalty;
    s->seed = d->seed;
    if (!d->has_seed) randombytes_buf(&s->seed, sizeof s->seed);
}

static int run_answer(struct dialogue *d, struct printing *p, struct error *e)
{
    struct token_list ids = {0};
    uint64_t id;
    struct engine_request r = {.tenant = 1, /* one person: every turn finds the ones before it */
                               .callback = printing_event,
                               .user = p,
                               .max_tokens = d->max_tokens ? d->max_tokens : PERSONA_MAX_TOKENS};
    json_t *messages = json_incref(d->messages);
    int rc = OK;
    if (d->clinic) {
        rc = consult_new(&p->consult, d->clinic, d->messages, printing_take, p, e);
        json_decref(messages);
        messages = rc ? NULL : consult_messages(p->consult, d->messages);
        if (!rc) rc = consult_begin(p->consult);
    }
    if (!rc) rc = chat_template_render(engine_tokenizer(d->engine), messages, NULL, true, NULL, &ids, e);
    json_decref(messages);
    r.ids = ids.ids;
    r.n_ids = (int)ids.len;
    fill_sampling(d, &r.sampling);
    if (!rc) rc = engine_submit(d->engine, &r, &id, e);
    token_list_free(&ids);
    return rc ? rc : printing_wait(p, e);
}

size_t dialogue_trim(const char *text, size_t n)
{
    while (n > 0 && memchr(" \t\r\n", text[n - 1], 4)) n--;
    return n;
}

int dialogue_answer(struct dialogue *d, const char *question, size_t n, volatile sig_atomic_t *stop,
                    struct engine_result *result, struct error *e)
{
    struct printing p;
    json_t *turn = json_pack("{s:s, s:s%}", "role", "user", "content", question, n);
    if (!turn) return error_set(e, ERR_INVALID, "the question is not valid UTF-8 text");
    json_array_append_new(d->messages, turn);
    printing_init(&p, stdout, stop);
    int rc = run_answer(d, &p, e);
    if (rc)
        json_array_remove(d->messages, json_array_size(d->messages) - 1);
    else
        json_array_append_new(d->messages,
                              json_pack("{s:s, s:s%}", "role", "assistant", "content", buf_text(&p.text), p.text.len));
    d->reader_gone = p.write_errno == EPIPE;
    *result = p.result;
    printing_fini(&p);
    return rc;
}
