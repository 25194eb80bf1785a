/* test_engine.c - the engine on a tiny model: answers do not depend on company, every request ends exactly once. */
#include "support/check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "engine/engine_parts.h"

#define MODEL "tests/golden/data/tied-bf16"

enum { PROMPT = 20, ANSWER = 24, CROWD = 12, VOCAB = 512 };

static struct engine *open_engine(int threads, int slots, int max_length)
{
    struct engine *en = NULL;
    struct error e = {0};
    struct engine_options o = {.model_path = MODEL, .threads = threads, .slots = slots, .max_length = max_length};
    check_ok(engine_open(&en, &o, &e), &e);
    return en;
}

static void fill_prompt(int32_t *ids, int n, int seed)
{
    for (int i = 0; i < n; i++) ids[i] = (i * 37 + seed * 101 + 11) % VOCAB;
}

struct watched {
    int32_t ids[PROMPT];
    int32_t tokens[256];
    int count;
    atomic_int finals; /* DONE or FAILED events: must end at 1 */
    enum finish_reason reason;
    int error;
    int cancel_after; /* tokens; 0 never */
};

static int watch(void *user, const struct engine_event *event)
{
    struct watched *w = user;
    if (event->kind == ENGINE_TOKEN && w->count < 256) w->tokens[w->count++] = event->token;
    if (event->kind == ENGINE_DONE || event->kind == ENGINE_FAILED) {
        w->reason = event->reason;
        w->error = event->error ? event->error->code : OK;
        atomic_fetch_add(&w->finals, 1);
    }
    return w->cancel_after && w->count >= w->cancel_after;
}

static struct engine_request request_of(struct watched *w, int seed, int max_tokens, float temperature)
{
    struct engine_request r = {
        .ids = w->ids, .n_ids = PROMPT, .max_tokens = max_tokens, .ignore_eos = true, .callback = watch, .user = w};
    fill_prompt(w->ids, PROMPT, seed);
    sampling_defaults(&r.sampling);
    r.sampling.temperature = temperature;
    r.sampling.seed = (uint64_t)seed;
    return r;
}

static uint64_t submit(struct engine *en, struct watched *w, int seed, int max_tokens, float temperature)
{
    struct engine_request r = request_of(w, seed, max_tokens, temperature);
    struct error e = {0};
    uint64_t id = 0;
    check_ok(engine_submit(en, &r, &id, &e), &e);
    return id;
}

static void wait_final(struct watched *w)
{
    double end = clock_monotonic() + 60;
    while (atomic_load(&w->finals) == 0 && clock_monotonic() < end) clock_sleep(0.001);
    assert_int_equal(atomic_load(&w->finals), 1);
}

static void answers_do_not_depend_on_company_or_threads(void **state)
{
    (void)state;
    static struct watched alone[CROWD];
    static struct watched together[CROWD];
    struct engine *one = open_engine(1, 1, 0);
    for (int i = 0; i < CROWD; i++) {
        submit(one, &alone[i], i, ANSWER, i % 2 ? 0.9f : 0);
        wait_final(&alone[i]);
    }
    engine_close(one);
    for (int threads = 1; threads <= 3; threads++) {
        struct engine *many = open_engine(threads, 5, 0);
        memset(together, 0, sizeof together);
        for (int i = 0; i < CROWD; i++) submit(many, &together[i], i, ANSWER, i % 2 ? 0.9f : 0);
        for (int i = 0; i < CROWD; i++) {
            wait_final(&together[i]);
            assert_int_equal(together[i].count, ANSWER);
            assert_memory_equal(together[i].tokens, alone[i].tokens, sizeof(int32_t) * ANSWER);
        }
        engine_close(many);
    }
}

