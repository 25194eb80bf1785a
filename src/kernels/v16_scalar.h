/* v16_scalar.h - the sixteen-lane vector in plain C: the readable meaning of every operation that v16_avx2.h and
 * v16_avx512.h have under the same names. matmul_impl.h and ops_impl.h are written against these names and compiled
 * once per instruction set. Every operation is exact or rounded once, so that all three give the same bits. */
#ifndef XIAOBEI_KERNELS_V16_SCALAR_H
#define XIAOBEI_KERNELS_V16_SCALAR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/half.h"

#define V16_NAME               "scalar"
#define V16_TILE_GROUPS        1 /* groups x tokens of a register tile */
#define V16_TILE_TOKENS        1
#define V16_SMALL_BATCH        4 /* up to here weights are unpacked into registers, not into scratch */
#define V16_DOT_RUN(bits)      ((bits) == 6 ? 4 : 8) /* a divisor of 4 for 6 bits, else of 8 */
#define V16_UNROLL             0
#define V16_SCORE_QUERIES      1 /* queries x sixteens of positions of a register tile; at most ATTEND_PAD queries */
#define V16_SCORE_TILES        1
#define V16_VALUE_QUERIES      1 /* queries x vectors of dimensions */
#define V16_VALUE_VECTORS      1
#define V16_WIDE_DOT_IS_SIGNED 1 /* v16_dot_wide subtracts 128 from the weights itself */
#define V16_HAS_PAIRS          0 /* v16_part_end_scaled and its kin: for parts that are pairs of 16-bit sums */

typedef struct {
    float x[16];
} v16f;
typedef struct {
    int32_t x[16];
} v16i;
typedef struct {
    uint8_t x[64];
} v16b; /* 16 lanes of 4 unsigned bytes */

#define V16_EACH(i) for (int i = 0; i < 16; i++)

static inline v16f v16_set1(float a)
{
    v16f r;
    V16_EACH(i) r.x[i] = a;
    return r;
}
static inline v16f v16_load(const float *p)
{
    v16f r;
    memcpy(&r, p, sizeof r);
    return r;
}
static inline void v16_store(float *p, v16f a)
{
    memcpy(p, &a, sizeof a);
}
/* Only the first n lanes, n in 1..16. */
static inline v16f v16_load_part(const float *p, int n)
{
    v16f r = {{0}};
    memcpy(&r, p, sizeof(float) * (size_t)n);
    return r;
}
static inline void v16_store_part(float *p, v16f a, int n)
{
    memcpy(p, &a, sizeof(float) * (size_t)n);
}
static inline v16f v16_load_f16(const uint16_t *p)
{
    v16f r;
    V16_EACH(i) r.x[i] = f16_to_f32(p[i]);
    return r;
}
static inline v16f v16_load_bf16(const uint16_t *p)
{
    v16f r;
    V16_EACH(i) r.x[i] = bf16_to_f32(p[i]);
    return r;
}
static inline void v16_store_f16(uint16_t *p, v16f a)
{
    V16_EACH(i) p[i] = f32_to_f16(a.x[i]);
}
static inline v16f v16_load_u8(const uint8_t *p)
{
    v16f r;
    V16_EACH(i) r.x[i] = (float)p[i];
    return r;
}
static inline v16i v16_load_i8(const int8_t *p)
{
    v16i r;
    V16_EACH(i) r.x[i] = p[i];
    return r;
}
static inline v16f v16_add(v16f a, v16f b)
{
    V16_EACH(i) a.x[i] += b.x[i];
    return a;
}
static inline v16f v16_sub(v16f a, v16f b)
{
    V16_EACH(i) a.x[i] -= b.x[i];
    return a;
}
static inline v16f v16_mul(v16f a, v16f b)
{
    V16_EACH(i) a.x[i] *= b.x[i];
    return a;
}
static inline v16f v16_div(v16f a, v16f b)
{
    V16_EACH(i) a.x[i] /= b.x[i];
    return a;
}
/* a * b + c, rounded once */
static inline v16f v16_fma(v16f a, v16f b, v16f c)
{
    V16_EACH(i) a.x[i] = fmaf(a.x[i], b.x[i], c.x[i]);
    return a;
}
/* The second operand if either is NaN, as the vector instructions do. */
static inline v16f v16_max(v16f a, v16f b)
{
    V16_EACH(i) a.x[i] = a.x[i] > b.x[i] ? a.x[i] : b.x[i];
    return a;
}
static inline v16f v16_min(v16f a, v16f b)
{
    V16_EACH(i) a.x[i] = a.x[i] < b.x[i] ? a.x[i] : b.x[i];
    return a;
}
/* The largest magnitude of 32 values; compared as bits, so that infinity beats every number and NaN beats infinity. */
static inline float v16_peak(v16f a, v16f b)
{
    uint32_t peak = 0;
    V16_EACH(i)
    {
        uint32_t x = float_bits(a.x[i]) & 0x7FFFFFFFu;
        uint32_t y = float_bits(b.x[i]) & 0x7FFFFFFFu;
        peak = x > peak ? x : peak;
        peak = y > peak ? y : peak;
    }
    return float_from_bits(peak);
}
/* value, but 0 in the lanes where x < limit */
static inline v16f v16_zero_below(v16f value, v16f x, float limit)
{
    V16_EACH(i) value.x[i] = x.x[i] < limit ? 0.0f : value.x[i];
    return value;
}
static inline v16f v16_negate(v16f a)
{
    V16_EACH(i) a.x[i] = -a.x[i];
    return a;
}
static inline v16f v16_round(v16f a) /* to nearest, ties to even */
{
    V16_EACH(i) a.x[i] = rintf(a.x[i]);
    return a;
}
static inline v16i v16_to_int(v16f a) /* values are whole already; NaN gives INT32_MIN, as the instruction does */
{
    v16i r;
    V16_EACH(i) r.x[i] = a.x[i] >= -2147483648.0f && a.x[i] < 2147483648.0f ? (int32_t)a.x[i] : INT32_MIN;
    return r;
}
static inline v16f v16_from_int(v16i a)
{
    v16f r;
    V16_EACH(i) r.x[i] = (float)a.x[i];
    return r;
}
/* 2^n for whole n in -126..127 */
static inline v16f v16_exp2_int(v16i n)
{
    v16f r;
    V16_EACH(i) r.x[i] = float_from_bits((uint32_t)(n.x[i] + 127) << 23);
    return r;
}
static inline v16i v16_set1_int(int32_t a)
{
    v16i r;
    V16_EACH(i) r.x[i] = a;
    return r;
}
static inline v16i v16_add_int(v16i a, v16i b)
{
    V16_EACH(i) a.x[i] += b.x[i];
    return a;
}
static inline v16i v16_mul_int(v16i a, v16i b)
{
    V16_EACH(i) a.x[i] *= b.x[i];
    return a;
}
/* The low bytes of 16 integers. */
static inline void v16_store_i8(int8_t *p, v16i a)
{
    V16_EACH(i) p[i] = (int8_t)a.x[i];
}
static inline int32_t v16_sum_int(v16i a)
{
    int32_t s = 0;
    V16_EACH(i) s += a.x[i];
    return s;
}
/* Sums and maxima of the lanes as a tree: 8 apart, 4, 2, 1. */
static inline float v16_sum(v16f a)
{
    for (int step = 8; step > 0; step /= 2)
        for (int i = 0; i < step; i++) a.x[i] += a.x[i + step];
    return a.x[0];
}
static inline float v16_max_lane(v16f a)
{
    for (int step = 8; step > 0; step /= 2)
        for (int i = 0; i < step; i++) a.x[i] = a.x[i] > a.x[i + step] ? a.x[i] : a.x[i + step];
    return a.x[0];
}

