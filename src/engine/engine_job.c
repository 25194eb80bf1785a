/* engine_job.c - one request from its copy to its final event. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/engine_parts.h"

static int check_request(const struct engine *en, const struct engine_request *r, struct error *e)
{
    if (r->n_ids < 1) return error_set(e, ERR_INVALID, "the prompt has no tokens");
    if (r->n_ids >= en->max_length)
        return error_set(
            e, ERR_TOO_LONG,
            "the prompt has %d tokens, but the context holds %d and the answer needs room; shorten the conversation or "
            "leave out its oldest turns",
            r->n_ids, en->max_length);
    if (r->n_public < 0 || r->n_public > r->n_ids)
        return error_set(e, ERR_INVALID, "the public part cannot be longer than the prompt");
    if (r->pooling && !r->pooled) return error_set(e, ERR_INVALID, "pooling needs a place for its result");
    if (r->max_tokens < 1) return error_set(e, ERR_INVALID, "max_tokens must be at least 1");
    if (r->n_top_logprobs < 0 || r->n_top_logprobs > LIMIT_TOP_LOGPROBS)
        return error_set(e, ERR_INVALID, "top_logprobs must be from 0 to %d", LIMIT_TOP_LOGPROBS);
    if (!r->callback) return error_set(e, ERR_INVALID, "a request needs a callback");
    for (int i = 0; i < r->n_ids; i++)
        if (r->ids[i] < 0 || r->ids[i] >= en->config.vocab_size)
            return error_set(e, ERR_INVALID, "token id %d is outside the vocabulary of %d", r->ids[i],
                             en->config.vocab_size);
    return OK;
}

/* Keys and values depend on the adapter too. */
static uint64_t cache_owner(uint64_t tenant, const struct lora *lora)
{
    uint64_t x = tenant ^ (uint64_t)(uintptr_t)lora * 0x9E3779B97F4A7C15u;
    return x ? x : 1;
}

int job_new(struct job **out, const struct engine *en, const struct engine_request *r, struct error *e)
{
    *out = NULL;
    int rc = check_request(en, r, e);
    if (rc) return rc;
    int room = en->max_length - r->n_ids;
    int max_tokens = r->max_tokens < room ? r->max_tokens : room;
    struct job *j = calloc(1, sizeof *j);
    if (j) j->ids = malloc((size_t)(r->n_ids + max_tokens) * sizeof *j->ids);
    if (j) j->blocks = malloc((size_t)kv_blocks_for(r->n_ids + max_tokens) * sizeof *j->blocks);
    if (!j || !j->ids || !j->blocks) {
        job_free(j);
        return error_set(e, ERR_NOMEM, "no memory for the request");
    }
    memcpy(j->ids, r->ids, (size_t)r->n_ids * sizeof *j->ids);
    buf_init(&j->text, MIB);
    j->n_ids = j->n_prompt = r->n_ids;
    j->max_tokens = max_tokens;
    j->tenant = r->tenant;
    j->priority = r->priority;
    draft_init(&j->draft);
    j->text_of.owner = r->tenant && !r->pooling ? cache_owner(r->tenant, en->lora) : 0;
    j->text_of.public_owner = r->n_public && !r->pooling ? cache_owner(PUBLIC_TENANT, en->lora) : 0;
    j->text_of.n_public = r->n_public;
    j->ignore_eos = r->ignore_eos;
    j->guessing = r->guessing;
    j->pooling = r->pooling;
    j->pooled = r->pooled;
    if (j->pooling) memset(j->pooled, 0, sizeof *j->pooled * (size_t)en->config.hidden_size);
    j->n_top = r->n_top_logprobs;
    j->deadline = r->deadline;
    j->callback = r->callback;
    j->user = r->user;
    j->slot = -1;
    j->usage.prompt_tokens = r->n_ids;
    j->submitted = clock_monotonic();
    int usable = en->tokenizer ? tokenizer_size(en->tokenizer) : en->config.vocab_size;
    rc = sampler_new(&j->sampler, &r->sampling, en->config.vocab_size, usable, e);
    if (!rc) rc = stops_new(&j->stops, r->stop, r->n_stop, e);
    if (!rc) rc = job_grammar_start(en, j, r->grammar, e);
    if (rc) {
        job_free(j);
        return rc;
    }
    sampler_accept_prompt(j->sampler, j->ids, j->n_ids);
    *out = j;
    return OK;
}

