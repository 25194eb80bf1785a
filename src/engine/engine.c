/* engine.c - see engine.h: opening, closing, and the doors that other threads use. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/engine_parts.h"

/* --- life
 * ------------------------------------------------------------------------------------------------------------------ */

static int choose_context(struct engine *en, int wanted, struct error *e)
{
    int native = config_native_context(&en->config);
    if (wanted < 0 || wanted > LIMIT_CONTEXT)
        return error_set(e, ERR_INVALID, "--max-length must be from 1 to %d", LIMIT_CONTEXT);
    en->max_length = wanted ? wanted : native < DEFAULT_MAX_LENGTH ? native : DEFAULT_MAX_LENGTH;
    return config_extend_context(&en->config, en->max_length, e);
}

/* One sequence of max_length always has room: a preempted one can come back. */
static int choose_kv(struct engine *en, int wanted, struct error *e)
{
    int one = kv_blocks_for(en->max_length);
    int most = en->slots * one;
    if (wanted < 0) return error_set(e, ERR_INVALID, "--kv-tokens must be at least 1");
    if (!wanted) en->kv_blocks = en->slots < PLAN_FULL_CONTEXTS ? most : PLAN_FULL_CONTEXTS * one;
    if (wanted) en->kv_blocks = wanted / KV_BLOCK < most ? wanted / KV_BLOCK : most;
    if (en->kv_blocks < one) en->kv_blocks = one;
    return OK;
}

static int make_plan(struct engine *en, const struct engine_options *o, struct error *e)
{
    struct plan_request r = {.max_length = en->max_length,
                             .sequences = en->slots,
                             .kv_tokens = en->kv_blocks * KV_BLOCK,
                             .logit_rows = en->slots + STEP_GUESSES,
                             .threads = threadpool_size(en->pool),
                             .quant = o->quant,
                             .max_batch = STEP_ROWS + en->slots + STEP_GUESSES,
                             .precise = o->precise,
                             .lora = o->lora_path};
    int rc = plan_compute(&en->plan, en->file, &r, e);
    if (!rc) rc = plan_check(&en->plan, e);
    return rc;
}

static int make_forward(struct engine *en, const struct engine_options *o, const struct kernel_table *kernels,
                        struct error *e)
{
    struct forward_options f = {.config = &en->config,
                                .weights = &en->weights,
                                .kernels = kernels,
                                .pool = en->pool,
                                .max_batch = STEP_ROWS + en->slots + STEP_GUESSES,
                                .max_length = en->max_length,
                                .slots = en->slots,
                                .kv_blocks = en->kv_blocks,
                                .precise = o->precise};
    en->rows = calloc((size_t)f.max_batch, sizeof *en->rows);
    en->logits = malloc((size_t)(en->slots + STEP_GUESSES) * (size_t)en->config.vocab_size * sizeof *en->logits);
    if (!en->rows || !en->logits) return error_set(e, ERR_NOMEM, "no memory for the logits");
    int rc = kv_cache_new(&en->cache, en->kv_blocks, e);
    return rc ? rc : forward_new(&en->forward, &f, e);
}

static int start(struct engine *en, const struct engine_options *o, struct error *e)
{
    const struct kernel_table *kernels = NULL;
    en->slots = o->slots ? o->slots : PLAN_SEQUENCES;
    if (en->slots < 1 || en->slots > LIMIT_SLOTS)
        return error_set(e, ERR_INVALID, "--slots must be from 1 to %d", LIMIT_SLOTS);
    int rc = kernels_select(&kernels, o->cpu, e);
    if (!rc) rc = model_file_open(&en->file, o->model_path, e);
    if (rc) return rc;
    en->config = *model_file_config(en->file);
    rc = choose_context(en, o->max_length, e);
    if (!rc) rc = choose_kv(en, o->kv_tokens, e);
    if (!rc) rc = threadpool_new(&en->pool, o->threads, e);
    if (!rc) rc = make_plan(en, o, e);
    if (!rc && o->lora_path) rc = lora_load(&en->lora, o->lora_path, &en->config, e);
    if (!rc && model_file_tokenizer(en->file)->present)
        rc = tokenizer_new(&en->tokenizer, model_file_tokenizer(en->file), e);
    if (!rc) rc = weights_load(&en->weights, en->file, o->quant, en->pool, e);
    if (!rc) rc = make_forward(en, o, kernels, e);
    if (rc) return rc;
    en->stats.slots = en->slots;
    en->stats.kv_blocks = en->kv_blocks;
    en->stats.last_step = clock_monotonic();
    if (pthread_create(&en->thread, NULL, engine_main, en))
        return error_set(e, ERR_NOMEM, "cannot start the engine's thread");
    en->thread_runs = true;
    return OK;
}

int engine_open(struct engine **out, const struct engine_options *o, struct error *e)
{
    *out = NULL;
    struct engine *en = calloc(1, sizeof *en);
    if (!en) return error_set(e, ERR_NOMEM, "no memory for the engine");
    pthread_mutex_init(&en->lock, NULL);
    pthread_mutex_init(&en->vocab_lock, NULL);
    pthread_cond_init(&en->wake, NULL);
    int rc = start(en, o, e);
    if (rc) {
        engine_close(en);
        return rc;
    }
    *out = en;
    return OK;
}

