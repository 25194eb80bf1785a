/* forward.c - see forward.h. The step reads top to bottom like the architecture. */
#include "engine/forward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "engine/forward_parts.h"

/* --- the step
 * ----------------------------------------------------------------------------------------------------------- */

/* What the model computes must stay finite; a sum in eight parts is cheap and misses nothing (NaN and infinities
 * survive it). layer is the one that wrote x, from 1; 0: the embedding; the number of layers + 1: the head. */
static void check_finite(struct forward *f, int layer, const float *x, int n)
{
    float part[8] = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) part[k] += x[i + k] * 0.0f;
    for (; i < n; i++) part[0] += x[i] * 0.0f;
    float sum = 0;
    for (int k = 0; k < 8; k++) sum += part[k];
    int none = -1;
    if (sum != 0) atomic_compare_exchange_strong(&f->bad_layer, &none, layer);
}

static void norm_row(struct forward *f, const float *weight, int written_by, int row)
{
    const float *x = f->x + (size_t)row * (size_t)f->hidden;
    check_finite(f, written_by, x, f->hidden);
    f->o.kernels->rmsnorm(f->normed + (size_t)row * (size_t)f->hidden, x, weight, f->hidden, f->o.config->rms_eps);
}

static void attention_norm(struct forward *f, int layer, int row)
{
    norm_row(f, f->o.weights->layers[layer].attn_norm, layer, row);
}

static void mlp_norm(struct forward *f, int layer, int row)
{
    norm_row(f, f->o.weights->layers[layer].ffn_norm, layer + 1, row);
}

static void swiglu(struct forward *f, int layer, int row)
{
    (void)layer;
    size_t at = (size_t)row * (size_t)f->intermediate;
    f->o.kernels->silu_mul(f->gate + at, f->gate + at, f->up + at, f->intermediate);
}

static void add_delta(void *argument, size_t row, int worker)
{
    (void)worker;
    struct forward *f = argument;
    f->o.kernels->add(f->x + row * (size_t)f->hidden, f->delta + row * (size_t)f->hidden, f->hidden);
}

static void embed_row(void *argument, size_t row, int worker)
{
    (void)worker;
    struct forward *f = argument;
    pack_get_row(&f->o.weights->embedding, f->rows[row].token, f->x + row * (size_t)f->hidden);
}

static void run_layer(struct forward *f, int layer)
{
    const struct layer_weights *w = &f->o.weights->layers[layer];
    const struct linear qkv[] = {
        {&w->q, w->q_bias, f->q, LORA_Q}, {&w->k, w->k_bias, f->k, LORA_K}, {&w->v, w->v_bias, f->v, LORA_V}};
    forward_set_input(f, f->normed, f->hidden, f->n, qkv, 3, attention_norm, layer);
    forward_linear(f, qkv, 3, layer);
    forward_attention(f, layer);
    const struct linear out[] = {{&w->o, NULL, f->delta, LORA_O}};
    forward_set_input(f, f->q, f->q_width, f->n, out, 1, NULL, layer);
    forward_linear(f, out, 1, layer);
    threadpool_for(f->o.pool, (size_t)f->n, add_delta, f);

    const struct linear mlp[] = {{&w->gate, NULL, f->gate, LORA_GATE}, {&w->up, NULL, f->up, LORA_UP}};
    forward_set_input(f, f->normed, f->hidden, f->n, mlp, 2, mlp_norm, layer);
    forward_linear(f, mlp, 2, layer);
    const struct linear down[] = {{&w->down, NULL, f->delta, LORA_DOWN}};
    forward_set_input(f, f->gate, f->intermediate, f->n, down, 1, swiglu, layer);
    forward_linear(f, down, 1, layer);
    threadpool_for(f->o.pool, (size_t)f->n, add_delta, f);
}

