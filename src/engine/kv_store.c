/* kv_store.c - see kv_store.h. */
#include "engine/kv_store.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/checked.h"

static size_t element_bytes(bool f32)
{
    return f32 ? 4 : 2;
}

static int run_length(int max_length)
{
    return (max_length + 15) / 16 * 16;
}

size_t kv_store_bytes(const struct model_config *c, int slots, int max_length, bool f32)
{
    size_t bytes = 2 * element_bytes(f32);
    if (!checked_mul(bytes, (size_t)slots, &bytes) || !checked_mul(bytes, (size_t)c->layers, &bytes) ||
        !checked_mul(bytes, (size_t)c->kv_heads, &bytes) ||
        !checked_mul(bytes, (size_t)run_length(max_length), &bytes) ||
        !checked_mul(bytes, (size_t)c->head_size, &bytes))
        return SIZE_MAX;
    return bytes;
}

int kv_store_init(struct kv_store *kv, const struct model_config *c, int slots, int max_length, bool f32,
                  struct error *e)
{
    *kv = (struct kv_store){.slots = slots,
                            .layers = c->layers,
                            .kv_heads = c->kv_heads,
                            .run = run_length(max_length),
                            .head_size = c->head_size,
                            .f32 = f32,
                            .bytes = kv_store_bytes(c, slots, max_length, f32)};
    void *memory = mmap(NULL, kv->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        kv->bytes = 0;
        return error_set(e, ERR_NOMEM, "no address space for %d contexts of %d tokens; use a smaller --max-length",
                         slots, max_length);
    }
    kv->memory = memory;
    return OK;
}

void kv_store_fini(struct kv_store *kv)
{
    if (kv->memory) munmap(kv->memory, kv->bytes);
    *kv = (struct kv_store){0};
}

static void *run_at(const struct kv_store *kv, int slot, int layer, int kv_head, size_t half)
{
    size_t run = ((size_t)slot * (size_t)kv->layers + (size_t)layer) * (size_t)kv->kv_heads + (size_t)kv_head;
    return kv->memory + half + run * (size_t)kv->run * (size_t)kv->head_size * element_bytes(kv->f32);
}

void *kv_store_keys(const struct kv_store *kv, int slot, int layer, int kv_head)
{
    return run_at(kv, slot, layer, kv_head, 0);
}

void *kv_store_values(const struct kv_store *kv, int slot, int layer, int kv_head)
{
    return run_at(kv, slot, layer, kv_head, kv->bytes / 2);
}
