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

/* n rows of activations of one width, in float and, for quantised weights, in int8 per block of 32: x[i] ~ scale[i /
 * 32] * q[i]. A scale per row would lose everything beside down_proj's massive outliers. The float rows always exist;
 * the rest is filled by quantize_row and unused in precise mode and for float weights. */
struct activations {
    int n, cols;
    const float *x; /* [n][cols] */
    int8_t *q;      /* [n][cols], -127..127 */
    float *scale;   /* [n][cols / 32] */
    float *dsum;    /* [n][cols / 32]: scale * sum of the block's q, for weights with minima */
    int32_t *sum16; /* [n][cols / 16]: sums of 16 q each, to repair the weights' offset */
};

enum { KERNELS_SCRATCH = 96 * 1024 }; /* bytes a worker needs for any matmul */

/* What a worker does: output rows of groups [group_begin, group_end) of w for all n activation rows.
 * out[t * ld + r] = sum_c W[r][c] x[t][c] (+ bias[r] if bias) */
struct matmul_job {
    const struct packed_matrix *w;
    const struct activations *x;
    const float *bias; /* [rows] or NULL */
    float *out;        /* [n][ld] */
    size_t ld;         /* >= rows */
    int precise;       /* use float activations also for quantised weights (--precise) */
    void *scratch;     /* per worker, KERNELS_SCRATCH bytes, 64-byte aligned */
};

enum {
    ATTEND_CHUNK = 256, /* positions; results depend on it in the last bits */
    ATTEND_PAD = 8,     /* kernels work on tiles of up to as many queries */
};

/* Queries that read the same keys and values, over one chunk. Reading q and writing scores and acc runs over up to
 * ATTEND_PAD - 1 rows behind the last query: the buffers must have that room. */
struct attend_job {
    const float *q;     /* [queries][size], scaled */
    const void *k;      /* the chunk's keys, sixteen positions interleaved: [ATTEND_CHUNK / 16][size][16] */
    const void *v;      /* the chunk's values [ATTEND_CHUNK][size] */
    int is_f32;         /* k and v are float32, else f16 */
    int queries, size;  /* size is a multiple of 16 */
    const int *count;   /* [queries]: the query sees positions [0, count) of the chunk, 1 to ATTEND_CHUNK */
    float *m, *s, *acc; /* [queries] largest score, [queries] sum of w, [queries][size] sum of w * v; w = exp(score - m)
                         */
    float *scores;      /* [queries][ATTEND_CHUNK]; left with w */
};

struct kernel_table {
    const char *name; /* "scalar", "avx2", "avx512" */
    /* Fill row t of a (q, scale, dsum, sum16) from a->x; cols a multiple of 32. scale = peak / 127, q to the nearest,
     * ties to even; a block that holds NaN or infinity gets scale NaN, so that no product hides it. */
    void (*quantize_row)(const struct activations *a, int t);
    void (*matmul)(const struct matmul_job *job, int group_begin, int group_end);
    void (*rmsnorm)(float *out, const float *x, const float *weight, int n, float eps);
    void (*silu_mul)(float *out, const float *gate, const float *up, int n); /* out = gate * sigmoid(gate) * up */
    void (*add)(float *x, const float *y, int n);                            /* x += y */
    /* Rotate one head, HF layout (halves): pairs (x[i], x[i + half]); cos, sin are [half]. */
    void (*rope)(float *x, const float *cos, const float *sin, int half);
    void (*f32_to_f16)(uint16_t *out, const float *x, int n);
    /* One chunk's own state (m, s, acc) for every query of the job; chunks are merged by attend_merge in order. */
    void (*attend_chunk)(const struct attend_job *job);
    /* Merge a later chunk's state (m, s, acc) into an earlier one's. */
    void (*attend_merge)(float *m, float *s, float *acc, float m2, float s2, const float *acc2, int size);
    float (*max)(const float *x, int n);
    double (*sum_exp)(float *out, const float *x, int n, float max); /* out = exp(x - max); returns the sum */
    /* Nothing but int8 dot products for `rounds` rounds; returns the operations done (2 per product and sum). */
    double (*dot_loop)(long rounds);
};

/* name NULL: the best this machine runs. ERR_UNSUPPORTED with the list of what it can run. */
int kernels_select(const struct kernel_table **out, const char *name, struct error *e) MUST_USE;

/* The tables this machine can run, scalar first, best last, into out[max]; returns their number. */
int kernels_list(const struct kernel_table **out, int max);

#endif
