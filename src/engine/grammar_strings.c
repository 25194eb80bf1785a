/* grammar_strings.c - strings of JSON. Characters that need no escape are written as they are, the others by their
 * short escapes: \uXXXX is not written, so that every text has one length and no half of a surrogate pair can appear.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/grammar_parts.h"

/* One character of a string, as itself or as a short escape. */
static void write_char(struct grammar_nfa *a, int32_t from, bool line_ends, int32_t to)
{
    static struct char_range all[] = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}};
    static struct char_range line[] = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x2027}, {0x202A, 0x10FFFF}};
    const struct char_set set = line_ends ? (struct char_set){all, 3, 3} : (struct char_set){line, 4, 4};
    nfa_chars(a, from, &set, CHARS_RAW, to);
    int32_t escape = nfa_node(a);
    nfa_bytes(a, from, '\\', '\\', escape);
    for (const char *c = line_ends ? "\"\\/bfnrt" : "\"\\/bft"; *c; c++)
        nfa_bytes(a, escape, (uint8_t)*c, (uint8_t)*c, to);
}

/* A counted string is a rule of its own: the count lives from its call to its end. */
void nfa_string(struct grammar_nfa *a, int32_t from, uint32_t min, uint32_t max, bool line_ends, int32_t to)
{
    int32_t rule = -1;
    for (uint32_t i = 0; i < a->n_rules && rule < 0; i++)
        if (a->rules[i].counted && a->rules[i].min == min && a->rules[i].max == max &&
            a->rules[i].line_ends == line_ends)
            rule = (int32_t)i;
    if (rule < 0) {
        rule = nfa_rule(a);
        if (a->rc) return;
        struct grammar_rule *r = &a->rules[rule];
        r->counted = true;
        r->line_ends = line_ends;
        r->min = min;
        r->max = max;
        int32_t start = r->start;
        int32_t end = r->end;
        int32_t hub = nfa_node(a);
        int32_t leave = nfa_node(a);
        nfa_bytes(a, start, '"', '"', hub);
        nfa_bytes(a, leave, '"', '"', end);
        a->in_counted = rule;
        int32_t one = nfa_node(a);
        int32_t bump = nfa_node(a);
        if (!a->rc) write_char(a, one, line_ends, bump);
        a->in_counted = -1;
        if (a->rc) return;
        a->rules[rule].one = one;
        a->rules[rule].leave = leave;
        a->nodes[bump].counted = 0;
        a->nodes[start].counted = COUNTED_START;
        a->nodes[start].rule = rule;
        a->nodes[hub].kind = NODE_HUB;
        a->nodes[bump].kind = NODE_BUMP;
        a->nodes[hub].rule = a->nodes[bump].rule = rule;
        nfa_empty(a, hub, leave);
        nfa_empty(a, hub, one);
        nfa_empty(a, bump, hub);
    }
    nfa_call(a, from, rule, to);
}

/* --- keys that are not among the named ones
 * --------------------------------------------------------------------------- */

struct key_node {
    uint32_t c;
    int32_t child, sibling; /* -1: none */
    bool is_key;
    int32_t node; /* the automaton's */
};

static int32_t key_child(struct key_node *t, int32_t *n, int32_t at, uint32_t c)
{
    for (int32_t i = t[at].child; i >= 0; i = t[i].sibling)
        if (t[i].c == c) return i;
    t[*n] = (struct key_node){.c = c, .child = -1, .sibling = t[at].child};
    t[at].child = *n;
    return (*n)++;
}

static struct key_node *key_trie(const char *const *keys, int n, int32_t *count)
{
    size_t chars = 1;
    for (int i = 0; i < n; i++) chars += strlen(keys[i]);
    struct key_node *t = calloc(chars, sizeof *t);
    if (!t) return NULL;
    t[0].child = t[0].sibling = -1;
    *count = 1;
    for (int i = 0; i < n; i++) {
        int32_t at = 0;
        size_t left = strlen(keys[i]);
        for (const char *s = keys[i]; left > 0;) {
            uint32_t c = 0;
            size_t step = utf8_decode(s, left, &c);
            s += step;
            left -= step;
            at = key_child(t, count, at, c);
        }
        t[at].is_key = true;
    }
    return t;
}

/* Everything a key may hold as it is, without the children of t[at] (at -1: none). */
static int other_chars(struct char_set *out, const struct key_node *t, int32_t at)
{
    int rc = char_set_add(out, 0, 0x1F);
    if (!rc) rc = char_set_add(out, '"', '"');
    if (!rc) rc = char_set_add(out, '\\', '\\');
    for (int32_t i = at < 0 ? -1 : t[at].child; !rc && i >= 0; i = t[i].sibling) rc = char_set_add(out, t[i].c, t[i].c);
    return rc ? rc : char_set_negate(out);
}

int nfa_other_key(struct grammar_nfa *a, int32_t from, const char *const *keys, int n, int32_t to)
{
    int32_t count = 0;
    if (n == 0) { /* any: a string like others, which the masks know a short way for */
        nfa_string(a, from, 1, UINT32_MAX, true, to);
        return OK;
    }
    struct key_node *t = key_trie(keys, n, &count);
    if (!t) return ERR_NOMEM;
    int32_t free_node = nfa_node(a);
    struct char_set set = {0};
    int rc = other_chars(&set, NULL, -1);
    if (!rc) nfa_chars(a, free_node, &set, CHARS_RAW, free_node);
    char_set_free(&set);
    nfa_bytes(a, free_node, '"', '"', to);
    for (int32_t i = 0; i < count; i++) t[i].node = nfa_node(a);
    nfa_bytes(a, from, '"', '"', t[0].node);
    for (int32_t i = 0; !rc && i < count; i++) {
        rc = other_chars(&set, t, i);
        if (!rc) nfa_chars(a, t[i].node, &set, CHARS_RAW, free_node);
        char_set_free(&set);
        for (int32_t k = t[i].child; !rc && k >= 0; k = t[k].sibling) {
            /* a child that needs an escape cannot be on the way of a key without one */
            bool plain = t[k].c >= 0x20 && t[k].c != '"' && t[k].c != '\\';
            rc = plain ? char_set_add(&set, t[k].c, t[k].c) : OK;
            if (!rc && plain) nfa_chars(a, t[i].node, &set, CHARS_RAW, t[k].node);
            char_set_free(&set);
        }
        if (i > 0 && !t[i].is_key) nfa_bytes(a, t[i].node, '"', '"', to);
    }
    free(t);
    return rc;
}
