/* kv_store.h - where keys and values wait: a pool of blocks of KV_BLOCK positions, every layer and K/V head of them.
 *
 * A sequence's positions lie in any blocks, named by a table (forward_set_blocks); which block is whose is decided in
 * kv_cache.h. A block holds, per layer and K/V head, its keys with sixteen positions interleaved,
 * [position / 16][head_size][position % 16], as the attention reads them, then its values [position][head_size]. f16,
 * or float32 in precise mode; K stays f16 because k_proj's bias is huge in some layers of the 7B. A block is as long as
 * one chunk of attention, so that paging costs the kernels nothing. The memory is reserved at once and touched as
 * positions are written: blocks that are not used cost nothing. After vLLM's paged attention (Kwon et al. 2023).
 * Thread: the engine's; different rows may be stored from different workers.
 */
#ifndef XIAOBEI_ENGINE_KV_STORE_H
#define XIAOBEI_ENGINE_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "kernels/kernels.h"
#include "model/config.h"

enum { KV_BLOCK = ATTEND_CHUNK };

struct kv_store {
    int blocks, layers, kv_heads, head_size;
    bool f32;
    size_t run_bytes; /* keys, or values, of one head of a block */
    size_t block_bytes;
    size_t bytes; /* of all blocks */
    char *memory; /* mmap */
};

/* Blocks that hold n positions. */
static inline int kv_blocks_for(int n)
{
    return (n + KV_BLOCK - 1) / KV_BLOCK;
}

/* SIZE_MAX if no such store can exist. */
size_t kv_store_bytes(const struct model_config *c, int blocks, bool f32);
int kv_store_init(struct kv_store *kv, const struct model_config *c, int blocks, bool f32, struct error *e) MUST_USE;
void kv_store_fini(struct kv_store *kv);

void *kv_store_keys(const struct kv_store *kv, int block, int layer, int kv_head);
void *kv_store_values(const struct kv_store *kv, int block, int layer, int kv_head);

/* The first `positions` of one block into another. */
void kv_store_copy(const struct kv_store *kv, int to, int from, int positions);

/* Element of a key's dimension 0 in its block; dimension d is 16 * d further. at: position in the block. */
static inline size_t kv_store_key_at(const struct kv_store *kv, int at)
{
    return (size_t)(at / 16) * (size_t)kv->head_size * 16 + (size_t)(at % 16);
}

#endif