static void a_cancelled_request_ends_once_and_frees_its_slot(void **state)
{
    (void)state;
    struct engine *en = open_engine(1, 1, 0);
    static struct watched by_callback, running, queued, after;
    memset(&by_callback, 0, sizeof by_callback);
    by_callback.cancel_after = 3;
    submit(en, &by_callback, 1, 200, 0);
    wait_final(&by_callback);
    assert_int_equal(by_callback.reason, FINISH_CANCELLED);
    assert_int_equal(by_callback.count, 3);

    memset(&running, 0, sizeof running);
    memset(&queued, 0, sizeof queued);
    memset(&after, 0, sizeof after);
    uint64_t id = submit(en, &running, 2, 230, 0);
    uint64_t waiting = submit(en, &queued, 3, 230, 0);
    submit(en, &after, 4, 5, 0);
    engine_cancel(en, waiting);
    wait_final(&queued);
    assert_int_equal(queued.count, 0);
    engine_cancel(en, id);
    engine_cancel(en, id);     /* twice is fine */
    engine_cancel(en, 999999); /* unknown too */
    wait_final(&running);
    wait_final(&after);
    assert_int_equal(after.reason, FINISH_LENGTH);
    assert_int_equal(after.count, 5);
    struct engine_stats s;
    engine_get_stats(en, &s);
    assert_int_equal(s.running + s.queued, 0);
    assert_int_equal(s.cancelled, 3);
    engine_close(en);
}

static void closing_ends_everything(void **state)
{
    (void)state;
    static struct watched w[6];
    memset(w, 0, sizeof w);
    struct engine *en = open_engine(2, 2, 0);
    for (int i = 0; i < 6; i++) submit(en, &w[i], i, 230, 0);
    engine_close(en);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(atomic_load(&w[i].finals), 1);
        if (w[i].reason != FINISH_LENGTH) assert_int_equal(w[i].error, ERR_UNAVAILABLE); /* not the client's doing */
    }
}

/* A request that wakes the engine after a long idle time does not make it look stuck. */
static void idle_time_does_not_count_as_stuck(void **state)
{
    (void)state;
    static struct watched w;
    struct engine *en = open_engine(1, 1, 0);
    engine_shutdown(en); /* its thread will not wake: the moment before it does, made to last */
    en->stopping = false;
    en->stats.last_step = clock_monotonic() - 1000;
    submit(en, &w, 1, 5, 0);
    assert_true(engine_is_alive(en, 500));
    en->stats.last_step = clock_monotonic() - 1000;
    submit(en, &w, 2, 5, 0); /* but a queue that does not move is, however much is added */
    assert_false(engine_is_alive(en, 500));
    while (en->queue_head) {
        struct job *next = en->queue_head->next;
        job_free(en, en->queue_head);
        en->queue_head = next;
    }
    engine_close(en);
}

static void what_cannot_be_done_is_refused_at_once(void **state)
{
    (void)state;
    struct engine *en = open_engine(1, 1, 64);
    static struct watched w;
    static int32_t prompt[64];
    struct error e = {0};
    uint64_t id;
    struct engine_request r = request_of(&w, 1, 5, 0);
    fill_prompt(prompt, 64, 1);
    r.ids = prompt;
    r.n_ids = 64;
    check_refused(engine_submit(en, &r, &id, &e), &e, ERR_TOO_LONG, "64 tokens");
    error_clear(&e);
    r.n_ids = 0;
    check_refused(engine_submit(en, &r, &id, &e), &e, ERR_INVALID, "no tokens");
    error_clear(&e);
    r.n_ids = 3;
    prompt[1] = VOCAB;
    check_refused(engine_submit(en, &r, &id, &e), &e, ERR_INVALID, "outside the vocabulary");
    error_clear(&e);
    prompt[1] = 1;
    r.sampling.temperature = -1;
    check_refused(engine_submit(en, &r, &id, &e), &e, ERR_INVALID, "temperature");
    assert_int_equal(atomic_load(&w.finals), 0);
    engine_close(en);
}

