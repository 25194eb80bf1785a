/* forward_attention.c - grouped-query attention over the K/V store.
 *
 * A unit of work is (block of rows, K/V head): all query heads that share the head, of rows that follow one another,
 * pass over its keys and values together, in chunks of ATTEND_CHUNK positions counted from position 0, each chunk from
 * an empty state, merged in order. The arithmetic of a row depends on its own sequence alone, not on its block.
 *
 * A row that decodes far behind its beginning is a block of its own with few K/V heads: too few units for the cores.
 * Its positions are split into spans of chunks; each chunk's state is kept, and a second pass merges them in the same
 * order, so that the bits are those of the one pass.
 */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "engine/forward_parts.h"

/* Queries of a unit: enough to use a key many times, few enough that their scores stay in the second cache (64 KiB). */
enum { BLOCK_QUERIES = 64, BLOCK_ROWS_MOST = 16 };

/* Positions of a unit of a split block. */
enum { SPAN = 2 * ATTEND_CHUNK };

int forward_block_rows(const struct model_config *c)
{
    int rows = BLOCK_QUERIES / (c->heads / c->kv_heads);
    return rows < 1 ? 1 : rows > BLOCK_ROWS_MOST ? BLOCK_ROWS_MOST : rows;
}

size_t forward_units_most(const struct forward *f)
{
    size_t spans = (size_t)f->o.slots * ((size_t)f->o.max_length / SPAN + 1);
    return ((size_t)f->o.max_batch + spans) * (size_t)f->o.config->kv_heads;
}

/* Blocks beyond the slots' number stay whole: there is room for the states of one row per slot. */
static bool is_split(const struct forward *f, const struct row_block *b)
{
    return b->rows == 1 && f->rows[b->first].position >= SPAN && f->split_count < f->o.slots;
}

static void add_unit(struct forward *f, int block, int from, int to)
{
    for (int head = 0; head < f->kv.kv_heads; head++)
        f->units[f->unit_count++] = (struct attend_unit){block, head, from, to};
}

static void find_units(struct forward *f)
{
    f->unit_count = f->split_count = 0;
    for (int i = 0; i < f->block_count; i++) {
        struct row_block *b = &f->blocks[i];
        int end = f->rows[b->first].position + b->rows;
        b->split = is_split(f, b) ? f->split_count++ : -1;
        if (b->split < 0) add_unit(f, i, 0, end);
    }
    for (int i = 0; i < f->block_count; i++) {
        int end = f->rows[f->blocks[i].first].position + 1;
        for (int from = 0; f->blocks[i].split >= 0 && from < end; from += SPAN)
            add_unit(f, i, from, end - from < SPAN ? end : from + SPAN);
    }
}

void forward_find_blocks(struct forward *f)
{
    f->block_count = 0;
    for (int i = 0; i < f->n; i++) {
        struct row_block *last = f->blocks + f->block_count - 1;
        const struct forward_row *r = &f->rows[i];
        if (f->block_count && last->rows < f->block_rows && r->slot == r[-1].slot && r->position == r[-1].position + 1)
            last->rows++;
        else
            f->blocks[f->block_count++] = (struct row_block){i, 1, -1};
    }
    find_units(f);
}

/* A worker's buffers, for the queries of one unit. */
struct attention_scratch {
    float *q;              /* [queries][size], gathered */
    float *scores;         /* [queries][ATTEND_CHUNK] */
    float *m, *s, *acc;    /* state so far */
    float *m2, *s2, *acc2; /* state of one chunk */
    int *count;            /* [queries] */
};

static size_t scratch_queries(const struct model_config *c)
{
    return (size_t)forward_block_rows(c) * (size_t)(c->heads / c->kv_heads) + ATTEND_PAD;
}

size_t forward_attention_bytes(const struct forward_options *o)
{
    size_t floats = scratch_queries(o->config) * ((size_t)o->config->head_size * 3 + ATTEND_CHUNK + 5);
    return (floats * sizeof(float) + 63) / 64 * 64;
}

