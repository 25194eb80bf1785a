/* kv_store.h - where keys and values wait: for every slot (sequence), layer and K/V head one run of positions.
 *
 * Layout [slot][layer][kv_head][position][head_size], f16 (or float32 in precise mode), K and V apart. The memory is
 * reserved at once and touched as positions are written: a context that is not used costs nothing. K stays f16 because
 * k_proj's bias is huge in some layers of the 7B. Thread: the engine's; different rows may be stored from different
 * workers.
 */
#ifndef XIAOBEI_ENGINE_KV_STORE_H
#define XIAOBEI_ENGINE_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/config.h"

struct kv_store {
    int slots, layers, kv_heads, max_length, head_size;
    bool f32;
    size_t bytes; /* of K and V together */
    char *memory; /* mmap */
};

/* SIZE_MAX if no such store can exist. */
size_t kv_store_bytes(const struct model_config *c, int slots, int max_length, bool f32);
int kv_store_init(struct kv_store *kv, const struct model_config *c, int slots, int max_length, bool f32,
                  struct error *e) MUST_USE;
void kv_store_fini(struct kv_store *kv);

/* The run of positions of one head, from position 0: [max_length][head_size]. */
void *kv_store_keys(const struct kv_store *kv, int slot, int layer, int kv_head);
void *kv_store_values(const struct kv_store *kv, int slot, int layer, int kv_head);

#endif
