/* grammar_regex_nfa.c - from a regular expression's tree to the grammar's automaton: first an automaton over characters
 * (Thompson 1968), then its product with a count of characters where the length is bounded, written as bytes. */
#include <stdlib.h>
#include <string.h>

#include "engine/grammar_regex.h"

/* A class that leaves out nothing but, perhaps, the four ends of lines that a dot does. */
static bool is_any(const struct char_set *s, bool *line_ends)
{
    static const struct char_range dot[] = {{0, 9}, {11, 12}, {14, 0x2027}, {0x202A, 0x10FFFF}};
    *line_ends = s->n == 1;
    if (s->n == 1) return s->ranges[0].low == 0 && s->ranges[0].high == 0x10FFFF;
    for (int i = 0; i < 4 && s->n == 4; i++)
        if (s->ranges[i].low != dot[i].low || s->ranges[i].high != dot[i].high) return false;
    return s->n == 4;
}

bool regex_is_length(struct regex_use *use, bool *line_ends)
{
    struct regex r;
    struct error ignored = {0};
    if (regex_parse(&r, use->pattern, use->search, &ignored)) return false;
    const struct regex_node *node = &r.nodes[r.root];
    while (node->kind == REGEX_BOTH && r.nodes[node->left].kind == REGEX_EMPTY) node = &r.nodes[node->right];
    bool is = node->kind == REGEX_REPEAT && r.nodes[node->left].kind == REGEX_SET &&
              is_any(&r.sets[r.nodes[node->left].left], line_ends);
    if (is && (uint32_t)node->min > use->min) use->min = (uint32_t)node->min;
    if (is && node->max >= 0 && (uint32_t)node->max < use->max) use->max = (uint32_t)node->max;
    regex_free(&r);
    return is;
}

/* Over characters: one edge with a set, or up to two without. */
struct char_node {
    int32_t set, to; /* set -1: none */
    int32_t empty[2];
};

struct char_nfa {
    struct char_node *nodes;
    int n, cap;
    int rc;
};

static int32_t char_node(struct char_nfa *c)
{
    if (c->rc) return 0;
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 64;
        struct char_node *grown = realloc(c->nodes, (size_t)cap * sizeof *grown);
        if (!grown || cap > (int)LIMIT_GRAMMAR_NODES) c->rc = grown ? ERR_LIMIT : ERR_NOMEM;
        if (grown) c->nodes = grown;
        if (c->rc) return 0;
        c->cap = cap;
    }
    c->nodes[c->n] = (struct char_node){-1, -1, {-1, -1}};
    return c->n++;
}

static void link_empty(struct char_nfa *c, int32_t from, int32_t to)
{
    if (c->rc) return;
    int32_t *empty = c->nodes[from].empty;
    empty[empty[0] >= 0] = to;
}

static int32_t build(struct char_nfa *c, const struct regex *r, int32_t at, int32_t from);

static int32_t build_repeat(struct char_nfa *c, const struct regex *r, const struct regex_node *node, int32_t from)
{
    for (int i = 0; i < node->min && !c->rc; i++) {
        int32_t next = build(c, r, node->left, from);
        if (next == from) break; /* nothing, however often */
        from = next;
    }
    int32_t end = char_node(c);
    if (node->max < 0) {
        int32_t loop = char_node(c);
        link_empty(c, from, loop);
        int32_t body = char_node(c);
        link_empty(c, loop, body);
        link_empty(c, loop, end);
        link_empty(c, build(c, r, node->left, body), loop);
        return end;
    }
    for (int i = node->min; i < node->max && !c->rc; i++) {
        int32_t body = char_node(c);
        link_empty(c, from, body);
        link_empty(c, from, end);
        from = build(c, r, node->left, body);
    }
    link_empty(c, from, end);
    return end;
}

