/* quantize_symmetric.c - formats without a minimum: Q4_0, Q5_0 and Q6_K keep x ~ d * q with q in [-levels, levels - 1].
 *
 * The value of largest magnitude is laid on -levels, the longer side, then the scale is moved around that place and
 * the one of least squared error, weighted by the squared value, is kept. For a given rounding q the best scale is
 * sum(w x q) / sum(w q q), and the error falls by sum(w x q)^2 / sum(w q q): that is what is compared.
 */
#include <math.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/quantize_parts.h"

enum { SEARCH_STEPS = 9 };

static int nearest(float x, int levels)
{
    float low = (float)-levels;
    float high = (float)(levels - 1);
    x = x > low ? x : low;
    x = x < high ? x : high;
    return (int)((x + 0x1.8p23f) - 0x1.8p23f);
}

static float best_scale(const float *x, int n, int levels)
{
    float extreme = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
    float scale = -extreme / (float)levels;
    if (!(fabsf(extreme) > 0)) return scale;
    float best = -1;
    for (int step = -SEARCH_STEPS; step <= SEARCH_STEPS; step++) {
        float inverse = -((float)levels + 0.1f * (float)step) / extreme;
        float sxq = 0;
        float sqq = 0;
        for (int i = 0; i < n; i++) {
            float q = (float)nearest(x[i] * inverse, levels);
            float w = x[i] * x[i];
            sxq += w * x[i] * q;
            sqq += w * q * q;
        }
        if (!(sqq > 0) || !(sxq * sxq > best * sqq)) continue;
        best = sxq * sxq / sqq;
        scale = sxq / sqq;
    }
    return scale;
}

/* 32 floats with one f16 scale: quants with `levels` added. */
static uint16_t quantize_32(const float *x, int levels, uint8_t *quants)
{
    if (block_is_damaged(x, 32)) {
        memset(quants, 0, 32);
        return F16_NAN;
    }
    uint16_t d = f32_to_f16(best_scale(x, 32, levels));
    float scale = f16_to_f32(d);
    float inverse = fabsf(scale) > 0 ? 1.0f / scale : 0;
    for (int i = 0; i < 32; i++) quants[i] = (uint8_t)(nearest(x[i] * inverse, levels) + levels);
    return d;
}

void block_write_q4_0(const float *x, uint8_t *dst)
{
    uint8_t quants[32];
    put_u16(dst, quantize_32(x, 8, quants));
    for (int i = 0; i < 16; i++) dst[2 + i] = (uint8_t)(quants[i] | quants[16 + i] << 4);
}

void block_write_q5_0(const float *x, uint8_t *dst)
{
    uint8_t quants[32];
    uint32_t fifth = 0;
    put_u16(dst, quantize_32(x, 16, quants));
    for (int i = 0; i < 32; i++) fifth |= (uint32_t)(quants[i] >> 4) << i;
    memcpy(dst + 2, &fifth, sizeof fifth);
    for (int i = 0; i < 16; i++) dst[6 + i] = (uint8_t)((quants[i] & 15) | (quants[16 + i] & 15) << 4);
}

/* Column c of 256 into 4 low bits and 2 high bits: halves of 128, in each four quarters of 32 share their bytes. */
static void put_six_bits(uint8_t *dst, int c, int quant)
{
    int half = c / 128;
    int quarter = c % 128 / 32;
    int i = c % 32;
    uint8_t *low = dst + 64 * half + 32 * (quarter % 2) + i;
    uint8_t *high = dst + 128 + 32 * half + i;
    *low = (uint8_t)(*low | (quant & 15) << (quarter / 2 * 4));
    *high = (uint8_t)(*high | (quant >> 4) << 2 * quarter);
}

void block_write_q6_k(const float *x, uint8_t *dst)
{
    float scale[16];
    float top = 0;
    memset(dst, 0, 210);
    if (block_is_damaged(x, 256)) {
        put_u16(dst + 208, F16_NAN);
        return;
    }
    for (int s = 0; s < 16; s++) {
        scale[s] = best_scale(x + 16 * s, 16, 32);
        if (fabsf(scale[s]) > fabsf(top)) top = scale[s];
    }
    uint16_t d = f32_to_f16(top / -128.0f); /* the largest scale takes the longer side of a signed byte */
    float fd = f16_to_f32(d);
    put_u16(dst + 208, d);
    for (int s = 0; s < 16; s++) {
        int sc = fabsf(fd) > 0 ? nearest(scale[s] / fd, 128) : 0;
        float step = fd * (float)sc;
        float inverse = fabsf(step) > 0 ? 1.0f / step : 0;
        dst[192 + s] = (uint8_t)(int8_t)sc;
        for (int i = 0; i < 16; i++) put_six_bits(dst, 16 * s + i, nearest(x[16 * s + i] * inverse, 32) + 32);
    }
}