void engine_shutdown(struct engine *en)
{
    if (!en) return;
    pthread_mutex_lock(&en->lock);
    en->stopping = true;
    pthread_cond_signal(&en->wake);
    pthread_mutex_unlock(&en->lock);
    if (en->thread_runs) pthread_join(en->thread, NULL);
    en->thread_runs = false;
}

void engine_close(struct engine *en)
{
    if (!en) return;
    engine_shutdown(en);
    forward_free(en->forward);
    kv_cache_free(en->cache);
    lora_free(en->lora);
    weights_free(&en->weights);
    grammar_vocab_free(en->vocab);
    tokenizer_free(en->tokenizer);
    threadpool_free(en->pool);
    model_file_close(en->file);
    pthread_cond_destroy(&en->wake);
    pthread_mutex_destroy(&en->lock);
    pthread_mutex_destroy(&en->vocab_lock);
    free(en->rows);
    free(en->logits);
    free(en);
}

const struct model_config *engine_config(const struct engine *en)
{
    return &en->config;
}

const struct tokenizer *engine_tokenizer(const struct engine *en)
{
    return en->tokenizer;
}

const char *engine_model_name(const struct engine *en)
{
    return model_file_name(en->file);
}

int engine_max_length(const struct engine *en)
{
    return en->max_length;
}

/* --- requests
 * -------------------------------------------------------------------------------------------------------------- */

int engine_submit(struct engine *en, const struct engine_request *r, uint64_t *id, struct error *e)
{
    struct job *j = NULL;
    int rc = job_new(&j, en, r, e);
    if (rc) return rc;
    pthread_mutex_lock(&en->lock);
    if (en->stopping) {
        rc = error_set(e, ERR_UNAVAILABLE, "the server is shutting down");
    } else if (en->queue_length >= LIMIT_QUEUE) {
        rc = error_set(e, ERR_BUSY, "%d requests are waiting already; try again in a few seconds", en->queue_length);
    } else {
        bool was_idle = en->stats.running == 0 && en->stats.queued == 0;
        if (was_idle) en->stats.last_step = clock_monotonic(); /* its thread has yet to wake: no step is late before */
        *id = j->id = ++en->next_id;
        if (en->queue_tail)
            en->queue_tail->next = j;
        else
            en->queue_head = j;
        en->queue_tail = j;
        en->queue_length++;
        en->stats.queued++;
        en->stats.requests++;
        pthread_cond_signal(&en->wake);
    }
    pthread_mutex_unlock(&en->lock);
    if (rc) job_free(j);
    return rc;
}

void engine_cancel(struct engine *en, uint64_t id)
{
    pthread_mutex_lock(&en->lock);
    for (struct job *j = en->queue_head; j; j = j->next)
        if (j->id == id) atomic_store(&j->cancelled, true);
    for (int i = 0; i < en->slots; i++)
        if (en->running[i] && en->running[i]->id == id) atomic_store(&en->running[i]->cancelled, true);
    if (en->moving && en->moving->id == id) atomic_store(&en->moving->cancelled, true);
    pthread_cond_signal(&en->wake);
    pthread_mutex_unlock(&en->lock);
}

void engine_get_stats(const struct engine *en, struct engine_stats *out)
{
    struct engine *unlocked = (struct engine *)(uintptr_t)en; /* the lock itself is not part of what const promises */
    pthread_mutex_lock(&unlocked->lock);
    *out = en->stats;
    pthread_mutex_unlock(&unlocked->lock);
}

bool engine_is_alive(const struct engine *en, double deadline)
{
    struct engine_stats s;
    engine_get_stats(en, &s);
    return (s.running == 0 && s.queued == 0) || clock_monotonic() - s.last_step <= deadline;
}

/* --- waiting for an answer
 * ------------------------------------------------------------------------------------------------- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
    int rc;
    struct token_list *tokens;
    struct buf *text;
    struct engine_result *result;
    struct error *error;
};

static int collect(void *user, const struct engine_event *event)
{
    struct waiter *w = user;
    int rc = OK;
    if (event->kind == ENGINE_TOKEN && w->tokens) rc = token_list_push(w->tokens, event->token);
    if (event->kind != ENGINE_PREFILL && w->text && !rc) rc = buf_append(w->text, event->text, event->text_len);
    if (rc) w->rc = error_set(w->error, rc, "the answer is larger than the memory for it");
    if (event->kind != ENGINE_DONE && event->kind != ENGINE_FAILED) return rc;
    pthread_mutex_lock(&w->lock);
    if (event->kind == ENGINE_FAILED) w->rc = error_set(w->error, event->error->code, "%s", event->error->text);
    if (w->result) *w->result = (struct engine_result){event->reason, *event->usage};
    w->finished = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
    return 0; /* *w may be gone: who waited has been let go */
}

int engine_generate(struct engine *en, const struct engine_request *r, struct token_list *tokens, struct buf *text,
                    struct engine_result *result, struct error *e)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER,
                       .done = PTHREAD_COND_INITIALIZER,
                       .tokens = tokens,
                       .text = text,
                       .result = result,
                       .error = e};
    struct engine_request own = *r;
    uint64_t id;
    own.callback = collect;
    own.user = &w;
    int rc = engine_submit(en, &own, &id, e);
    pthread_mutex_lock(&w.lock);
    while (!rc && !w.finished) pthread_cond_wait(&w.done, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
    return rc ? rc : w.rc;
}
