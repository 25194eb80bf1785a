/* threadpool.c - see threadpool.h. A step is a generation number; workers watch it, first spinning, then on a condition
 * variable. Rejected: a spinning barrier (two servers on two cores stop each other), a queue of tasks (a step is the
 * same function on every worker). */
#include "base/threadpool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"

/* About 20-40 us of pause instructions: longer than the gap between two layers' products. With more threads than cores
 * the one waited for may need this very core, so almost none. */
enum { SPIN_ROUNDS = 2000, SPIN_ROUNDS_CROWDED = 20 };

struct worker {
    struct threadpool *pool;
    pthread_t thread;
    int index;
};

struct threadpool {
    int size;
    int spin_rounds;
    struct worker *workers; /* [size]; entry 0 is the caller and has no thread */
    threadpool_task task;   /* written before generation, read after it */
    void *argument;
    atomic_uint generation; /* one more per step */
    atomic_int unfinished;  /* workers still in the step */
    atomic_bool stop;
    pthread_mutex_t lock; /* protects sleeping on the two conditions */
    pthread_cond_t work;  /* a new generation */
    pthread_cond_t done;  /* unfinished reached zero */
    int sleepers;         /* under lock */
    bool caller_sleeps;   /* under lock */
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    sched_yield();
#endif
}

static bool wait_generation(struct threadpool *p, unsigned seen)
{
    for (int i = 0; i < p->spin_rounds; i++) {
        if (atomic_load_explicit(&p->generation, memory_order_acquire) != seen) return !atomic_load(&p->stop);
        pause_cpu();
    }
    pthread_mutex_lock(&p->lock);
    p->sleepers++;
    while (atomic_load(&p->generation) == seen) pthread_cond_wait(&p->work, &p->lock);
    p->sleepers--;
    pthread_mutex_unlock(&p->lock);
    return !atomic_load(&p->stop);
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    struct threadpool *p = w->pool;
    unsigned seen = 0;
    while (wait_generation(p, seen)) {
        seen++;
        p->task(p->argument, w->index);
        if (atomic_fetch_sub_explicit(&p->unfinished, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&p->lock);
            if (p->caller_sleeps) pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
    return NULL;
}

static void publish(struct threadpool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add_explicit(&p->generation, 1, memory_order_release);
    if (p->sleepers) pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
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
    publish(p);
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

static void wait_done(struct threadpool *p)
{
    for (int i = 0; i < p->spin_rounds; i++) {
        if (atomic_load_explicit(&p->unfinished, memory_order_acquire) == 0) return;
        pause_cpu();
    }
    pthread_mutex_lock(&p->lock);
    p->caller_sleeps = true;
    while (atomic_load_explicit(&p->unfinished, memory_order_acquire) != 0) pthread_cond_wait(&p->done, &p->lock);
    p->caller_sleeps = false;
    pthread_mutex_unlock(&p->lock);
}

void threadpool_run(struct threadpool *p, threadpool_task task, void *argument)
{
    if (!p || p->size == 1) {
        task(argument, 0);
        return;
    }
    p->task = task;
    p->argument = argument;
    atomic_store_explicit(&p->unfinished, p->size - 1, memory_order_relaxed);
    publish(p);
    task(argument, 0);
    wait_done(p);
}

struct chunk_loop {
    threadpool_chunk_task fn;
    void *argument;
    size_t chunks;
    atomic_size_t next;
};

static void take_chunks(void *argument, int worker)
{
    struct chunk_loop *loop = argument;
    for (;;) {
        size_t chunk = atomic_fetch_add_explicit(&loop->next, 1, memory_order_relaxed);
        if (chunk >= loop->chunks) return;
        loop->fn(loop->argument, chunk, worker);
    }
}

void threadpool_for(struct threadpool *p, size_t chunks, threadpool_chunk_task fn, void *argument)
{
    struct chunk_loop loop = {.fn = fn, .argument = argument, .chunks = chunks};
    if (chunks == 1 || threadpool_size(p) == 1)
        take_chunks(&loop, 0);
    else
        threadpool_run(p, take_chunks, &loop);
}
