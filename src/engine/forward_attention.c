/* forward_attention.c - grouped-query attention over the K/V store.
 *
 * A unit of work is (row, K/V head): all query heads that share the head pass over its keys and values once, in chunks
 * of ATTENTION_CHUNK positions counted from position 0, each chunk from an empty state, merged in order. The arithmetic
 * of a unit depends on the row's own sequence alone.
 */
#include <math.h>
#include <string.h>

#include "engine/forward_parts.h"

size_t forward_attention_bytes(const struct forward_options *o)
{
    size_t group = (size_t)(o->config->heads / o->config->kv_heads);
    size_t floats = group * ATTENTION_CHUNK + 2 * group * ((size_t)o->config->head_size + 2);
    return (floats * sizeof(float) + 63) / 64 * 64;
}

struct attention_job {
    struct forward *f;
    int layer;
};

/* Rotate, scale and store one row's heads. */
static void store_row(void *argument, size_t row, int worker)
{
    (void)worker;
    const struct attention_job *attention = argument;
    struct forward *f = attention->f;
    int layer = attention->layer;
    const struct forward_row *r = &f->rows[row];
    const struct kernel_table *k = f->o.kernels;
    int size = f->kv.head_size;
    const float *cosine = f->rope_cos + (size_t)r->position * (size_t)(size / 2);
    const float *sine = f->rope_sin + (size_t)r->position * (size_t)(size / 2);
    float *q = f->q + row * (size_t)f->q_width;
    float scale = 1.0f / sqrtf((float)size);
    for (int h = 0; h < f->o.config->heads; h++) k->rope(q + h * size, cosine, sine, size / 2);
    for (int i = 0; i < f->q_width; i++) q[i] *= scale;
    for (int h = 0; h < f->kv.kv_heads; h++) {
        float *key = f->k + row * (size_t)f->kv_width + h * size;
        const float *value = f->v + row * (size_t)f->kv_width + h * size;
        size_t at = (size_t)r->position * (size_t)size;
        k->rope(key, cosine, sine, size / 2);
        void *keys = kv_store_keys(&f->kv, r->slot, layer, h);
        void *values = kv_store_values(&f->kv, r->slot, layer, h);
        if (f->kv.f32) {
            memcpy((float *)keys + at, key, sizeof *key * (size_t)size);
            memcpy((float *)values + at, value, sizeof *value * (size_t)size);
        } else {
            k->f32_to_f16((uint16_t *)keys + at, key, size);
            k->f32_to_f16((uint16_t *)values + at, value, size);
        }
    }
}

static void attend_unit(void *argument, size_t unit, int worker)
{
    const struct attention_job *attention = argument;
    struct forward *f = attention->f;
    int layer = attention->layer;
    size_t row = unit / (size_t)f->kv.kv_heads;
    int head = (int)(unit % (size_t)f->kv.kv_heads);
    const struct forward_row *r = &f->rows[row];
    int size = f->kv.head_size;
    int group = f->group;
    size_t width = f->kv.f32 ? 4 : 2;
    const char *keys = kv_store_keys(&f->kv, r->slot, layer, head);
    const char *values = kv_store_values(&f->kv, r->slot, layer, head);
    float *q = f->q + row * (size_t)f->q_width + (size_t)head * (size_t)group * (size_t)size;
    float *scores = (float *)(void *)(f->worker_memory + (size_t)worker * f->worker_bytes + KERNELS_SCRATCH);
    float *m = scores + (size_t)group * ATTENTION_CHUNK;
    float *s = m + group;
    float *acc = s + group;
    float *m2 = acc + (size_t)group * (size_t)size;
    float *s2 = m2 + group;
    float *acc2 = s2 + group;
    int count = r->position + 1;
    for (int first = 0; first < count; first += ATTENTION_CHUNK) {
        size_t at = (size_t)first * (size_t)size * width;
        struct attend_job job = {.q = q,
                                 .k = keys + at,
                                 .v = values + at,
                                 .is_f32 = f->kv.f32,
                                 .heads = group,
                                 .size = size,
                                 .count = count - first < ATTENTION_CHUNK ? count - first : ATTENTION_CHUNK,
                                 .m = first ? m2 : m,
                                 .s = first ? s2 : s,
                                 .acc = first ? acc2 : acc,
                                 .scores = scores};
        f->o.kernels->attend_chunk(&job);
        for (int h = 0; first && h < group; h++)
            f->o.kernels->attend_merge(&m[h], &s[h], acc + h * size, m2[h], s2[h], acc2 + h * size, size);
    }
    for (int h = 0; h < group; h++)
        for (int i = 0; i < size; i++) q[h * size + i] = acc[h * size + i] / s[h];
}

void forward_attention(struct forward *f, int layer)
{
    struct attention_job argument = {f, layer};
    threadpool_for(f->o.pool, (size_t)f->n, store_row, &argument);
    threadpool_for(f->o.pool, (size_t)f->n * (size_t)f->kv.kv_heads, attend_unit, &argument);
}
