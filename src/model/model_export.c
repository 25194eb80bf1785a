/* model_export.c - see model_export.h. The list of tensors is weights.c's; each is written strip by strip. */
#include "model/model_export.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "kernels/blocks.h"
#include "model/export_metadata.h"
#include "model/gguf_names.h"
#include "model/gguf_write.h"
#include "model/weights_parts.h"

enum { STRIP_BYTES = 16 << 20, ROWS_AT_ONCE = 4 };

struct export_tensor {
    struct slot slot;
    int layer; /* -1: of no layer */
    enum dtype type;
};

struct exporter;

/* `count` rows from `first` of tensor t, in its type, to out; called from the pool's workers. */
typedef void (*rows_maker)(struct exporter *x, const struct export_tensor *t, int first, int count, uint8_t *out,
                           int worker);

struct exporter {
    const struct export_options *o;
    const struct model_config *config;
    struct gguf_writer *writer;
    struct export_tensor *tensors;
    size_t count, cap;
    rows_maker make;
    struct random_pool *random;     /* random weights */
    const struct tensor_view *view; /* of the tensor being written, or NULL */
    float *scratch;                 /* [workers][widest] */
    int widest;
    int64_t done, total;
    atomic_bool not_finite;
    /* the strip being made */
    const struct export_tensor *current;
    int strip_first, strip_rows;
    uint8_t *strip;
};

static const char *const kind_names[EXPORT_KIND_COUNT] = {"Q8_0", "Q4_0", "Q4_K_M", "F16", "BF16"};

int export_kind_parse(const char *name, enum export_kind *out, struct error *e)
{
    for (int i = 0; i < EXPORT_KIND_COUNT; i++) {
        if (strcasecmp(name, kind_names[i]) != 0) continue;
        *out = (enum export_kind)i;
        return OK;
    }
    return error_set(e, ERR_INVALID, "the type is q8_0, q4_0, q4_k_m, f16 or bf16, not \"%.32s\"", name);
}

const char *export_kind_name(enum export_kind kind)
{
    return kind_names[kind];
}

/* --- which format a tensor gets -------------------------------------------------------------------------------------
 */

/* In Q4_K_M the first and the last eighth of the layers and every third between them keep more bits where it matters
 * most: in the values and in the way back from the wide layer. */
