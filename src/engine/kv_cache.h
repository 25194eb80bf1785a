/* kv_cache.h - which block of the K/V store is whose: free ones, those of running sequences, and those kept because
 * their tokens may come again (prefix cache).
 *
 * Cached blocks form a tree: a block's parent holds the tokens before it, so a path from a root spells a text. Tokens
 * are compared, not hashes: a collision cannot hand one text another's cache. Every block belongs to an owner; a
 * sequence finds blocks of its own owner and of its public owner only, and what is public is decided by the caller (the
 * built-in system prompt, nothing else). Owners are opaque numbers that the engine makes from tenant and adapter; 0 is
 * nobody. After vLLM's and SGLang's prefix caches (Kwon et al. 2023; Zheng et al. 2024).
 * Bookkeeping only: no tensor is touched. Thread: the engine's.
 */
#ifndef XIAOBEI_ENGINE_KV_CACHE_H
#define XIAOBEI_ENGINE_KV_CACHE_H

#include <stdint.h>

#include "base/error.h"

struct kv_cache; /* opaque */

int kv_cache_new(struct kv_cache **out, int blocks, struct error *e) MUST_USE;
void kv_cache_free(struct kv_cache *c);

/* A text and whose it is: its first n_public tokens are of the public owner. */
struct kv_text {
    const int32_t *tokens;
    int n, n_public;
    uint64_t owner, public_owner;
};

struct kv_match {
    int full;    /* whole blocks found: blocks[0..full), a reference taken on each */
    int partial; /* a block that begins with the next `positions` tokens, or -1; to be copied, no reference taken */
    int positions;
};

/* The longest cached prefix of t, at most `limit` tokens. blocks: room for limit / KV_BLOCK. */
struct kv_match kv_cache_match(struct kv_cache *c, const struct kv_text *t, int limit, int *blocks);

/* A block with one reference, its content undefined: a free one, else the cached one that was not used for longest
 * (keep: not this one). -1 if every block is referenced. */
int kv_cache_take(struct kv_cache *c, int keep);

/* Tokens [index * KV_BLOCK, index * KV_BLOCK + filled) of t lie in `block`, computed: from now on others may find them.
 * parent: the published block before it, which t's sequence refers to; -1 for the first. Returns the block that stands
 * for them from now on: this one, or one that holds the same tokens already; then the reference moves there. Full
 * blocks only, but for a text's last one. */
int kv_cache_publish(struct kv_cache *c, const struct kv_text *t, int index, int block, int filled, int parent);

/* Give a reference back. A block that was never published is free at once; a published one stays until its place is
 * needed. */
void kv_cache_release(struct kv_cache *c, int block);

struct kv_cache_stats {
    int blocks, referenced, cached; /* cached: kept without a reference */
    uint64_t evicted;
};
void kv_cache_get_stats(const struct kv_cache *c, struct kv_cache_stats *out);

#endif
