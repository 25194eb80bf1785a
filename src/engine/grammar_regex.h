/* grammar_regex.h - a regular expression as a tree. The syntax is what ECMA-262 and PCRE share; what looks ahead, looks
 * behind, or refers back is refused, as are flags and \b. Characters are code points. Thread: pure.
 */
#ifndef XIAOBEI_ENGINE_GRAMMAR_REGEX_H
#define XIAOBEI_ENGINE_GRAMMAR_REGEX_H

#include "engine/grammar_parts.h"

enum regex_kind { REGEX_EMPTY, REGEX_SET, REGEX_BOTH, REGEX_EITHER, REGEX_REPEAT };

struct regex_node {
    uint8_t kind;
    int32_t left, right; /* of BOTH and EITHER; left of REPEAT; left of SET is its number */
    int32_t min, max;    /* of REPEAT; max -1: no bound */
};

struct regex {
    struct regex_node *nodes;
    int n_nodes, cap_nodes;
    struct char_set *sets;
    int n_sets, cap_sets;
    int32_t root;
};

/* search: where neither ^ nor $ stands, anything may. ERR_INVALID or ERR_UNSUPPORTED say what and where. */
int regex_parse(struct regex *out, const char *pattern, bool search, struct error *e) MUST_USE;
void regex_free(struct regex *r);

#endif
