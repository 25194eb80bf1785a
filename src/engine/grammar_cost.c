/* grammar_cost.c - how far is every node from the end of its rule?
 *
 * First in bytes: the fewest, by relaxation until nothing changes (calls cost what their rule costs). Then in tokens:
 * along the way of fewest bytes, each piece that is a token is one step. That is an upper bound of the true minimum
 * with a witness: the tokens of that way. A node that no way leads away from keeps GRAMMAR_NEVER and is never entered,
 * so that an answer cannot run into a wall. Last, how many calls stand on top of each other along the same way.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/grammar_parts.h"
#include "engine/grammar_vocab.h"

enum {
    MOST_ROUNDS = 200, /* how often a node may be looked at, on average */
    MOST_HOPS = 64,    /* edges along which tokens are looked for; further ones count as tokens of their own */
};

/* One step of a way that was found: a token's bytes, nothing, or a call. */
struct step {
    int32_t to, rule; /* rule -1: no call */
    uint32_t tokens;
};

/* Whose value depends on a node's: list[first[node] .. first[node + 1]). */
struct dependents {
    uint32_t *first, *list;
};

struct search {
    struct grammar_nfa *a;
    uint32_t *bytes;      /* [nodes] fewest bytes to the end of the rule */
    int32_t *best_edge;   /* [nodes] first edge of that way */
    struct step *steps;   /* grouped by node */
    uint32_t *first_step; /* [nodes + 1] */
    size_t n_steps, cap_steps;
    int32_t *best_step; /* [nodes] */
    uint32_t *queue;    /* [nodes], a ring */
    bool *queued;
};

typedef bool (*relaxer)(struct search *s, uint32_t node); /* true: its value changed */

static uint32_t add(uint32_t a, uint32_t b)
{
    return a >= GRAMMAR_NEVER || b >= GRAMMAR_NEVER || a + b >= GRAMMAR_NEVER ? GRAMMAR_NEVER : a + b;
}

/* Relax every node until nothing changes, beginning with the last: most edges lead to later nodes. */
static int settle(struct search *s, const struct dependents *d, relaxer relax)
{
    uint32_t n = s->a->n_nodes;
    uint32_t head = 0;
    uint32_t count = n;
    uint64_t looks = 0;
    for (uint32_t i = 0; i < n; i++) {
        s->queue[i] = n - 1 - i;
        s->queued[i] = true;
    }
    while (count > 0) {
        uint32_t node = s->queue[head];
        head = head + 1 < n ? head + 1 : 0;
        count--;
        s->queued[node] = false;
        if (++looks > (uint64_t)MOST_ROUNDS * n) return ERR_LIMIT;
        if (!relax(s, node)) continue;
        for (uint32_t i = d->first[node]; i < d->first[node + 1]; i++) {
            uint32_t other = d->list[i];
            if (s->queued[other]) continue;
            s->queued[other] = true;
            uint32_t at = head + count;
            s->queue[at < n ? at : at - n] = other;
            count++;
        }
    }
    return OK;
}

/* Count (list NULL) or enter that `node` depends on `on`. */
static void depend(struct dependents *d, bool enter, uint32_t node, uint32_t on)
{
    if (enter)
        d->list[--d->first[on + 1]] = node;
    else
        d->first[on + 1]++;
}

static void each_dependence(struct search *s, struct dependents *d, bool enter, bool of_steps)
{
    const struct grammar_nfa *a = s->a;
    for (uint32_t node = 0; node < a->n_nodes; node++) {
        for (int32_t i = of_steps ? -1 : a->nodes[node].edges; i >= 0; i = a->edges[i].next) {
            depend(d, enter, node, (uint32_t)a->edges[i].to);
            if (a->edges[i].kind == EDGE_CALL) depend(d, enter, node, (uint32_t)a->rules[a->edges[i].rule].start);
        }
        for (uint32_t i = of_steps ? s->first_step[node] : 1; of_steps && i < s->first_step[node + 1]; i++) {
            depend(d, enter, node, (uint32_t)s->steps[i].to);
            if (s->steps[i].rule >= 0) depend(d, enter, node, (uint32_t)a->rules[s->steps[i].rule].start);
        }
    }
}

static int find_dependents(struct search *s, struct dependents *d, bool of_steps)
{
    uint32_t n = s->a->n_nodes;
    uint32_t total = 0;
    d->first = calloc((size_t)n + 2, sizeof *d->first);
    d->list = NULL;
    if (!d->first) return ERR_NOMEM;
    each_dependence(s, d, false, of_steps);
    for (uint32_t i = 0; i <= n; i++) { /* first[i + 1]: the end of its part, which entering moves to its beginning */
        total += d->first[i + 1];
        d->first[i + 1] = total;
    }
    d->list = malloc(((size_t)total + 1) * sizeof *d->list);
    if (!d->list) return ERR_NOMEM;
    each_dependence(s, d, true, of_steps);
    memmove(d->first, d->first + 1, (size_t)n * sizeof *d->first);
    d->first[n] = total;
    return OK;
}

static void free_dependents(struct dependents *d)
{
    free(d->first);
    free(d->list);
}

