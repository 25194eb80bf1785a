/* weights_load.c - the tensors of a model into one run of memory, in the kernels' layout, on all cores.
 *
 * First the list is walked: every matrix gets its place, vectors are copied. Then all matrices are packed in one
 * parallel loop over pieces of a few megabytes, so that no core waits at a matrix's end. One run of memory, because
 * what decoding streams through should lie on huge pages, small matrices too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/pages.h"
#include "kernels/half.h"
#include "model/weights_parts.h"

/* Packed bytes of a piece of work, and of what one worker brings into memory in one call. */
enum { PIECE_BYTES = 2 << 20, POPULATE_BYTES = 32 << 20 };

struct item {
    struct packed_matrix *m;
    const struct tensor_view *t;
    size_t offset;      /* in the memory */
    size_t first_piece; /* of all pieces */
    int piece_groups;
};

struct loading {
    const struct model_file *f;
    enum quant_mode quant;
    struct threadpool *pool;
    struct model_weights *weights;
    struct item *items;
    size_t count, cap;
    size_t pieces, bytes; /* of all items so far */
    uint8_t *scratch;     /* per worker, for quantising */
    size_t scratch_bytes;
};

/* Where a matrix will lie; its bytes do not exist yet. */
static int place_matrix(struct loading *l, const struct slot *s, const struct tensor_view *t, struct error *e)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 256;
        struct item *bigger = realloc(l->items, cap * sizeof *bigger);
        if (!bigger) return error_set(e, ERR_NOMEM, "no memory for the list of weights");
        l->items = bigger;
        l->cap = cap;
    }
    size_t bytes = 0;
    int rc = pack_shape(s->matrix, weights_stored_type(t, s->role, l->quant), s->rows, s->cols, &bytes, e);
    if (rc) return rc;
    size_t groups = PIECE_BYTES / s->matrix->group_bytes;
    struct item *item = &l->items[l->count++];
    *item = (struct item){s->matrix, t, l->bytes, l->pieces, groups < 1 ? 1 : (int)groups};
    l->pieces += ((size_t)s->matrix->groups + (size_t)item->piece_groups - 1) / (size_t)item->piece_groups;
    if (!checked_add(l->bytes, bytes, &l->bytes))
        return error_set(e, ERR_FORMAT, "the weights are larger than the address space");
    return OK;
}

static int load_vector(struct loading *l, const struct slot *s, const struct tensor_view *t, struct error *e)
{
    float *x = malloc((size_t)s->cols * sizeof *x);
    if (!x) return error_set(e, ERR_NOMEM, "no memory for the weights");
    *s->vector = x;
    const uint8_t *from = t->data;
    for (int i = 0; i < s->cols; i++) {
        uint16_t half;
        if (t->type == DTYPE_F32) {
            memcpy(x + i, from + 4 * (size_t)i, 4);
            continue;
        }
        memcpy(&half, from + 2 * (size_t)i, 2);
        x[i] = t->type == DTYPE_F16 ? f16_to_f32(half) : bf16_to_f32(half);
    }
    l->weights->bytes += (size_t)s->cols * sizeof *x;
    return OK;
}

static int load_slot(void *user, const struct slot *s, struct error *e)
{
    struct loading *l = user;
    const struct tensor_view *t;
    int rc = weights_find(l->f, s, &t, e);
    if (rc) return rc;
    return s->role == ROLE_VECTOR ? load_vector(l, s, t, e) : place_matrix(l, s, t, e);
}

static void populate_piece(void *argument, size_t piece, int worker)
{
    (void)worker;
    const struct model_weights *m = argument;
    size_t at = piece * POPULATE_BYTES;
    pages_populate((char *)m->memory + at,
                   m->memory_bytes - at < POPULATE_BYTES ? m->memory_bytes - at : POPULATE_BYTES);
}

static const struct item *item_of(const struct loading *l, size_t piece)
{
    size_t low = 0;
    size_t high = l->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (l->items[middle].first_piece <= piece)
            low = middle;
        else
            high = middle;
    }
    return &l->items[low];
}

static void pack_piece(void *argument, size_t piece, int worker)
{
    const struct loading *l = argument;
    const struct item *item = item_of(l, piece);
    struct packed_matrix *m = item->m;
    int first = (int)(piece - item->first_piece) * item->piece_groups;
    int end = m->groups - first < item->piece_groups ? m->groups : first + item->piece_groups;
    size_t row_bytes = item->t->bytes / (size_t)item->t->rows;
    int last_row = end * PACK_ROWS < m->rows ? end * PACK_ROWS : m->rows;
    const uint8_t *from = (const uint8_t *)item->t->data + (size_t)first * PACK_ROWS * row_bytes;
    size_t bytes = (size_t)(last_row - first * PACK_ROWS) * row_bytes;
    model_file_expect(l->f, from, bytes);
    for (int g = first; g < end; g++) {
        if (m->type == item->t->type)
            pack_group(m, g, item->t->data);
        else
            pack_group_quantized(m, g, item->t->data, item->t->type, l->scratch + (size_t)worker * l->scratch_bytes);
    }
    model_file_forget(l->f, from, bytes);
}

static int pack_all(struct loading *l, struct error *e)
{
    struct model_weights *m = l->weights;
    m->memory = pages_map(l->bytes);
    if (!m->memory) return error_set(e, ERR_NOMEM, "no memory for %zu bytes of weights", l->bytes);
    m->memory_bytes = l->bytes;
    m->bytes += l->bytes;
    for (size_t i = 0; i < l->count; i++) l->items[i].m->data = (uint8_t *)m->memory + l->items[i].offset;
    threadpool_for(l->pool, (l->bytes + POPULATE_BYTES - 1) / POPULATE_BYTES, populate_piece, m);
    threadpool_for(l->pool, l->pieces, pack_piece, l);
    return OK;
}

int weights_load(struct model_weights *m, const struct model_file *f, enum quant_mode quant, struct threadpool *pool,
                 struct error *e)
{
    const struct model_config *c = model_file_config(f);
    *m = (struct model_weights){0};
    int widest = c->hidden_size > c->intermediate_size ? c->hidden_size : c->intermediate_size;
    if (c->heads * c->head_size > widest) widest = c->heads * c->head_size;
    struct loading l = {
        .f = f, .quant = quant, .pool = pool, .weights = m, .scratch_bytes = pack_quantize_scratch(widest)};
    l.scratch = quant == QUANT_NONE ? NULL : malloc(l.scratch_bytes * (size_t)threadpool_size(pool));
    m->layers = calloc((size_t)c->layers, sizeof *m->layers);
    m->layer_count = c->layers;
    struct walk w = {load_slot, &l, e};
    int rc = !m->layers || (quant != QUANT_NONE && !l.scratch) ? error_set(e, ERR_NOMEM, "no memory for the weights")
                                                               : weights_walk(&w, c, m);
    if (!rc) rc = pack_all(&l, e);
    free(l.items);
    free(l.scratch);
    if (rc) weights_free(m);
    return rc;
}
