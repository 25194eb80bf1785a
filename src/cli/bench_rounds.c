/* bench_rounds.c - see bench_rounds.h. */
#include "cli/bench_rounds.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"

/* A prompt that repeats nothing: ids spread over the vocabulary, other ones for every salt. */
static int32_t *make_prompt(const struct engine *en, int n, int salt)
{
    int usable = engine_config(en)->vocab_size < 50000 ? engine_config(en)->vocab_size : 50000;
    int32_t *ids = malloc((size_t)n * sizeof *ids);
    for (int i = 0; ids && i < n; i++) ids[i] = (int32_t)(((int64_t)i * 7919 + 13 + 1009 * salt) % usable);
    return ids;
}

static struct engine_request request_of(const int32_t *ids, int prompt, int gen)
{
    struct engine_request r = {
        .ids = ids, .n_ids = prompt, .max_tokens = gen + 1, .ignore_eos = true, .guessing = GUESS_NEVER};
    sampling_defaults(&r.sampling);
    r.sampling.temperature = 0;
    return r;
}

int bench_one(struct engine *en, int prompt, int gen, double *prefill, double *decode, struct error *e)
{
    struct engine_result result;
    int32_t *ids = make_prompt(en, prompt, 0);
    if (!ids) return error_set(e, ERR_NOMEM, "no memory for the prompt");
    struct engine_request r = request_of(ids, prompt, gen);
    int rc = engine_generate(en, &r, NULL, NULL, &result, e);
    free(ids);
    if (rc) return rc;
    *prefill = prompt / result.usage.prefill_s; /* the first token comes out of the prefill's last row */
    *decode = gen / result.usage.decode_s;
    return OK;
}

struct streams {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int count, started, finished;
    int tokens;        /* while all of them decode */
    double began, end; /* of that time */
    struct error error;
};

struct stream {
    struct streams *all;
    int tokens;
};

static int on_event(void *user, const struct engine_event *event)
{
    struct stream *s = user;
    struct streams *all = s->all;
    pthread_mutex_lock(&all->lock);
    if (event->kind == ENGINE_TOKEN) {
        if (all->started == all->count && all->finished == 0) {
            all->tokens++;
            all->end = clock_monotonic();
        }
        if (s->tokens++ == 0 && ++all->started == all->count) all->began = all->end = clock_monotonic();
    } else if (event->kind == ENGINE_DONE || event->kind == ENGINE_FAILED) {
        if (event->kind == ENGINE_FAILED) all->error = *event->error;
        all->finished++;
        pthread_cond_signal(&all->done);
    }
    pthread_mutex_unlock(&all->lock);
    return 0;
}

static int submit(struct engine *en, struct stream *s, int salt, int prompt, int gen, struct error *e)
{
    uint64_t id;
    int32_t *ids = make_prompt(en, prompt, salt);
    if (!ids) return error_set(e, ERR_NOMEM, "no memory for the prompt");
    struct engine_request r = request_of(ids, prompt, gen);
    r.callback = on_event;
    r.user = s;
    int rc = engine_submit(en, &r, &id, e);
    free(ids);
    return rc;
}

int bench_streams(struct engine *en, int streams, int prompt, int gen, double *total, struct error *e)
{
    struct streams all = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .count = streams};
    struct stream each[LIMIT_SLOTS];
    int submitted = 0;
    int rc = OK;
    /* The first to start waits for the last one's prompt: it gets that many tokens more, so that all overlap. */
    int extra = 2 * streams;
    for (; !rc && submitted < streams; submitted += !rc) {
        each[submitted] = (struct stream){&all, 0};
        rc = submit(en, &each[submitted], submitted, prompt, gen + extra, e);
    }
    pthread_mutex_lock(&all.lock);
    while (all.finished < submitted) pthread_cond_wait(&all.done, &all.lock);
    pthread_mutex_unlock(&all.lock);
    if (!rc && all.error.code) {
        *e = all.error;
        rc = e->code;
    }
    if (!rc) *total = all.tokens / (all.end - all.began);
    return rc;
}
