/* engine_grammar.h - answers that must have a form, on their way through the engine. Outside: make a grammar with the
 * engine's vocabulary and give it to engine_submit. Inside: what a job does with it. */
#ifndef XIAOBEI_ENGINE_ENGINE_GRAMMAR_H
#define XIAOBEI_ENGINE_ENGINE_GRAMMAR_H

#include "engine/engine.h"
#include "engine/grammar.h"

/* The vocabulary for grammar_new, made at the first call (about 0.1 s) and kept until engine_close. Any thread.
 * ERR_UNSUPPORTED without a tokenizer. */
int engine_grammar_vocab(struct engine *en, const struct grammar_vocab **out, struct error *e) MUST_USE;

struct job;

/* g NULL: nothing happens, here and below. ERR_INVALID if the shortest answer does not fit into the job's max_tokens.
 */
int job_grammar_start(const struct engine *en, struct job *j, struct grammar *g, struct error *e) MUST_USE;
void job_grammar_free(struct job *j);

/* Mask what may not come next; the end of the answer may come only where the form allows it. */
int job_grammar_mask(const struct engine *en, struct job *j, float *logits, struct error *e) MUST_USE;

/* Step over the chosen token (not an end); true if the answer is complete and nothing can follow. */
bool job_grammar_token(struct job *j, int32_t token);

#endif
