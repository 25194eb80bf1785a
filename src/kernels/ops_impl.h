/* ops_impl.h - everything but the matrix products, compiled once per instruction set (include a v16_*.h first).
 *
 * Reductions run over sixteen partial lanes (lane = index % 16) merged as a tree; a tail shorter than sixteen is padded
 * with zeros. All tables give the same bits. Float rows need not be multiples of 16 long.
 */
#include <float.h>
#include <math.h>

#include "kernels/kernels.h"

/* exp(x) within 2 ulp: x = n ln 2 + r, |r| <= ln 2 / 2, a polynomial of degree 6 in r (Taylor, relative error < 2e-8
 * there) times 2^n. Below -87.3 (minus infinity too) the result is 0: a masked logit must weigh nothing at all. Above
 * 88.37 it is held at the largest power. NaN stays NaN. */
static inline v16f v16_exp(v16f x)
{
    v16f low = v16_set1(-87.3f);
    v16f clamped = v16_max(low, v16_min(v16_set1(88.37f), x)); /* operand order: a NaN in x survives */
    v16f n = v16_round(v16_mul(clamped, v16_set1(1.44269504f)));
    v16f r = v16_fma(n, v16_set1(-0.693359375f), clamped);
    r = v16_fma(n, v16_set1(2.12194440e-4f), r);
    v16f p = v16_set1(1.3888889e-3f);
    p = v16_fma(p, r, v16_set1(8.3333333e-3f));
    p = v16_fma(p, r, v16_set1(4.1666668e-2f));
    p = v16_fma(p, r, v16_set1(1.6666667e-1f));
    p = v16_fma(p, r, v16_set1(0.5f));
    p = v16_fma(p, r, v16_set1(1.0f));
    p = v16_fma(p, r, v16_set1(1.0f));
    return v16_zero_below(v16_mul(p, v16_exp2_int(v16_to_int(n))), x, -87.3f);
}

/* Lanes [i, i + 16) of x[0..n), zeros beyond the end. */
static inline v16f load_tail(const float *x, int i, int n)
{
    return n - i >= 16 ? v16_load(x + i) : v16_load_part(x + i, n - i);
}

static inline void store_tail(float *x, int i, int n, v16f value)
{
    if (n - i >= 16)
        v16_store(x + i, value);
    else
        v16_store_part(x + i, value, n - i);
}

static void quantize_row(const struct activations *a, int t)
{
    const float *x = a->x + (size_t)t * (size_t)a->cols;
    size_t cells = (size_t)a->cols / 32;
    for (size_t c = 0; c < cells; c++) {
        size_t at = (size_t)t * cells + c;
        v16f lo = v16_load(x + 32 * c);
        v16f hi = v16_load(x + 32 * c + 16);
        float peak = v16_peak(lo, hi);
        float scale = peak / 127.0f;
        float inverse = peak > 0 ? 127.0f / peak : 0;
        v16i q0 = v16_set1_int(0);
        v16i q1 = v16_set1_int(0);
        if (!(peak <= FLT_MAX)) {
            scale = NAN;                 /* infinity or NaN in, NaN out in every row: never a plausible number */
        } else if (inverse <= FLT_MAX) { /* a block of denormals is zero to us */
            q0 = v16_to_int(v16_round(v16_mul(lo, v16_set1(inverse))));
            q1 = v16_to_int(v16_round(v16_mul(hi, v16_set1(inverse))));
        }
        v16_store_i8(a->q + at * 32, q0);
        v16_store_i8(a->q + at * 32 + 16, q1);
        a->sum16[at * 2] = v16_sum_int(q0);
        a->sum16[at * 2 + 1] = v16_sum_int(q1);
        a->scale[at] = scale;
        a->dsum[at] = scale * (float)(a->sum16[at * 2] + a->sum16[at * 2 + 1]);
    }
}

static void rmsnorm(float *out, const float *x, const float *weight, int n, float eps)
{
    v16f squares = v16_set1(0);
    for (int i = 0; i < n; i += 16) {
        v16f value = load_tail(x, i, n);
        squares = v16_fma(value, value, squares);
    }
    float scale = 1.0f / sqrtf(v16_sum(squares) / (float)n + eps);
    for (int i = 0; i < n; i += 16)
        store_tail(out, i, n, v16_mul(load_tail(weight, i, n), v16_mul(load_tail(x, i, n), v16_set1(scale))));
}

