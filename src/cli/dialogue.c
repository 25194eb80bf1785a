/* dialogue.c - see dialogue.h. */
#include "cli/dialogue.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "medical/persona.h"
#include "model/chat_template.h"
#include "model/model_ref.h"

void dialogue_reset(struct dialogue *d)
{
    json_decref(d->messages);
    d->messages = json_array();
    if (!d->raw)
        json_array_append_new(d->messages,
                              json_pack("{s:s, s:s}", "role", "system", "content", persona_system_prompt()));
}

int dialogue_open(struct dialogue *d, struct engine_arguments *a, struct error *e)
{
    struct engine_options options;
    a->slots = 1;
    int rc = engine_arguments_resolve(a, &options, e);
    if (!rc && model_ref_is_standin(a->path)) fputs("演示模型 / demonstration model: not for patients.\n", stderr);
    if (!rc) rc = engine_open(&d->engine, &options, e);
    if (!rc && !engine_tokenizer(d->engine))
        rc = error_set(e, ERR_UNSUPPORTED, "this model has no tokenizer; it answers no text");
    if (!rc && sodium_init() < 0) rc = error_set(e, ERR_INTERNAL, "the cryptography library does not start");
    if (!rc) dialogue_reset(d);
    return rc;
}

void dialogue_close(struct dialogue *d)
{
    engine_close(d->engine);
    json_decref(d->messages);
    *d = (struct dialogue){0};
}

static bool has_role(const json_t *message, const char *role)
{
    const char *own = json_string_value(json_object_get(message, "role"));
    return own && strcmp(own, role) == 0;
}

bool dialogue_drop_oldest(struct dialogue *d)
{
    size_t first = d->raw ? 0 : 1;
    if (json_array_size(d->messages) < first + 2) return false;
    json_array_remove(d->messages, first);
    while (json_array_size(d->messages) > first && !has_role(json_array_get(d->messages, first), "user"))
        json_array_remove(d->messages, first);
    return true;
}

struct printing {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
    volatile sig_atomic_t *stop;
    struct buf text; /* the whole answer */
    struct engine_result result;
    struct error error;
};

static int print_event(void *user, const struct engine_event *event)
{
    struct printing *p = user;
    if (event->kind != ENGINE_PREFILL && event->text_len) {
        fwrite(event->text, 1, event->text_len, stdout);
        fflush(stdout);
        buf_append(&p->text, event->text, event->text_len);
    }
    if (event->kind == ENGINE_DONE || event->kind == ENGINE_FAILED) {
        pthread_mutex_lock(&p->lock);
        p->result = (struct engine_result){event->reason, *event->usage};
        if (event->kind == ENGINE_FAILED) p->error = *event->error;
        p->finished = true;
        pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->lock);
    }
    return p->stop && *p->stop;
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
    struct engine_request r = {
        .callback = print_event, .user = p, .max_tokens = d->max_tokens ? d->max_tokens : PERSONA_MAX_TOKENS};
    int rc = chat_template_render(engine_tokenizer(d->engine), d->messages, NULL, true, NULL, &ids, e);
    r.ids = ids.ids;
    r.n_ids = (int)ids.len;
    fill_sampling(d, &r.sampling);
    if (!rc) rc = engine_submit(d->engine, &r, &id, e);
    token_list_free(&ids);
    if (rc) return rc;
    pthread_mutex_lock(&p->lock);
    while (!p->finished) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
    if (p->error.code) *e = p->error;
    return p->error.code;
}

int dialogue_answer(struct dialogue *d, const char *question, volatile sig_atomic_t *stop, struct engine_result *result,
                    struct error *e)
{
    struct printing p = {.lock = PTHREAD_MUTEX_INITIALIZER,
                         .done = PTHREAD_COND_INITIALIZER,
                         .stop = stop,
                         .text = BUF_INIT(LIMIT_PROMPT_BYTES)};
    json_t *turn = json_pack("{s:s, s:s}", "role", "user", "content", question);
    if (!turn) return error_set(e, ERR_INVALID, "the question is not valid UTF-8 text");
    json_array_append_new(d->messages, turn);
    int rc = run_answer(d, &p, e);
    if (rc)
        json_array_remove(d->messages, json_array_size(d->messages) - 1);
    else
        json_array_append_new(d->messages,
                              json_pack("{s:s, s:s%}", "role", "assistant", "content", buf_text(&p.text), p.text.len));
    *result = p.result;
    buf_free(&p.text);
    return rc;
}