/* --- bytes
 * ------------------------------------------------------------------------------------------------------------ */

static bool relax_bytes(struct search *s, uint32_t node)
{
    const struct grammar_nfa *a = s->a;
    bool changed = false;
    for (int32_t i = a->nodes[node].edges; i >= 0; i = a->edges[i].next) {
        const struct grammar_edge *edge = &a->edges[i];
        uint32_t cost = edge->kind == EDGE_BYTES  ? 1
                        : edge->kind == EDGE_CALL ? s->bytes[a->rules[edge->rule].start]
                                                  : 0;
        cost = add(cost, s->bytes[edge->to]);
        if (cost >= s->bytes[node]) continue;
        s->bytes[node] = cost;
        s->best_edge[node] = i;
        changed = true;
    }
    if (a->nodes[node].kind == NODE_FINAL && s->bytes[node] != 0) {
        s->bytes[node] = 0;
        changed = true;
    }
    return changed;
}

/* --- tokens ---------------------------------------------------------------------------------------------------------
 */

static int add_step(struct search *s, struct step step)
{
    if (s->n_steps == s->cap_steps) {
        size_t cap = s->cap_steps ? 2 * s->cap_steps : 1024;
        struct step *grown = realloc(s->steps, cap * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        s->steps = grown;
        s->cap_steps = cap;
    }
    s->steps[s->n_steps++] = step;
    return OK;
}

/* Tokens along the shortest way from node, which begins with bytes. A counted string is left byte by byte: its way to
 * the end depends on the count. */
static int add_token_steps(struct search *s, const struct grammar_vocab *v, uint32_t node)
{
    const struct grammar_nfa *a = s->a;
    uint32_t at = node;
    uint32_t trie = 0;
    int rc = OK;
    for (int hops = 0; !rc && hops < MOST_HOPS && s->best_edge[at] >= 0; hops++) {
        const struct grammar_edge *edge = &a->edges[s->best_edge[at]];
        if (edge->kind == EDGE_CALL) break;
        at = (uint32_t)edge->to;
        if (edge->kind == EDGE_EMPTY) continue;
        trie = trie_child(&v->all, trie, edge->low);
        if (!trie) break;
        if (trie_has_token(&v->all, trie)) rc = add_step(s, (struct step){(int32_t)at, -1, 1});
        if (a->nodes[node].counted) break;
    }
    return rc;
}

static int find_steps(struct search *s, const struct grammar_vocab *v)
{
    const struct grammar_nfa *a = s->a;
    int rc = OK;
    for (uint32_t node = 0; !rc && node < a->n_nodes; node++) {
        s->first_step[node] = (uint32_t)s->n_steps;
        if (s->bytes[node] >= GRAMMAR_NEVER) continue;
        for (int32_t i = a->nodes[node].edges; !rc && i >= 0; i = a->edges[i].next) {
            const struct grammar_edge *edge = &a->edges[i];
            if (edge->kind == EDGE_EMPTY)
                rc = add_step(s, (struct step){edge->to, -1, 0});
            else if (edge->kind == EDGE_CALL)
                rc = add_step(s, (struct step){edge->to, edge->rule, 0});
        }
        if (!rc && s->best_edge[node] >= 0 && a->edges[s->best_edge[node]].kind == EDGE_BYTES)
            rc = add_token_steps(s, v, node);
    }
    s->first_step[a->n_nodes] = (uint32_t)s->n_steps;
    return rc;
}

static bool relax_tokens(struct search *s, uint32_t node)
{
    struct grammar_nfa *a = s->a;
    bool changed = false;
    for (uint32_t i = s->first_step[node]; i < s->first_step[node + 1]; i++) {
        const struct step *step = &s->steps[i];
        uint32_t cost = add(step->tokens, a->nodes[step->to].cost);
        if (step->rule >= 0) {
            const struct grammar_rule *rule = &a->rules[step->rule];
            cost = add(cost, add(a->nodes[rule->start].cost, rule->counted ? rule->min : 0));
        }
        if (cost >= a->nodes[node].cost) continue;
        a->nodes[node].cost = cost;
        s->best_step[node] = (int32_t)i;
        changed = true;
    }
    if (a->nodes[node].kind == NODE_FINAL && a->nodes[node].cost != 0) {
        a->nodes[node].cost = 0;
        changed = true;
    }
    return changed;
}

static bool relax_depth(struct search *s, uint32_t node)
{
    struct grammar_nfa *a = s->a;
    if (s->best_step[node] < 0) return false;
    const struct step *step = &s->steps[s->best_step[node]];
    unsigned deep = a->nodes[step->to].deep;
    unsigned called = step->rule >= 0 ? a->nodes[a->rules[step->rule].start].deep + 1u : 0;
    if (called > deep) deep = called;
    if (deep > UINT16_MAX) deep = UINT16_MAX;
    bool changed = deep != a->nodes[node].deep;
    a->nodes[node].deep = (uint16_t)deep;
    return changed;
}

static int find_costs(struct search *s, const struct grammar_vocab *v)
{
    struct dependents of_edges = {0};
    struct dependents of_steps = {0};
    int rc = find_dependents(s, &of_edges, false);
    for (uint32_t i = 0; i < s->a->n_nodes; i++) {
        s->bytes[i] = s->a->nodes[i].cost = GRAMMAR_NEVER;
        s->best_edge[i] = s->best_step[i] = -1;
    }
    if (!rc) rc = settle(s, &of_edges, relax_bytes);
    if (!rc) rc = find_steps(s, v);
    if (!rc) rc = find_dependents(s, &of_steps, true);
    if (!rc) rc = settle(s, &of_steps, relax_tokens);
    if (!rc) rc = settle(s, &of_steps, relax_depth);
    free_dependents(&of_edges);
    free_dependents(&of_steps);
    return rc;
}

/* --- rules that call themselves before they read anything
 * ----------------------------------------------------------------- */

struct calls {
    int32_t *first;        /* [rules] calls that a rule can make before it reads */
    int32_t *next;         /* [edges] */
    int32_t *pending;      /* [rules] */
    uint32_t *open;        /* [rules] how many can call it so, not yet crossed out */
    int32_t *stack, *seen; /* [nodes] */
};

/* The calls that `rule` can make at once, and for each called rule one more that can call it. */
static void find_calls(const struct grammar_nfa *a, struct calls *c, int32_t rule)
{
    uint32_t n = 0;
    c->stack[n++] = a->rules[rule].start;
    c->seen[a->rules[rule].start] = rule;
    while (n > 0) {
        int32_t node = c->stack[--n];
        for (int32_t i = a->nodes[node].edges; i >= 0; i = a->edges[i].next) {
            const struct grammar_edge *edge = &a->edges[i];
            if (edge->kind == EDGE_EMPTY && c->seen[edge->to] != rule) {
                c->seen[edge->to] = rule;
                c->stack[n++] = edge->to;
            } else if (edge->kind == EDGE_CALL) {
                c->next[i] = c->first[rule];
                c->first[rule] = i;
                c->open[edge->rule]++;
            }
        }
    }
}

/* Cross out, again and again, the rules that nobody left calls at once (Kahn 1962): what stays is a circle. No rule but
 * the outermost can be empty, so that what stands behind a call was read for. */
static bool calls_itself(const struct grammar_nfa *a, struct calls *c)
{
    uint32_t crossed = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n_nodes; i++) c->seen[i] = -1;
    for (uint32_t i = 0; i < a->n_rules; i++) c->first[i] = -1;
    for (uint32_t i = 0; i < a->n_rules; i++) find_calls(a, c, (int32_t)i);
    for (uint32_t i = 0; i < a->n_rules; i++)
        if (c->open[i] == 0) c->pending[n++] = (int32_t)i;
    while (n > 0) {
        int32_t rule = c->pending[--n];
        crossed++;
        for (int32_t i = c->first[rule]; i >= 0; i = c->next[i])
            if (--c->open[a->edges[i].rule] == 0) c->pending[n++] = a->edges[i].rule;
    }
    return crossed < a->n_rules;
}