static void the_answer_stops_where_the_context_ends(void **state)
{
    (void)state;
    struct engine *en = open_engine(1, 1, 32);
    static struct watched w;
    memset(&w, 0, sizeof w);
    submit(en, &w, 1, 1000, 0);
    wait_final(&w);
    assert_int_equal(w.reason, FINISH_LENGTH);
    assert_int_equal(w.count, 32 - PROMPT);
    engine_close(en);
}

static void a_deadline_is_kept(void **state)
{
    (void)state;
    struct engine *en = open_engine(1, 1, 0);
    static struct watched w;
    memset(&w, 0, sizeof w);
    struct engine_request r = request_of(&w, 1, 200, 0);
    struct error e = {0};
    uint64_t id;
    r.deadline = clock_monotonic() - 1;
    check_ok(engine_submit(en, &r, &id, &e), &e);
    wait_final(&w);
    assert_int_equal(w.error, ERR_TIMEOUT);
    engine_close(en);
}

static void a_full_queue_says_busy(void **state)
{
    (void)state;
    static struct watched w[LIMIT_QUEUE + 8];
    memset(w, 0, sizeof w);
    struct engine *en = open_engine(1, 1, 0);
    int accepted = 0;
    int busy = 0;
    for (int i = 0; i < LIMIT_QUEUE + 8; i++) {
        struct engine_request r = request_of(&w[i], i, 200, 0);
        struct error e = {0};
        uint64_t id;
        int rc = engine_submit(en, &r, &id, &e);
        accepted += rc == OK;
        busy += rc == ERR_BUSY;
    }
    assert_int_equal(accepted + busy, LIMIT_QUEUE + 8);
    assert_true(busy > 0 && accepted >= LIMIT_QUEUE);
    engine_close(en);
    int finals = 0;
    for (int i = 0; i < LIMIT_QUEUE + 8; i++) finals += atomic_load(&w[i].finals);
    assert_int_equal(finals, accepted);
}

static void *submit_many(void *argument)
{
    struct engine *en = argument;
    struct watched w[8];
    memset(w, 0, sizeof w);
    for (int i = 0; i < 8; i++) {
        uint64_t id = submit(en, &w[i], i, 10, 0.8f);
        if (i % 3 == 0) engine_cancel(en, id);
        if (i % 2) wait_final(&w[i]);
    }
    for (int i = 0; i < 8; i++) wait_final(&w[i]);
    return NULL;
}

static void many_threads_may_submit(void **state)
{
    (void)state;
    struct engine *en = open_engine(2, 3, 0);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) assert_int_equal(pthread_create(&threads[i], NULL, submit_many, en), 0);
    for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
    assert_true(engine_is_alive(en, 0.001)); /* idle is alive */
    engine_close(en);
}

static void a_model_that_does_not_fit_is_refused_first(void **state)
{
    (void)state;
    struct engine *en = NULL;
    struct error e = {0};
    struct engine_options o = {.model_path = MODEL, .slots = 64, .max_length = 256};
    check_ok(engine_open(&en, &o, &e), &e); /* small enough */
    engine_close(en);
    en = NULL;
    o.max_length = 1 << 20; /* far beyond what YaRN stretches this model to */
    assert_int_equal(engine_open(&en, &o, &e), ERR_TOO_LONG);
    assert_null(en);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_do_not_depend_on_company_or_threads),
        cmocka_unit_test(a_cancelled_request_ends_once_and_frees_its_slot),
        cmocka_unit_test(closing_ends_everything),
        cmocka_unit_test(idle_time_does_not_count_as_stuck),
        cmocka_unit_test(what_cannot_be_done_is_refused_at_once),
        cmocka_unit_test(the_answer_stops_where_the_context_ends),
        cmocka_unit_test(a_deadline_is_kept),
        cmocka_unit_test(a_full_queue_says_busy),
        cmocka_unit_test(many_threads_may_submit),
        cmocka_unit_test(a_model_that_does_not_fit_is_refused_first),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