static struct attention_scratch scratch_of(const struct forward *f, int worker)
{
    size_t n = scratch_queries(f->o.config);
    size_t size = (size_t)f->kv.head_size;
    struct attention_scratch s;
    s.q = (float *)(void *)(f->worker_memory + (size_t)worker * f->worker_bytes + KERNELS_SCRATCH);
    s.scores = s.q + n * size;
    s.acc = s.scores + n * ATTEND_CHUNK;
    s.acc2 = s.acc + n * size;
    s.m = s.acc2 + n * size;
    s.s = s.m + n;
    s.m2 = s.s + n;
    s.s2 = s.m2 + n;
    s.count = (int *)(void *)(s.s2 + n);
    return s;
}

struct attention_job {
    struct forward *f;
    int layer;
};

static void store_head(const struct forward *f, const struct forward_row *r, int layer, int head, const float *key,
                       const float *value)
{
    int size = f->kv.head_size;
    int block = forward_block_at(f, r->slot, r->position);
    size_t key_at = kv_store_key_at(&f->kv, r->position % KV_BLOCK);
    size_t value_at = (size_t)(r->position % KV_BLOCK) * (size_t)size;
    void *keys = kv_store_keys(&f->kv, block, layer, head);
    void *values = kv_store_values(&f->kv, block, layer, head);
    if (f->kv.f32) {
        for (int i = 0; i < size; i++) ((float *)keys)[key_at + 16 * (size_t)i] = key[i];
        memcpy((float *)values + value_at, value, sizeof *value * (size_t)size);
    } else {
        uint16_t half[LIMIT_HEAD_SIZE];
        f->o.kernels->f32_to_f16(half, key, size);
        for (int i = 0; i < size; i++) ((uint16_t *)keys)[key_at + 16 * (size_t)i] = half[i];
        f->o.kernels->f32_to_f16((uint16_t *)values + value_at, value, size);
    }
}

/* Rotate, scale and store one row's heads. */
static void store_row(void *argument, size_t row, int worker)
{
    (void)worker;
    const struct attention_job *attention = argument;
    struct forward *f = attention->f;
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
        k->rope(key, cosine, sine, size / 2);
        store_head(f, r, attention->layer, h, key, f->v + row * (size_t)f->kv_width + h * size);
    }
}

/* The queries of a K/V head, rows of the block one after another: [rows][group][size], to or from f->q. */
static float *head_queries(const struct forward *f, int row, int head)
{
    return f->q + (size_t)row * (size_t)f->q_width + (size_t)head * (size_t)f->group * (size_t)f->kv.head_size;
}

/* One chunk's own state for the rows that reach it, from row `skip` of the block on, into m, sum and acc. */
static void attend_chunk_of(const struct forward *f, const struct attention_scratch *s, struct attend_job *job,
                            int position, int rows, int first, int skip)
{
    int from = skip * f->group;
    job->queries = (rows - skip) * f->group;
    job->q = s->q + from * job->size;
    job->count = s->count + from;
    job->scores = s->scores + (size_t)from * ATTEND_CHUNK;
    for (int i = from; i < rows * f->group; i++) {
        int seen = position + i / f->group + 1 - first;
        s->count[i] = seen < ATTEND_CHUNK ? seen : ATTEND_CHUNK;
    }
    f->o.kernels->attend_chunk(job);
}

/* A chunk of a whole block: the first one begins the rows' state, the others are merged into it. */
static void attend_whole(const struct forward *f, const struct attention_scratch *s, struct attend_job *job,
                         int position, int rows, int first)
{
    int size = job->size;
    int skip = first > position ? first - position : 0;
    int from = skip * f->group;
    job->m = (first ? s->m2 : s->m) + from;
    job->s = (first ? s->s2 : s->s) + from;
    job->acc = (first ? s->acc2 : s->acc) + from * size;
    attend_chunk_of(f, s, job, position, rows, first, skip);
    for (int i = from; first && i < rows * f->group; i++)
        f->o.kernels->attend_merge(&s->m[i], &s->s[i], s->acc + i * size, s->m2[i], s->s2[i], s->acc2 + i * size, size);
}