/* Final norm of the rows that want logits, gathered to the front of normed (all rows if a probe watches). */
static int final_norm(struct forward *f)
{
    int kept = 0;
    for (int i = 0; i < f->n; i++) {
        const float *x = f->x + (size_t)i * (size_t)f->hidden;
        if (!f->rows[i].want_logits && !f->probe) continue;
        check_finite(f, f->o.config->layers, x, f->hidden);
        f->o.kernels->rmsnorm(f->normed + (size_t)kept++ * (size_t)f->hidden, x, f->o.weights->final_norm, f->hidden,
                              f->o.config->rms_eps);
    }
    if (!f->probe) return kept;
    f->probe(f->probe_user, f->o.config->layers, f->normed, f->n);
    kept = 0;
    for (int i = 0; i < f->n; i++) {
        if (!f->rows[i].want_logits) continue;
        memmove(f->normed + (size_t)kept++ * (size_t)f->hidden, f->normed + (size_t)i * (size_t)f->hidden,
                sizeof(float) * (size_t)f->hidden);
    }
    return kept;
}

struct logits_check {
    struct forward *f;
    const float *logits;
    size_t total;
};

enum { LOGITS_PER_CHECK = 16384 };

static void check_logits(void *argument, size_t piece, int worker)
{
    (void)worker;
    const struct logits_check *c = argument;
    size_t first = piece * LOGITS_PER_CHECK;
    size_t left = c->total - first;
    check_finite(c->f, c->f->o.config->layers + 1, c->logits + first,
                 left < LOGITS_PER_CHECK ? (int)left : LOGITS_PER_CHECK);
}

/* The norms of the kept rows against the head (lm_head, or the embedding again). */
static void run_head(struct forward *f, int rows, float *logits)
{
    const struct model_weights *w = f->o.weights;
    const struct linear head[] = {{w->lm_head.data ? &w->lm_head : &w->embedding, NULL, logits, LORA_TARGETS}};
    struct logits_check check = {f, logits, (size_t)rows * (size_t)f->o.config->vocab_size};
    forward_set_input(f, f->normed, f->hidden, rows, head, 1, NULL, -1);
    forward_linear(f, head, 1, -1);
    threadpool_for(f->o.pool, (check.total + LOGITS_PER_CHECK - 1) / LOGITS_PER_CHECK, check_logits, &check);
}

static int check_row_place(struct forward *f, const struct forward_row *r, struct error *e)
{
    if (r->token < 0 || r->token >= f->o.config->vocab_size)
        return error_set(e, ERR_INVALID, "token id %d is outside the vocabulary of %d", r->token,
                         f->o.config->vocab_size);
    if (r->slot < 0 || r->slot >= f->o.slots || r->position < 0 || r->position >= f->o.max_length)
        return error_set(e, ERR_INVALID, "position %d of slot %d is outside the context", r->position, r->slot);
    if (r->position >= f->table_length[r->slot] * KV_BLOCK)
        return error_set(e, ERR_INVALID, "position %d of slot %d has no block", r->position, r->slot);
    return OK;
}

/* Every row attends to what its slot holds, rows of this step included: a gap would read what was never written, and
 * two rows at one position would race. */
static int check_rows(struct forward *f, const struct forward_row *rows, int n, const float *logits, struct error *e)
{
    if (n < 1 || n > f->o.max_batch)
        return error_set(e, ERR_INVALID, "a step of %d rows is outside 1 to %d", n, f->o.max_batch);
    for (int i = 0; i < n; i++) {
        int rc = check_row_place(f, &rows[i], e);
        if (rc) return rc;
        if (rows[i].want_logits && !logits) return error_set(e, ERR_INVALID, "no room was given for the logits");
        f->next[rows[i].slot] = -1;
    }
    for (int i = 0; i < n; i++) {
        int *next = &f->next[rows[i].slot];
        int position = rows[i].position;
        if (*next < 0 ? position > f->filled[rows[i].slot] : position != *next)
            return error_set(e, ERR_INVALID, "position %d of slot %d does not follow what is there", position,
                             rows[i].slot);
        *next = position + 1;
    }
    return OK;
}

