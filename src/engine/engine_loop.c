/* engine_loop.c - the engine's thread: admit, compute one step, hand out its tokens, again.
 *
 * A step holds one row for every sequence that decodes and a bounded chunk of the prompts that wait, oldest first.
 * Bounded chunks keep two promises: a running answer's gap stays small while a long prompt is read, and a cancelled
 * request is gone within one step. When the memory for keys and values is used up, the youngest sequence gives way: it
 * goes back to the head of the queue with what it generated, and later goes on to the very same tokens. Admission takes
 * turns between tenants (engine_queue.c).
 */
#include <string.h>

#include "base/clock.h"
#include "engine/engine_parts.h"

/* j into its slot; NULL: out of it, to be `moving` if it goes back to the queue. */
static void set_running(struct engine *en, int slot, struct job *j, struct job *moving)
{
    pthread_mutex_lock(&en->lock);
    en->running[slot] = j;
    en->moving = moving;
    en->stats.running += j ? 1 : -1;
    pthread_mutex_unlock(&en->lock);
}

static void finish_running(struct engine *en, struct job *j, enum finish_reason reason, const struct error *error)
{
    if (error) j->text_of.owner = j->text_of.public_owner = 0; /* what a failed step left is not to be found again */
    job_leave(en, j);
    set_running(en, j->slot, NULL, NULL);
    job_finish(en, j, reason, error);
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
    while ((j = queue_take_over(en))) end_if_over(en, j);
}

static void admit(struct engine *en)
{
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i] ? NULL : queue_take_next(en);
        if (!j) continue;
        j->slot = i;
        if (j->started == 0) j->started = clock_monotonic();
        job_place(en, j);
        set_running(en, i, j, NULL);
        if (j->resumed) continue;
        pthread_mutex_lock(&en->lock);
        en->stats.cached_tokens += (uint64_t)j->usage.cached_tokens;
        pthread_mutex_unlock(&en->lock);
    }
}

static void preempt(struct engine *en, struct job *j)
{
    job_leave(en, j);
    set_running(en, j->slot, NULL, j);
    j->slot = -1;
    j->step_rows = 0;
    j->resumed = true;
    queue_put_back(en, j);
}

/* Running jobs, oldest first, into list; returns how many. */
static int by_age(const struct engine *en, struct job *list[LIMIT_SLOTS])
{
    int n = 0;
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i];
        if (!j) continue;
        int at = n++;
        for (; at > 0 && list[at - 1]->id > j->id; at--) list[at] = list[at - 1];
        list[at] = j;
    }
    return n;
}

static bool decodes(const struct job *j)
{
    return j->n_ids - j->computed == 1 && !j->pooling;
}

/* How many of the wanted rows there are blocks for, younger jobs (list[*count - 1] is the youngest) giving way. */
static int rows_with_blocks(struct engine *en, struct job **list, int index, int *count, int wanted)
{
    struct job *j = list[index];
    while (!job_reserve(en, j, j->computed + wanted)) {
        if (*count - 1 <= index) break;
        preempt(en, list[--*count]);
    }
    int room = j->n_blocks * KV_BLOCK - j->computed;
    return wanted < room ? wanted : room;
}

/* How many rows each running job gets in the next step. */
static void share_step(struct engine *en)
{
    struct job *list[LIMIT_SLOTS];
    int count = by_age(en, list);
    int deciding = 0;
    for (int i = 0; i < count; i++) deciding += decodes(list[i]);
    int budget = deciding > 0 ? STEP_ROWS_SHARED : STEP_ROWS;
    for (int i = 0; i < count; i++) {
        struct job *j = list[i];
        int left = j->n_ids - j->computed;
        int wanted = left == 1 ? 1 : left < budget ? left : budget;
        j->step_rows = rows_with_blocks(en, list, i, &count, wanted);
        if (left > 1) budget -= j->step_rows;
    }
    /* Nothing left for the youngest and nobody younger: it waits in the queue, where it holds nothing. */
    if (count > 1 && list[count - 1]->step_rows == 0 && budget > 0) preempt(en, list[count - 1]);
}

/* Guesses for those that decode, as far as they pay and there is room for them without anybody giving way. */
static void guess(struct engine *en)
{
    int rows = 0;
    bool prefill = false;
    int left = STEP_GUESSES;
    for (int i = 0; i < en->slots; i++) {
        if (!en->running[i]) continue;
        rows += en->running[i]->step_rows;
        prefill = prefill || en->running[i]->step_rows > 1;
    }
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i];
        if (!j) continue;
        j->n_guesses = 0;
        if (prefill || j->step_rows != 1 || !decodes(j) || j->guessing == GUESS_NEVER)
            continue; /* a step with a prompt is long enough */
        int most = j->n_prompt + j->max_tokens - j->n_ids - 1;
        int room = kv_blocks_for(j->n_ids) * KV_BLOCK - j->n_ids;
        if (most > room) most = room;
        if (most > left) most = left;
        if (most > DRAFT_MOST) most = DRAFT_MOST;
        int found = most > 0 ? draft_find(j->ids, j->n_ids, most, j->guesses) : 0;
        j->n_guesses = found;
        if (found && j->guessing != GUESS_ALWAYS) j->n_guesses = draft_worth(&j->draft, &en->costs, rows - 1, found);
        j->step_rows += j->n_guesses;
        rows += j->n_guesses;
        left -= j->n_guesses;
    }
}

