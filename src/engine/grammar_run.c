/* grammar_run.c - see grammar_run.h. */
#include "engine/grammar_run.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_OPEN = 4 * LIMIT_GRAMMAR_CASES, SEEN = 4 * MOST_OPEN, STAMP_SHIFT = 13, FIRST_SLOTS = 1024 };
_Static_assert(MOST_OPEN <= 1 << STAMP_SHIFT, "an index fits below the stamp");

static int32_t failed(struct grammar_run *r, int rc)
{
    if (!r->rc) r->rc = rc;
    return SET_DEAD;
}

static uint32_t mix(uint32_t h, uint32_t x)
{
    h = (h ^ x) * 0x9E3779B1u;
    return h ^ h >> 15;
}

/* Bytes that every edge treats alike share a class. */
static void find_classes(struct grammar_run *r)
{
    bool begins[257] = {true};
    for (uint32_t i = 0; i < r->a->n_edges; i++) {
        const struct grammar_edge *edge = &r->a->edges[i];
        if (edge->kind == EDGE_BYTES) begins[edge->low] = begins[edge->high + 1] = true;
    }
    r->classes = 0;
    for (int b = 0; b < 256; b++) {
        if (begins[b]) r->byte_of[r->classes++] = (uint8_t)b;
        r->class_of[b] = (uint8_t)(r->classes - 1);
    }
}

/* --- tables that grow
 * ---------------------------------------------------------------------------------------------------- */

static bool account(struct grammar_run *r, size_t bytes)
{
    r->bytes += bytes;
    if (r->bytes > LIMIT_GRAMMAR_CACHE) failed(r, ERR_LIMIT);
    return !r->rc;
}

static bool grow(struct grammar_run *r, void **array, int32_t n, int32_t *cap, size_t size)
{
    if (n < *cap) return true;
    int32_t more = *cap ? 2 * *cap : 256;
    if (!account(r, (size_t)(more - *cap) * size)) return false;
    void *grown = realloc(*array, (size_t)more * size);
    if (!grown) {
        failed(r, ERR_NOMEM);
        return false;
    }
    *array = grown;
    *cap = more;
    return true;
}

static uint32_t stack_hash(const struct grammar_stack *s)
{
    return mix(mix(1, (uint32_t)s->parent), (uint32_t)s->back);
}

static uint32_t set_hash(const struct grammar_item *items, int32_t n, bool may_end)
{
    uint32_t h = may_end;
    for (int32_t i = 0; i < n; i++)
        h = mix(mix(mix(h, (uint32_t)items[i].node), (uint32_t)items[i].stack), items[i].count);
    return h;
}

/* Double an index when it is half full. */
static bool grow_index(struct grammar_run *r, int32_t **index, int32_t *slots, int32_t n, bool of_sets)
{
    if (2 * (n + 1) < *slots) return true;
    int32_t more = *slots ? 2 * *slots : FIRST_SLOTS;
    if (!account(r, (size_t)(more - *slots) * sizeof **index)) return false;
    int32_t *fresh = malloc((size_t)more * sizeof *fresh);
    if (!fresh) {
        failed(r, ERR_NOMEM);
        return false;
    }
    memset(fresh, 0xFF, (size_t)more * sizeof *fresh);
    for (int32_t i = 0; i < n; i++) {
        const struct grammar_set *set = of_sets ? &r->sets[i] : NULL;
        uint32_t h = set ? set->hash : stack_hash(&r->stacks[i]);
        while (fresh[h & (uint32_t)(more - 1)] >= 0) h++;
        fresh[h & (uint32_t)(more - 1)] = i;
    }
    free(*index);
    *index = fresh;
    *slots = more;
    return true;
}

