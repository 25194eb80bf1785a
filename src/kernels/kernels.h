/* kernels.h - the arithmetic, one const table per instruction set.
 *
 * Picked once by cpuid + xgetbv (kernels_select), forced by --cpu. Each table's file is compiled with its own flags,
 * the rest of the program with the baseline's. The scalar table is the readable reference; every other one must give
 * bit-equal results for matmul and for the quantiser, and stay inside the stated bound elsewhere (exp: 2 ulp).
 * Reductions run in an order fixed by the shape alone. No table allocates. Any thread; outputs of one call must not
 * overlap.
 *
 * Shapes: activations are row-major [n][cols], n = tokens. Outputs are row-major [n][ld].
 */
#ifndef XIAOBEI_KERNELS_KERNELS_H
#define XIAOBEI_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/pack.h"

/* One row of activations quantised per block of 32: x[i] ~ scale[i / 32] * q[i]. down_proj's inputs have massive
 * outliers: a scale per row would lose everything else. sum16 holds the integer sums of each 16 (two per block). */
struct act_row {
    int8_t *q;      /* [cols], -127..127 */
    float *scale;   /* [cols / 32] */
    int32_t *sum16; /* [cols / 16] */
};

/* n rows of activations of one width, in float and (for quantised weights) in int8. The float rows always exist. */
struct activations {
    int n, cols;
    const float *x; /* [n][cols] */
    int8_t *q;      /* [n][cols], filled by quantize_row; unused in precise mode */
    float *scale;   /* [n][cols / 32] */
    int32_t *sum16; /* [n][cols / 16] */
};

/* What a worker does: output rows of groups [group_begin, group_end) of w for all n activation rows.
 * out[t * ld + r] = sum_c W[r][c] x[t][c] (+ bias[r] if bias) */
struct matmul_job {
    const struct packed_matrix *w;
    const struct activations *x;
    const float *bias; /* [rows] or NULL */
    float *out;        /* [n][ld] */
    size_t ld;         /* >= rows */
    int precise;       /* use float activations also for quantised weights (--precise) */
    void *scratch;     /* per worker, kernels_scratch_bytes(cols) bytes, 64-byte aligned */
};

struct kernel_table {
    const char *name;                                                   /* "scalar", "avx2", "avx512" */
    void (*quantize_row)(const float *x, int cols, struct act_row out); /* cols a multiple of 32 */
    void (*matmul)(const struct matmul_job *job, int group_begin, int group_end);
    void (*rmsnorm)(float *out, const float *x, const float *weight, int n, float eps);
    void (*silu_mul)(float *out, const float *gate, const float *up, int n); /* out = gate * sigmoid(gate) * up */
    void (*add)(float *x, const float *y, int n);                            /* x += y */
    /* Rotate one head, HF layout (halves): pairs (x[i], x[i + half]); cos, sin are [half]. */
    void (*rope)(float *x, const float *cos, const float *sin, int half);
    void (*f32_to_f16)(uint16_t *out, const float *x, int n);
    /* Attention over one chunk of positions for the `heads` query heads that share one K/V head.
     * q [heads][size] already scaled; k, v: f16 rows of `stride` elements, `count` positions. Adds into a running
     * state: m[heads] (max), s[heads] (sum), acc[heads][size]; fresh state is m = -INFINITY, s = 0, acc = 0. scratch:
     * heads * count floats. */
    void (*attend_chunk)(const float *q, int heads, int size, const uint16_t *k, const uint16_t *v, size_t stride,
                         int count, float *m, float *s, float *acc, float *scratch);
    float (*max)(const float *x, int n);
    double (*sum_exp)(float *out, const float *x, int n, float max); /* out = exp(x - max); returns the sum */
};

/* name NULL: the best this machine runs. ERR_UNSUPPORTED with the list of what it can run. */
int kernels_select(const struct kernel_table **out, const char *name, struct error *e) MUST_USE;

/* All tables this machine can run, scalar first, NULL-terminated; for tests and `doctor`. */
const struct kernel_table *const *kernels_available(void);

/* Scratch a worker needs for any matmul with this many columns. */
size_t kernels_scratch_bytes(int cols);

#endif