int forward_step(struct forward *f, const struct forward_row *rows, int n, float *logits, struct error *e)
{
    int rc = check_rows(f, rows, n, logits, e);
    if (rc) return rc;
    f->rows = rows;
    f->n = n;
    atomic_store(&f->bad_layer, -1);
    forward_find_blocks(f);
    threadpool_for(f->o.pool, (size_t)n, embed_row, f);
    for (int layer = 0; layer < f->o.config->layers; layer++) {
        if (f->probe) f->probe(f->probe_user, layer, f->x, n);
        run_layer(f, layer);
    }
    int wanted = final_norm(f);
    if (wanted > 0) run_head(f, wanted, logits);
    int bad = atomic_load(&f->bad_layer);
    if (bad > f->o.config->layers)
        return error_set(e, ERR_INTERNAL,
                         "a logit is not a finite number; the final norm (model.norm) or the head (lm_head) may be "
                         "damaged");
    if (bad >= 0)
        return error_set(e, ERR_INTERNAL,
                         "a value behind layer %d of %d%s is not a finite number; the weights may be damaged", bad,
                         f->o.config->layers, bad ? "" : " (the embedding)");
    for (int i = 0; i < n; i++) f->filled[rows[i].slot] = rows[i].position + 1;
    return OK;
}

void forward_set_blocks(struct forward *f, int slot, const int *blocks, int n, int filled)
{
    memcpy(f->tables + (size_t)slot * (size_t)f->chunks, blocks, (size_t)n * sizeof *blocks);
    f->table_length[slot] = n;
    f->filled[slot] = filled;
}

void forward_copy_block(struct forward *f, int to, int from, int positions)
{
    kv_store_copy(&f->kv, to, from, positions);
}

void forward_set_probe(struct forward *f, forward_probe probe, void *user)
{
    f->probe = probe;
    f->probe_user = user;
}

/* --- memory
 * ------------------------------------------------------------------------------------------------------------- */

struct carve {
    char *base; /* NULL: only count */
    size_t used;
    bool overflow;
};

/* The next count * size bytes, 64-byte aligned. */
static void *carve_take(struct carve *c, size_t count, size_t size)
{
    size_t bytes;
    void *at = c->base ? c->base + c->used : NULL;
    if (!checked_mul(count, size, &bytes) || !checked_add(bytes, 63, &bytes) ||
        !checked_add(c->used, bytes & ~(size_t)63, &c->used))
        c->overflow = true;
    return at;
}

static void carve_all(struct forward *f, struct carve *c)
{
    size_t batch = (size_t)f->o.max_batch;
    size_t half = (size_t)f->o.config->head_size / 2;
    int widest = f->hidden > f->intermediate ? f->hidden : f->intermediate;
    size_t act = batch * (size_t)(f->q_width > widest ? f->q_width : widest);
    f->x = carve_take(c, batch * (size_t)f->hidden, 4);
    f->normed = carve_take(c, batch * (size_t)f->hidden, 4);
    f->delta = carve_take(c, batch * (size_t)f->hidden, 4);
    f->q = carve_take(c, batch * (size_t)f->q_width, 4);
    f->k = carve_take(c, batch * (size_t)f->kv_width, 4);
    f->v = carve_take(c, batch * (size_t)f->kv_width, 4);
    f->gate = carve_take(c, batch * (size_t)f->intermediate, 4);
    f->up = carve_take(c, batch * (size_t)f->intermediate, 4);
    f->act.q = carve_take(c, act, 1);
    f->act.scale = carve_take(c, act / 32 + 1, 4);
    f->act.dsum = carve_take(c, act / 32 + 1, 4);
    f->act.sum16 = carve_take(c, act / 16 + 1, 4);
    f->rope_cos = carve_take(c, (size_t)f->o.max_length * half, 4);
    f->rope_sin = carve_take(c, (size_t)f->o.max_length * half, 4);
    f->blocks = carve_take(c, batch, sizeof *f->blocks);
    f->units = carve_take(c, forward_units_most(f), sizeof *f->units);
    f->partial = carve_take(c, (size_t)f->o.slots * (size_t)f->o.config->heads * (size_t)f->chunks,
                            4 * ((size_t)f->o.config->head_size + 2));
    f->tables = carve_take(c, (size_t)f->o.slots * (size_t)f->chunks, sizeof *f->tables);
    f->table_length = carve_take(c, (size_t)f->o.slots, sizeof *f->table_length);
    f->filled = carve_take(c, (size_t)f->o.slots, sizeof *f->filled);
    f->next = carve_take(c, (size_t)f->o.slots, sizeof *f->next);
    f->worker_bytes = KERNELS_SCRATCH + forward_attention_bytes(&f->o);
    f->worker_memory = carve_take(c, (size_t)threadpool_size(f->o.pool), f->worker_bytes);
}