static void silu_mul(float *out, const float *gate, const float *up, int n)
{
    v16f one = v16_set1(1);
    for (int i = 0; i < n; i += 16) {
        v16f g = load_tail(gate, i, n);
        v16f silu = v16_div(g, v16_add(one, v16_exp(v16_negate(g))));
        store_tail(out, i, n, v16_mul(silu, load_tail(up, i, n)));
    }
}

static void add(float *x, const float *y, int n)
{
    for (int i = 0; i < n; i += 16) store_tail(x, i, n, v16_add(load_tail(x, i, n), load_tail(y, i, n)));
}

static void rope(float *x, const float *cosine, const float *sine, int half)
{
    for (int i = 0; i < half; i += 16) {
        v16f a = load_tail(x, i, half);
        v16f b = load_tail(x + half, i, half);
        v16f c = load_tail(cosine, i, half);
        v16f s = load_tail(sine, i, half);
        store_tail(x, i, half, v16_sub(v16_mul(a, c), v16_mul(b, s)));
        store_tail(x + half, i, half, v16_add(v16_mul(b, c), v16_mul(a, s)));
    }
}

static void convert_f16(uint16_t *out, const float *x, int n)
{
    for (int i = 0; i < n; i += 16) {
        if (n - i >= 16) {
            v16_store_f16(out + i, v16_load(x + i));
            continue;
        }
        uint16_t all[16];
        v16_store_f16(all, v16_load_part(x + i, n - i));
        memcpy(out + i, all, sizeof *all * (size_t)(n - i));
    }
}

static inline v16f load_kv(const void *base, size_t index, int is_f32)
{
    return is_f32 ? v16_load((const float *)base + index) : v16_load_f16((const uint16_t *)base + index);
}

static float max_of(const float *x, int n)
{
    v16f best = v16_set1(-INFINITY);
    int i = 0;
    for (; i + 16 <= n; i += 16) best = v16_max(best, v16_load(x + i));
    float m = v16_max_lane(best);
    for (; i < n; i++) m = m > x[i] ? m : x[i];
    return m;
}

static double sum_exp(float *out, const float *x, int n, float max)
{
    double sum = 0; /* block sums in double, in order: a vocabulary of 152k terms loses nothing */
    for (int i = 0; i < n; i += 16) {
        v16f e = v16_exp(v16_sub(load_tail(x, i, n), v16_set1(max)));
        float all[16];
        v16_store(all, e);
        int count = n - i < 16 ? n - i : 16;
        store_tail(out, i, n, e);
        float part = 0;
        for (int k = 0; k < count; k++) part += all[k];
        sum += (double)part;
    }
    return sum;
}

/* Products and sums alone, from registers and the first cache: what matmul could reach if nothing else had to be done.
 */
static double dot_loop(long rounds)
{
    enum { CHAINS = 6 };
    static const int8_t x[4 * CHAINS] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};
    uint8_t bytes[64];
    v16i part[CHAINS];
    for (int i = 0; i < 64; i++) bytes[i] = (uint8_t)(i % 16);
    v16b w = v16_load_bytes(bytes);
    UNROLLED for (int i = 0; i < CHAINS; i++) part[i] = v16_part_begin(v16_set1_int(0));
    for (long r = 0; r < rounds; r++)
        UNROLLED for (int i = 0; i < CHAINS; i++) part[i] = v16_dot(part[i], w, x + 4 * i);
    int32_t sum = 0;
    UNROLLED for (int i = 0; i < CHAINS; i++) sum ^= v16_sum_int(v16_part_end(v16_set1_int(0), part[i]));
    volatile int32_t sink = sum; /* or there would be nothing to do */
    (void)sink;
    return (double)rounds * CHAINS * 64 * 2;
}

#define KERNEL_TABLE                                                                                                   \
    {                                                                                                                  \
        .name = V16_NAME, .quantize_row = quantize_row, .matmul = matmul, .rmsnorm = rmsnorm, .silu_mul = silu_mul,    \
        .add = add, .rope = rope, .f32_to_f16 = convert_f16, .attend_chunk = attend_chunk,                             \
        .attend_merge = attend_merge, .max = max_of, .sum_exp = sum_exp, .dot_loop = dot_loop,                         \
    }
