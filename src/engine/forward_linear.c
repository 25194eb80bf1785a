/* forward_linear.c - products of the step's rows with weights, and LoRA beside them. */
#include <string.h>

#include "base/limits.h"
#include "engine/forward_parts.h"

enum { FEW_ROWS = 8, GROUPS_FEW = 4, GROUPS_MANY = 8, MAX_PRODUCTS = 4 };

struct input_job {
    struct forward *f;
    row_task prepare;
    int layer;
    bool quantise;
};

static void input_row(void *argument, size_t row, int worker)
{
    (void)worker;
    const struct input_job *job = argument;
    if (job->prepare) job->prepare(job->f, job->layer, (int)row);
    if (job->quantise) job->f->o.kernels->quantize_row(&job->f->act, (int)row);
}

void forward_set_input(struct forward *f, const float *x, int cols, int n, const struct linear *products, int count,
                       row_task prepare, int layer)
{
    struct input_job job = {.f = f, .prepare = prepare, .layer = layer};
    for (int i = 0; i < count; i++)
        job.quantise = job.quantise || (!dtype_is_float(products[i].w->type) && !f->o.precise);
    f->act.n = n;
    f->act.cols = cols;
    f->act.x = x;
    if (job.prepare || job.quantise) threadpool_for(f->o.pool, (size_t)n, input_row, &job);
}

struct linear_job {
    struct forward *f;
    const struct linear *products;
    int count;
    int groups_per_chunk;
    size_t first_chunk[MAX_PRODUCTS + 1];
};

static void linear_chunk(void *argument, size_t chunk, int worker)
{
    const struct linear_job *job = argument;
    struct forward *f = job->f;
    int i = 0;
    while (chunk >= job->first_chunk[i + 1]) i++;
    const struct linear *p = &job->products[i];
    int begin = (int)(chunk - job->first_chunk[i]) * job->groups_per_chunk;
    int end = begin + job->groups_per_chunk;
    struct matmul_job product = {.w = p->w,
                                 .x = &f->act,
                                 .bias = p->bias,
                                 .out = p->out,
                                 .ld = (size_t)p->w->rows,
                                 .precise = f->o.precise,
                                 .scratch = f->worker_memory + (size_t)worker * f->worker_bytes};
    f->o.kernels->matmul(&product, begin, end < p->w->groups ? end : p->w->groups);
}

typedef float lanes __attribute__((vector_size(16)));

static lanes load_lanes(const float *p)
{
    lanes x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Sixteen partial sums, then a tree, then the tail: one order on every machine, and no chain of additions to wait for.
 */
static float dot(const float *a, const float *b, int n)
{
    lanes p0 = {0};
    lanes p1 = {0};
    lanes p2 = {0};
    lanes p3 = {0};
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        p0 += load_lanes(a + i) * load_lanes(b + i);
        p1 += load_lanes(a + i + 4) * load_lanes(b + i + 4);
        p2 += load_lanes(a + i + 8) * load_lanes(b + i + 8);
        p3 += load_lanes(a + i + 12) * load_lanes(b + i + 12);
    }
    lanes all = (p0 + p1) + (p2 + p3);
    float sum = (all[0] + all[1]) + (all[2] + all[3]);
    for (; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* y += scale * B (A x), one row. The rank is small: this is a tenth of the row's work at rank 16. */
static void lora_row(const struct lora_pair *p, const float *x, float *y)
{
    float low[LIMIT_LORA_RANK];
    for (int r = 0; r < p->rank; r++) low[r] = dot(p->a + (size_t)r * (size_t)p->in, x, p->in) * p->scale;
    for (int o = 0; o < p->out; o++) y[o] += dot(p->b + (size_t)o * (size_t)p->rank, low, p->rank);
}

struct lora_job {
    struct forward *f;
    const struct linear *products;
    int count, layer;
};

static void lora_chunk(void *argument, size_t row, int worker)
{
    (void)worker;
    const struct lora_job *job = argument;
    const struct forward *f = job->f;
    const struct lora *l = f->rows[row].lora;
    for (int i = 0; l && i < job->count; i++) {
        const struct linear *p = &job->products[i];
        const struct lora_pair *pair = &l->pairs[job->layer][p->target];
        if (pair->rank) lora_row(pair, f->act.x + row * (size_t)f->act.cols, p->out + row * (size_t)p->w->rows);
    }
}

void forward_linear(struct forward *f, const struct linear *products, int count, int layer)
{
    struct linear_job job = {.f = f,
                             .products = products,
                             .count = count,
                             .groups_per_chunk = f->act.n <= FEW_ROWS ? GROUPS_FEW : GROUPS_MANY};
    for (int i = 0; i < count; i++) {
        int chunks = (products[i].w->groups + job.groups_per_chunk - 1) / job.groups_per_chunk;
        job.first_chunk[i + 1] = job.first_chunk[i] + (size_t)chunks;
    }
    threadpool_for(f->o.pool, job.first_chunk[count], linear_chunk, &job);
    if (layer < 0) return; /* lm_head has no adapter */
    bool any = false;
    for (int i = 0; i < f->n; i++) any = any || f->rows[i].lora;
    if (!any) return;
    struct lora_job lora = {f, products, count, layer};
    threadpool_for(f->o.pool, (size_t)f->n, lora_chunk, &lora);
}