static void add_rows(struct engine *en, struct job *j, int *n, int *wanted)
{
    j->step_first = *n;
    j->first_logits = *wanted;
    for (int i = 0; i < j->step_rows; i++) {
        int position = j->computed + i;
        bool known = position < j->n_ids;
        bool want = position >= j->n_ids - 1 && !j->pooling;
        en->rows[(*n)++] = (struct forward_row){.token = known ? j->ids[position] : j->guesses[position - j->n_ids],
                                                .slot = j->slot,
                                                .position = position,
                                                .want_logits = want,
                                                .lora = en->lora};
        *wanted += want;
    }
}

/* The rows of the next step; jobs without rows have step_rows 0. */
static int build_step(struct engine *en)
{
    int n = 0;
    int wanted = 0;
    share_step(en);
    guess(en);
    for (int i = 0; i < en->slots; i++)
        if (en->running[i]) add_rows(en, en->running[i], &n, &wanted);
    return n;
}

/* Choose a token from one position's logits and hand it out; false if the job has ended and is gone. */
static bool choose(struct engine *en, struct job *j, float *logits, int32_t *token)
{
    float logprob = 0;
    struct sampled_logprob top[LIMIT_TOP_LOGPROBS];
    bool wants_logprob = j->n_top > 0;
    struct error e = {0};
    if (job_grammar_mask(en, j, logits, &e)) {
        finish_running(en, j, FINISH_ERROR, &e);
        return false;
    }
    *token = sampler_next(j->sampler, logits, wants_logprob ? &logprob : NULL, top, j->n_top);
    if (*token < 0) {
        error_set(&e, ERR_INTERNAL, "no token can be chosen: every logit is masked or not a number");
        finish_running(en, j, FINISH_ERROR, &e);
        return false;
    }
    pthread_mutex_lock(&en->lock);
    en->stats.completion_tokens++;
    pthread_mutex_unlock(&en->lock);
    enum finish_reason reason;
    bool complete = job_token(en, j, *token, logprob, top, &reason);
    if (atomic_load(&j->cancelled)) {
        finish_running(en, j, FINISH_CANCELLED, NULL);
        return false;
    }
    if (complete) finish_running(en, j, reason, NULL);
    return !complete;
}

/* The known token's logits, then those of every guess that was right: a wrong one ends it, its keys and values are
 * written over. */
static void hand_out(struct engine *en, struct job *j, float *logits)
{
    size_t vocab = (size_t)en->config.vocab_size;
    int tried = j->n_guesses;
    int hits = 0;
    int32_t token;
    j->n_guesses = 0;
    while (choose(en, j, logits + (size_t)hits * vocab, &token)) {
        if (hits >= tried || token != j->guesses[hits]) {
            draft_learn(&j->draft, tried, hits);
            break;
        }
        hits++;
        j->computed++;
    }
    if (tried == 0) return;
    pthread_mutex_lock(&en->lock);
    en->stats.guessed_tokens += (uint64_t)tried;
    en->stats.guesses_right += (uint64_t)hits;
    pthread_mutex_unlock(&en->lock);
}

/* After the step: account for a job's rows and, if it got logits, choose its tokens. */
static void advance(struct engine *en, struct job *j, float *logits)
{
    bool was_prefill = j->computed < j->n_prompt && !j->resumed;
    int known = j->step_rows - j->n_guesses;
    j->computed += known;
    pthread_mutex_lock(&en->lock);
    if (was_prefill) en->stats.prompt_tokens += (uint64_t)known;
    pthread_mutex_unlock(&en->lock);
    job_publish(en, j);
    if (was_prefill) job_prefilled(j);
    if (j->pooling) {
        if (pool_finish(en, j)) finish_running(en, j, FINISH_STOP, NULL);
        return;
    }
    if (!logits || atomic_load(&j->cancelled)) return; /* the next sweep ends a cancelled one */
    hand_out(en, j, logits);
}

static void step_done(struct engine *en)
{
    pthread_mutex_lock(&en->lock);
    en->stats.steps++;
    en->stats.last_step = clock_monotonic();
    pthread_mutex_unlock(&en->lock);
}

static void note_memory(struct engine *en)
{
    struct kv_cache_stats kv;
    kv_cache_get_stats(en->cache, &kv);
    pthread_mutex_lock(&en->lock);
    en->stats.kv_blocks_used = kv.referenced;
    en->stats.kv_blocks_cached = kv.cached;
    en->stats.evictions = kv.evicted;
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
        pool_watch(en, j->pooling, j->step_first);
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
    bool pools = false;
    for (int i = 0; i < en->slots; i++) pools = pools || (en->running[i] && en->running[i]->pooling);
    pool_watch(en, pools, 0);
    double start = clock_monotonic();
    if (forward_step(en->forward, en->rows, n, en->logits, &e)) {
        step_apart(en);
        return;
    }
    int wanted = 0;
    for (int r = 0; r < n; r++) wanted += en->rows[r].want_logits;
    if (wanted == n) draft_cost(&en->costs, n, clock_monotonic() - start);
    step_done(en);
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i];
        if (!j || !j->step_rows) continue;
        bool wants = en->rows[j->step_first + j->step_rows - 1].want_logits;
        advance(en, j, wants ? en->logits + (size_t)j->first_logits * (size_t)en->config.vocab_size : NULL);
    }
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
        note_memory(en);
    }
    struct job *j;
    struct error e = {0};
    error_set(&e, ERR_UNAVAILABLE, "the server is shutting down"); /* nobody who asked cancelled these */
    for (int i = 0; i < en->slots; i++)
        if (en->running[i]) finish_running(en, en->running[i], FINISH_ERROR, &e);
    while ((j = queue_take_any(en))) job_finish(en, j, FINISH_ERROR, &e);
    return NULL;
}
