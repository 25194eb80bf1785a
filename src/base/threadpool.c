/* threadpool.c - see threadpool.h.
 *
 * One 64-bit word says which loop is open and which chunk is next: generation << 32 | next. A worker reads the
 * generation, then what the loop is to do, then takes a chunk by compare-and-swap on the whole word. If that succeeds,
 * the loop of that generation was still open, so what was read belongs to it; a worker that comes late finds another
 * generation or no chunk left and touches nothing. Between two loops the word says CLOSED, so that half-written orders
 * are never taken. Rejected: a barrier of workers (it waits for one that was never given a core), a queue of tasks (a
 * loop is the same function on every worker).
 */
#include "base/threadpool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"

/* About 20-40 us of pause instructions: longer than the gap between two layers' products. With more threads than cores
 * the one waited for may need this very core, so almost none. */
enum { SPIN_ROUNDS = 2000, SPIN_ROUNDS_CROWDED = 20 };

#define CLOSED UINT32_MAX

struct worker {
    struct threadpool *pool;
    pthread_t thread;
    int index;
};

struct threadpool {
    int size;
    int spin_rounds;
    struct worker *workers; /* [size]; entry 0 is the caller and has no thread */
    /* the open loop; written only while the word below says CLOSED */
    _Atomic(threadpool_chunk_task) fn;
    _Atomic(void *) argument;
    atomic_size_t chunks;
    _Atomic uint64_t word; /* generation << 32 | next chunk or CLOSED */
    atomic_size_t finished;
    atomic_bool stop;
    /* sleeping: who is about to sleep says so, then looks once more; who changes something looks there afterwards */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    atomic_int sleepers;
    atomic_bool caller_sleeps;
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    sched_yield();
#endif
}

static uint32_t generation_of(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static bool nothing_new(struct threadpool *p, uint32_t seen)
{
    return generation_of(atomic_load(&p->word)) == seen && !atomic_load(&p->stop);
}

/* Returns false when the pool is to end. */
static bool wait_generation(struct threadpool *p, uint32_t seen)
{
    for (int i = 0; i < p->spin_rounds && nothing_new(p, seen); i++) pause_cpu();
    if (nothing_new(p, seen)) {
        pthread_mutex_lock(&p->lock);
        atomic_fetch_add(&p->sleepers, 1);
        while (nothing_new(p, seen)) pthread_cond_wait(&p->work, &p->lock);
        atomic_fetch_sub(&p->sleepers, 1);
        pthread_mutex_unlock(&p->lock);
    }
    return !atomic_load(&p->stop);
}

static void wake(struct threadpool *p, pthread_cond_t *condition)
{
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(condition);
    pthread_mutex_unlock(&p->lock);
}

/* Do chunks of the loop that is open until none is left; returns its generation. */
static uint32_t take_chunks(struct threadpool *p, int worker)
{
    uint64_t word = atomic_load(&p->word);
    uint32_t generation = generation_of(word);
    threadpool_chunk_task fn = atomic_load(&p->fn);
    void *argument = atomic_load(&p->argument);
    size_t chunks = atomic_load(&p->chunks);
    for (;;) {
        word = atomic_load(&p->word);
        size_t chunk = (uint32_t)word;
        if (generation_of(word) != generation || chunk >= chunks) return generation;
        if (!atomic_compare_exchange_strong(&p->word, &word, word + 1)) continue;
        fn(argument, chunk, worker);
        bool last = atomic_fetch_add(&p->finished, 1) + 1 == chunks;
        if (last && atomic_load(&p->caller_sleeps)) wake(p, &p->done);
    }
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    uint32_t seen = 0;
    while (wait_generation(w->pool, seen)) seen = take_chunks(w->pool, w->index);
    return NULL;
}

/* Cores this process may run on, at least 1. */
static int count_cores(void)
{
    cpu_set_t cores; /* 1024 of them; the call fails on a machine with more */
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > LIMIT_THREADS ? LIMIT_THREADS : (int)n;
}

int threadpool_new(struct threadpool **out, int threads, struct error *e)
{
    int cores = count_cores();
    if (threads <= 0) threads = cores < LIMIT_THREADS ? cores : LIMIT_THREADS;
    if (threads > LIMIT_THREADS) return error_set(e, ERR_INVALID, "at most %d threads, not %d", LIMIT_THREADS, threads);
    struct threadpool *p = calloc(1, sizeof *p);
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    if (!p || !workers) {
        free(p);
        free(workers);
        return error_set(e, ERR_NOMEM, "no memory for %d threads", threads);
    }
    p->workers = workers;
    p->spin_rounds = threads > cores ? SPIN_ROUNDS_CROWDED : SPIN_ROUNDS;
    atomic_store(&p->word, CLOSED);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    for (p->size = 1; p->size < threads; p->size++) {
        struct worker *w = &workers[p->size];
        *w = (struct worker){.pool = p, .index = p->size};
        if (pthread_create(&w->thread, NULL, worker_main, w)) {
            threadpool_free(p);
            return error_set(e, ERR_NOMEM, "cannot start %d threads; use --threads with fewer", threads);
        }
    }
    *out = p;
    return OK;
}

void threadpool_free(struct threadpool *p)
{
    if (!p) return;
    atomic_store(&p->stop, true);
    wake(p, &p->work);
    for (int i = 1; i < p->size; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}

int threadpool_size(const struct threadpool *p)
{
    return p ? p->size : 1;
}

static void wait_done(struct threadpool *p, size_t chunks)
{
    for (int i = 0; i < p->spin_rounds; i++) {
        if (atomic_load(&p->finished) == chunks) return;
        pause_cpu();
    }
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, true);
    while (atomic_load(&p->finished) != chunks) pthread_cond_wait(&p->done, &p->lock);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->lock);
}

void threadpool_for(struct threadpool *p, size_t chunks, threadpool_chunk_task fn, void *argument)
{
    if (chunks <= 1 || threadpool_size(p) == 1) {
        for (size_t i = 0; i < chunks; i++) fn(argument, i, 0);
        return;
    }
    uint64_t generation = generation_of(atomic_load(&p->word));
    atomic_store(&p->word, generation << 32 | CLOSED);
    atomic_store(&p->fn, fn);
    atomic_store(&p->argument, argument);
    atomic_store(&p->chunks, chunks);
    atomic_store(&p->finished, 0);
    atomic_store(&p->word, (generation + 1) << 32);
    if (atomic_load(&p->sleepers) > 0) wake(p, &p->work);
    take_chunks(p, 0);
    wait_done(p, chunks);
}
