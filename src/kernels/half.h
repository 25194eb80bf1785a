/* half.h - the 16-bit floats, one value at a time; exact, for packing and for the scalar table. */
#ifndef XIAOBEI_KERNELS_HALF_H
#define XIAOBEI_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float float_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline float bf16_to_f32(uint16_t h)
{
    return float_from_bits((uint32_t)h << 16);
}

/* Round to nearest, ties to even; NaN stays NaN (quiet). */
static inline uint16_t f32_to_bf16(float x)
{
    uint32_t u = float_bits(x);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7FFFu + (u >> 16 & 1u)) >> 16);
}

/* IEEE binary16; subnormals by a multiplication that is exact. */
static inline float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t rest = h & 0x7FFFu;
    if (rest >= 0x7C00u) return float_from_bits(sign | 0x7F800000u | (rest & 0x3FFu) << 13);
    if (rest < 0x400u) {
        float magnitude = (float)rest * 0x1p-24f;
        return float_from_bits(sign | float_bits(magnitude));
    }
    return float_from_bits(sign | ((rest << 13) + (112u << 23)));
}

/* Round to nearest, ties to even, as the hardware does; NaN stays NaN (quiet). */
static inline uint16_t f32_to_f16(float x)
{
    uint32_t u = float_bits(x);
    uint32_t sign = u >> 16 & 0x8000u;
    u &= 0x7FFFFFFFu;
    if (u > 0x7F800000u) return (uint16_t)(sign | 0x7E00u | (u >> 13 & 0x3FFu));
    if (u >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u); /* rounds to infinity from 65520 */
    if (u < 0x38800000u) {                                   /* subnormal or zero: let the adder round at 2^-24 */
        float shifted = float_from_bits(u) + 0.5f;
        return (uint16_t)(sign | (float_bits(shifted) - float_bits(0.5f)));
    }
    uint32_t odd = u >> 13 & 1u;
    return (uint16_t)(sign | (u - (112u << 23) + 0xFFFu + odd) >> 13);
}

#endif
