/* grammar_regex.c - see grammar_regex.h. Recursive descent; depth and length are bounded before it recurses. */
#include "engine/grammar_regex.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct parser {
    struct regex *r;
    const char *start, *at, *end;
    int depth;
    bool search;
    int rc;
    struct error *e;
};

static int32_t fail(struct parser *p, int code, const char *what)
{
    if (!p->rc) p->rc = error_set(p->e, code, "the pattern has %s at byte %zu", what, (size_t)(p->at - p->start));
    return 0;
}

static int32_t no_memory(struct parser *p)
{
    if (!p->rc) p->rc = error_set(p->e, ERR_NOMEM, "no memory for the pattern");
    return 0;
}

static int32_t add_node(struct parser *p, struct regex_node node)
{
    struct regex *r = p->r;
    if (r->n_nodes == r->cap_nodes) {
        int cap = r->cap_nodes ? 2 * r->cap_nodes : 32;
        struct regex_node *grown = realloc(r->nodes, (size_t)cap * sizeof *grown);
        if (!grown) return no_memory(p);
        r->nodes = grown;
        r->cap_nodes = cap;
    }
    r->nodes[r->n_nodes] = node;
    return r->n_nodes++;
}

/* Takes the set. */
static int32_t add_set(struct parser *p, struct char_set *set)
{
    struct regex *r = p->r;
    if (r->n_sets == r->cap_sets) {
        int cap = r->cap_sets ? 2 * r->cap_sets : 16;
        struct char_set *grown = realloc(r->sets, (size_t)cap * sizeof *grown);
        if (!grown) {
            char_set_free(set);
            return no_memory(p);
        }
        r->sets = grown;
        r->cap_sets = cap;
    }
    r->sets[r->n_sets] = *set;
    return add_node(p, (struct regex_node){.kind = REGEX_SET, .left = r->n_sets++});
}

static bool more(const struct parser *p)
{
    return p->at < p->end && !p->rc;
}

static bool take(struct parser *p, char c)
{
    if (!more(p) || *p->at != c) return false;
    p->at++;
    return true;
}

static uint32_t take_char(struct parser *p)
{
    uint32_t c = 0;
    p->at += utf8_decode(p->at, (size_t)(p->end - p->at), &c);
    return c;
}

/* --- characters and classes ------------------------------------------------------------------------------------------
 */

static uint32_t take_hex(struct parser *p, int digits)
{
    uint32_t value = 0;
    for (int i = 0; i < digits; i++) {
        char c = p->at < p->end ? *p->at : '\0';
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0) return (uint32_t)fail(p, ERR_INVALID, "an unfinished hexadecimal escape");
        value = value << 4 | (uint32_t)digit;
        p->at++;
    }
    return value;
}

