/* grammar_nfa.c - building automata: see grammar_parts.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/grammar_parts.h"

static bool room(struct grammar_nfa *a, void **array, uint32_t n, uint32_t *cap, size_t size, uint32_t limit)
{
    if (a->rc) return false;
    if (n < *cap) return true;
    if (n >= limit) {
        a->rc = ERR_LIMIT;
        return false;
    }
    uint32_t more = *cap ? 2 * *cap : 256;
    void *grown = realloc(*array, more * size);
    if (!grown) {
        a->rc = ERR_NOMEM;
        return false;
    }
    *array = grown;
    *cap = more;
    return true;
}

int32_t nfa_node(struct grammar_nfa *a)
{
    if (!room(a, (void **)&a->nodes, a->n_nodes, &a->cap_nodes, sizeof *a->nodes, LIMIT_GRAMMAR_NODES)) return 0;
    uint8_t counted = a->in_counted >= 0 ? COUNTED_CHAR : 0;
    a->nodes[a->n_nodes] = (struct grammar_node){.edges = -1, .last = -1, .counted = counted, .rule = a->in_counted};
    return (int32_t)a->n_nodes++;
}

int32_t nfa_rule(struct grammar_nfa *a)
{
    int32_t outer = a->in_counted;
    a->in_counted = -1;
    int32_t start = nfa_node(a);
    int32_t end = nfa_node(a);
    a->in_counted = outer;
    if (!room(a, (void **)&a->rules, a->n_rules, &a->cap_rules, sizeof *a->rules, LIMIT_GRAMMAR_RULES)) return 0;
    a->nodes[end].kind = NODE_FINAL;
    a->nodes[end].rule = (int32_t)a->n_rules;
    a->rules[a->n_rules] = (struct grammar_rule){.start = start, .end = end};
    return (int32_t)a->n_rules++;
}

static void add_edge(struct grammar_nfa *a, int32_t from, struct grammar_edge edge)
{
    if (!room(a, (void **)&a->edges, a->n_edges, &a->cap_edges, sizeof *a->edges, 16 * LIMIT_GRAMMAR_NODES)) return;
    struct grammar_node *node = &a->nodes[from];
    int32_t at = (int32_t)a->n_edges++;
    edge.next = -1;
    a->edges[at] = edge;
    if (node->last >= 0)
        a->edges[node->last].next = at;
    else
        node->edges = at;
    node->last = at;
}

void nfa_bytes(struct grammar_nfa *a, int32_t from, uint8_t low, uint8_t high, int32_t to)
{
    add_edge(a, from, (struct grammar_edge){.kind = EDGE_BYTES, .low = low, .high = high, .to = to});
}

void nfa_empty(struct grammar_nfa *a, int32_t from, int32_t to)
{
    add_edge(a, from, (struct grammar_edge){.kind = EDGE_EMPTY, .to = to});
}

void nfa_call(struct grammar_nfa *a, int32_t from, int32_t rule, int32_t to)
{
    add_edge(a, from, (struct grammar_edge){.kind = EDGE_CALL, .rule = rule, .to = to});
}

int32_t nfa_literal(struct grammar_nfa *a, int32_t from, const char *text, size_t n)
{
    for (size_t i = 0; i < n && !a->rc; i++) {
        int32_t to = nfa_node(a);
        nfa_bytes(a, from, (uint8_t)text[i], (uint8_t)text[i], to);
        from = to;
    }
    return from;
}

int32_t nfa_text(struct grammar_nfa *a, int32_t from, const char *text)
{
    return nfa_literal(a, from, text, strlen(text));
}

static int32_t same_edge(const struct grammar_nfa *a, int32_t from, uint8_t byte)
{
    for (int32_t i = a->nodes[from].edges; i >= 0; i = a->edges[i].next)
        if (a->edges[i].kind == EDGE_BYTES && a->edges[i].low == byte && a->edges[i].high == byte)
            return a->edges[i].to;
    return -1;
}

int32_t nfa_branch(struct grammar_nfa *a, int32_t from, const char *text)
{
    for (; *text && !a->rc; text++) {
        int32_t to = same_edge(a, from, (uint8_t)*text);
        if (to < 0) to = nfa_literal(a, from, text, 1);
        from = to;
    }
    return from;
}

void nfa_free(struct grammar_nfa *a)
{
    free(a->nodes);
    free(a->edges);
    free(a->rules);
    *a = (struct grammar_nfa){.in_counted = -1};
}
