/* forward.h - the Qwen2 forward pass over a batch of tokens, and the K/V store it reads and extends.
 *
 * Architecture: RMSNorm, grouped-query attention with RoPE and biases on q, k, v, SwiGLU (Qwen2.5 Technical Report,
 * 2024). One step takes rows of any mix: prefill chunks of some sequences, single tokens of others. Per row the result
 * depends only on that row's sequence: reductions have a fixed order, whatever the batch, the chunking and the thread
 * count. K and V are kept as f16 (k_proj's bias is huge in some layers of the 7B: fewer bits break it), scores in
 * float32; in precise mode both are float32. Thread: the engine's only. No allocation in forward_step.
 */
#ifndef XIAOBEI_ENGINE_FORWARD_H
#define XIAOBEI_ENGINE_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/threadpool.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/lora.h"
#include "model/weights.h"

struct forward; /* opaque: scratch, rope tables, K/V slots */

struct forward_options {
    const struct model_config *config;   /* borrowed, outlives the forward */
    const struct model_weights *weights; /* borrowed */
    const struct kernel_table *kernels;
    struct threadpool *pool; /* borrowed; NULL = this thread alone */
    int max_batch;           /* rows per step, e.g. 512 */
    int max_length;          /* positions per slot */
    int slots;               /* sequences held at once */
    int kv_blocks;           /* of KV_BLOCK positions, for all slots; 0: enough for every slot's max_length, each slot
                                having its own from the start */
    bool precise;            /* float32 activations and K/V */
};

struct forward_row {
    int32_t token;
    int slot;     /* which sequence */
    int position; /* at most the number of positions the slot holds, counting the step's earlier rows. A smaller one
                     overwrites and forgets everything behind it: 0 starts another sequence */
    bool want_logits;
    const struct lora *lora; /* NULL: the base model */
};

int forward_new(struct forward **out, const struct forward_options *o, struct error *e) MUST_USE;
void forward_free(struct forward *f);
size_t forward_bytes(const struct forward_options *o, size_t *kv, size_t *scratch); /* for plans; returns the sum,
                                                                                       SIZE_MAX if there is none */

/* Compute the rows. logits (may be NULL if no row wants any) gets vocab_size floats for each row with want_logits, in
 * row order. ERR_INVALID for a bad row (nothing is computed then), ERR_INTERNAL naming the layer, or the head, if a
 * value is not finite (the slots of the step then count as they did before it). */
int forward_step(struct forward *f, const struct forward_row *rows, int n, float *logits, struct error *e) MUST_USE;

/* Where a slot's positions lie: blocks[i] (copied, n of them) holds [i * KV_BLOCK, (i + 1) * KV_BLOCK); `filled` of the
 * positions are there already. A block may be in several slots' tables as long as no row writes to it. */
void forward_set_blocks(struct forward *f, int slot, const int *blocks, int n, int filled);
void forward_copy_block(struct forward *f, int to, int from, int positions); /* the first positions of a block */

/* Called after the embedding (layer 0) and after every layer (1..layers; the last one after the final norm, as
 * transformers' hidden_states) with all rows' hidden state [n][hidden]; for the golden tests. NULL turns it off. */
typedef void (*forward_probe)(void *user, int layer, const float *hidden, int n);
void forward_set_probe(struct forward *f, forward_probe probe, void *user);

#endif
