/* threadpool.h - one persistent pool; a step of work is a function called once per worker.
 *
 * A step is published by a generation counter; workers spin briefly for it, then sleep on a futex/condition variable,
 * so that a core taken by another process costs a wake-up and not a livelock at a barrier. The caller is worker 0 and
 * works too. Never more workers than cores unless asked. Results must not depend on which worker does which chunk:
 * chunks are fixed by the problem, workers only take them (threadpool_take). Thread: one caller at a time (the engine's
 * thread owns the pool).
 */
#ifndef XIAOBEI_BASE_THREADPOOL_H
#define XIAOBEI_BASE_THREADPOOL_H

#include <stddef.h>

#include "base/error.h"

struct threadpool; /* opaque */

/* threads 0: the number of cores this process may use (sched_getaffinity). */
int threadpool_new(struct threadpool **out, int threads, struct error *e) MUST_USE;
void threadpool_free(struct threadpool *pool);      /* NULL is fine */
int threadpool_size(const struct threadpool *pool); /* workers, the caller included; 1 for NULL */

typedef void (*threadpool_task)(void *argument, int worker);

/* Run task(argument, worker) on every worker and return when all have finished. pool NULL: runs it inline as worker 0.
 */
void threadpool_run(struct threadpool *pool, threadpool_task task, void *argument);

/* Dynamic chunks: call fn(argument, chunk, worker) for every chunk in [0, chunks), each exactly once, in no set order.
 */
typedef void (*threadpool_chunk_task)(void *argument, size_t chunk, int worker);
void threadpool_for(struct threadpool *pool, size_t chunks, threadpool_chunk_task fn, void *argument);

#endif
