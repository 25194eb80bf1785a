/* quantize_parts.h - what quantize.c and quantize_symmetric.c share. */
#ifndef XIAOBEI_KERNELS_QUANTIZE_PARTS_H
#define XIAOBEI_KERNELS_QUANTIZE_PARTS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { F16_NAN = 0x7E00 };

static inline void put_u16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

/* Does x hold NaN, infinity, or a number that no format reaches (the widest, Q6_K, ends at 65504 * 128 * 32)? Rounding
 * would make a plausible number of it: such a block gets scale NaN, so that the forward pass notices. */
static inline bool block_is_damaged(const float *x, int n)
{
    int damaged = 0;
    for (int i = 0; i < n; i++) damaged |= !(fabsf(x[i]) < 0x1p28f);
    return damaged;
}

#endif
