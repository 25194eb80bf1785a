/* test_kv_cache.c - whose blocks are found by whom, what is kept and what gives way; checked against a plain list. */
#include "support/check.h"

#include "engine/kv_cache.h"
#include "engine/kv_store.h"

enum { BLOCKS = 12, LONGEST = 6 * KV_BLOCK };

/* A text of a tenant: the first `shared` tokens are those of everybody, the rest comes from seed. */
static struct kv_text text_of(int32_t *tokens, int n, int n_public, uint64_t owner, int seed)
{
    for (int i = 0; i < n; i++) tokens[i] = i < n_public ? i : 1000 + (int32_t)((i * 31 + seed * 7919) % 100000);
    return (struct kv_text){.tokens = tokens, .n = n, .n_public = n_public, .owner = owner, .public_owner = 99};
}

/* What a sequence does: take what is there, compute the rest, publish. Its blocks stay referenced. */
static int run(struct kv_cache *c, const struct kv_text *t, int *blocks, struct kv_match *m)
{
    *m = kv_cache_match(c, t, t->n - 1, blocks);
    int n = m->full;
    for (; n < kv_blocks_for(t->n); n++) {
        blocks[n] = kv_cache_take(c, m->partial);
        if (blocks[n] < 0) return n;
    }
    for (int i = m->full; i < t->n / KV_BLOCK; i++)
        blocks[i] = kv_cache_publish(c, t, i, blocks[i], KV_BLOCK, i ? blocks[i - 1] : -1);
    return n;
}

static void leave(struct kv_cache *c, const struct kv_text *t, int *blocks, int n)
{
    int tail = t->n % KV_BLOCK;
    int i = t->n / KV_BLOCK;
    if (tail) blocks[i] = kv_cache_publish(c, t, i, blocks[i], tail, i ? blocks[i - 1] : -1);
    for (int k = n - 1; k >= 0; k--) kv_cache_release(c, blocks[k]);
}

static struct kv_cache *open_cache(void)
{
    struct kv_cache *c;
    struct error e = {0};
    check_ok(kv_cache_new(&c, BLOCKS, &e), &e);
    return c;
}

static void the_same_text_is_found_to_the_token(void **state)
{
    (void)state;
    struct kv_cache *c = open_cache();
    static int32_t tokens[LONGEST], more[LONGEST];
    int blocks[8], others[8];
    struct kv_match m;
    struct kv_text t = text_of(tokens, 2 * KV_BLOCK + 40, 0, 1, 5);
    leave(c, &t, blocks, run(c, &t, blocks, &m));
    assert_int_equal(m.full, 0);
    struct kv_text longer = text_of(more, 3 * KV_BLOCK, 0, 1, 5);
    int n = run(c, &longer, others, &m);
    assert_true(m.full == 2 && m.positions == 40 && others[0] == blocks[0] && others[1] == blocks[1]);
    assert_true(others[2] != m.partial); /* it is copied, not written to */
    leave(c, &longer, others, n);
    m = kv_cache_match(c, &longer, 100, others); /* a limit inside a block */
    assert_true(m.full == 0 && m.positions == 100);
    more[KV_BLOCK + 7]++; /* another word in the second block */
    m = kv_cache_match(c, &longer, longer.n - 1, others);
    assert_true(m.full == 1 && m.positions == 7);
    kv_cache_release(c, others[0]);
    kv_cache_free(c);
}

static void nobody_finds_what_is_another_tenants(void **state)
{
    (void)state;
    struct kv_cache *c = open_cache();
    static int32_t a[LONGEST], b[LONGEST];
    int blocks[8], others[8];
    struct kv_match m;
    struct kv_text mine = text_of(a, 2 * KV_BLOCK + 60, KV_BLOCK + 100, 1, 5);
    struct kv_text theirs = text_of(b, 2 * KV_BLOCK + 60, KV_BLOCK + 100, 2, 5); /* the very same words */
    leave(c, &mine, blocks, run(c, &mine, blocks, &m));
    m = kv_cache_match(c, &theirs, theirs.n - 1, others);
    assert_true(m.full == 1 && m.partial == -1); /* the public block, not the one where the words begin */
    kv_cache_release(c, others[0]);
    int copy = kv_cache_take(c, -1);
    copy = kv_cache_publish(c, &mine, 1, copy, 100, blocks[0]); /* the public rest as a block of its own */
    kv_cache_release(c, copy);
    m = kv_cache_match(c, &theirs, theirs.n - 1, others);
    assert_true(m.full == 1 && m.partial == copy && m.positions == 100);
    kv_cache_release(c, others[0]);
    theirs.n_public = 50; /* who claims less of it as public gets less */
    m = kv_cache_match(c, &theirs, theirs.n - 1, others);
    assert_true(m.full == 0 && m.positions == 50);
    theirs.owner = theirs.public_owner = 0; /* nobody */
    m = kv_cache_match(c, &theirs, theirs.n - 1, others);
    assert_true(m.full == 0 && m.partial == -1);
    kv_cache_free(c);
}