/* Where a chunk's state waits: acc [group][size], then m and s [group]. */
static float *partial_of(const struct forward *f, int split, int head, int first)
{
    size_t floats = (size_t)f->group * ((size_t)f->kv.head_size + 2);
    size_t run = (size_t)split * (size_t)f->kv.kv_heads + (size_t)head;
    return f->partial + (run * (size_t)f->chunks + (size_t)(first / ATTEND_CHUNK)) * floats;
}

/* A chunk of a split block. The kernel writes a little behind its results: so not to their place at once. */
static void attend_apart(const struct forward *f, const struct attention_scratch *s, struct attend_job *job,
                         int position, const struct attend_unit *u, int first)
{
    size_t values = (size_t)f->group * (size_t)job->size;
    float *to = partial_of(f, f->blocks[u->block].split, u->head, first);
    job->m = s->m;
    job->s = s->s;
    job->acc = s->acc;
    attend_chunk_of(f, s, job, position, 1, first, 0);
    memcpy(to, s->acc, values * sizeof *to);
    memcpy(to + values, s->m, (size_t)f->group * sizeof *to);
    memcpy(to + values + f->group, s->s, (size_t)f->group * sizeof *to);
}

static void attend_unit(void *argument, size_t unit, int worker)
{
    const struct attention_job *attention = argument;
    struct forward *f = attention->f;
    const struct attend_unit *u = &f->units[unit];
    const struct row_block *block = &f->blocks[u->block];
    const struct forward_row *r = &f->rows[block->first];
    struct attention_scratch s = scratch_of(f, worker);
    int size = f->kv.head_size;
    struct attend_job job = {.is_f32 = f->kv.f32, .size = size};
    for (int i = 0; i < block->rows; i++)
        memcpy(s.q + i * f->group * size, head_queries(f, block->first + i, u->head),
               sizeof *s.q * (size_t)(f->group * size));
    for (int first = u->from; first < u->to; first += ATTEND_CHUNK) {
        int at = forward_block_at(f, r->slot, first);
        job.k = kv_store_keys(&f->kv, at, attention->layer, u->head);
        job.v = kv_store_values(&f->kv, at, attention->layer, u->head);
        if (block->split < 0)
            attend_whole(f, &s, &job, r->position, block->rows, first);
        else
            attend_apart(f, &s, &job, r->position, u, first);
    }
    for (int i = 0; block->split < 0 && i < block->rows * f->group; i++) {
        float *out = head_queries(f, block->first + i / f->group, u->head) + i % f->group * size;
        for (int d = 0; d < size; d++) out[d] = s.acc[i * size + d] / s.s[i];
    }
}

/* All chunks of one head of a split block, in order, as attend_whole merges them. */
static void merge_head(const struct forward *f, const struct row_block *block, int head)
{
    int size = f->kv.head_size;
    int end = f->rows[block->first].position + 1;
    float *state = partial_of(f, block->split, head, 0);
    float *out = head_queries(f, block->first, head);
    for (int i = 0; i < f->group; i++) {
        float *acc = state + i * size;
        float *m = state + f->group * size + i;
        float *s = m + f->group;
        for (int first = ATTEND_CHUNK; first < end; first += ATTEND_CHUNK) {
            const float *next = partial_of(f, block->split, head, first);
            const float *next_m = next + f->group * size + i;
            f->o.kernels->attend_merge(m, s, acc, *next_m, next_m[f->group], next + i * size, size);
        }
        for (int d = 0; d < size; d++) out[i * size + d] = acc[d] / *s;
    }
}

static void merge_block(void *argument, size_t block, int worker)
{
    (void)worker;
    const struct forward *f = argument;
    const struct row_block *b = &f->blocks[block];
    for (int head = 0; b->split >= 0 && head < f->kv.kv_heads; head++) merge_head(f, b, head);
}

void forward_attention(struct forward *f, int layer)
{
    struct attention_job argument = {f, layer};
    threadpool_for(f->o.pool, (size_t)f->n, store_row, &argument);
    threadpool_for(f->o.pool, (size_t)f->unit_count, attend_unit, &argument);
    if (f->split_count) threadpool_for(f->o.pool, (size_t)f->block_count, merge_block, f);
}
