/* blocks.h - floats to the block formats of GGUF. Layouts after the format's description (github.com/ggml-org/ggml
 * docs/gguf.md and the K-quants pull request ggml-org/llama.cpp#1684); reading them is block_read_impl.h. Pure
 * functions. */
#ifndef XIAOBEI_KERNELS_BLOCKS_H
#define XIAOBEI_KERNELS_BLOCKS_H

#include <stdint.h>

/* Quantise 32 floats to a Q8_0 block, 256 floats to a Q4_K block (scales by weighted least squares over a few
 * candidates). dst gets block_bytes of the format. */
void block_write_q8_0(const float *x, uint8_t *dst);
void block_write_q4_k(const float *x, uint8_t *dst);

#endif
