/* bpe.h - byte-pair merging by rank (Sennrich et al. 2016), over token ids. Immutable after bpe_init; any thread. */
#ifndef XIAOBEI_MODEL_BPE_H
#define XIAOBEI_MODEL_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bpe_merge {
    int32_t left, right; /* -1: empty entry of the table */
    int32_t rank, result;
};

struct bpe {
    struct bpe_merge *table; /* open addressing, a power of two */
    size_t mask;
};

int bpe_init(struct bpe *b, size_t merges, struct error *e) MUST_USE;
void bpe_fini(struct bpe *b);
void bpe_add(struct bpe *b, int32_t left, int32_t right, int32_t rank, int32_t result); /* at most `merges` times */

/* Working memory of one caller; grows to the longest word. */
struct bpe_scratch {
    void *memory;
    size_t capacity; /* symbols */
};
void bpe_scratch_free(struct bpe_scratch *s);

/* Merge ids[0..n) in place; returns the new length, or ERR_NOMEM. Quadratic only below a fixed length, n log n above.
 */
long bpe_apply(const struct bpe *b, int32_t *ids, size_t n, struct bpe_scratch *s);

#endif
