/* blocks.h - rows of weights between floats and the formats of dtype.h. Layouts after the format's description
 * (github.com/ggml-org/ggml docs/gguf.md and the K-quants pull request ggml-org/llama.cpp#1684); reading them is
 * block_read_impl.h. Pure functions; any thread.
 */
#ifndef XIAOBEI_KERNELS_BLOCKS_H
#define XIAOBEI_KERNELS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/dtype.h"

/* Quantise 32 floats (Q8_0, Q4_0, Q5_0) or 256 (Q4_K, Q6_K). Scales are searched by weighted least squares over a few
 * candidates. dst gets block_bytes of the format. A block that holds NaN, infinity or a number beyond every format gets
 * scale NaN: it reads back as NaN throughout. */
void block_write_q8_0(const float *x, uint8_t *dst);
void block_write_q4_0(const float *x, uint8_t *dst);
void block_write_q5_0(const float *x, uint8_t *dst);
void block_write_q4_k(const float *x, uint8_t *dst);
void block_write_q6_k(const float *x, uint8_t *dst);

/* Formats that row_write knows: the float types and the five above. */
bool row_can_write(enum dtype type);

/* A whole row: cols must be a multiple of the format's block_elems. row_read knows every format. */
size_t row_bytes(enum dtype type, int cols);
void row_write(enum dtype type, const float *x, int cols, uint8_t *dst);
void row_read(enum dtype type, const uint8_t *src, int cols, float *out);

#endif
