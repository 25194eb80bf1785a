/* quantize.c - float weights to blocks when they are loaded (--quant). Q8_0 keeps a scale per 32; Q4_K searches, per 32
 * weights, the scale and minimum of least squared error weighted by magnitude, then stores both in 6 bits. */
#include <math.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/quantize_parts.h"

/* To the nearest whole number, ties to even, between low and high. Adding and taking off 1.5 * 2^23
 * rounds exactly and, unlike rintf, compiles to vector instructions on every machine. */
static inline float clamp_round(float x, float low, float high)
{
    x = x > low ? x : low;
    x = x < high ? x : high;
    return (x + 0x1.8p23f) - 0x1.8p23f;
}

void block_write_q8_0(const float *x, uint8_t *dst)
{
    if (block_is_damaged(x, 32)) {
        memset(dst, 0, 34);
        put_u16(dst, F16_NAN);
        return;
    }
    float peak = 0;
    for (int i = 0; i < 32; i++) peak = fmaxf(peak, fabsf(x[i]));
    uint16_t d = f32_to_f16(peak / 127.0f);
    float scale = f16_to_f32(d);
    float inverse = scale > 0 ? 1.0f / scale : 0;
    put_u16(dst, d);
    for (int i = 0; i < 32; i++) dst[2 + i] = (uint8_t)(int8_t)(int)clamp_round(x[i] * inverse, -127, 127);
}

/* Four floats: what every machine the program runs on has in one register. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

static float sum_of(four v)
{
    return (v[0] + v[1]) + (v[2] + v[3]);
}

/* clamp_round((x - low) * inverse, 0, 15) of 32 values. The choices are spelled as masks: the compiler keeps branches
 * for the sake of NaN otherwise. */
static void levels_of(four *q, const four *x, float low, float inverse)
{
    typedef int32_t four_masks __attribute__((vector_size(16)));
    const four top = {15, 15, 15, 15};
    const four magic = {0x1.8p23f, 0x1.8p23f, 0x1.8p23f, 0x1.8p23f};
    for (int i = 0; i < 8; i++) {
        four v = (x[i] - low) * inverse;
        v = (four)((four_masks)v & (v > 0));
        four_masks over = v > top;
        v = (four)(((four_masks)top & over) | ((four_masks)v & ~over));
        q[i] = (v + magic) - magic;
    }
}

/* x ~ scale * q - minimum with q in 0..15, minimum >= 0. Returns the weighted squared error. */
static float fit_given_range(const float *x, const float *w, float low, float span, float *scale, float *minimum)
{
    four vq[8];
    const four *vx = (const four *)(const void *)x;
    const four *vw = (const four *)(const void *)w;
    four of_w = {0}; /* sums of weight, weight * q, weight * q * q, weight * x, weight * q * x */
    four of_q = {0};
    four of_qq = {0};
    four of_x = {0};
    four of_qx = {0};
    levels_of(vq, vx, low, 15.0f / span);
    for (int i = 0; i < 8; i++) {
        four wq = vw[i] * vq[i];
        of_w += vw[i];
        of_q += wq;
        of_qq += wq * vq[i];
        of_x += vw[i] * vx[i];
        of_qx += wq * vx[i];
    }
    float sw = sum_of(of_w);
    float sq = sum_of(of_q);
    float sqq = sum_of(of_qq);
    float sx = sum_of(of_x);
    float sqx = sum_of(of_qx);
    float determinant = sw * sqq - sq * sq;
    if (!(determinant > 0)) return INFINITY;
    float a = (sw * sqx - sq * sx) / determinant;
    float b = (sqq * sx - sq * sqx) / determinant; /* x ~ a q + b */
    if (b > 0) {
        b = 0;
        a = sqx / sqq;
    }
    if (!(a > 0)) return INFINITY;
    four error = {0};
    levels_of(vq, vx, b, 1.0f / a);
    for (int i = 0; i < 8; i++) {
        four miss = a * vq[i] + b - vx[i];
        error += vw[i] * miss * miss;
    }
    *scale = a;
    *minimum = -b;
    return sum_of(error);
}

static void fit_cell(const float *x, float *scale, float *minimum)
{
    float low = 0;
    float high = 0;
    float squares = 0;
    for (int i = 0; i < 32; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
        squares += x[i] * x[i];
    }
    *scale = (high - low) / 15.0f;
    *minimum = -low;
    if (!(high > low)) return;
    float w[32];
    float mean = sqrtf(squares / 32.0f);
    for (int i = 0; i < 32; i++) w[i] = mean + fabsf(x[i]);
    float best = INFINITY;
    for (int step = -4; step <= 10; step += 2) {
        float s = 0;
        float m = 0;
        float error = fit_given_range(x, w, low, (high - low) * 15.0f / (15.0f + 0.1f * (float)step), &s, &m);
        if (!(error < best)) continue;
        best = error;
        *scale = s;
        *minimum = m;
    }
}

void block_write_q4_k(const float *x, uint8_t *dst)
{
    float scale[8];
    float minimum[8];
    float top_scale = 0;
    float top_minimum = 0;
    memset(dst, 0, 144);
    if (block_is_damaged(x, 256)) {
        put_u16(dst, F16_NAN);
        return;
    }
    for (int c = 0; c < 8; c++) {
        fit_cell(x + 32 * c, &scale[c], &minimum[c]);
        top_scale = fmaxf(top_scale, scale[c]);
        top_minimum = fmaxf(top_minimum, minimum[c]);
    }
    uint16_t d = f32_to_f16(top_scale / 63.0f);
    uint16_t dmin = f32_to_f16(top_minimum / 63.0f);
    float fd = f16_to_f32(d);
    float fm = f16_to_f32(dmin);
    put_u16(dst, d);
    put_u16(dst + 2, dmin);
    for (int c = 0; c < 8; c++) {
        int sc = fd > 0 ? (int)clamp_round(scale[c] / fd, 0, 63) : 0;
        int mn = fm > 0 ? (int)clamp_round(minimum[c] / fm, 0, 63) : 0;
        uint8_t *p = dst + 4;
        if (c < 4) {
            p[c] = (uint8_t)(p[c] | sc);
            p[c + 4] = (uint8_t)(p[c + 4] | mn);
        } else {
            p[c + 4] = (uint8_t)((sc & 15) | (mn & 15) << 4);
            p[c - 4] = (uint8_t)(p[c - 4] | sc >> 4 << 6);
            p[c] = (uint8_t)(p[c] | mn >> 4 << 6);
        }
        float step = fd * (float)sc;
        float low = fm * (float)mn;
        for (int i = 0; i < 32; i++) {
            int q = step > 0 ? (int)clamp_round((x[32 * c + i] + low) / step, 0, 15) : 0;
            uint8_t *byte = dst + 16 + c / 2 * 32 + i;
            *byte = (uint8_t)(*byte | (c % 2 ? q << 4 : q));
        }
    }
}
