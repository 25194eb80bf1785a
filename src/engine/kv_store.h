/* kv_store.h - where keys and values wait: for every slot (sequence), layer and K/V head one run of positions.
 *
 * Values [slot][layer][kv_head][position][head_size]; keys the same with sixteen positions interleaved,
 * [position / 16][head_size][position % 16], as the attention reads them. f16, or float32 in precise mode. The memory
 * is reserved at once and touched as positions are written: a context that is not used costs nothing. K stays f16
 * because k_proj's bias is huge in some layers of the 7B. Thread: the engine's; different rows may be stored from
 * different workers.
 */
#ifndef XIAOBEI_ENGINE_KV_STORE_H
#define XIAOBEI_ENGINE_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/config.h"

struct kv_store {
    int slots, layers, kv_heads, head_size;
    int run; /* positions of a head: max_length, rounded up to sixteens */
    bool f32;
    size_t bytes; /* of K and V together */
    char *memory; /* mmap */
};

/* SIZE_MAX if no such store can exist. */
size_t kv_store_bytes(const struct model_config *c, int slots, int max_length, bool f32);
int kv_store_init(struct kv_store *kv, const struct model_config *c, int slots, int max_length, bool f32,
                  struct error *e) MUST_USE;
void kv_store_fini(struct kv_store *kv);

/* The run of positions of one head, from position 0. A chunk of positions that starts at a multiple of 16 starts at
 * element first * head_size of both. */
void *kv_store_keys(const struct kv_store *kv, int slot, int layer, int kv_head);
void *kv_store_values(const struct kv_store *kv, int slot, int layer, int kv_head);

/* Element of a key's dimension 0 in its run; dimension d is 16 * d further. */
static inline size_t kv_store_key_at(const struct kv_store *kv, int position)
{
    return (size_t)(position / 16) * (size_t)kv->head_size * 16 + (size_t)(position % 16);
}

#endif
