/* block_read_impl.h - the block formats of GGUF, read into one neutral form: quants as unsigned bytes and what
 * multiplies them.
 *
 * Inline, for a type that is a constant: loading a model reads every block once, and waits for nothing else. A word of
 * four columns at a time; no bit of a byte ever crosses into its neighbour. Layouts: blocks.h. src needs no alignment.
 */
#ifndef XIAOBEI_KERNELS_BLOCK_READ_IMPL_H
#define XIAOBEI_KERNELS_BLOCK_READ_IMPL_H

#include <stdint.h>
#include <string.h>

#include "kernels/dtype.h"

/* One stored block: 1 cell of 32 columns, or 8 for the K formats. value = d * scale * (quant - offset) [- dmin * min].
 */
struct block_values {
    uint32_t quants[64]; /* word j: the bytes of columns 4j to 4j + 3, in memory order */
    uint16_t d, m;       /* f16: d; and m (Q4_1, Q5_1) or dmin (Q4_K, Q5_K) */
    uint8_t scales[16];  /* Q4_K Q5_K: one per cell; Q6_K: two per cell, signed */
    uint8_t mins[8];     /* Q4_K Q5_K */
};

#define LOW_NIBBLES 0x0F0F0F0Fu

static inline uint16_t read_u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t read_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void read_nibbles(const uint8_t *packed, uint32_t *quants)
{
    for (int j = 0; j < 4; j++) {
        uint32_t word = read_u32(packed + 4 * j);
        quants[j] = word & LOW_NIBBLES;
        quants[j + 4] = word >> 4 & LOW_NIBBLES;
    }
}

/* Bit 4j + i of high is the fifth bit of byte i of word j: the multiplication copies the nibble to where each byte's
 * lowest bit can pick its own. */
static inline void add_fifth_bits(const uint8_t *high, uint32_t *quants)
{
    uint32_t bits = read_u32(high);
    for (int j = 0; j < 8; j++) quants[j] |= ((bits >> 4 * j & 15) * 0x00204081u & 0x01010101u) << 4;
}

/* Twelve bytes hold eight 6-bit scales and eight 6-bit minima. */
static inline void read_k_scales(const uint8_t *p, struct block_values *out)
{
    for (int j = 0; j < 4; j++) {
        out->scales[j] = p[j] & 63;
        out->mins[j] = p[j + 4] & 63;
        out->scales[j + 4] = (uint8_t)((p[j + 8] & 15) | (p[j] >> 6) << 4);
        out->mins[j + 4] = (uint8_t)(p[j + 8] >> 4 | (p[j + 4] >> 6) << 4);
    }
}

/* Nibbles of 256 columns: 32 bytes hold two cells, low nibbles first. */
static inline void read_k_nibbles(const uint8_t *packed, uint32_t *quants)
{
    for (int pair = 0; pair < 4; pair++)
        for (int j = 0; j < 8; j++) {
            uint32_t word = read_u32(packed + 32 * pair + 4 * j);
            quants[16 * pair + j] = word & LOW_NIBBLES;
            quants[16 * pair + 8 + j] = word >> 4 & LOW_NIBBLES;
        }
}

static inline void read_q4_k(const uint8_t *src, struct block_values *out)
{
    out->d = read_u16(src);
    out->m = read_u16(src + 2);
    read_k_scales(src + 4, out);
    read_k_nibbles(src + 16, out->quants);
}

static inline void read_q5_k(const uint8_t *src, struct block_values *out)
{
    out->d = read_u16(src);
    out->m = read_u16(src + 2);
    read_k_scales(src + 4, out);
    read_k_nibbles(src + 48, out->quants);
    for (int j = 0; j < 8; j++) {
        uint32_t high = read_u32(src + 16 + 4 * j); /* bit `cell` of a byte: the fifth bit in that cell */
        for (int cell = 0; cell < 8; cell++) out->quants[8 * cell + j] |= (high >> cell & 0x01010101u) << 4;
    }
}

static inline void read_q6_k(const uint8_t *src, struct block_values *out)
{
    memcpy(out->scales, src + 192, 16);
    out->d = read_u16(src + 208);
    for (int half = 0; half < 2; half++) {
        const uint8_t *low = src + 64 * half;
        const uint8_t *high = src + 128 + 32 * half;
        uint32_t *quants = out->quants + 32 * half;
        for (int j = 0; j < 8; j++) {
            uint32_t first = read_u32(low + 4 * j);
            uint32_t second = read_u32(low + 32 + 4 * j);
            uint32_t pairs = read_u32(high + 4 * j);
            quants[j] = (first & LOW_NIBBLES) | (pairs & 0x03030303u) << 4;
            quants[8 + j] = (second & LOW_NIBBLES) | (pairs >> 2 & 0x03030303u) << 4;
            quants[16 + j] = (first >> 4 & LOW_NIBBLES) | (pairs >> 4 & 0x03030303u) << 4;
            quants[24 + j] = (second >> 4 & LOW_NIBBLES) | (pairs >> 6 & 0x03030303u) << 4;
        }
    }
}

static inline __attribute__((always_inline)) void block_read(enum dtype type, const uint8_t *src,
                                                             struct block_values *out)
{
    switch (type) {
    case DTYPE_Q8_0:
        out->d = read_u16(src);
        for (int j = 0; j < 8; j++) out->quants[j] = read_u32(src + 2 + 4 * j) ^ 0x80808080u;
        break;
    case DTYPE_Q4_0:
        out->d = read_u16(src);
        read_nibbles(src + 2, out->quants);
        break;
    case DTYPE_Q4_1:
        out->d = read_u16(src);
        out->m = read_u16(src + 2);
        read_nibbles(src + 4, out->quants);
        break;
    case DTYPE_Q5_0:
        out->d = read_u16(src);
        read_nibbles(src + 6, out->quants);
        add_fifth_bits(src + 2, out->quants);
        break;
    case DTYPE_Q5_1:
        out->d = read_u16(src);
        out->m = read_u16(src + 2);
        read_nibbles(src + 8, out->quants);
        add_fifth_bits(src + 4, out->quants);
        break;
    case DTYPE_Q4_K: read_q4_k(src, out); break;
    case DTYPE_Q5_K: read_q5_k(src, out); break;
    case DTYPE_Q6_K: read_q6_k(src, out); break;
    default: break; /* float types have no blocks */
    }
}

#endif