static int check_calls(const struct grammar_nfa *a, struct error *e)
{
    size_t rules = (size_t)a->n_rules + 1;
    size_t nodes = (size_t)a->n_nodes + 1;
    struct calls c = {malloc(rules * sizeof *c.first),   malloc(((size_t)a->n_edges + 1) * sizeof *c.next),
                      malloc(rules * sizeof *c.pending), calloc(rules, sizeof *c.open),
                      malloc(nodes * sizeof *c.stack),   malloc(nodes * sizeof *c.seen)};
    int rc = OK;
    if (!c.first || !c.next || !c.pending || !c.open || !c.stack || !c.seen)
        rc = error_set(e, ERR_NOMEM, "no memory for the form");
    else if (calls_itself(a, &c))
        rc = error_set(e, ERR_INVALID, "a $ref leads back to itself with nothing written in between");
    free(c.first);
    free(c.next);
    free(c.pending);
    free(c.open);
    free(c.stack);
    free(c.seen);
    return rc;
}

int nfa_costs(struct grammar_nfa *a, const struct grammar_vocab *v, struct error *e)
{
    size_t n = (size_t)a->n_nodes + 1;
    struct search s = {.a = a};
    int rc = check_calls(a, e);
    if (rc) return rc;
    s.bytes = malloc(n * sizeof *s.bytes);
    s.best_edge = malloc(n * sizeof *s.best_edge);
    s.best_step = malloc(n * sizeof *s.best_step);
    s.first_step = malloc(n * sizeof *s.first_step);
    s.queue = malloc(n * sizeof *s.queue);
    s.queued = malloc(n * sizeof *s.queued);
    bool all = s.bytes && s.best_edge && s.best_step && s.first_step && s.queue && s.queued;
    rc = all ? find_costs(&s, v) : ERR_NOMEM;
    free(s.bytes);
    free(s.best_edge);
    free(s.best_step);
    free(s.first_step);
    free(s.queue);
    free(s.queued);
    free(s.steps);
    if (rc) error_set(e, rc, rc == ERR_NOMEM ? "no memory for the form" : "the form is too involved to be followed");
    return rc;
}