static inline v16b v16_load_bytes(const uint8_t *p)
{
    v16b r;
    memcpy(&r, p, sizeof r);
    return r;
}
static inline void v16_store_bytes(uint8_t *p, v16b a)
{
    memcpy(p, &a, sizeof a);
}
static inline v16b v16_and_bytes(v16b a, uint8_t mask)
{
    for (int i = 0; i < 64; i++) a.x[i] &= mask;
    return a;
}
static inline v16b v16_or_bytes(v16b a, v16b b)
{
    for (int i = 0; i < 64; i++) a.x[i] |= b.x[i];
    return a;
}
/* Shifts inside each byte; bits that would come from a neighbour must be masked away by the caller. */
static inline v16b v16_shift_right(v16b a, int n)
{
    for (int i = 0; i < 64; i++) a.x[i] = (uint8_t)(a.x[i] >> n);
    return a;
}
static inline v16b v16_shift_left(v16b a, int n)
{
    for (int i = 0; i < 64; i++) a.x[i] = (uint8_t)(a.x[i] << n);
    return a;
}
/* A run of dot products may be summed in a form of the table's own: part = begin(acc); part = dot(part, ...), at most
 * V16_DOT_RUN(bits) times; acc = end(acc, part). */
static inline v16i v16_part_begin(v16i acc)
{
    return acc;
}
static inline v16i v16_part_end(v16i acc, v16i part)
{
    (void)acc;
    return part;
}
/* acc + the dot product of each lane's 4 unsigned bytes with the 4 signed bytes at a; weights up to 63 */
static inline v16i v16_dot(v16i acc, v16b w, const int8_t *a)
{
    V16_EACH(i)
    for (int k = 0; k < 4; k++) acc.x[i] += (int32_t)w.x[4 * i + k] * a[k];
    return acc;
}
/* The same for weights up to 255. See V16_WIDE_DOT_IS_SIGNED. */
static inline v16i v16_dot_wide(v16i acc, v16b w, const int8_t *a)
{
    V16_EACH(i)
    for (int k = 0; k < 4; k++) acc.x[i] += ((int32_t)w.x[4 * i + k] - 128) * a[k];
    return acc;
}

#undef V16_EACH
#endif
