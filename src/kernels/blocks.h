/* blocks.h - the block formats of GGUF, read into one neutral form: quants as unsigned bytes and what multiplies them.
 *
 * Layouts after the format's description (github.com/ggml-org/ggml docs/gguf.md and the K-quants pull request
 * ggml-org/llama.cpp#1684). Pure functions; src needs no alignment.
 */
#ifndef XIAOBEI_KERNELS_BLOCKS_H
#define XIAOBEI_KERNELS_BLOCKS_H

#include <stdint.h>

#include "kernels/dtype.h"

/* One stored block: 1 cell of 32 columns, or 8 for the K formats. value = d * scale * (quant - offset) [- dmin * min].
 */
struct block_values {
    uint8_t quants[256];
    uint16_t d, m;      /* f16: d; and m (Q4_1, Q5_1) or dmin (Q4_K, Q5_K) */
    uint8_t scales[16]; /* Q4_K Q5_K: one per cell; Q6_K: two per cell, signed */
    uint8_t mins[8];    /* Q4_K Q5_K */
};

void block_read(enum dtype type, const uint8_t *src, struct block_values *out);

/* Quantise 32 floats to a Q8_0 block, 256 floats to a Q4_K block (scales by weighted least squares over a few
 * candidates). dst gets block_bytes of the format. */
void block_write_q8_0(const float *x, uint8_t *dst);
void block_write_q4_k(const float *x, uint8_t *dst);

#endif
