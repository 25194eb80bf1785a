/* quantize.c - float weights to blocks when they are loaded (--quant). Q8_0 keeps a scale per 32; Q4_K searches, per 32
 * weights, the scale and minimum of least squared error weighted by magnitude, then stores both in 6 bits. */
#include <math.h>
#include <string.h>

#include "kernels/blocks.h"
#include "kernels/half.h"

static void write_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static int clamp_round(float x, int low, int high)
{
    float r = rintf(x);
    if (!(r >= (float)low)) return low;
    return r > (float)high ? high : (int)r;
}

void block_write_q8_0(const float *x, uint8_t *dst)
{
    float peak = 0;
    for (int i = 0; i < 32; i++) peak = fmaxf(peak, fabsf(x[i]));
    uint16_t d = f32_to_f16(peak / 127.0f);
    float scale = f16_to_f32(d);
    float inverse = scale > 0 ? 1.0f / scale : 0;
    write_u16(dst, d);
    for (int i = 0; i < 32; i++) dst[2 + i] = (uint8_t)(int8_t)clamp_round(x[i] * inverse, -127, 127);
}

/* x ~ scale * q - minimum with q in 0..15, minimum >= 0. Returns the weighted squared error. */
static float fit_given_range(const float *x, const float *w, float low, float span, float *scale, float *minimum)
{
    float inverse = 15.0f / span;
    float sw = 0;
    float sq = 0;
    float sqq = 0;
    float sx = 0;
    float sqx = 0;
    for (int i = 0; i < 32; i++) {
        float q = (float)clamp_round((x[i] - low) * inverse, 0, 15);
        sw += w[i];
        sq += w[i] * q;
        sqq += w[i] * q * q;
        sx += w[i] * x[i];
        sqx += w[i] * q * x[i];
    }
    float determinant = sw * sqq - sq * sq;
    if (!(determinant > 0)) return INFINITY;
    float a = (sw * sqx - sq * sx) / determinant;
    float b = (sqq * sx - sq * sqx) / determinant; /* x ~ a q + b */
    if (b > 0) {
        b = 0;
        a = sqx / sqq;
    }
    if (!(a > 0)) return INFINITY;
    float error = 0;
    for (int i = 0; i < 32; i++) {
        float q = (float)clamp_round((x[i] - b) / a, 0, 15);
        float miss = a * q + b - x[i];
        error += w[i] * miss * miss;
    }
    *scale = a;
    *minimum = -b;
    return error;
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
    for (int step = -4; step <= 10; step++) {
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
    for (int c = 0; c < 8; c++) {
        fit_cell(x + 32 * c, &scale[c], &minimum[c]);
        top_scale = fmaxf(top_scale, scale[c]);
        top_minimum = fmaxf(top_minimum, minimum[c]);
    }
    uint16_t d = f32_to_f16(top_scale / 63.0f);
    uint16_t dmin = f32_to_f16(top_minimum / 63.0f);
    float fd = f16_to_f32(d);
    float fm = f16_to_f32(dmin);
    memset(dst, 0, 144);
    write_u16(dst, d);
    write_u16(dst + 2, dmin);
    for (int c = 0; c < 8; c++) {
        int sc = fd > 0 ? clamp_round(scale[c] / fd, 0, 63) : 0;
        int mn = fm > 0 ? clamp_round(minimum[c] / fm, 0, 63) : 0;
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
            int q = step > 0 ? clamp_round((x[32 * c + i] + low) / step, 0, 15) : 0;
            uint8_t *byte = dst + 16 + c / 2 * 32 + i;
            *byte = (uint8_t)(*byte | (c % 2 ? q << 4 : q));
        }
    }
}
