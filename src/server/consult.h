/* consult.h - the guarded assistant: everything between a person's messages and what that person reads. Open consult.c
 * first: it holds the order of the steps. No HTTP here: the server, `ask` and `chat` all use it.
 *
 * Thread: a clinic is read-only once open; a consultation belongs to one thread at a time.
 */
#ifndef XIAOBEI_SERVER_CONSULT_H
#define XIAOBEI_SERVER_CONSULT_H

#include <jansson.h>

#include "base/error.h"
#include "medical/triage.h"
#include "model/tokenizer.h"

/* What every consultation needs: the tables of triage and guard. */
struct clinic; /* opaque */
int clinic_open(struct clinic **out, struct error *e) MUST_USE;
void clinic_close(struct clinic *c); /* NULL is fine */

/* Takes what a person may read. Another return than 0 ends the consultation with that code. */
typedef int (*consult_sink)(void *user, const char *text, size_t n);

struct consult; /* opaque */

/* Read the conversation (borrowed: role and plain content each) and judge how urgent it is. The clinic must outlive it.
 */
int consult_new(struct consult **out, const struct clinic *clinic, const json_t *messages, consult_sink sink,
                void *user, struct error *e) MUST_USE;
void consult_free(struct consult *c); /* NULL is fine */

const struct triage_result *consult_triage(const struct consult *c);
json_t *consult_triage_json(const struct consult *c); /* new reference: {"level","flags","departments"} */

/* The conversation as the model will see it (new reference): the persona first, then the person's turns without our
 * lines, and before the last one what triage found. A system message of the client stands behind the persona, never
 * instead of it. */
json_t *consult_messages(const struct consult *c, const json_t *messages);

/* Before the model's first word: an emergency's card. Then the model's text as it comes; then the end of it. */
int consult_begin(struct consult *c) MUST_USE;
int consult_feed(struct consult *c, const char *text, size_t n, struct error *e) MUST_USE;
int consult_end(struct consult *c, struct error *e) MUST_USE;

/* How many of a rendered conversation's first tokens are the built-in persona and nothing else: they may be shared
 * between tenants. 0 where the client added words to it. */
int consult_public_tokens(const struct tokenizer *t, const struct token_list *ids, int *n, struct error *e) MUST_USE;

#endif