static int32_t push_stack(struct grammar_run *r, int32_t parent, int32_t back)
{
    struct grammar_stack s = {.parent = parent, .back = back};
    if (!grow_index(r, &r->stack_index, &r->stack_slots, r->n_stacks, false)) return 0;
    uint32_t h = stack_hash(&s);
    for (;; h++) {
        int32_t at = r->stack_index[h & (uint32_t)(r->stack_slots - 1)];
        if (at < 0) break;
        if (r->stacks[at].parent == parent && r->stacks[at].back == back && at > 0) return at;
    }
    if (!grow(r, (void **)&r->stacks, r->n_stacks, &r->cap_stacks, sizeof *r->stacks)) return 0;
    uint32_t cost = r->stacks[parent].cost + r->a->nodes[back].cost;
    s.cost = cost < GRAMMAR_NEVER ? cost : GRAMMAR_NEVER;
    s.depth = r->stacks[parent].depth + 1;
    r->stack_index[h & (uint32_t)(r->stack_slots - 1)] = r->n_stacks;
    r->stacks[r->n_stacks] = s;
    return r->n_stacks++;
}

/* --- one set in the making
 * ------------------------------------------------------------------------------------------------- */

static void begin_set(struct grammar_run *r)
{
    r->n_open = 0;
    r->may_end = false;
    if (++r->stamp >= 1u << (32 - STAMP_SHIFT)) {
        memset(r->seen, 0, SEEN * sizeof *r->seen);
        r->stamp = 1;
    }
}

/* Remember an item to look at, once; not if it leads nowhere or too deep. */
static void visit(struct grammar_run *r, int32_t node, int32_t stack, uint32_t count)
{
    const struct grammar_node *n = &r->a->nodes[node];
    if (n->cost >= GRAMMAR_NEVER || r->stacks[stack].depth + n->deep > LIMIT_GRAMMAR_DEPTH || r->rc) return;
    uint32_t h = mix(mix(mix(7, (uint32_t)node), (uint32_t)stack), count);
    for (;; h++) {
        uint32_t *slot = &r->seen[h & (SEEN - 1)];
        if (*slot >> STAMP_SHIFT != r->stamp) {
            if (r->n_open == MOST_OPEN) {
                failed(r, ERR_LIMIT);
                return;
            }
            *slot = r->stamp << STAMP_SHIFT | r->n_open;
            r->open[r->n_open++] = (struct grammar_item){node, stack, count};
            return;
        }
        const struct grammar_item *item = &r->open[*slot & ((1u << STAMP_SHIFT) - 1)];
        if (item->node == node && item->stack == stack && item->count == count) return;
    }
}

static void visit_hub(struct grammar_run *r, struct grammar_item item)
{
    const struct grammar_rule *rule = &r->a->rules[r->a->nodes[item.node].rule];
    if (item.count >= rule->min) visit(r, rule->leave, item.stack, item.count);
    if (rule->max == UINT32_MAX || item.count < rule->max) visit(r, rule->one, item.stack, item.count);
}

/* Follow what reads nothing; returns whether the item reads bytes itself. */
static bool expand(struct grammar_run *r, struct grammar_item item)
{
    const struct grammar_nfa *a = r->a;
    const struct grammar_node *n = &a->nodes[item.node];
    bool reads = false;
    if (n->kind == NODE_HUB) {
        visit_hub(r, item);
        return false;
    }
    if (n->kind == NODE_BUMP) {
        const struct grammar_rule *rule = &a->rules[n->rule];
        uint32_t cap = rule->max == UINT32_MAX ? rule->min : rule->max;
        visit(r, a->edges[n->edges].to, item.stack, item.count < cap ? item.count + 1 : cap);
        return false;
    }
    if (n->kind == NODE_FINAL) {
        const struct grammar_stack s = r->stacks[item.stack];
        if (item.stack == 0)
            r->may_end = true;
        else
            visit(r, s.back, s.parent, 0);
    }
    for (int32_t i = n->edges; i >= 0; i = a->edges[i].next) {
        const struct grammar_edge *edge = &a->edges[i];
        r->work++;
        if (edge->kind == EDGE_BYTES)
            reads = true;
        else if (edge->kind == EDGE_EMPTY)
            visit(r, edge->to, item.stack, item.count);
        else if (a->nodes[edge->to].cost < GRAMMAR_NEVER &&
                 r->stacks[item.stack].depth + a->nodes[edge->to].deep <= LIMIT_GRAMMAR_DEPTH)
            visit(r, a->rules[edge->rule].start, push_stack(r, item.stack, edge->to), 0);
    }
    return reads;
}

