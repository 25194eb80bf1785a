/* reference_blocks.h - random weights in every format, and what an element of them is worth, written from the formats'
 * description (github.com/ggml-org/ggml docs/gguf.md) and not from src/kernels: the tests' second opinion. */
#ifndef XIAOBEI_TESTS_REFERENCE_BLOCKS_H
#define XIAOBEI_TESTS_REFERENCE_BLOCKS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/pack.h"

static uint64_t random_state = 42;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static float random_float(void)
{
    return (float)random_u32() / 1073741824.0f - 1.0f;
}

/* Random valid blocks: any quants, moderate scales (and a zero scale now and then). */
static inline uint8_t *random_matrix(enum dtype type, int rows, int cols)
{
    struct dtype_info info = dtype_info(type);
    size_t blocks = (size_t)rows * (size_t)cols / info.block_elems;
    uint8_t *data = malloc(blocks * info.block_bytes);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *block = data + b * info.block_bytes;
        for (size_t i = 0; i < info.block_bytes; i++) block[i] = (uint8_t)random_u32();
        uint16_t d = f32_to_f16(random_u32() % 17 == 0 ? 0 : 0.01f * random_float());
        uint16_t m = f32_to_f16(0.02f * random_float());
        if (type == DTYPE_F32) {
            float x = random_float();
            memcpy(block, &x, 4);
        } else if (type == DTYPE_F16) {
            uint16_t h = f32_to_f16(random_float());
            memcpy(block, &h, 2);
        } else if (type == DTYPE_BF16) {
            float x = random_float();
            memcpy(block, (uint8_t *)&x + 2, 2);
        } else if (type == DTYPE_Q6_K) {
            memcpy(block + 208, &d, 2);
        } else {
            memcpy(block, &d, 2);
            if (type == DTYPE_Q4_1 || type == DTYPE_Q5_1 || type == DTYPE_Q4_K || type == DTYPE_Q5_K)
                memcpy(block + 2, &m, 2);
        }
    }
    return data;
}

static inline void pack_all(struct packed_matrix *m, enum dtype type, int rows, int cols, const void *data)
{
    struct error e = {0};
    assert_int_equal(pack_new(m, type, rows, cols, &e), OK);
    for (int g = 0; g < m->groups; g++) pack_group(m, g, data);
}

/* An element of a row-major matrix, written from the format's description and not from blocks.c. */
static double element(enum dtype type, const uint8_t *data, int cols, int row, int col)
{
    struct dtype_info info = dtype_info(type);
    const uint8_t *b = data + ((size_t)row * (size_t)cols + (size_t)col) / info.block_elems * info.block_bytes;
    int i = col % (int)info.block_elems;
    uint16_t h0;
    uint16_t h1;
    memcpy(&h0, b, 2);
    double d = (double)f16_to_f32(h0);
    double m = 0;
    if (info.block_bytes >= 4) {
        memcpy(&h1, b + 2, 2);
        m = (double)f16_to_f32(h1);
    }
    switch (type) {
    case DTYPE_F32: {
        float x;
        memcpy(&x, b, 4);
        return (double)x;
    }
    case DTYPE_F16: return d;
    case DTYPE_BF16: return (double)bf16_to_f32(h0);
    case DTYPE_Q8_0: return d * (int8_t)b[2 + i];
    case DTYPE_Q4_0: return d * ((i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4) - 8);
    case DTYPE_Q4_1: return d * (i < 16 ? b[4 + i] & 15 : b[4 + i - 16] >> 4) + m;
    case DTYPE_Q5_0:
    case DTYPE_Q5_1: {
        int head = type == DTYPE_Q5_0 ? 2 : 4;
        int low = i < 16 ? b[head + 4 + i] & 15 : b[head + 4 + i - 16] >> 4;
        int q = low + 16 * (b[head + i / 8] >> i % 8 & 1);
        return type == DTYPE_Q5_0 ? d * (q - 16) : d * q + m;
    }
    case DTYPE_Q4_K:
    case DTYPE_Q5_K: {
        int s = i / 32;
        const uint8_t *p = b + 4;
        int sc = s < 4 ? p[s] & 63 : (p[s + 4] & 15) + 16 * (p[s - 4] >> 6);
        int mn = s < 4 ? p[s + 4] & 63 : (p[s + 4] >> 4) + 16 * (p[s] >> 6);
        const uint8_t *qs = b + (type == DTYPE_Q4_K ? 16 : 48) + i / 64 * 32 + i % 32;
        int q = i / 32 % 2 ? *qs >> 4 : *qs & 15;
        if (type == DTYPE_Q5_K) q += 16 * (b[16 + i % 32] >> s & 1);
        return d * sc * q - m * mn;
    }
    case DTYPE_Q6_K: {
        int half = i / 128;
        int k = i % 128;
        int low = k < 64 ? b[half * 64 + k] & 15 : b[half * 64 + k - 64] >> 4;
        int high = b[128 + half * 32 + k % 32] >> k / 32 * 2 & 3;
        memcpy(&h0, b + 208, 2);
        return (double)f16_to_f32(h0) * (int8_t)b[192 + i / 16] * (low + 16 * high - 32);
    }
    default: return NAN;
    }
}

#endif
