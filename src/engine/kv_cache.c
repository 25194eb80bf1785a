/* kv_cache.c - see kv_cache.h. One record per block. Lists of children are walked from end to end: a few hundred blocks
 * make that cheaper than a hash table, and it compares tokens anyway. */
#include "engine/kv_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kv_store.h"

struct block {
    bool published;
    int references;            /* of running sequences */
    int filled;                /* tokens, when published */
    int parent;                /* -1: a root */
    int child, next, previous; /* first child; siblings */
    uint64_t owner;
    uint64_t used; /* the clock when it was last found or given back */
    int32_t tokens[KV_BLOCK];
};

struct kv_cache {
    int count;
    int roots; /* first of the blocks without a parent */
    uint64_t clock, evicted;
    struct block *blocks;
    int *free; /* stack of blocks that hold nothing */
    int free_count;
    int referenced; /* blocks with references; what is neither free nor referenced is cached */
};

int kv_cache_new(struct kv_cache **out, int blocks, struct error *e)
{
    struct kv_cache *c = calloc(1, sizeof *c);
    if (c) c->blocks = calloc((size_t)blocks, sizeof *c->blocks);
    if (c) c->free = malloc((size_t)blocks * sizeof *c->free);
    *out = NULL;
    if (!c || !c->blocks || !c->free) {
        kv_cache_free(c);
        return error_set(e, ERR_NOMEM, "no memory for the list of %d cache blocks", blocks);
    }
    c->count = blocks;
    c->roots = -1;
    for (int i = blocks - 1; i >= 0; i--) c->free[c->free_count++] = i; /* low ones first: they are in memory already */
    *out = c;
    return OK;
}

void kv_cache_free(struct kv_cache *c)
{
    if (!c) return;
    free(c->blocks);
    free(c->free);
    free(c);
}

/* --- the tree --------------------------------------------------------------------------------------------------------
 */

static void refer(struct kv_cache *c, int block)
{
    if (c->blocks[block].references++ == 0) c->referenced++;
}

static int *children_of(struct kv_cache *c, int parent)
{
    return parent < 0 ? &c->roots : &c->blocks[parent].child;
}

static void link_block(struct kv_cache *c, int block, int parent)
{
    struct block *b = &c->blocks[block];
    int *head = children_of(c, parent);
    b->parent = parent;
    b->previous = -1;
    b->next = *head;
    if (*head >= 0) c->blocks[*head].previous = block;
    *head = block;
}

static void unlink_block(struct kv_cache *c, int block)
{
    struct block *b = &c->blocks[block];
    if (b->previous >= 0)
        c->blocks[b->previous].next = b->next;
    else
        *children_of(c, b->parent) = b->next;
    if (b->next >= 0) c->blocks[b->next].previous = b->previous;
    b->published = false;
}

static bool may_see(const struct kv_text *t, const struct block *b, int index, int common)
{
    if (b->owner == t->owner && t->owner) return true;
    return b->owner == t->public_owner && t->public_owner && index * KV_BLOCK + common <= t->n_public;
}

static int common_tokens(const struct block *b, const int32_t *tokens, int n)
{
    int limit = b->filled < n ? b->filled : n;
    int i = 0;
    while (i < limit && b->tokens[i] == tokens[i]) i++;
    return i;
}

/* The child of parent that shares most tokens with t's block `index`, up to limit in all; -1 if none shares any. */
static int best_child(struct kv_cache *c, const struct kv_text *t, int index, int limit, int parent, int *shared)
{
    int best = -1;
    int first = index * KV_BLOCK;
    int left = limit - first < KV_BLOCK ? limit - first : KV_BLOCK;
    *shared = 0;
    for (int i = *children_of(c, parent); i >= 0; i = c->blocks[i].next) {
        const struct block *b = &c->blocks[i];
        int common = common_tokens(b, t->tokens + first, left);
        if (b->owner != t->owner && first + common > t->n_public) common = t->n_public - first;
        if (common <= *shared || !may_see(t, b, index, common)) continue;
        best = i;
        *shared = common;
    }
    return best;
}

struct kv_match kv_cache_match(struct kv_cache *c, const struct kv_text *t, int limit, int *blocks)
{
    struct kv_match m = {0, -1, 0};
    int parent = -1;
    if (limit > t->n) limit = t->n;
    for (;;) {
        int shared;
        int child = best_child(c, t, m.full, limit, parent, &shared);
        if (child < 0) return m;
        c->blocks[child].used = ++c->clock;
        if (shared < KV_BLOCK) {
            m.partial = child;
            m.positions = shared;
            return m;
        }
        refer(c, child);
        blocks[m.full++] = parent = child;
    }
}

/* --- blocks come and go ----------------------------------------------------------------------------------------------
 */

/* The published block without references and without children that was not used for longest. A block with children is
 * always younger than they are, so whole branches go from their ends. */
static int oldest_leaf(const struct kv_cache *c, int keep)
{
    int oldest = -1;
    for (int i = 0; i < c->count; i++) {
        const struct block *b = &c->blocks[i];
        if (!b->published || b->references || b->child >= 0 || i == keep) continue;
        if (oldest < 0 || b->used < c->blocks[oldest].used) oldest = i;
    }
    return oldest;
}

int kv_cache_take(struct kv_cache *c, int keep)
{
    int block = c->free_count ? c->free[--c->free_count] : oldest_leaf(c, keep);
    if (block < 0) return -1;
    if (c->blocks[block].published) {
        unlink_block(c, block);
        c->evicted++;
    }
    c->blocks[block] = (struct block){.parent = -1, .child = -1, .next = -1, .previous = -1};
    refer(c, block);
    return block;
}

int kv_cache_publish(struct kv_cache *c, const struct kv_text *t, int index, int block, int filled, int parent)
{
    struct block *b = &c->blocks[block];
    int first = index * KV_BLOCK;
    uint64_t owner = first + filled <= t->n_public ? t->public_owner : t->owner;
    if (b->published || !owner) return block;
    for (int i = *children_of(c, parent); i >= 0; i = c->blocks[i].next) {
        const struct block *twin = &c->blocks[i];
        if (twin->owner != owner || twin->filled < filled ||
            memcmp(twin->tokens, t->tokens + first, (size_t)filled * sizeof *twin->tokens) != 0)
            continue;
        refer(c, i);
        kv_cache_release(c, block);
        return i;
    }
    memcpy(b->tokens, t->tokens + first, (size_t)filled * sizeof *b->tokens);
    b->filled = filled;
    b->owner = owner;
    b->published = true;
    b->used = ++c->clock;
    link_block(c, block, parent);
    return block;
}

void kv_cache_release(struct kv_cache *c, int block)
{
    struct block *b = &c->blocks[block];
    b->used = ++c->clock;
    if (--b->references > 0) return;
    c->referenced--;
    if (!b->published) c->free[c->free_count++] = block;
}

void kv_cache_get_stats(const struct kv_cache *c, struct kv_cache_stats *out)
{
    *out = (struct kv_cache_stats){.blocks = c->count,
                                   .referenced = c->referenced,
                                   .cached = c->count - c->free_count - c->referenced,
                                   .evicted = c->evicted};
}
