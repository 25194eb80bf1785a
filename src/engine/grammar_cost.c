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

enum { MOST_PASSES = 2000 };

/* One step of a way that was found: a token's bytes, nothing, or a call. */
struct step {
    uint32_t node;    /* where it begins */
    int32_t to, rule; /* rule -1: no call */
    uint32_t tokens;
};

struct search {
    struct grammar_nfa *a;
    uint32_t *bytes;    /* [nodes] fewest bytes to the end of the rule */
    int32_t *best_edge; /* [nodes] first edge of that way */
    struct step *steps; /* grouped by node, nodes in ascending order */
    size_t n_steps, cap_steps;
    int32_t *best_step; /* [nodes] */
};

static uint32_t add(uint32_t a, uint32_t b)
{
    return a >= GRAMMAR_NEVER || b >= GRAMMAR_NEVER || a + b >= GRAMMAR_NEVER ? GRAMMAR_NEVER : a + b;
}

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
    return changed;
}

static int find_bytes(struct search *s)
{
    const struct grammar_nfa *a = s->a;
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        s->bytes[i] = a->nodes[i].kind == NODE_FINAL ? 0 : GRAMMAR_NEVER;
        s->best_edge[i] = -1;
    }
    bool changed = true;
    for (int pass = 0; changed; pass++) { /* backwards: most edges lead to later nodes */
        if (pass == MOST_PASSES) return ERR_LIMIT;
        changed = false;
        for (uint32_t i = a->n_nodes; i-- > 0;) changed |= relax_bytes(s, i);
    }
    return OK;
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
    while (!rc && s->best_edge[at] >= 0) {
        const struct grammar_edge *edge = &a->edges[s->best_edge[at]];
        if (edge->kind == EDGE_CALL) break;
        at = (uint32_t)edge->to;
        if (edge->kind == EDGE_EMPTY) continue;
        trie = trie_child(&v->all, trie, edge->low);
        if (!trie) break;
        if (trie_has_token(&v->all, trie)) rc = add_step(s, (struct step){node, (int32_t)at, -1, 1});
        if (a->nodes[node].counted) break;
    }
    return rc;
}

static int find_steps(struct search *s, const struct grammar_vocab *v)
{
    const struct grammar_nfa *a = s->a;
    int rc = OK;
    for (uint32_t node = 0; !rc && node < a->n_nodes; node++) {
        if (s->bytes[node] >= GRAMMAR_NEVER) continue;
        for (int32_t i = a->nodes[node].edges; !rc && i >= 0; i = a->edges[i].next) {
            const struct grammar_edge *edge = &a->edges[i];
            if (edge->kind == EDGE_EMPTY)
                rc = add_step(s, (struct step){node, edge->to, -1, 0});
            else if (edge->kind == EDGE_CALL)
                rc = add_step(s, (struct step){node, edge->to, edge->rule, 0});
        }
        if (!rc && s->best_edge[node] >= 0 && a->edges[s->best_edge[node]].kind == EDGE_BYTES)
            rc = add_token_steps(s, v, node);
    }
    return rc;
}

static int find_tokens(struct search *s)
{
    struct grammar_nfa *a = s->a;
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        a->nodes[i].cost = a->nodes[i].kind == NODE_FINAL ? 0 : GRAMMAR_NEVER;
        s->best_step[i] = -1;
    }
    bool changed = true;
    for (int pass = 0; changed; pass++) {
        if (pass == MOST_PASSES) return ERR_LIMIT;
        changed = false;
        for (size_t i = s->n_steps; i-- > 0;) {
            const struct step *step = &s->steps[i];
            uint32_t cost = add(step->tokens, a->nodes[step->to].cost);
            if (step->rule >= 0) {
                const struct grammar_rule *rule = &a->rules[step->rule];
                cost = add(cost, add(a->nodes[rule->start].cost, rule->counted ? rule->min : 0));
            }
            if (cost >= a->nodes[step->node].cost) continue;
            a->nodes[step->node].cost = cost;
            s->best_step[step->node] = (int32_t)i;
            changed = true;
        }
    }
    return OK;
}

static int find_depths(struct search *s)
{
    struct grammar_nfa *a = s->a;
    bool changed = true;
    for (int pass = 0; changed; pass++) {
        if (pass == MOST_PASSES) return ERR_LIMIT;
        changed = false;
        for (uint32_t i = a->n_nodes; i-- > 0;) {
            if (s->best_step[i] < 0) continue;
            const struct step *step = &s->steps[s->best_step[i]];
            unsigned deep = a->nodes[step->to].deep;
            unsigned called = step->rule >= 0 ? a->nodes[a->rules[step->rule].start].deep + 1u : 0;
            if (called > deep) deep = called;
            if (deep > UINT16_MAX) deep = UINT16_MAX;
            changed |= deep != a->nodes[i].deep;
            a->nodes[i].deep = (uint16_t)deep;
        }
    }
    return OK;
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
    rc = s.bytes && s.best_edge && s.best_step ? OK : ERR_NOMEM;
    if (!rc) rc = find_bytes(&s);
    if (!rc) rc = find_steps(&s, v);
    if (!rc) rc = find_tokens(&s);
    if (!rc) rc = find_depths(&s);
    free(s.bytes);
    free(s.best_edge);
    free(s.best_step);
    free(s.steps);
    if (rc) error_set(e, rc, rc == ERR_NOMEM ? "no memory for the form" : "the form is too involved to be followed");
    return rc;
}