void job_free(struct job *j)
{
    if (!j) return;
    sampler_free(j->sampler);
    stops_free(j->stops);
    job_grammar_free(j);
    buf_free(&j->text);
    free(j->ids);
    free(j->blocks);
    free(j);
}

static void send(struct job *j, struct engine_event *event)
{
    event->text = buf_text(&j->text);
    event->text_len = j->text.len;
    event->usage = &j->usage;
    if (j->callback(j->user, event)) atomic_store(&j->cancelled, true);
}

static void fill_times(struct job *j)
{
    double now = clock_monotonic();
    double started = j->started > 0 ? j->started : now;
    double first = j->first_token > 0 ? j->first_token : now;
    j->usage.queue_s = started - j->submitted;
    j->usage.prefill_s = j->started > 0 ? first - started : 0;
    j->usage.decode_s = j->first_token > 0 ? now - first : 0;
    j->usage.completion_tokens = j->generated;
}

void job_finish(struct engine *en, struct job *j, enum finish_reason reason, const struct error *error)
{
    struct engine_event event = {
        .kind = error ? ENGINE_FAILED : ENGINE_DONE, .reason = error ? FINISH_ERROR : reason, .error = error};
    fill_times(j);
    buf_clear(&j->text);
    if (!error && reason == FINISH_LENGTH && stops_finish(j->stops, &j->text)) buf_clear(&j->text);
    if (!error && reason == FINISH_STOP && stops_finish(j->stops, &j->text)) buf_clear(&j->text);
    pthread_mutex_lock(&en->lock);
    struct engine_stats *s = &en->stats;
    if (error)
        s->failed++;
    else if (reason == FINISH_CANCELLED)
        s->cancelled++;
    else
        s->finished++;
    s->prefill_seconds += j->usage.prefill_s;
    s->decode_seconds += j->usage.decode_s;
    pthread_mutex_unlock(&en->lock);
    send(j, &event);
    job_free(j);
}

void job_prefilled(struct job *j)
{
    struct engine_event event = {.kind = ENGINE_PREFILL, .prefilled = j->computed};
    buf_clear(&j->text);
    send(j, &event);
}

static bool is_end(const struct engine *en, int32_t token)
{
    for (int i = 0; i < en->config.eos_count; i++)
        if (en->config.eos[i] == token) return true;
    return false;
}

bool job_token(const struct engine *en, struct job *j, int32_t token, float logprob, const struct sampled_logprob *top,
               enum finish_reason *reason)
{
    if (j->first_token == 0) j->first_token = clock_monotonic();
    j->generated++;
    j->ids[j->n_ids++] = token;
    bool end = is_end(en, token) && !j->ignore_eos;
    bool stopped = false;
    bool formed = !end && job_grammar_token(j, token); /* the form is complete and nothing can follow */
    buf_clear(&j->text);
    size_t n = 0;
    const char *bytes = en->tokenizer ? tokenizer_token_bytes(en->tokenizer, token, &n) : NULL;
    bool silent = !bytes || end || tokenizer_is_special(en->tokenizer, token);
    if (!silent && stops_feed(j->stops, bytes, n, &j->text, &stopped)) buf_clear(&j->text);
    fill_times(j);
    struct engine_event event = {
        .kind = ENGINE_TOKEN, .token = token, .is_end = end, .logprob = logprob, .top = top, .n_top = j->n_top};
    send(j, &event);
    *reason = end || stopped || formed ? FINISH_STOP : FINISH_LENGTH;
    return end || stopped || formed || j->generated >= j->max_tokens;
}