static uint32_t take_code_point(struct parser *p) /* behind \u */
{
    uint32_t value = 0;
    if (!take(p, '{')) {
        value = take_hex(p, 4);
    } else {
        int digits = 0;
        while (p->at + digits < p->end && p->at[digits] != '}') digits++;
        if (digits < 1 || digits > 6) return (uint32_t)fail(p, ERR_INVALID, "a bad \\u{...}");
        value = take_hex(p, digits);
        take(p, '}');
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return (uint32_t)fail(p, ERR_UNSUPPORTED, "an escape that is no character");
    return value;
}

static bool add_named_class(struct parser *p, struct char_set *set, char name)
{
    static const struct char_range digits[] = {{'0', '9'}};
    static const struct char_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    static const struct char_range spaces[] = {{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                                               {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                               {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
    char lower = (char)(name | 32);
    const struct char_range *ranges = lower == 'd' ? digits : lower == 'w' ? words : lower == 's' ? spaces : NULL;
    size_t n = lower == 'd' ? 1 : lower == 'w' ? 4 : 10;
    if (!ranges) return false;
    struct char_set one = {0};
    int rc = OK;
    for (size_t i = 0; !rc && i < n; i++) rc = char_set_add(&one, ranges[i].low, ranges[i].high);
    if (!rc && name != lower) rc = char_set_negate(&one);
    if (!rc) rc = char_set_add_set(set, &one);
    char_set_free(&one);
    if (rc) no_memory(p);
    return true;
}

/* Behind a backslash: adds a class and returns true, or stores one character. */
static bool take_escape(struct parser *p, struct char_set *set, bool in_class, uint32_t *c)
{
    static const char plain[] = "^$\\.*+?()[]{}|/-\"'#&~,:;<>=!@%` ";
    static const char from[] = "tnrfv";
    static const char to[] = "\t\n\r\f\v";
    if (!more(p)) return fail(p, ERR_INVALID, "a backslash with nothing behind it");
    char name = *p->at;
    const char *found = memchr(from, name, 5);
    p->at++;
    if (add_named_class(p, set, name)) return true;
    if (found)
        *c = (uint8_t)to[found - from];
    else if (name == 'x')
        *c = take_hex(p, 2);
    else if (name == 'u')
        *c = take_code_point(p);
    else if (name == '0' && !(more(p) && *p->at >= '0' && *p->at <= '9'))
        *c = 0;
    else if (name == 'b' && in_class)
        *c = 8;
    else if (memchr(plain, name, sizeof plain - 1))
        *c = (uint8_t)name;
    else
        p->at--, fail(p, ERR_UNSUPPORTED, "an escape that is not supported");
    return false;
}

static int32_t parse_class(struct parser *p) /* behind [ */
{
    struct char_set set = {0};
    bool negated = take(p, '^');
    while (more(p) && *p->at != ']') {
        uint32_t low = 0;
        uint32_t high = 0;
        if (*p->at == '[' && p->at + 1 < p->end && p->at[1] == ':') fail(p, ERR_UNSUPPORTED, "a POSIX class");
        if (take(p, '\\')) {
            if (take_escape(p, &set, true, &low)) continue;
        } else {
            low = take_char(p);
        }
        high = low;
        if (p->at + 1 < p->end && *p->at == '-' && p->at[1] != ']') {
            p->at++;
            if (!take(p, '\\'))
                high = take_char(p);
            else if (take_escape(p, &set, true, &high))
                fail(p, ERR_INVALID, "a range that ends with a class");
            if (high < low) fail(p, ERR_INVALID, "a range that runs backwards");
        }
        if (!p->rc && char_set_add(&set, low, high)) no_memory(p);
    }
    if (!take(p, ']')) fail(p, ERR_INVALID, "a [ without its ]");
    if (!p->rc && negated && char_set_negate(&set)) no_memory(p);
    if (!p->rc && set.n == 0) fail(p, ERR_INVALID, "a class without characters");
    if (p->rc) char_set_free(&set);
    return p->rc ? 0 : add_set(p, &set);
}

static int32_t any_char(struct parser *p, bool line_ends_too)
{
    static const uint32_t line_ends[] = {'\n', '\r', 0x2028, 0x2029};
    struct char_set set = {0};
    int rc = OK;
    for (size_t i = 0; !rc && !line_ends_too && i < 4; i++) rc = char_set_add(&set, line_ends[i], line_ends[i]);
    if (!rc) rc = char_set_negate(&set);
    if (rc) {
        char_set_free(&set);
        return no_memory(p);
    }
    return add_set(p, &set);
}

/* --- structure
 * -------------------------------------------------------------------------------------------------------- */

static int32_t parse_either(struct parser *p, bool outermost);

static int32_t parse_group(struct parser *p) /* behind ( */
{
    if (take(p, '?') && !take(p, ':')) {
        /* a named group is a group */
        if (!take(p, '<') || !more(p) || *p->at == '=' || *p->at == '!')
            return fail(p, ERR_UNSUPPORTED, "a look-around or flags");
        while (more(p) && *p->at != '>') p->at++;
        if (!take(p, '>')) return fail(p, ERR_INVALID, "an unfinished name");
    }
    if (++p->depth > (int)LIMIT_GRAMMAR_GROUPS) return fail(p, ERR_LIMIT, "too many groups in groups");
    int32_t inner = parse_either(p, false);
    p->depth--;
    if (!take(p, ')')) return fail(p, ERR_INVALID, "a ( without its )");
    return inner;
}

static int32_t parse_atom(struct parser *p)
{
    uint32_t c = 0;
    struct char_set set = {0};
    if (take(p, '(')) return parse_group(p);
    if (take(p, '[')) return parse_class(p);
    if (take(p, '.')) return any_char(p, false);
    if (strchr("*+?{", *p->at)) return fail(p, ERR_INVALID, "a repetition of nothing");
    if (strchr("^$", *p->at)) return fail(p, ERR_UNSUPPORTED, "^ or $ elsewhere than at the ends");
    if (!take(p, '\\'))
        c = take_char(p);
    else if (take_escape(p, &set, false, &c))
        return add_set(p, &set);
    if (!p->rc && char_set_add(&set, c, c)) no_memory(p);
    if (p->rc) char_set_free(&set);
    return p->rc ? 0 : add_set(p, &set);
}

static int32_t take_count(struct parser *p)
{
    int32_t n = 0;
    if (!more(p) || *p->at < '0' || *p->at > '9') return fail(p, ERR_INVALID, "a bad {...}");
    while (more(p) && *p->at >= '0' && *p->at <= '9') {
        n = n * 10 + (*p->at++ - '0');
        if (n > LIMIT_GRAMMAR_REPEAT) return fail(p, ERR_LIMIT, "too many repetitions");
    }
    return n;
}

static int32_t parse_repeated(struct parser *p)
{
    int32_t node = parse_atom(p);
    int times = 0;
    while (more(p) && strchr("*+?{", *p->at)) {
        char c = *p->at++;
        int32_t min = c == '+' ? 1 : 0;
        int32_t max = c == '?' ? 1 : -1;
        if (c == '{') {
            min = max = take_count(p);
            if (take(p, ',')) max = more(p) && *p->at == '}' ? -1 : take_count(p);
            if (!take(p, '}') || (max >= 0 && max < min)) return fail(p, ERR_INVALID, "a bad {...}");
        }
        take(p, '?'); /* what is matched first does not change what can be matched */
        if (more(p) && *p->at == '+') return fail(p, ERR_UNSUPPORTED, "a possessive repetition");
        if (++times > 1) return fail(p, ERR_INVALID, "a repetition of a repetition");
        node = add_node(p, (struct regex_node){.kind = REGEX_REPEAT, .left = node, .min = min, .max = max});
    }
    return node;
}

static int32_t anything(struct parser *p)
{
    return add_node(p, (struct regex_node){.kind = REGEX_REPEAT, .left = any_char(p, true), .max = -1});
}

static int32_t both(struct parser *p, int32_t left, int32_t right)
{
    return add_node(p, (struct regex_node){.kind = REGEX_BOTH, .left = left, .right = right});
}

static int32_t parse_sequence(struct parser *p, bool outermost)
{
    int32_t node = add_node(p, (struct regex_node){.kind = REGEX_EMPTY});
    bool from_start = outermost && take(p, '^');
    bool to_end = false;
    if (outermost && p->search && !from_start) node = anything(p);
    while (more(p) && *p->at != '|' && *p->at != ')' && !to_end) {
        bool last = p->at + 1 == p->end || p->at[1] == '|';
        if (outermost && *p->at == '$' && last)
            to_end = take(p, '$');
        else
            node = both(p, node, parse_repeated(p));
    }
    if (outermost && p->search && !to_end) node = both(p, node, anything(p));
    return node;
}

static int32_t parse_either(struct parser *p, bool outermost)
{
    int32_t node = parse_sequence(p, outermost);
    while (take(p, '|')) {
        int32_t right = parse_sequence(p, outermost);
        node = add_node(p, (struct regex_node){.kind = REGEX_EITHER, .left = node, .right = right});
    }
    return node;
}

int regex_parse(struct regex *out, const char *pattern, bool search, struct error *e)
{
    size_t n = strlen(pattern);
    struct parser p = {.r = out, .start = pattern, .at = pattern, .end = pattern + n, .search = search, .e = e};
    *out = (struct regex){0};
    if (n > LIMIT_GRAMMAR_PATTERN)
        return error_set(e, ERR_LIMIT, "the pattern has more than %u bytes", LIMIT_GRAMMAR_PATTERN);
    if (!utf8_is_valid(pattern, n)) return error_set(e, ERR_INVALID, "the pattern is not UTF-8");
    out->root = parse_either(&p, true);
    if (!p.rc && p.at < p.end) fail(&p, ERR_INVALID, "a ) without its (");
    if (p.rc) regex_free(out);
    return p.rc;
}

void regex_free(struct regex *r)
{
    for (int i = 0; i < r->n_sets; i++) char_set_free(&r->sets[i]);
    free(r->sets);
    free(r->nodes);
    *r = (struct regex){0};
}
