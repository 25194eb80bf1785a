/* grammar_walk.h - random answers through a grammar's masks, for tests. */
#ifndef XIAOBEI_TESTS_GRAMMAR_WALK_H
#define XIAOBEI_TESTS_GRAMMAR_WALK_H

#include "base/buf.h"
#include "engine/grammar.h"

static inline uint64_t walk_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static inline bool walk_allows(const uint64_t *mask, int32_t id)
{
    return mask[id / 64] >> (id % 64) & 1;
}

/* One of the allowed tokens, all as likely; -1 if there is none. long_ones: prefer long tokens (reaches merged bytes).
 */
static inline int32_t walk_choose(const uint64_t *mask, size_t words, uint64_t *seed)
{
    size_t count = 0;
    for (size_t w = 0; w < words; w++) count += (size_t)__builtin_popcountll(mask[w]);
    if (count == 0) return -1;
    size_t at = walk_random(seed) % count;
    for (size_t w = 0; w < words; w++) {
        size_t here = (size_t)__builtin_popcountll(mask[w]);
        if (at >= here) {
            at -= here;
            continue;
        }
        uint64_t bits = mask[w];
        while (at-- > 0) bits &= bits - 1;
        return (int32_t)(w * 64) + __builtin_ctzll(bits);
    }
    return -1;
}

/* Write an answer of at most max_tokens into text. Ends where it must, or may and a coin of `patience` sides says so.
 * Returns the tokens used, -1 if a mask was empty before the end, -2 after an error. */
static inline int grammar_walk(struct grammar *g, const struct grammar_vocab *v, const struct tokenizer *t,
                               int max_tokens, int patience, uint64_t seed, struct buf *text)
{
    struct grammar_state *s = NULL;
    struct error e = {0};
    size_t words = grammar_vocab_words(v);
    uint64_t *mask = calloc(words + 1, sizeof *mask);
    int used = 0;
    seed = (seed + 1) * 0x9E3779B97F4A7C15u;
    if (!mask || grammar_state_new(&s, g, &e)) used = -2;
    while (used >= 0 && used < max_tokens && !grammar_must_end(s)) {
        if (grammar_may_end(s) && walk_random(&seed) % (uint64_t)patience == 0) break;
        size_t n = 0;
        int32_t id = grammar_mask(s, max_tokens - used, mask, &e) ? -2 : walk_choose(mask, words, &seed);
        if (id == -1 && grammar_may_end(s)) break;
        if (id < 0 || grammar_accept(s, id, &e)) {
            used = id == -1 ? -1 : -2;
            break;
        }
        const char *bytes = tokenizer_token_bytes(t, id, &n);
        buf_append(text, bytes, n);
        used++;
    }
    if (used >= 0 && !grammar_may_end(s)) used = -1;
    grammar_state_free(s);
    free(mask);
    return used;
}

#endif
