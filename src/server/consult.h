/* consult.h - the guarded assistant: what happens between a person's messages and the engine. Open consult.c first: it
 * holds the order of the steps. Pure over its arguments; any thread. */
#ifndef XIAOBEI_SERVER_CONSULT_H
#define XIAOBEI_SERVER_CONSULT_H

#include "model/tokenizer.h"
#include "server/chat_request.h"

/* Is this request for the assistant (model "xiaobei")? */
bool consult_is_for(const struct chat_request *r);

/* The conversation as the model will see it (new reference): the persona first, then the person's turns. A system
 * message of the client is added behind the persona, never instead of it. Fills sampling values and max_tokens that
 * were not given. */
int consult_prepare(struct chat_request *r, json_t **messages, struct error *e) MUST_USE;

/* How many of a rendered conversation's first tokens are the built-in persona and nothing else: they may be shared
 * between tenants. 0 where the client added words to it. */
int consult_public_tokens(const struct tokenizer *t, const struct token_list *ids, int *n, struct error *e) MUST_USE;

#endif
