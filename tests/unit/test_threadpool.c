/* test_threadpool.c - every chunk once, steps in order, sleeping and waking, many pools. */
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

static struct threadpool *open_pool(int threads)
{
    struct threadpool *pool = NULL;
    struct error e = {0};
    assert_int_equal(threadpool_new(&pool, threads, &e), OK);
    assert_int_equal(threadpool_size(pool), threads);
    return pool;
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

/* After a pause the workers sleep: the next loop must wake them; long chunks put the caller to sleep. */
struct attendance {
    atomic_int calls[MOST_WORKERS];
};

static void long_chunk(void *argument, size_t chunk, int worker)
{
    struct attendance *a = argument;
    (void)chunk;
    atomic_fetch_add(&a->calls[worker], 1);
    clock_sleep(worker == 0 ? 0.001 : 0.003);
}

static void sleepers_wake(void **state)
{
    (void)state;
    struct threadpool *pool = open_pool(3);
    struct attendance a = {0};
    for (int i = 1; i <= 20; i++) {
        clock_sleep(0.003);
        threadpool_for(pool, 9, long_chunk, &a);
        int total = 0;
        for (int w = 0; w < 3; w++) total += atomic_load(&a.calls[w]);
        assert_int_equal(total, 9 * i);
    }
    for (int w = 0; w < 3; w++) assert_true(atomic_load(&a.calls[w]) > 0);
    threadpool_free(pool);
}

/* Loops that follow one another at once, each with orders of its own on the caller's stack: a worker that comes late to
 * one must not take a chunk of it, nor of the next one with the first one's orders. */
struct order {
    int number;
    atomic_int seen, wrong;
    size_t chunks;
};

static void check_order(void *argument, size_t chunk, int worker)
{
    struct order *o = argument;
    (void)worker;
    if (chunk >= o->chunks || o->number < 0) atomic_fetch_add(&o->wrong, 1);
    atomic_fetch_add(&o->seen, 1);
}

static void late_workers_touch_nothing(void **state)
{
    (void)state;
    struct threadpool *pool = open_pool(MOST_WORKERS); /* more than the cores: somebody is always late */
    for (int i = 0; i < 20000; i++) {
        struct order o = {.number = i, .chunks = 2 + (size_t)(i * 7 % 11)};
        threadpool_for(pool, o.chunks, check_order, &o);
        assert_int_equal(atomic_load(&o.seen), o.chunks);
        assert_int_equal(atomic_load(&o.wrong), 0);
        o.number = -1; /* whoever comes now is wrong */
    }
    threadpool_free(pool);
}

static void without_a_pool_the_caller_works(void **state)
{
    (void)state;
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
        cmocka_unit_test(late_workers_touch_nothing),      cmocka_unit_test(every_chunk_runs_once),
        cmocka_unit_test(steps_follow_one_another),        cmocka_unit_test(sleepers_wake),
        cmocka_unit_test(without_a_pool_the_caller_works), cmocka_unit_test(pools_open_and_close),
    };
    return cmocka_run_group_tests_name("threadpool", tests, NULL, NULL);
}
