/* grammar_parts.h - the inside of grammar.h, shared by the grammar_*.c.
 *
 * A grammar is a set of rules, each a nondeterministic automaton over bytes; an edge reads bytes, reads nothing, or
 * calls a rule and goes on behind it. Strings with minLength or maxLength count their characters in the item that runs
 * through them, so that a bound of 10000 costs no states. Builders record the first failure and go on harmlessly: it is
 * looked at once, at the end.
 */
#ifndef XIAOBEI_ENGINE_GRAMMAR_PARTS_H
#define XIAOBEI_ENGINE_GRAMMAR_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "engine/grammar.h"

enum { GRAMMAR_NEVER = 0x3FFFFFFF }; /* cost of what cannot be completed */

enum grammar_node_kind {
    NODE_PLAIN,
    NODE_FINAL, /* end of its rule */
    NODE_HUB,   /* between two characters of a counted string: its rule says where to go from here */
    NODE_BUMP,  /* behind a character of a counted string: counts, then its one edge to the hub */
};

enum { COUNTED_CHAR = 1, COUNTED_START = 2 }; /* what is still to come depends on the count */

enum grammar_edge_kind { EDGE_BYTES, EDGE_EMPTY, EDGE_CALL };

struct grammar_edge {
    uint8_t kind, low, high; /* bytes low..high */
    int32_t to, rule, next;  /* next edge of the same node, -1: last */
};

struct grammar_node {
    uint8_t kind;
    uint8_t
        counted;  /* of a counted string: COUNTED_CHAR before or inside a character, COUNTED_START before its quote */
    int32_t rule; /* its rule, for kinds other than plain and for counted ones */
    int32_t edges, last;
    uint32_t cost; /* tokens to the rule's end, bounded from above; GRAMMAR_NEVER: no way there */
    uint16_t deep; /* calls on top of each other on that way */
};

struct grammar_rule {
    int32_t start, end;
    uint32_t min, max; /* characters, of a counted string; max UINT32_MAX: no bound */
    bool counted, line_ends;
    int32_t one, leave; /* of a counted string: the nodes before a character and before the closing quote */
};

struct grammar_nfa {
    struct grammar_node *nodes;
    struct grammar_edge *edges;
    struct grammar_rule *rules;
    uint32_t n_nodes, n_edges, n_rules, cap_nodes, cap_edges, cap_rules;
    int32_t in_counted; /* rule that new nodes are counted for; -1: none */
    int rc;             /* first failure: ERR_LIMIT or ERR_NOMEM */
};

/* grammar_nfa.c: building. Every function is harmless after a failure. */
int32_t nfa_node(struct grammar_nfa *a);
int32_t nfa_rule(struct grammar_nfa *a); /* with a start and an end */
void nfa_bytes(struct grammar_nfa *a, int32_t from, uint8_t low, uint8_t high, int32_t to);
void nfa_empty(struct grammar_nfa *a, int32_t from, int32_t to);
void nfa_call(struct grammar_nfa *a, int32_t from, int32_t rule, int32_t to);
int32_t nfa_text(struct grammar_nfa *a, int32_t from, const char *text); /* returns the node behind it */
int32_t nfa_literal(struct grammar_nfa *a, int32_t from, const char *text, size_t n);
/* The same, over edges that are there where they fit: several texts from one node share their beginnings. */
int32_t nfa_branch(struct grammar_nfa *a, int32_t from, const char *text);
void nfa_free(struct grammar_nfa *a);

/* grammar_chars.c: sets of code points, sorted ranges without overlap or neighbours. */
struct char_range {
    uint32_t low, high;
};
struct char_set {
    struct char_range *ranges;
    int n, cap;
};
int char_set_add(struct char_set *s, uint32_t low, uint32_t high) MUST_USE; /* ERR_NOMEM */
int char_set_add_set(struct char_set *s, const struct char_set *other) MUST_USE;
int char_set_negate(struct char_set *s) MUST_USE;
void char_set_free(struct char_set *s);

enum char_writing { CHARS_RAW, CHARS_IN_JSON }; /* in a JSON string quotes, backslashes and controls are escaped */
void nfa_chars(struct grammar_nfa *a, int32_t from, const struct char_set *set, enum char_writing w, int32_t to);

struct regex_use { /* grammar_regex.c, grammar_regex_nfa.c */
    const char *pattern;
    bool search;          /* JSON schema's meaning: anywhere in the text unless ^ or $ say where */
    enum char_writing as; /* in a string, the quotes are the caller's */
    uint32_t min, max;    /* characters; max UINT32_MAX: no bound */
};
/* Is the pattern no more than a number of any characters (^.{2,9}$)? Then its bounds go into use, and *line_ends. */
bool regex_is_length(struct regex_use *use, bool *line_ends);
int nfa_regex(struct grammar_nfa *a, int32_t from, const struct regex_use *use, int32_t to, struct error *e) MUST_USE;

/* grammar_strings.c: strings of JSON, with their quotes: min to max characters (UINT32_MAX: no bound); with line ends
 * among them or not. */
void nfa_string(struct grammar_nfa *a, int32_t from, uint32_t min, uint32_t max, bool line_ends, int32_t to);
/* Any non-empty key but these. */
int nfa_other_key(struct grammar_nfa *a, int32_t from, const char *const *keys, int n, int32_t to) MUST_USE;

/* grammar_schema.c: the schema's values between two nodes. On failure param (may be NULL) gets the path. */
int nfa_schema(struct grammar_nfa *a, int32_t from, const struct grammar_part *part, int32_t to, char *param,
               size_t param_size, struct error *e) MUST_USE;

/* grammar_cost.c: fill cost and deep of every node. ERR_INVALID: nothing can ever be completed or a rule calls itself
 * without reading anything. */
int nfa_costs(struct grammar_nfa *a, const struct grammar_vocab *v, struct error *e) MUST_USE;

#endif
