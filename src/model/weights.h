/* weights.h - a model's tensors, checked against its config and packed for the kernels; and LoRA adapters.
 *
 * Immutable once loaded; shared by every sequence. Shapes are [out features][in features] as published.
 * Thread: load on one (it uses the pool); reading from any.
 */
#ifndef XIAOBEI_MODEL_WEIGHTS_H
#define XIAOBEI_MODEL_WEIGHTS_H

#include "base/error.h"
#include "base/threadpool.h"
#include "kernels/pack.h"
#include "model/config.h"
#include "model/model_file.h"

enum quant_mode {
    QUANT_NONE, /* keep the file's formats */
    QUANT_Q8_0, /* float matrices become Q8_0 at load */
    QUANT_Q4_K, /* float matrices become Q4_K at load (the embedding and lm_head Q8_0; columns that do not fit: Q8_0) */
};

struct layer_weights {
    float *attn_norm;                /* [hidden] */
    float *ffn_norm;                 /* [hidden] */
    struct packed_matrix q, k, v;    /* [heads * head_size][hidden], [kv_heads * head_size][hidden] twice */
    float *q_bias, *k_bias, *v_bias; /* [rows] */
    struct packed_matrix o;          /* [hidden][heads * head_size] */
    struct packed_matrix gate, up;   /* [intermediate][hidden] */
    struct packed_matrix down;       /* [hidden][intermediate] */
};

struct model_weights {
    struct packed_matrix embedding; /* [vocab][hidden] */
    struct packed_matrix lm_head;   /* [vocab][hidden]; data NULL when tied: use embedding */
    float *final_norm;              /* [hidden] */
    struct layer_weights *layers;   /* [layers] */
    int layer_count;
    void *memory; /* every matrix's data, one mapping */
    size_t memory_bytes;
    size_t bytes; /* packed bytes held, all of the above */
};

/* Bytes that weights_load will hold and the element types it will use, without loading; checks every tensor's presence
 * and shape exactly as the load does, and refuses a file with a tensor that has no place. summary (may be NULL) gets
 * words such as "Q4_K 169, Q6_K 29, F32 141". */
int weights_plan(const struct model_file *f, enum quant_mode quant, size_t *bytes, struct buf *summary,
                 struct error *e) MUST_USE;
int weights_load(struct model_weights *w, const struct model_file *f, enum quant_mode quant, struct threadpool *pool,
                 struct error *e) MUST_USE;
void weights_free(struct model_weights *w);

int quant_mode_parse(const char *name, enum quant_mode *out, struct error *e) MUST_USE; /* none q8_0 q4_k */

#endif
