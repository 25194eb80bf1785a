/* printing.h - one answer on its way from the engine's thread to a stream, and the thread that waits for its end.
 *
 * The engine's thread calls printing_event; the owner waits in printing_wait, and from then on the struct is the
 * owner's alone (it may lie on a stack): the callback does not touch it once the end is announced. An answer whose
 * reader is gone is cancelled.
 */
#ifndef XIAOBEI_CLI_PRINTING_H
#define XIAOBEI_CLI_PRINTING_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "server/consult.h"

struct printing {
    FILE *out;
    volatile sig_atomic_t *stop; /* set by a signal handler: end the answer; NULL: nothing does */

    struct consult *consult; /* owned; the words pass through it. NULL: the raw model */

    /* The engine's thread until the end, then the owner's. */
    struct buf text; /* the whole answer */
    int write_errno; /* 0, or why the stream took no more */
    struct engine_result result;
    struct error error; /* of an answer that failed */

    pthread_mutex_t lock; /* protects finished */
    pthread_cond_t done;
    bool finished;
};

void printing_init(struct printing *p, FILE *out, volatile sig_atomic_t *stop);
void printing_fini(struct printing *p);

int printing_take(void *printing, const char *text, size_t n);        /* a consult_sink */
int printing_event(void *printing, const struct engine_event *event); /* an engine_callback */

/* Until the final event. The answer's error; ERR_IO if it could not be written whole. */
int printing_wait(struct printing *p, struct error *e) MUST_USE;

#endif
