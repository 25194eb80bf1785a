/* engine_loop.c - the engine's thread: admit, compute one step, hand out its tokens, again.
 *
 * A step holds one row for every sequence that decodes and a bounded chunk of the prompts that wait, oldest first.
 * Bounded chunks keep two promises: a running answer's gap stays small while a long prompt is read, and a cancelled
 * request is gone within one step.
 */
#include <string.h>

#include "base/clock.h"
#include "engine/engine_parts.h"

static void set_running(struct engine *en, int slot, struct job *j)
{
    pthread_mutex_lock(&en->lock);
    en->running[slot] = j;
    en->stats.running += j ? 1 : -1;
    pthread_mutex_unlock(&en->lock);
}

static void finish_running(struct engine *en, struct job *j, enum finish_reason reason, const struct error *error)
{
    set_running(en, j->slot, NULL);
    job_finish(en, j, reason, error);
}

/* Take out of the queue the first job that is cancelled, too late, or (if any_may_go) any. Under lock. */
static struct job *unqueue(struct engine *en, double now, bool any_may_go)
{
    struct job **link = &en->queue_head;
    struct job *previous = NULL;
    for (struct job *j = en->queue_head; j; previous = j, link = &j->next, j = j->next) {
        bool late = j->deadline > 0 && now > j->deadline;
        if (!any_may_go && !late && !atomic_load(&j->cancelled)) continue;
        *link = j->next;
        if (en->queue_tail == j) en->queue_tail = previous;
        j->next = NULL;
        en->queue_length--;
        en->stats.queued--;
        return j;
    }
    return NULL;
}

static struct job *locked_unqueue(struct engine *en, bool any_may_go)
{
    pthread_mutex_lock(&en->lock);
    struct job *j = unqueue(en, clock_monotonic(), any_may_go);
    pthread_mutex_unlock(&en->lock);
    return j;
}

static void fail_late(struct job *j, struct error *e)
{
    error_set(e, ERR_TIMEOUT,
              "the request's time was up after %d of its tokens; try again when the server is less busy", j->generated);
}

/* End a job that was cancelled or is late; false if it may go on. */
static bool end_if_over(struct engine *en, struct job *j)
{
    bool cancelled = atomic_load(&j->cancelled);
    bool late = j->deadline > 0 && clock_monotonic() > j->deadline;
    if (!cancelled && !late) return false;
    struct error e = {0};
    if (!cancelled) fail_late(j, &e);
    if (j->slot >= 0)
        finish_running(en, j, FINISH_CANCELLED, cancelled ? NULL : &e);
    else
        job_finish(en, j, FINISH_CANCELLED, cancelled ? NULL : &e);
    return true;
}

static void sweep(struct engine *en)
{
    struct job *j;
    for (int i = 0; i < en->slots; i++)
        if (en->running[i]) end_if_over(en, en->running[i]);
    while ((j = locked_unqueue(en, false))) end_if_over(en, j);
}

static void admit(struct engine *en)
{
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i] ? NULL : locked_unqueue(en, true);
        if (!j) continue;
        j->slot = i;
        j->started = clock_monotonic();
        set_running(en, i, j);
    }
}

static bool decodes(const struct job *j)
{
    return j->computed >= j->n_ids;
}

static void add_rows(struct engine *en, struct job *j, int count, int *n)
{
    j->step_first = *n;
    j->step_rows = count;
    for (int i = 0; i < count; i++) {
        int position = j->computed + i;
        int32_t token = decodes(j) ? j->pending : j->ids[position];
        bool last_of_prompt = position == j->n_ids - 1;
        en->rows[(*n)++] = (struct forward_row){.token = token,
                                                .slot = j->slot,
                                                .position = position,
                                                .want_logits = decodes(j) || last_of_prompt,
                                                .lora = en->lora};
    }
}

/* The rows of the next step; jobs without rows have step_rows 0. */
static int build_step(struct engine *en)
{
    int n = 0;
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i];
        if (!j) continue;
        j->step_rows = 0;
        if (decodes(j)) add_rows(en, j, 1, &n);
    }
    int budget = n > 0 ? STEP_ROWS_SHARED : STEP_ROWS;
    for (;;) { /* prompts, oldest request first */
        struct job *oldest = NULL;
        for (int i = 0; i < en->slots; i++) {
            struct job *j = en->running[i];
            if (j && !decodes(j) && j->step_rows == 0 && (!oldest || j->id < oldest->id)) oldest = j;
        }
        if (!oldest || budget <= 0) return n;
        int left = oldest->n_ids - oldest->computed;
        int count = left < budget ? left : budget;
        add_rows(en, oldest, count, &n);
        budget -= count;
    }
}

