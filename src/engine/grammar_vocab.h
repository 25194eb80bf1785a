/* grammar_vocab.h - the vocabulary as tries of bytes, for the inside of grammar.h.
 *
 * A trie is an array in depth-first order: a walk that leaves a branch jumps over it. There are two: of all tokens, and
 * of those that are not plain. A plain token consists of whole characters that a JSON string holds as they are; inside
 * a string all of them (up to a number of characters) are allowed at once, without a walk.
 */
#ifndef XIAOBEI_ENGINE_GRAMMAR_VOCAB_H
#define XIAOBEI_ENGINE_GRAMMAR_VOCAB_H

#include "engine/grammar.h"

enum {
    VOCAB_PLAIN_CHARS = 32, /* characters of a plain token; longer ones are walked */
    VOCAB_DEPTH = 255,      /* bytes of a token; longer ones are never allowed */
};

struct trie_node {
    uint32_t skip;  /* next node that is not below this one */
    uint32_t first; /* its tokens are tokens[first .. first of the next node) */
    uint8_t byte, depth;
};

struct trie {
    struct trie_node *nodes; /* [n + 1]; nodes[0] is the root, nodes[n] a stop */
    uint32_t n;
    int32_t *tokens;
};

struct grammar_vocab {
    const struct tokenizer *t;
    size_t words;
    struct trie all, rough;                 /* rough: not plain */
    uint64_t *plain[VOCAB_PLAIN_CHARS + 1]; /* plain tokens of at most so many characters */
    int32_t single[256];                    /* the token of each byte alone */
};

/* Child of a node by its byte, or 0. */
uint32_t trie_child(const struct trie *t, uint32_t node, uint8_t byte);
static inline bool trie_has_token(const struct trie *t, uint32_t node)
{
    return t->nodes[node + 1].first > t->nodes[node].first;
}

#endif
