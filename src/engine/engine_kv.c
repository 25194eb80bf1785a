/* engine_kv.c - a job's keys and values: what the cache has of its text, blocks as it grows, and what it leaves behind.
 *
 * The part of the built-in system prompt that does not fill a block is published as a block of its own, so that every
 * tenant finds the whole of it; the block in which a tenant's words begin is the tenant's.
 */
#include <string.h>

#include "engine/engine_parts.h"

/* Tokens whose K and V are worth keeping at a text's end. */
enum { LEAST_TAIL = 16 };

static const struct kv_text *text_of(struct job *j)
{
    j->text_of.tokens = j->ids;
    j->text_of.n = j->n_ids;
    return &j->text_of;
}

static bool may_share(const struct job *j)
{
    return j->text_of.owner || j->text_of.public_owner;
}

bool job_fits(const struct engine *en, struct job *j)
{
    struct kv_cache_stats s;
    kv_cache_get_stats(en->cache, &s);
    return s.blocks - s.referenced >= kv_blocks_for(j->n_ids);
}

void job_place(struct engine *en, struct job *j)
{
    struct kv_match m = {0, -1, 0};
    if (may_share(j)) m = kv_cache_match(en->cache, text_of(j), j->n_ids - 1, j->blocks);
    j->n_blocks = j->published = m.full;
    j->computed = m.full * KV_BLOCK;
    if (m.partial >= 0) {
        int block = kv_cache_take(en->cache, m.partial);
        if (block >= 0) {
            forward_copy_block(en->forward, block, m.partial, m.positions);
            j->blocks[j->n_blocks++] = block;
            j->computed += m.positions;
        }
    }
    forward_set_blocks(en->forward, j->slot, j->blocks, j->n_blocks, j->computed);
    if (!j->resumed) j->usage.cached_tokens = j->computed;
}

bool job_reserve(struct engine *en, struct job *j, int positions)
{
    int needed = kv_blocks_for(positions);
    int before = j->n_blocks;
    while (j->n_blocks < needed) {
        int block = kv_cache_take(en->cache, -1);
        if (block < 0) break;
        j->blocks[j->n_blocks++] = block;
    }
    if (j->n_blocks > before) forward_set_blocks(en->forward, j->slot, j->blocks, j->n_blocks, j->computed);
    return j->n_blocks >= needed;
}

static int parent_of(const struct job *j, int index)
{
    return index > 0 ? j->blocks[index - 1] : -1;
}

/* The rest of the public prompt, copied into a block of its own. */
static void publish_public_tail(struct engine *en, struct job *j)
{
    int rest = j->text_of.n_public % KV_BLOCK;
    int index = j->text_of.n_public / KV_BLOCK;
    if (rest < LEAST_TAIL || j->usage.cached_tokens >= j->text_of.n_public) return; /* it came from there */
    int block = kv_cache_take(en->cache, -1);
    if (block < 0) return;
    forward_copy_block(en->forward, block, j->blocks[index], rest);
    kv_cache_release(en->cache, kv_cache_publish(en->cache, text_of(j), index, block, rest, parent_of(j, index)));
}

void job_publish(struct engine *en, struct job *j)
{
    bool moved = false;
    if (!may_share(j)) return;
    while (j->published < j->computed / KV_BLOCK) {
        int i = j->published++;
        int block = kv_cache_publish(en->cache, text_of(j), i, j->blocks[i], KV_BLOCK, parent_of(j, i));
        moved = moved || block != j->blocks[i];
        j->blocks[i] = block;
    }
    if (moved) forward_set_blocks(en->forward, j->slot, j->blocks, j->n_blocks, j->computed);
    if (j->text_of.n_public && j->computed >= j->text_of.n_public && !j->public_done) {
        j->public_done = true;
        if (j->published >= j->text_of.n_public / KV_BLOCK) publish_public_tail(en, j);
    }
}

void job_leave(struct engine *en, struct job *j)
{
    job_publish(en, j);
    int tail = j->computed - j->published * KV_BLOCK;
    if (j->text_of.owner && tail >= LEAST_TAIL && j->published < j->n_blocks) {
        int i = j->published;
        j->blocks[i] = kv_cache_publish(en->cache, text_of(j), i, j->blocks[i], tail, parent_of(j, i));
    }
    for (int i = j->n_blocks - 1; i >= 0; i--) kv_cache_release(en->cache, j->blocks[i]);
    j->n_blocks = j->published = j->computed = 0;
}