static int kv_blocks_of(const struct forward_options *o)
{
    return o->kv_blocks ? o->kv_blocks : o->slots * kv_blocks_for(o->max_length);
}

/* Without blocks of the caller's choice every slot has its own. */
static void fill_tables(struct forward *f)
{
    for (int slot = 0; slot < f->o.slots; slot++) {
        f->table_length[slot] = f->o.kv_blocks ? 0 : f->chunks;
        f->filled[slot] = 0;
        for (int i = 0; i < f->table_length[slot]; i++) f->tables[slot * f->chunks + i] = slot * f->chunks + i;
    }
}

static void set_widths(struct forward *f, const struct forward_options *o)
{
    const struct model_config *c = o->config;
    f->o = *o;
    f->hidden = c->hidden_size;
    f->intermediate = c->intermediate_size;
    f->q_width = c->heads * c->head_size;
    f->kv_width = c->kv_heads * c->head_size;
    f->group = c->heads / c->kv_heads;
    f->block_rows = forward_block_rows(c);
    f->chunks = kv_blocks_for(o->max_length);
}

size_t forward_bytes(const struct forward_options *o, size_t *kv, size_t *scratch)
{
    struct forward f = {0};
    struct carve c = {0};
    set_widths(&f, o);
    carve_all(&f, &c);
    *scratch = c.overflow ? SIZE_MAX : c.used;
    *kv = kv_store_bytes(o->config, kv_blocks_of(o), o->precise);
    size_t sum;
    return checked_add(*kv, *scratch, &sum) ? sum : SIZE_MAX;
}

static int fill_rope(struct forward *f, struct error *e)
{
    int half = f->o.config->head_size / 2;
    float frequency[LIMIT_HEAD_SIZE / 2];
    float factor;
    if (half > LIMIT_HEAD_SIZE / 2)
        return error_set(e, ERR_UNSUPPORTED, "a head size of %d is not supported", 2 * half);
    config_rope_frequencies(f->o.config, frequency, &factor);
    for (int p = 0; p < f->o.max_length; p++)
        for (int i = 0; i < half; i++) {
            float angle = (float)p * frequency[i]; /* in float, as the reference does */
            f->rope_cos[(size_t)p * (size_t)half + (size_t)i] = (float)cos((double)angle) * factor;
            f->rope_sin[(size_t)p * (size_t)half + (size_t)i] = (float)sin((double)angle) * factor;
        }
    return OK;
}

int forward_new(struct forward **out, const struct forward_options *o, struct error *e)
{
    *out = NULL;
    if (o->max_batch < 1 || o->max_length < 1 || o->max_length > LIMIT_CONTEXT || o->slots < 1 ||
        o->slots > LIMIT_SLOTS || o->kv_blocks < 0)
        return error_set(e, ERR_INVALID, "%d rows, %d contexts of %d tokens: each must be at least 1, within limits",
                         o->max_batch, o->slots, o->max_length);
    struct forward *f = calloc(1, sizeof *f);
    if (!f) return error_set(e, ERR_NOMEM, "no memory for the forward pass");
    struct carve c = {0};
    set_widths(f, o);
    carve_all(f, &c);
    int rc = c.overflow ? error_set(e, ERR_TOO_LONG, "the batch or the context is too large") : OK;
    if (!rc && posix_memalign((void **)&c.base, 64, c.used))
        rc = error_set(e, ERR_NOMEM, "no memory for %zu bytes of scratch", c.used);
    if (rc) {
        free(f);
        return rc;
    }
    c.used = 0;
    carve_all(f, &c); /* x is the first piece: freeing it frees all */
    fill_tables(f);
    rc = kv_store_init(&f->kv, o->config, kv_blocks_of(o), o->precise, e);
    if (!rc) rc = fill_rope(f, e);
    if (rc) {
        forward_free(f);
        return rc;
    }
    *out = f;
    return OK;
}

void forward_free(struct forward *f)
{
    if (!f) return;
    kv_store_fini(&f->kv);
    free(f->x);
    free(f);
}
