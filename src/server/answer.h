/* answer.h - one answer on its way from the engine's thread to a connection's: as server-sent events or as one body.
 *
 * The engine's callback writes, the connection reads; a lock and a condition are between them. An answer whose reader
 * is too slow (LIMIT_SSE_BACKLOG) is cancelled. answer_free cancels what still runs and waits for the engine's final
 * event, which comes within one step, so that no callback can find freed memory.
 *
 * A client that closes frees its slot within one step; one that only ends its sending (shutdown, `nc -N`) gets its
 * answer. Both look the same until something is written: in a stream that is a comment, sent at once; an answer in one
 * piece begins then with its head and a blank, which JSON allows, and the rest follows in chunks when it is there.
 */
#ifndef XIAOBEI_SERVER_ANSWER_H
#define XIAOBEI_SERVER_ANSWER_H

#include "server/app.h"
#include "server/chat_request.h"

struct answer; /* opaque */

/* Takes what it needs from r (kept alive by the caller until answer_free). */
int answer_new(struct answer **out, struct app *app, struct engine *en, const struct chat_request *r,
               struct error *e) MUST_USE;
void answer_free(void *answer);

/* The answer is the assistant's: its words go through the consultation (taken over), whose sink is answer_take. */
void answer_set_consult(struct answer *a, struct consult *c);
int answer_take(void *answer, const char *text, size_t n);

/* What the engine is to read, and for whom (see engine_request). */
struct answer_prompt {
    struct token_list ids;
    int n_public;
    uint64_t tenant;
};
int answer_submit(struct answer *a, const struct answer_prompt *prompt, struct error *e) MUST_USE;

/* Send it: both answer the exchange and free the answer when it is out. */
void answer_stream(struct answer *a, struct http_exchange *x);
void answer_whole(struct answer *a, struct http_exchange *x); /* waits for its end */

/* The answer owns r from now on: freed with it. */
void answer_own_request(struct answer *a, struct chat_request *r);

#endif