/* After the step: account for a job's rows and, if it got logits, choose its token. */
static void advance(struct engine *en, struct job *j, float *logits)
{
    bool was_prefill = !decodes(j);
    j->computed += j->step_rows;
    pthread_mutex_lock(&en->lock);
    if (was_prefill) en->stats.prompt_tokens += (uint64_t)j->step_rows;
    pthread_mutex_unlock(&en->lock);
    if (was_prefill) job_prefilled(j);
    if (!logits || atomic_load(&j->cancelled)) return; /* the next sweep ends a cancelled one */
    float logprob = 0;
    struct sampled_logprob top[LIMIT_TOP_LOGPROBS];
    bool wants_logprob = j->n_top > 0;
    struct error e = {0};
    if (job_grammar_mask(en, j, logits, &e)) {
        finish_running(en, j, FINISH_ERROR, &e);
        return;
    }
    int32_t token = sampler_next(j->sampler, logits, wants_logprob ? &logprob : NULL, top, j->n_top);
    if (token < 0) {
        error_set(&e, ERR_INTERNAL, "no token can be chosen: every logit is masked or not a number");
        finish_running(en, j, FINISH_ERROR, &e);
        return;
    }
    pthread_mutex_lock(&en->lock);
    en->stats.completion_tokens++;
    pthread_mutex_unlock(&en->lock);
    enum finish_reason reason;
    j->pending = token;
    bool complete = job_token(en, j, token, logprob, top, &reason);
    if (atomic_load(&j->cancelled))
        finish_running(en, j, FINISH_CANCELLED, NULL);
    else if (complete)
        finish_running(en, j, reason, NULL);
}

static void step_done(struct engine *en)
{
    pthread_mutex_lock(&en->lock);
    en->stats.steps++;
    en->stats.last_step = clock_monotonic();
    pthread_mutex_unlock(&en->lock);
}

/* A step failed: find whose rows do by computing each sequence alone; the others lose nothing but time. */
static void step_apart(struct engine *en)
{
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i];
        if (!j || !j->step_rows) continue;
        const struct forward_row *rows = en->rows + j->step_first;
        struct error e = {0};
        if (forward_step(en->forward, rows, j->step_rows, en->logits, &e))
            finish_running(en, j, FINISH_ERROR, &e);
        else
            advance(en, j, rows[j->step_rows - 1].want_logits ? en->logits : NULL);
        step_done(en);
    }
}

static void run_step(struct engine *en)
{
    int n = build_step(en);
    struct error e = {0};
    if (n == 0) return;
    if (forward_step(en->forward, en->rows, n, en->logits, &e)) {
        step_apart(en);
        return;
    }
    step_done(en);
    /* logits come in row order; a job's last row is the only one that wants them */
    float *of_row[LIMIT_SLOTS] = {0};
    size_t next = 0;
    for (int r = 0; r < n; r++)
        if (en->rows[r].want_logits) of_row[en->rows[r].slot] = en->logits + next++ * (size_t)en->config.vocab_size;
    for (int i = 0; i < en->slots; i++)
        if (en->running[i] && en->running[i]->step_rows) advance(en, en->running[i], of_row[i]);
}

/* Sleep until there is something to do; false when the engine is to stop. */
static bool wait_for_work(struct engine *en)
{
    pthread_mutex_lock(&en->lock);
    while (!en->stopping && !en->queue_head && en->stats.running == 0) {
        en->stats.last_step = clock_monotonic();
        pthread_cond_wait(&en->wake, &en->lock);
        en->stats.last_step = clock_monotonic(); /* idle time does not count against the engine */
    }
    bool go_on = !en->stopping;
    pthread_mutex_unlock(&en->lock);
    return go_on;
}

void *engine_main(void *argument)
{
    struct engine *en = argument;
    while (wait_for_work(en)) {
        sweep(en);
        admit(en);
        run_step(en);
    }
    struct job *j;
    struct error e = {0};
    error_set(&e, ERR_UNAVAILABLE, "the server is shutting down"); /* nobody who asked cancelled these */
    for (int i = 0; i < en->slots; i++)
        if (en->running[i]) finish_running(en, en->running[i], FINISH_ERROR, &e);
    while ((j = locked_unqueue(en, true))) job_finish(en, j, FINISH_ERROR, &e);
    return NULL;
}
