/* bpe.c - see bpe.h. Words are short: a scan for the lowest rank beats a heap up to about fifty symbols. Longer runs (a
 * line of dashes, an attack) use a heap over a linked list, so that no input is quadratic. */
#include "model/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { SHORT_WORD = 48 };

static size_t hash(int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 29);
}

int bpe_init(struct bpe *b, size_t merges, struct error *e)
{
    size_t size = 16;
    while (size < merges * 2) size *= 2;
    b->table = malloc(size * sizeof *b->table);
    b->mask = size - 1;
    if (!b->table) return error_set(e, ERR_NOMEM, "no memory for the tokenizer's merges");
    memset(b->table, 0xFF, size * sizeof *b->table);
    return OK;
}

void bpe_fini(struct bpe *b)
{
    free(b->table);
    *b = (struct bpe){0};
}

void bpe_add(struct bpe *b, int32_t left, int32_t right, int32_t rank, int32_t result)
{
    size_t i = hash(left, right) & b->mask;
    while (b->table[i].left >= 0) {
        if (b->table[i].left == left && b->table[i].right == right) return; /* the first, lower rank stays */
        i = (i + 1) & b->mask;
    }
    b->table[i] = (struct bpe_merge){left, right, rank, result};
}

static const struct bpe_merge *find(const struct bpe *b, int32_t left, int32_t right)
{
    for (size_t i = hash(left, right) & b->mask; b->table[i].left >= 0; i = (i + 1) & b->mask)
        if (b->table[i].left == left && b->table[i].right == right) return &b->table[i];
    return NULL;
}

static size_t apply_short(const struct bpe *b, int32_t *ids, size_t n)
{
    const struct bpe_merge *merges[SHORT_WORD];
    for (size_t i = 0; i + 1 < n; i++) merges[i] = find(b, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = n;
        int32_t rank = INT32_MAX;
        for (size_t i = 0; i + 1 < n; i++)
            if (merges[i] && merges[i]->rank < rank) {
                rank = merges[i]->rank;
                best = i;
            }
        if (best == n) break;
        ids[best] = merges[best]->result;
        memmove(ids + best + 1, ids + best + 2, (n - best - 2) * sizeof *ids);
        memmove(merges + best, merges + best + 1, (n - best - 2) * sizeof *merges);
        n--;
        if (best > 0) merges[best - 1] = find(b, ids[best - 1], ids[best]);
        if (best + 1 < n) merges[best] = find(b, ids[best], ids[best + 1]);
    }
    return n;
}

struct symbol {
    int32_t id; /* -1: merged away */
    int32_t previous, next;
};

struct candidate {
    int32_t rank; /* a rank is one pair of ids: if the pair there has another by now, the candidate is stale */
    int32_t at;   /* left symbol */
};

struct heap {
    struct candidate *items;
    size_t count;
};

static int before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at; /* equal ranks from left to right */
}

static void heap_push(struct heap *h, struct candidate c)
{
    size_t i = h->count++;
    while (i > 0 && before(&c, &h->items[(i - 1) / 2])) {
        h->items[i] = h->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->items[i] = c;
}

static struct candidate heap_pop(struct heap *h)
{
    struct candidate top = h->items[0];
    struct candidate last = h->items[--h->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && before(&h->items[child + 1], &h->items[child])) child++;
        if (!before(&h->items[child], &last)) break;
        h->items[i] = h->items[child];
        i = child;
    }
    if (h->count) h->items[i] = last;
    return top;
}

static void consider(const struct bpe *b, struct heap *h, const struct symbol *s, int32_t at)
{
    if (at < 0 || s[at].next < 0) return;
    const struct bpe_merge *m = find(b, s[at].id, s[s[at].next].id);
    if (m) heap_push(h, (struct candidate){m->rank, at});
}

/* n - 1 candidates at first; every merge takes one out, adds at most two and removes a symbol: 2 n suffice. */
static int reserve(struct bpe_scratch *s, size_t n)
{
    if (n <= s->capacity) return OK;
    size_t bytes;
    if (!checked_mul(n, sizeof(struct symbol) + 2 * sizeof(struct candidate), &bytes)) return ERR_NOMEM;
    free(s->memory);
    s->memory = malloc(bytes);
    s->capacity = s->memory ? n : 0;
    return s->memory ? OK : ERR_NOMEM;
}

static size_t apply_long(const struct bpe *b, int32_t *ids, size_t n, struct bpe_scratch *scratch)
{
    struct symbol *s = scratch->memory;
    struct heap h = {(struct candidate *)(void *)(s + n), 0};
    for (size_t i = 0; i < n; i++) s[i] = (struct symbol){ids[i], (int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : -1};
    for (size_t i = 0; i + 1 < n; i++) consider(b, &h, s, (int32_t)i);
    while (h.count) {
        struct candidate c = heap_pop(&h);
        int32_t right = s[c.at].next;
        if (s[c.at].id < 0 || right < 0) continue;
        const struct bpe_merge *m = find(b, s[c.at].id, s[right].id);
        if (!m || m->rank != c.rank) continue;
        s[c.at].id = m->result;
        s[c.at].next = s[right].next;
        if (s[right].next >= 0) s[s[right].next].previous = c.at;
        s[right].id = -1;
        consider(b, &h, s, s[c.at].previous);
        consider(b, &h, s, c.at);
    }
    size_t kept = 0;
    for (int32_t i = 0; i >= 0; i = s[i].next) ids[kept++] = s[i].id;
    return kept;
}

long bpe_apply(const struct bpe *b, int32_t *ids, size_t n, struct bpe_scratch *scratch)
{
    if (n <= SHORT_WORD) return (long)apply_short(b, ids, n);
    int rc = reserve(scratch, n);
    return rc ? rc : (long)apply_long(b, ids, n, scratch);
}

void bpe_scratch_free(struct bpe_scratch *s)
{
    free(s->memory);
    *s = (struct bpe_scratch){0};
}
