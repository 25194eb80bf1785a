/* grammar.h - answers that must have a form: a JSON schema or a regular expression becomes an automaton with a stack,
 * and that, token by token, a bit mask over the vocabulary.
 *
 * Every text that the masks allow satisfies the schema; not every text that satisfies it can be written
 * (docs/grammar.md): properties come in the schema's order, between values stands one space at most, numbers have
 * bounded length. What a schema asks and this cannot keep is refused by its path, never ignored.
 *
 * An answer can always be completed: a mask allows only tokens after which the shortest completion still fits into the
 * tokens that remain.
 *
 * Ideas from Willard and Louf 2023 (Outlines), Dong et al. 2024 (XGrammar), lazy automata from Cox 2010 (RE2).
 * Thread: vocabulary and grammar are immutable to their users and may be shared by threads (what a grammar remembers is
 * behind its own lock); a state has one owner at a time.
 */
#ifndef XIAOBEI_ENGINE_GRAMMAR_H
#define XIAOBEI_ENGINE_GRAMMAR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/tokenizer.h"

/* --- the vocabulary as a trie of bytes; one per tokenizer, about 6 MB for Qwen2.5's 151,665 tokens ------------- */

struct grammar_vocab; /* opaque */

/* t is borrowed until grammar_vocab_free. ERR_UNSUPPORTED if some byte has no token of its own. */
int grammar_vocab_new(struct grammar_vocab **out, const struct tokenizer *t, struct error *e) MUST_USE;
void grammar_vocab_free(struct grammar_vocab *v);          /* after every grammar made with it */
size_t grammar_vocab_words(const struct grammar_vocab *v); /* length of a mask in 64-bit words */

/* --- a form ------------------------------------------------------------------------------------------------------ */

/* One alternative: text, then a value (NULL: none), then text. */
struct grammar_part {
    const char *before, *after; /* NULL: nothing */
    const json_t *schema;       /* an object, true or false */
    const char *path;           /* what the client calls the schema: begins every refusal; NULL: "schema" */
};

/* All borrowed for the call of grammar_new. Either a pattern or parts. */
struct grammar_spec {
    const char *pattern; /* a regular expression for the whole answer (anchored at both ends), or NULL */
    const struct grammar_part *parts;
    int n_parts;
    const char *separator; /* NULL: one part; else up to LIMIT_GRAMMAR_CALLS of them with this between */
    /* NULL, or: free text may come first, without this in it; the parts (which begin with it) may follow. */
    const char *trigger;
    char *param; /* NULL, or gets the path of what was refused */
    size_t param_size;
};

struct grammar; /* opaque, counted */

/* ERR_UNSUPPORTED or ERR_INVALID name the path; ERR_LIMIT: too large. At its birth it has one owner. */
int grammar_new(struct grammar **out, const struct grammar_vocab *v, const struct grammar_spec *spec,
                struct error *e) MUST_USE;
struct grammar *grammar_retain(struct grammar *g);
void grammar_release(struct grammar *g); /* NULL is fine */

/* An upper bound of the tokens that the shortest answer takes. */
int grammar_min_tokens(const struct grammar *g);

/* --- one answer on its way ------------------------------------------------------------------------------------------
 */

struct grammar_state; /* opaque; keeps its grammar alive */

int grammar_state_new(struct grammar_state **out, struct grammar *g, struct error *e) MUST_USE;
int grammar_state_clone(struct grammar_state **out, const struct grammar_state *from, struct error *e) MUST_USE;
void grammar_state_free(struct grammar_state *s); /* NULL is fine */

/* Bit i of mask[grammar_vocab_words] says whether token i may come next, when it and what follows may take `remaining`
 * tokens (at least grammar_state_min_tokens, or no bit is set). Control tokens never may: whether the answer may end is
 * for grammar_may_end to say. ERR_LIMIT if the grammar is too ambiguous to follow, ERR_NOMEM. */
int grammar_mask(struct grammar_state *s, int remaining, uint64_t *mask, struct error *e) MUST_USE;

/* Step over one token. ERR_INVALID if it does not fit; then the state stays as it was. */
int grammar_accept(struct grammar_state *s, int32_t token, struct error *e) MUST_USE;

bool grammar_may_end(const struct grammar_state *s);         /* what was written is a whole answer */
bool grammar_must_end(const struct grammar_state *s);        /* and nothing can follow */
int grammar_state_min_tokens(const struct grammar_state *s); /* an upper bound of the shortest completion */

#endif