static void twins_become_one(void **state)
{
    (void)state;
    struct kv_cache *c = open_cache();
    static int32_t tokens[LONGEST];
    struct kv_text t = text_of(tokens, KV_BLOCK + 1, 0, 1, 5);
    int first = kv_cache_take(c, -1);
    int second = kv_cache_take(c, -1); /* two sequences compute the same words at once */
    struct kv_cache_stats s;
    assert_int_equal(kv_cache_publish(c, &t, 0, first, KV_BLOCK, -1), first);
    assert_int_equal(kv_cache_publish(c, &t, 0, second, KV_BLOCK, -1), first);
    kv_cache_get_stats(c, &s);
    assert_true(s.referenced == 1 && s.cached == 0);
    kv_cache_release(c, first);
    kv_cache_get_stats(c, &s);
    assert_int_equal(s.referenced, 1);
    kv_cache_release(c, first);
    kv_cache_get_stats(c, &s);
    assert_true(s.referenced == 0 && s.cached == 1);
    kv_cache_free(c);
}

static void the_longest_unused_gives_way_from_its_end(void **state)
{
    (void)state;
    struct kv_cache *c = open_cache();
    static int32_t a[LONGEST], b[LONGEST], d[LONGEST];
    int blocks[8];
    struct kv_match m;
    struct kv_text old = text_of(a, 4 * KV_BLOCK, 0, 1, 1);
    struct kv_text recent = text_of(b, 4 * KV_BLOCK, 0, 1, 2);
    struct kv_text large = text_of(d, 6 * KV_BLOCK, 0, 1, 3);
    leave(c, &old, blocks, run(c, &old, blocks, &m));
    leave(c, &recent, blocks, run(c, &recent, blocks, &m));
    int n = run(c, &large, blocks, &m); /* 4 free ones and 2 of the old text */
    assert_int_equal(n, 6);
    int found[8];
    m = kv_cache_match(c, &recent, recent.n, found);
    assert_int_equal(m.full, 4);
    for (int i = 0; i < 4; i++) kv_cache_release(c, found[i]);
    m = kv_cache_match(c, &old, old.n, found);
    assert_int_equal(m.full, 2); /* its beginning */
    for (int i = 0; i < 2; i++) kv_cache_release(c, found[i]);
    struct kv_cache_stats s;
    kv_cache_get_stats(c, &s);
    assert_int_equal(s.evicted, 2);
    for (int i = 0; i < 6; i++) assert_true(kv_cache_take(c, -1) >= 0); /* all but what is referenced */
    assert_int_equal(kv_cache_take(c, -1), -1);
    kv_cache_free(c);
}

/* Random texts of few words from few tenants; whatever is found must spell the text that was asked for. The test keeps
 * its own record of what was last written into each block. */
struct record {
    uint64_t owner;
    int first, filled;
    int32_t path[LONGEST]; /* everything from the text's beginning up to the block's end */
};

static uint32_t dice(void)
{
    static uint64_t x = 7;
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(x >> 33);
}

static void check_found(const struct record *r, const struct kv_text *t, int index, int positions)
{
    assert_true(r->owner == t->owner && r->first == index * KV_BLOCK && r->filled >= positions);
    assert_memory_equal(r->path, t->tokens, sizeof *t->tokens * (size_t)(r->first + positions));
}

static void random_texts_find_only_themselves(void **state)
{
    (void)state;
    static struct record records[BLOCKS];
    static int32_t tokens[LONGEST];
    struct kv_cache *c = open_cache();
    int hits = 0;
    for (int round = 0; round < 20000; round++) {
        int n = 1 + (int)(dice() % (3 * KV_BLOCK));
        for (int i = 0; i < n; i++) tokens[i] = 0;
        for (int k = 0; k < 3; k++) tokens[dice() % (uint32_t)n] = (int32_t)(dice() % 2); /* texts differ late */
        tokens[0] = (int32_t)(dice() % 2);
        struct kv_text t = {.tokens = tokens, .n = n, .owner = 1 + dice() % 3};
        int blocks[8];
        struct kv_match m = kv_cache_match(c, &t, n - 1, blocks);
        for (int i = 0; i < m.full; i++) check_found(&records[blocks[i]], &t, i, KV_BLOCK);
        if (m.partial >= 0) check_found(&records[m.partial], &t, m.full, m.positions);
        hits += m.full > 0 || m.partial >= 0;
        int used = m.full;
        for (; used < kv_blocks_for(n); used++) {
            blocks[used] = kv_cache_take(c, -1);
            assert_true(blocks[used] >= 0); /* one sequence at a time always fits */
            struct record *r = &records[blocks[used]];
            *r = (struct record){.owner = t.owner, .first = used * KV_BLOCK};
            r->filled = n - r->first < KV_BLOCK ? n - r->first : KV_BLOCK;
            memcpy(r->path, tokens, sizeof *tokens * (size_t)(r->first + r->filled));
        }
        for (int i = m.full; i < n / KV_BLOCK; i++)
            blocks[i] = kv_cache_publish(c, &t, i, blocks[i], KV_BLOCK, i ? blocks[i - 1] : -1);
        struct kv_cache_stats s;
        kv_cache_get_stats(c, &s);
        assert_int_equal(s.referenced, used); /* this one sequence's, each once */
        leave(c, &t, blocks, used);
        kv_cache_get_stats(c, &s);
        assert_true(s.referenced == 0 && s.cached <= BLOCKS);
    }
    assert_true(hits > 5000);
    kv_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_text_is_found_to_the_token),
        cmocka_unit_test(nobody_finds_what_is_another_tenants),
        cmocka_unit_test(twins_become_one),
        cmocka_unit_test(the_longest_unused_gives_way_from_its_end),
        cmocka_unit_test(random_texts_find_only_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
