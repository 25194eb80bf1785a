/* golden.h - what the tests over reference data share: a model opened into a forward pass, .npy files as floats, and
 * the two measures (largest error beside the largest value, Kullback-Leibler divergence). Paths are relative to the
 * repository's root, where the test runner starts. */
#ifndef XIAOBEI_TESTS_GOLDEN_H
#define XIAOBEI_TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/forward.h"
#include "model/model_file.h"
#include "model/npy.h"

#define GOLDEN_DATA "tests/golden/data/"

struct golden_options {
    const char *path;
    const struct kernel_table *kernels; /* NULL: the best */
    enum quant_mode quant;
    bool precise;
    int threads, max_batch, max_length, slots; /* 0: 1, 128, 256, 1 */
};

struct golden_model {
    struct model_file *file;
    struct model_weights weights;
    struct threadpool *pool;
    struct forward *forward;
    const struct model_config *config;
};

static inline void golden_ok(int rc, const struct error *e)
{
    if (rc) fail_msg("%s: %s", error_code_name(rc), e->text);
}

static inline void golden_open(struct golden_model *m, const struct golden_options *o)
{
    struct error e = {0};
    const struct kernel_table *kernels = o->kernels;
    *m = (struct golden_model){0};
    if (!kernels) golden_ok(kernels_select(&kernels, NULL, &e), &e);
    golden_ok(model_file_open(&m->file, o->path, &e), &e);
    m->config = model_file_config(m->file);
    golden_ok(threadpool_new(&m->pool, o->threads ? o->threads : 1, &e), &e);
    golden_ok(weights_load(&m->weights, m->file, o->quant, m->pool, &e), &e);
    struct forward_options f = {.config = m->config,
                                .weights = &m->weights,
                                .kernels = kernels,
                                .pool = m->pool,
                                .max_batch = o->max_batch ? o->max_batch : 128,
                                .max_length = o->max_length ? o->max_length : 256,
                                .slots = o->slots ? o->slots : 1,
                                .precise = o->precise};
    golden_ok(forward_new(&m->forward, &f, &e), &e);
}

static inline void golden_close(struct golden_model *m)
{
    forward_free(m->forward);
    weights_free(&m->weights);
    threadpool_free(m->pool);
    model_file_close(m->file);
}

/* A float32 array; free(). */
static inline float *golden_floats(const char *path, size_t *count)
{
    struct buf text = BUF_INIT((size_t)64 << 20);
    struct npy_view v;
    struct error e = {0};
    golden_ok(file_read(&text, path, &e), &e);
    golden_ok(npy_parse(&v, buf_text(&text), text.len, &e), &e);
    assert_true(v.kind == 'f' && v.item_bytes == 4);
    float *x = malloc(v.count * sizeof *x);
    memcpy(x, v.data, v.count * sizeof *x);
    *count = v.count;
    buf_free(&text);
    return x;
}

/* Largest |got - want| over the largest |want|. NaN counts as infinite. */
static inline double golden_error(const float *got, const float *want, size_t n)
{
    double worst = 0;
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= worst)) worst = isnan(d) ? (double)INFINITY : d;
        largest = fmax(largest, fabs((double)want[i]));
    }
    return worst / largest;
}

/* log of the sum of exp over one row of logits. */
static inline double golden_log_sum(const float *x, int n)
{
    double top = (double)x[0];
    double sum = 0;
    for (int i = 1; i < n; i++) top = fmax(top, (double)x[i]);
    for (int i = 0; i < n; i++) sum += exp((double)x[i] - top);
    return top + log(sum);
}

static inline int golden_best(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

#endif
