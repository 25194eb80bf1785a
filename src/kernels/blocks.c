/* blocks.c - see blocks.h. */
#include "kernels/blocks.h"

#include <string.h>

#include "kernels/half.h"

static uint16_t read_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void read_nibbles(const uint8_t *packed, uint8_t *quants)
{
    for (int i = 0; i < 16; i++) {
        quants[i] = packed[i] & 15;
        quants[i + 16] = packed[i] >> 4;
    }
}

static void add_fifth_bits(const uint8_t *high, uint8_t *quants)
{
    uint32_t bits;
    memcpy(&bits, high, sizeof bits);
    for (int i = 0; i < 32; i++) quants[i] = (uint8_t)(quants[i] | (bits >> i & 1) << 4);
}

/* Twelve bytes hold eight 6-bit scales and eight 6-bit minima. */
static void read_k_scales(const uint8_t *p, struct block_values *out)
{
    for (int j = 0; j < 4; j++) {
        out->scales[j] = p[j] & 63;
        out->mins[j] = p[j + 4] & 63;
        out->scales[j + 4] = (uint8_t)((p[j + 8] & 15) | (p[j] >> 6) << 4);
        out->mins[j + 4] = (uint8_t)(p[j + 8] >> 4 | (p[j + 4] >> 6) << 4);
    }
}

static void read_q4_k(const uint8_t *src, struct block_values *out)
{
    out->d = read_u16(src);
    out->m = read_u16(src + 2);
    read_k_scales(src + 4, out);
    const uint8_t *packed = src + 16;
    for (int cell = 0; cell < 8; cell++)
        for (int i = 0; i < 32; i++) {
            uint8_t byte = packed[cell / 2 * 32 + i];
            out->quants[cell * 32 + i] = cell % 2 ? byte >> 4 : byte & 15;
        }
}

static void read_q5_k(const uint8_t *src, struct block_values *out)
{
    out->d = read_u16(src);
    out->m = read_u16(src + 2);
    read_k_scales(src + 4, out);
    const uint8_t *high = src + 16;
    const uint8_t *packed = src + 48;
    for (int cell = 0; cell < 8; cell++)
        for (int i = 0; i < 32; i++) {
            uint8_t byte = packed[cell / 2 * 32 + i];
            uint8_t low = cell % 2 ? byte >> 4 : byte & 15;
            out->quants[cell * 32 + i] = (uint8_t)(low | (high[i] >> cell & 1) << 4);
        }
}

static void read_q6_k(const uint8_t *src, struct block_values *out)
{
    const uint8_t *low = src;
    const uint8_t *high = src + 128;
    memcpy(out->scales, src + 192, 16);
    out->d = read_u16(src + 208);
    for (int half = 0; half < 2; half++, low += 64, high += 32)
        for (int quarter = 0; quarter < 4; quarter++)
            for (int i = 0; i < 32; i++) {
                uint8_t byte = low[quarter % 2 * 32 + i];
                uint8_t four = quarter < 2 ? byte & 15 : byte >> 4;
                out->quants[half * 128 + quarter * 32 + i] = (uint8_t)(four | (high[i] >> 2 * quarter & 3) << 4);
            }
}

void block_read(enum dtype type, const uint8_t *src, struct block_values *out)
{
    switch (type) {
    case DTYPE_Q8_0:
        out->d = read_u16(src);
        for (int i = 0; i < 32; i++) out->quants[i] = (uint8_t)(src[2 + i] ^ 0x80);
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
