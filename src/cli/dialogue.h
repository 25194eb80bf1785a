/* dialogue.h - a conversation on the terminal: messages in, the answer streamed to standard output. Shared by `ask` and
 * `chat`. One thread (the verb's) besides the engine's. */
#ifndef XIAOBEI_CLI_DIALOGUE_H
#define XIAOBEI_CLI_DIALOGUE_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

#include "cli/engine_options.h"

struct dialogue {
    struct engine *engine;
    struct clinic *clinic; /* NULL for the raw model */
    json_t *messages;      /* user, assistant, ... */
    bool raw;              /* the model itself, without the persona */
    uint64_t seed;
    bool has_seed;
    int max_tokens;
    bool reader_gone; /* nobody reads standard output any more: the last answer was ended for that */
};

/* Load the engine and, unless raw, what guards it. */
int dialogue_open(struct dialogue *d, struct engine_arguments *a, struct error *e) MUST_USE;
void dialogue_close(struct dialogue *d);
void dialogue_reset(struct dialogue *d);       /* forget all turns */
bool dialogue_drop_oldest(struct dialogue *d); /* forget the oldest question and its answer; false if there is none */

/* The length of text[0..n) without the white space at its end. */
size_t dialogue_trim(const char *text, size_t n);

/* Add the question (n bytes of UTF-8) and stream the answer; `stop` (set by a signal handler) ends it early. What was
 * answered stays in the conversation; on an error the question is taken back. ERR_TOO_LONG when it no longer fits,
 * ERR_IO when standard output takes no more. */
int dialogue_answer(struct dialogue *d, const char *question, size_t n, volatile sig_atomic_t *stop,
                    struct engine_result *result, struct error *e) MUST_USE;

#endif