static int by_item(const void *a, const void *b)
{
    const struct grammar_item *x = a;
    const struct grammar_item *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    if (x->stack != y->stack) return x->stack < y->stack ? -1 : 1;
    return x->count < y->count ? -1 : x->count > y->count;
}

static uint32_t item_cost(const struct grammar_run *r, const struct grammar_item *item)
{
    const struct grammar_node *n = &r->a->nodes[item->node];
    uint32_t cost = n->cost + r->stacks[item->stack].cost;
    if (n->counted) {
        uint32_t min = r->a->rules[n->rule].min;
        uint32_t done = n->counted == COUNTED_CHAR ? item->count + 1 : 0;
        if (min > done) cost += min - done;
    }
    return cost < GRAMMAR_NEVER ? cost : GRAMMAR_NEVER;
}

static int32_t store_set(struct grammar_run *r, int32_t n, bool may_end)
{
    if (!grow_index(r, &r->set_index, &r->set_slots, r->n_sets, true)) return SET_DEAD;
    const uint32_t hash = set_hash(r->core, n, may_end);
    uint32_t h = hash;
    for (;; h++) {
        int32_t at = r->set_index[h & (uint32_t)(r->set_slots - 1)];
        if (at < 0) break;
        const struct grammar_set *s = &r->sets[at];
        if (s->n == n && s->may_end == may_end && at > 0 && memcmp(s->items, r->core, (size_t)n * sizeof *r->core) == 0)
            return at;
    }
    size_t items = (size_t)n * sizeof *r->core;
    size_t next = (size_t)r->classes * sizeof(int32_t);
    if (!grow(r, (void **)&r->sets, r->n_sets, &r->cap_sets, sizeof *r->sets) || !account(r, items + next + 64))
        return SET_DEAD;
    struct grammar_set s = {
        .items = malloc(items + 1), .n = n, .hash = hash, .may_end = may_end, .next = malloc(next + 1)};
    if (!s.items || !s.next) {
        free(s.items);
        free(s.next);
        return failed(r, ERR_NOMEM);
    }
    memcpy(s.items, r->core, items);
    memset(s.next, 0xFF, next);
    s.cost = may_end ? 0 : GRAMMAR_NEVER;
    for (int32_t i = 0; i < n; i++) {
        uint32_t cost = item_cost(r, &s.items[i]);
        if (cost < s.cost) s.cost = cost;
    }
    r->set_index[h & (uint32_t)(r->set_slots - 1)] = r->n_sets;
    r->sets[r->n_sets] = s;
    return r->n_sets++;
}

static int32_t finish_set(struct grammar_run *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->n_open && !r->rc; i++) {
        struct grammar_item item = r->open[i];
        r->work++;
        if (expand(r, item)) r->core[kept++] = item;
    }
    if (kept > LIMIT_GRAMMAR_CASES || r->work > LIMIT_GRAMMAR_WORK) failed(r, ERR_LIMIT);
    if (r->rc || (kept == 0 && !r->may_end)) return SET_DEAD;
    qsort(r->core, kept, sizeof *r->core, by_item);
    return store_set(r, (int32_t)kept, r->may_end);
}

/* --- outside
 * ------------------------------------------------------------------------------------------------------------------ */

int32_t run_start(struct grammar_run *r, int32_t rule)
{
    begin_set(r);
    visit(r, r->a->rules[rule].start, 0, 0);
    return finish_set(r);
}