static bool has_more_bits(int layer, int layers)
{
    int eighth = layers / 8;
    return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

static enum dtype fitting(enum dtype wanted, int cols)
{
    if (cols % 256 != 0 && wanted == DTYPE_Q4_K) wanted = DTYPE_Q5_0;
    if (cols % 256 != 0 && wanted == DTYPE_Q6_K) wanted = DTYPE_Q8_0;
    return (size_t)cols % dtype_info(wanted).block_elems ? DTYPE_F16 : wanted;
}

static enum dtype type_of(enum export_kind kind, const struct export_tensor *t, const struct model_config *c)
{
    if (t->slot.role == ROLE_VECTOR) return DTYPE_F32;
    bool head = t->slot.role == ROLE_EMBEDDING && (c->tied_embeddings || strcmp(t->slot.name, "lm_head.weight") == 0);
    bool sensitive = strstr(t->slot.name, ".v_proj.") || strstr(t->slot.name, ".down_proj.");
    switch (kind) {
    case EXPORT_F16: return DTYPE_F16;
    case EXPORT_BF16: return DTYPE_BF16;
    case EXPORT_Q8_0: return fitting(DTYPE_Q8_0, t->slot.cols);
    case EXPORT_Q4_0: return fitting(head ? DTYPE_Q6_K : DTYPE_Q4_0, t->slot.cols);
    default:
        if (head || (sensitive && has_more_bits(t->layer, c->layers))) return fitting(DTYPE_Q6_K, t->slot.cols);
        return fitting(DTYPE_Q4_K, t->slot.cols);
    }
}

static int list_tensor(void *user, const struct slot *s, struct error *e)
{
    struct exporter *x = user;
    if (x->count == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 256;
        struct export_tensor *bigger = realloc(x->tensors, cap * sizeof *bigger);
        if (!bigger) return error_set(e, ERR_NOMEM, "no memory for the list of tensors");
        x->tensors = bigger;
        x->cap = cap;
    }
    struct export_tensor *t = &x->tensors[x->count++];
    *t = (struct export_tensor){.slot = *s, .layer = -1};
    if (sscanf(s->name, "model.layers.%9d.", &t->layer) != 1) t->layer = -1;
    t->type = type_of(x->o->kind, t, x->config);
    if (s->cols > x->widest) x->widest = s->cols;
    x->total += (int64_t)s->rows * (int64_t)row_bytes(t->type, s->cols);
    return OK;
}

static int list_tensors(struct exporter *x, struct error *e)
{
    struct walk w = {list_tensor, x, e};
    int rc = weights_walk(&w, x->config, NULL);
    for (size_t i = 0; !rc && i < x->count; i++) {
        const struct export_tensor *t = &x->tensors[i];
        char name[LIMIT_TENSOR_NAME];
        gguf_name_from_canonical(t->slot.name, name, sizeof name);
        gguf_put_tensor(x->writer, name, t->type, t->slot.rows, t->slot.cols, t->slot.role == ROLE_VECTOR);
    }
    return rc;
}

/* --- writing ---------------------------------------------------------------------------------------------------------
 */

static void make_rows(void *argument, size_t chunk, int worker)
{
    struct exporter *x = argument;
    int at = (int)chunk * ROWS_AT_ONCE;
    int count = x->strip_rows - at < ROWS_AT_ONCE ? x->strip_rows - at : ROWS_AT_ONCE;
    size_t bytes = row_bytes(x->current->type, x->current->slot.cols);
    x->make(x, x->current, x->strip_first + at, count, x->strip + (size_t)at * bytes, worker);
}

static int write_tensor(struct exporter *x, const struct export_tensor *t, struct error *e)
{
    size_t bytes = row_bytes(t->type, t->slot.cols);
    int rows = bytes < STRIP_BYTES ? (int)(STRIP_BYTES / bytes) : 1;
    uint8_t *strip = malloc(bytes * (size_t)rows);
    if (!strip) return error_set(e, ERR_NOMEM, "no memory for a strip of %s", t->slot.name);
    int rc = OK;
    x->current = t;
    x->strip = strip;
    for (int first = 0; !rc && first < t->slot.rows; first += rows) {
        x->strip_first = first;
        x->strip_rows = t->slot.rows - first < rows ? t->slot.rows - first : rows;
        threadpool_for(x->o->pool, ((size_t)x->strip_rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, make_rows, x);
        if (x->not_finite)
            rc = error_set(e, ERR_FORMAT, "the tensor %s holds values that are not finite; nothing is written",
                           t->slot.name);
        if (!rc) rc = gguf_writer_data(x->writer, strip, bytes * (size_t)x->strip_rows, e);
        x->done += (int64_t)bytes * x->strip_rows;
        if (x->o->progress) x->o->progress(x->o->user, x->done, x->total);
    }
    free(strip);
    return rc;
}

static void exporter_free(struct exporter *x)
{
    gguf_writer_free(x->writer);
    free(x->tensors);
    free(x->scratch);
}

static int exporter_open(struct exporter *x, const char *name, const struct tokenizer_data *tokenizer, struct error *e)
{
    int rc = gguf_writer_new(&x->writer, x->o->path, e);
    if (!rc) rc = export_metadata(x->writer, name, x->config, tokenizer, x->o->kind, e);
    if (!rc) rc = list_tensors(x, e);
    if (rc) return rc;
    x->scratch = malloc((size_t)threadpool_size(x->o->pool) * (size_t)x->widest * sizeof *x->scratch);
    return x->scratch ? OK : error_set(e, ERR_NOMEM, "no memory for a row of weights");
}

/* --- from another model ----------------------------------------------------------------------------------------------
 */

static bool all_finite(const float *x, int n)
{
    float sum = 0; /* x - x is 0, or NaN for what is not finite */
    for (int i = 0; i < n; i++) sum += x[i] - x[i];
    return sum == 0;
}

static void quantize_rows(struct exporter *x, const struct export_tensor *t, int first, int count, uint8_t *out,
                          int worker)
{
    int cols = t->slot.cols;
    size_t from_bytes = row_bytes(x->view->type, cols);
    size_t to_bytes = row_bytes(t->type, cols);
    const uint8_t *from = (const uint8_t *)x->view->data + (size_t)first * from_bytes;
    float *row = x->scratch + (size_t)worker * (size_t)x->widest;
    for (int i = 0; i < count; i++) {
        row_read(x->view->type, from + (size_t)i * from_bytes, cols, row);
        if (!all_finite(row, cols)) x->not_finite = true;
        if (x->view->type == t->type)
            memcpy(out + (size_t)i * to_bytes, from + (size_t)i * from_bytes, to_bytes);
        else
            row_write(t->type, row, cols, out + (size_t)i * to_bytes);
    }
}

int model_export(const struct model_file *f, const struct export_options *o, bool *requantized, struct error *e)
{
    struct exporter x = {.o = o, .config = model_file_config(f), .make = quantize_rows};
    size_t ignored;
    *requantized = false;
    int rc = weights_plan(f, QUANT_NONE, &ignored, NULL, e); /* refuses what loading would refuse */
    if (!rc) rc = exporter_open(&x, model_file_name(f), model_file_tokenizer(f), e);
    for (size_t i = 0; !rc && i < x.count; i++) {
        const struct export_tensor *t = &x.tensors[i];
        rc = weights_find(f, &t->slot, &x.view, e);
        if (rc) break;
        if (!dtype_is_float(x.view->type) && x.view->type != t->type) *requantized = true;
        model_file_expect(f, x.view->data, x.view->bytes);
        rc = write_tensor(&x, t, e);
        model_file_forget(f, x.view->data, x.view->bytes);
    }
    if (!rc) rc = gguf_writer_finish(x.writer, e);
    exporter_free(&x);
    return rc;
}

/* --- random weights --------------------------------------------------------------------------------------------------
 */

/* Blocks quantised from random numbers once; a tensor's blocks are drawn from them. Quantising billions of numbers that
 * nobody will look at would take minutes. */
enum { POOL_BLOCKS = 1024, POOL_VALUES = 256 };

struct random_pool {
    uint64_t seed;
    uint8_t *blocks[DTYPE_COUNT]; /* [POOL_BLOCKS][256 values] in that format, NULL: not needed */
};

/* splitmix64 (Steele, Lea, Flood 2014): a number for a position, whoever asks first. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static float random_normal(uint64_t seed)
{
    double u = ((double)(mix(seed) >> 11) + 0.5) * 0x1p-53;
    double v = (double)(mix(~seed) >> 11) * 0x1p-53;
    return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

static int fill_pool(struct random_pool *p, enum dtype type, struct error *e)
{
    size_t bytes = row_bytes(type, POOL_VALUES);
    if (p->blocks[type]) return OK;
    uint8_t *blocks = p->blocks[type] = malloc(POOL_BLOCKS * bytes);
    if (!blocks) return error_set(e, ERR_NOMEM, "no memory for random weights");
    for (uint64_t b = 0; b < POOL_BLOCKS; b++) {
        float x[POOL_VALUES];
        for (uint64_t i = 0; i < POOL_VALUES; i++) x[i] = 0.02f * random_normal(p->seed + b * POOL_VALUES + i);
        row_write(type, x, POOL_VALUES, blocks + b * bytes);
    }
    return OK;
}

static void draw_rows(struct exporter *x, const struct export_tensor *t, int first, int count, uint8_t *out, int worker)
{
    (void)worker;
    const uint8_t *blocks = x->random->blocks[t->type];
    size_t pool_bytes = row_bytes(t->type, POOL_VALUES);
    size_t bytes = row_bytes(t->type, t->slot.cols);
    uint64_t tensor = mix(x->random->seed ^ (uint64_t)(t - x->tensors));
    for (int i = 0; i < count; i++)
        for (size_t at = 0, n = 0; at < bytes; at += pool_bytes, n++) {
            uint64_t pick = mix(tensor + ((uint64_t)(first + i) << 24) + n) % POOL_BLOCKS;
            size_t left = bytes - at < pool_bytes ? bytes - at : pool_bytes;
            memcpy(out + (size_t)i * bytes + at, blocks + pick * pool_bytes, left);
        }
}

/* Norms are ones, biases zeros: what a model that was not trained yet has. */
static void make_random(struct exporter *x, const struct export_tensor *t, int first, int count, uint8_t *out,
                        int worker)
{
    if (t->slot.role != ROLE_VECTOR) {
        draw_rows(x, t, first, count, out, worker);
        return;
    }
    float value = strstr(t->slot.name, "norm") ? 1.0f : 0.0f;
    for (int i = 0; i < t->slot.cols; i++) memcpy(out + 4 * (size_t)i, &value, sizeof value);
}

int model_export_random(const struct model_config *c, const struct tokenizer_data *tokenizer, uint64_t seed,
                        const struct export_options *o, struct error *e)
{
    struct random_pool pool = {.seed = seed};
    struct exporter x = {.o = o, .config = c, .random = &pool, .make = make_random};
    int rc = exporter_open(&x, "random weights", tokenizer, e);
    for (size_t i = 0; !rc && i < x.count; i++) rc = fill_pool(&pool, x.tensors[i].type, e);
    for (size_t i = 0; !rc && i < x.count; i++) rc = write_tensor(&x, &x.tensors[i], e);
    if (!rc) rc = gguf_writer_finish(x.writer, e);
    for (int i = 0; i < DTYPE_COUNT; i++) free(pool.blocks[i]);
    exporter_free(&x);
    return rc;
}
