/* test_threadpool.c - every worker once per step, every chunk once, steps in order, sleeping and waking, many pools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/threadpool.h"

enum { MOST_WORKERS = 8 };

struct step {
    atomic_int calls[MOST_WORKERS];
    int plain; /* written by worker 0 only, read after the step: the pool must order it */
};

static void count_call(void *argument, int worker)
{
    struct step *s = argument;
    atomic_fetch_add(&s->calls[worker], 1);
    if (worker == 0) s->plain++;
}

static struct threadpool *open_pool(int threads)
{
    struct threadpool *pool = NULL;
    struct error e = {0};
    assert_int_equal(threadpool_new(&pool, threads, &e), OK);
    assert_int_equal(threadpool_size(pool), threads);
    return pool;
}

static void every_worker_runs_once_per_step(void **state)
{
    (void)state;
    for (int threads = 1; threads <= MOST_WORKERS; threads++) {
        struct threadpool *pool = open_pool(threads);
        struct step s = {0};
        for (int i = 1; i <= 500; i++) {
            threadpool_run(pool, count_call, &s);
            for (int w = 0; w < threads; w++) assert_int_equal(atomic_load(&s.calls[w]), i);
            assert_int_equal(s.plain, i);
        }
        threadpool_free(pool);
    }
}

struct chunks {
    unsigned char done[1000]; /* not atomic: a chunk belongs to one worker, the next step sees what it wrote */
    atomic_int total;
    int workers;
};

static void do_chunk(void *argument, size_t chunk, int worker)
{
    struct chunks *c = argument;
    if (worker < 0 || worker >= c->workers) atomic_fetch_add(&c->total, 1000000);
    c->done[chunk]++;
    atomic_fetch_add(&c->total, 1);
}

static void every_chunk_runs_once(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 7, 64, 1000};
    for (int threads = 1; threads <= 4; threads++) {
        struct threadpool *pool = open_pool(threads);
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
            for (int again = 0; again < 20; again++) {
                struct chunks c = {.workers = threads};
                threadpool_for(pool, counts[k], do_chunk, &c);
                assert_int_equal(atomic_load(&c.total), counts[k]);
                for (size_t i = 0; i < 1000; i++) assert_int_equal(c.done[i], i < counts[k] ? 1 : 0);
            }
        threadpool_free(pool);
    }
}

/* A step sees what the one before wrote, whoever wrote it. */
static void relay(void *argument, size_t chunk, int worker)
{
    (void)worker;
    long *cells = argument;
    cells[64 + chunk] = cells[chunk] + 1;
}

static void relay_back(void *argument, size_t chunk, int worker)
{
    (void)worker;
    long *cells = argument;
    cells[chunk] = cells[64 + (chunk + 13) % 64];
}

static void steps_follow_one_another(void **state)
{
    (void)state;
    struct threadpool *pool = open_pool(4);
    long cells[128] = {0};
    for (int i = 0; i < 2000; i++) {
        threadpool_for(pool, 64, relay, cells);
        threadpool_for(pool, 64, relay_back, cells);
    }
    for (int i = 0; i < 64; i++) assert_int_equal(cells[i], 2000);
    threadpool_free(pool);
}

/* After a pause the workers sleep: the next step must wake them; a slow worker puts the caller to sleep. */
static void slow_task(void *argument, int worker)
{
    if (worker == 1) clock_sleep(0.005);
    count_call(argument, worker);
}

static void sleepers_wake(void **state)
{
    (void)state;
    struct threadpool *pool = open_pool(3);
    struct step s = {0};
    for (int i = 1; i <= 10; i++) {
        clock_sleep(0.003);
        threadpool_run(pool, slow_task, &s);
        for (int w = 0; w < 3; w++) assert_int_equal(atomic_load(&s.calls[w]), i);
    }
    threadpool_free(pool);
}

static void without_a_pool_the_caller_works(void **state)
{
    (void)state;
    struct step s = {0};
    threadpool_run(NULL, count_call, &s);
    assert_int_equal(s.plain, 1);
    struct chunks c = {.workers = 1};
    threadpool_for(NULL, 17, do_chunk, &c);
    assert_int_equal(atomic_load(&c.total), 17);
    assert_int_equal(threadpool_size(NULL), 1);
    threadpool_free(NULL);
}

static void pools_open_and_close(void **state)
{
    (void)state;
    struct error e = {0};
    struct threadpool *pool = NULL;
    for (int i = 0; i < 100; i++) threadpool_free(open_pool(1 + i % 5)); /* no step in between */
    assert_int_equal(threadpool_new(&pool, LIMIT_THREADS + 1, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "threads"));
    assert_int_equal(threadpool_new(&pool, 0, &e), OK);
    assert_true(threadpool_size(pool) >= 1 && threadpool_size(pool) <= LIMIT_THREADS);
    threadpool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_runs_once_per_step), cmocka_unit_test(every_chunk_runs_once),
        cmocka_unit_test(steps_follow_one_another),        cmocka_unit_test(sleepers_wake),
        cmocka_unit_test(without_a_pool_the_caller_works), cmocka_unit_test(pools_open_and_close),
    };
    return cmocka_run_group_tests_name("threadpool", tests, NULL, NULL);
}