int32_t run_learn(struct grammar_run *r, int32_t set, int class)
{
    uint8_t byte = r->byte_of[class];
    if (r->rc || set == SET_DEAD) return SET_DEAD;
    begin_set(r);
    for (int32_t i = 0; i < r->sets[set].n; i++) {
        const struct grammar_item item = r->sets[set].items[i];
        r->work++;
        for (int32_t k = r->a->nodes[item.node].edges; k >= 0; k = r->a->edges[k].next) {
            const struct grammar_edge *edge = &r->a->edges[k];
            if (edge->kind == EDGE_BYTES && byte >= edge->low && byte <= edge->high)
                visit(r, edge->to, item.stack, item.count);
        }
    }
    int32_t next = finish_set(r);
    if (!r->rc) r->sets[set].next[class] = next;
    return next;
}

static int32_t copy_stack(struct grammar_run *to, const struct grammar_run *from, int32_t stack)
{
    int32_t backs[LIMIT_GRAMMAR_DEPTH + 1];
    int n = 0;
    for (; stack > 0 && n <= LIMIT_GRAMMAR_DEPTH; stack = from->stacks[stack].parent)
        backs[n++] = from->stacks[stack].back;
    int32_t at = 0;
    while (n > 0) at = push_stack(to, at, backs[--n]);
    return at;
}

int32_t run_copy_set(struct grammar_run *to, const struct grammar_run *from, int32_t set)
{
    const struct grammar_set *s = &from->sets[set];
    if (set == SET_DEAD) return SET_DEAD;
    for (int32_t i = 0; i < s->n; i++) {
        to->core[i] = s->items[i];
        to->core[i].stack = copy_stack(to, from, s->items[i].stack);
    }
    if (to->rc) return SET_DEAD;
    qsort(to->core, (size_t)s->n, sizeof *to->core, by_item);
    return store_set(to, s->n, s->may_end);
}

/* The dead set and the bottom of the stacks, which no search finds. */
static int add_firsts(struct grammar_run *r)
{
    r->n_open = 0;
    store_set(r, 0, false);
    if (!r->rc) memset(r->sets[0].next, 0, (size_t)r->classes * sizeof(int32_t));
    if (!r->rc && grow(r, (void **)&r->stacks, 0, &r->cap_stacks, sizeof *r->stacks)) {
        r->stacks[0] = (struct grammar_stack){-1, -1, 0, 0};
        r->n_stacks = 1;
    }
    return r->rc;
}

static void drop(struct grammar_run *r)
{
    for (int32_t i = 0; i < r->n_sets; i++) {
        free(r->sets[i].items);
        free(r->sets[i].next);
        free(r->sets[i].mask);
    }
    free(r->sets);
    free(r->stacks);
    free(r->set_index);
    free(r->stack_index);
    r->sets = NULL;
    r->stacks = NULL;
    r->set_index = r->stack_index = NULL;
    r->n_sets = r->cap_sets = r->n_stacks = r->cap_stacks = r->set_slots = r->stack_slots = 0;
    r->bytes = 0;
    r->rc = OK;
}

int run_clear(struct grammar_run *r)
{
    drop(r);
    return add_firsts(r);
}

int run_init(struct grammar_run *r, const struct grammar_nfa *a)
{
    *r = (struct grammar_run){.a = a};
    find_classes(r);
    r->open = malloc(MOST_OPEN * sizeof *r->open);
    r->core = malloc(MOST_OPEN * sizeof *r->core);
    r->seen = calloc(SEEN, sizeof *r->seen);
    if (!r->open || !r->core || !r->seen) return ERR_NOMEM;
    return add_firsts(r);
}

void run_fini(struct grammar_run *r)
{
    drop(r);
    free(r->open);
    free(r->core);
    free(r->seen);
    r->open = r->core = NULL;
    r->seen = NULL;
}
