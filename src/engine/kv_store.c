/* kv_store.c - see kv_store.h. */
#include "engine/kv_store.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"

static size_t element_bytes(bool f32)
{
    return f32 ? 4 : 2;
}

size_t kv_store_bytes(const struct model_config *c, int blocks, bool f32)
{
    size_t bytes = 2 * element_bytes(f32) * KV_BLOCK;
    if (!checked_mul(bytes, (size_t)blocks, &bytes) || !checked_mul(bytes, (size_t)c->layers, &bytes) ||
        !checked_mul(bytes, (size_t)c->kv_heads, &bytes) || !checked_mul(bytes, (size_t)c->head_size, &bytes))
        return SIZE_MAX;
    return bytes;
}

int kv_store_init(struct kv_store *kv, const struct model_config *c, int blocks, bool f32, struct error *e)
{
    *kv = (struct kv_store){.blocks = blocks,
                            .layers = c->layers,
                            .kv_heads = c->kv_heads,
                            .head_size = c->head_size,
                            .f32 = f32,
                            .run_bytes = element_bytes(f32) * KV_BLOCK * (size_t)c->head_size,
                            .bytes = kv_store_bytes(c, blocks, f32)};
    kv->block_bytes = kv->bytes / (size_t)blocks;
    void *memory = mmap(NULL, kv->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        kv->bytes = 0;
        return error_set(e, ERR_NOMEM,
                         "no address space for the keys and values of %d tokens; use a smaller --max-length",
                         blocks * KV_BLOCK);
    }
    kv->memory = memory;
    return OK;
}

void kv_store_fini(struct kv_store *kv)
{
    if (kv->memory) munmap(kv->memory, kv->bytes);
    *kv = (struct kv_store){0};
}

void *kv_store_keys(const struct kv_store *kv, int block, int layer, int kv_head)
{
    size_t run = (size_t)layer * (size_t)kv->kv_heads + (size_t)kv_head;
    return kv->memory + (size_t)block * kv->block_bytes + 2 * run * kv->run_bytes;
}

void *kv_store_values(const struct kv_store *kv, int block, int layer, int kv_head)
{
    return (char *)kv_store_keys(kv, block, layer, kv_head) + kv->run_bytes;
}

void kv_store_copy(const struct kv_store *kv, int to, int from, int positions)
{
    size_t position_bytes = kv->run_bytes / KV_BLOCK;
    size_t key_bytes = ((size_t)positions + 15) / 16 * 16 * position_bytes; /* keys come in sixteens */
    for (int layer = 0; layer < kv->layers; layer++)
        for (int head = 0; head < kv->kv_heads; head++) {
            memcpy(kv_store_keys(kv, to, layer, head), kv_store_keys(kv, from, layer, head), key_bytes);
            memcpy(kv_store_values(kv, to, layer, head), kv_store_values(kv, from, layer, head),
                   (size_t)positions * position_bytes);
        }
}
