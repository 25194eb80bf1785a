/* threadpool.h - one persistent pool; a step of work is a loop over chunks that its workers take.
 *
 * A loop is over when every chunk is done, not when every worker has passed by: a worker whose core another process
 * keeps costs nothing as long as it holds no chunk. Workers spin briefly for the next loop, then sleep on a condition
 * variable. Never more workers than cores unless asked. Results must not depend on which worker does which chunk:
 * chunks are fixed by the problem. Thread: one caller at a time (the engine's thread owns the pool).
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

/* Call fn(argument, chunk, worker) for every chunk in [0, chunks), each exactly once, in no set order, and return when
 * all have returned; what they wrote is then visible. The caller is worker 0 and works too. At most 2^32 - 2 chunks.
 * pool NULL: all of it on this thread. */
typedef void (*threadpool_chunk_task)(void *argument, size_t chunk, int worker);
void threadpool_for(struct threadpool *pool, size_t chunks, threadpool_chunk_task fn, void *argument);

#endif