/* Append the part at `at` behind from, a node without edges; returns such a node behind it. */
static int32_t build(struct char_nfa *c, const struct regex *r, int32_t at, int32_t from)
{
    const struct regex_node *node = &r->nodes[at];
    if (c->rc || node->kind == REGEX_EMPTY) return from;
    if (node->kind == REGEX_BOTH) return build(c, r, node->right, build(c, r, node->left, from));
    if (node->kind == REGEX_REPEAT) return build_repeat(c, r, node, from);
    if (node->kind == REGEX_SET) {
        int32_t to = char_node(c);
        if (c->rc) return 0;
        c->nodes[from].set = node->left;
        c->nodes[from].to = to;
        return to;
    }
    int32_t end = char_node(c);
    const int32_t sides[2] = {node->left, node->right};
    for (int i = 0; i < 2; i++) {
        int32_t side = char_node(c);
        link_empty(c, from, side);
        link_empty(c, build(c, r, sides[i], side), end);
    }
    return end;
}

/* --- product with the count, written as bytes ------------------------------------------------------------------------
 */

struct product {
    struct grammar_nfa *a;
    const struct char_nfa *c;
    const struct regex_use *use;
    uint32_t cap;     /* counts go from 0 to cap; a count of cap may mean more if there is no maximum */
    int32_t *made;    /* [nodes x (cap + 1)] the grammar's node, or -1 */
    int32_t *pending; /* what was made but has no edges yet */
    size_t n_pending;
};

static int32_t pair(struct product *p, int32_t node, uint32_t count)
{
    size_t at = (size_t)node * (p->cap + 1) + count;
    if (p->made[at] < 0) {
        p->made[at] = nfa_node(p->a);
        p->pending[p->n_pending++] = (int32_t)at;
    }
    return p->made[at];
}

static void write_edges(struct product *p, const struct regex *r, int32_t end, int32_t to)
{
    while (p->n_pending > 0 && !p->a->rc) {
        size_t at = (size_t)p->pending[--p->n_pending];
        int32_t node = (int32_t)(at / (p->cap + 1));
        uint32_t count = (uint32_t)(at % (p->cap + 1));
        const struct char_node *c = &p->c->nodes[node];
        int32_t from = p->made[at];
        for (int i = 0; i < 2; i++)
            if (c->empty[i] >= 0) nfa_empty(p->a, from, pair(p, c->empty[i], count));
        bool full = p->use->max != UINT32_MAX && count == p->use->max;
        if (c->set >= 0 && !full)
            nfa_chars(p->a, from, &r->sets[c->set], p->use->as, pair(p, c->to, count < p->cap ? count + 1 : p->cap));
        if (node == end && count >= p->use->min) nfa_empty(p->a, from, to);
    }
}

int nfa_regex(struct grammar_nfa *a, int32_t from, const struct regex_use *use, int32_t to, struct error *e)
{
    struct regex r;
    struct char_nfa c = {0};
    int rc = regex_parse(&r, use->pattern, use->search, e);
    if (rc) return rc;
    struct product p = {.a = a, .c = &c, .use = use};
    int32_t start = char_node(&c);
    int32_t end = build(&c, &r, r.root, start);
    p.cap = use->max != UINT32_MAX ? use->max : use->min;
    size_t pairs = (size_t)c.n * ((size_t)p.cap + 1);
    rc = c.rc ? c.rc : pairs > 8 * (size_t)LIMIT_GRAMMAR_NODES ? ERR_LIMIT : OK;
    if (!rc) {
        p.made = malloc(pairs * sizeof *p.made);
        p.pending = malloc(pairs * sizeof *p.pending);
        if (!p.made || !p.pending) rc = ERR_NOMEM;
    }
    if (!rc) {
        memset(p.made, 0xFF, pairs * sizeof *p.made);
        nfa_empty(a, from, pair(&p, start, 0));
        write_edges(&p, &r, end, to);
    }
    free(p.made);
    free(p.pending);
    free(c.nodes);
    regex_free(&r);
    if (rc) return error_set(e, rc, rc == ERR_NOMEM ? "no memory for the pattern" : "the pattern is too large");
    return OK;
}
