/* engine_grammar.c - see engine_grammar.h. */
#include "engine/engine_grammar.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine_parts.h"

int engine_grammar_vocab(struct engine *en, const struct grammar_vocab **out, struct error *e)
{
    int rc = OK;
    *out = NULL;
    if (!en->tokenizer) return error_set(e, ERR_UNSUPPORTED, "this model has no tokenizer; it keeps no form");
    pthread_mutex_lock(&en->vocab_lock);
    if (!en->vocab) rc = grammar_vocab_new(&en->vocab, en->tokenizer, e);
    *out = en->vocab;
    pthread_mutex_unlock(&en->vocab_lock);
    return rc;
}

static size_t words_of(const struct engine *en)
{
    size_t ids = (size_t)en->config.vocab_size;
    size_t known = en->tokenizer ? (size_t)tokenizer_size(en->tokenizer) : 0;
    return ((ids > known ? ids : known) + 63) / 64;
}

int job_grammar_start(const struct engine *en, struct job *j, struct grammar *g, struct error *e)
{
    if (!g) return OK;
    int shortest = grammar_min_tokens(g);
    if (shortest > j->max_tokens)
        return error_set(e, ERR_INVALID,
                         "max_tokens leaves room for %d tokens, but the shortest answer of this form takes up to %d",
                         j->max_tokens, shortest);
    j->allowed = calloc(words_of(en), sizeof *j->allowed);
    if (!j->allowed) return error_set(e, ERR_NOMEM, "no memory for the request");
    return grammar_state_new(&j->grammar, g, e);
}

void job_grammar_free(struct job *j)
{
    grammar_state_free(j->grammar);
    free(j->allowed);
}

int job_grammar_mask(const struct engine *en, struct job *j, float *logits, struct error *e)
{
    if (!j->grammar) return OK;
    if (!j->allowed) return error_set(e, ERR_LIMIT, "the form of the answer could not be followed");
    int rc = grammar_mask(j->grammar, j->max_tokens - j->generated, j->allowed, e);
    if (rc) return rc;
    for (int i = 0; i < en->config.eos_count; i++) {
        int32_t id = en->config.eos[i];
        if (id < 0 || id >= en->config.vocab_size) continue;
        if (grammar_may_end(j->grammar) && !j->ignore_eos) j->allowed[id / 64] |= (uint64_t)1 << (id % 64);
    }
    sampler_allow(j->sampler, logits, j->allowed, words_of(en));
    return OK;
}

bool job_grammar_token(struct job *j, int32_t token)
{
    struct error e = {0};
    if (!j->grammar) return false;
    if (grammar_accept(j->grammar, token, &e) == OK) return grammar_must_end(j->grammar);
    free(j->allowed); /* the token was chosen under the mask, so memory ran out: the next step ends the answer */
    j->allowed = NULL;
    return false;
}
