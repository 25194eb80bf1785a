/* forward_parts.h - the inside of the forward pass, shared by forward.c (the step), forward_attention.c and
 * forward_linear.c. */
#ifndef XIAOBEI_ENGINE_FORWARD_PARTS_H
#define XIAOBEI_ENGINE_FORWARD_PARTS_H

#include <stdatomic.h>

#include "engine/forward.h"
#include "engine/kv_store.h"

/* Rows of a step that follow one another in one sequence: they share every read of its keys and values. */
struct row_block {
    int first, rows;
    int split; /* which of the step's split blocks it is, or -1: see forward_attention.c */
};

/* What one worker does of attention: a block's rows for one K/V head, over positions [from, to). */
struct attend_unit {
    int block, head;
    int from, to;
};

struct forward {
    struct forward_options o;
    int hidden, intermediate, q_width, kv_width; /* row widths, floats */
    int group;                                   /* query heads per K/V head */
    struct kv_store kv;
    float *rope_cos, *rope_sin; /* [max_length][head_size / 2] */

    /* Rows of the step, [max_batch][width] each. */
    float *x;               /* residual stream, hidden */
    float *normed;          /* hidden */
    float *q;               /* q_width; then the attention's output */
    float *k, *v;           /* kv_width */
    float *gate;            /* intermediate; then silu(gate) * up */
    float *up;              /* intermediate */
    float *delta;           /* hidden: what o_proj and down_proj add to x */
    struct activations act; /* the quantised form of whatever is multiplied next; buffers for the widest */

    char *worker_memory; /* per worker: KERNELS_SCRATCH, then attention's state */
    size_t worker_bytes;

    const struct forward_row *rows; /* of the running step */
    int n;
    struct row_block *blocks;    /* [max_batch] of the running step */
    int block_count, block_rows; /* block_rows: the most rows of a block */
    struct attend_unit *units;   /* of the running step: first those of whole blocks, then those of split ones */
    int unit_count, split_count;
    float *partial;       /* [slots][kv_heads][chunks]: states of single chunks, group * (head_size + 2) floats each */
    int chunks;           /* of the longest context */
    int *tables;          /* [slots][chunks]: the blocks of each slot */
    int *table_length;    /* [slots] */
    int *filled;          /* [slots]: positions whose K and V are there */
    int *next;            /* [slots]: the same, as the running step will leave it */
    atomic_int bad_layer; /* first layer, from 1, whose output is not finite (0: the embedding, layers + 1: the
                                     head), or -1 */
    forward_probe probe;
    void *probe_user;
};

/* One product of a dispatch: out rows of w for the current activations. */
struct linear {
    const struct packed_matrix *w;
    const float *bias;
    float *out;
    enum lora_target target;
};

/* Set act to x [n][cols] and quantise it if any of the products needs that. prepare (may be NULL) runs first for each
 * row, on the same worker: the norm or the activation that produces x's row. */
typedef void (*row_task)(struct forward *f, int layer, int row);
void forward_set_input(struct forward *f, const float *x, int cols, int n, const struct linear *products, int count,
                       row_task prepare, int layer);

/* All products of the current input in one dispatch, then LoRA. */
void forward_linear(struct forward *f, const struct linear *products, int count, int layer);

/* Rotate q and k, scale q, store k and v, then attend: f->q becomes the attention's output. */
void forward_attention(struct forward *f, int layer);

/* The block that holds a slot's position. */
static inline int forward_block_at(const struct forward *f, int slot, int position)
{
    return f->tables[(size_t)slot * (size_t)f->chunks + (size_t)(position / KV_BLOCK)];
}

void forward_find_blocks(struct forward *f); /* cut the step's rows into blocks and units */
size_t forward_units_most(const struct forward *f);
int forward_block_rows(const struct model_config *c);

size_t forward_attention_bytes(const struct forward_options *o); /* per worker, behind KERNELS_SCRATCH */

#endif
