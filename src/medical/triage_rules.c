/* triage_rules.c - see triage_rules.h: a recursive-descent reader and an evaluator over one array of nodes. */
#include "medical/triage_rules.h"

#include <stdlib.h>
#include <string.h>

#include "medical/lex_parts.h"

enum op { OP_CONCEPT, OP_FACT, OP_NUMBER, OP_AND, OP_OR, OP_NOT, OP_COUNT };

enum { DEPTH = 40 };

struct node {
    uint8_t op;      /* enum op */
    uint8_t compare; /* of OP_NUMBER: '<' '>' 'l' (<=) 'g' (>=) '=' */
    uint32_t a, b;   /* children; a: concept, fact or value; OP_COUNT: a the count, b the first item of a chain */
    uint32_t next;   /* 1 + the next item of an OP_COUNT's chain */
    double x;
};

struct def {
    char name[LEX_NAME];
    uint32_t root;
};

struct rules {
    LEX_LIST(struct node, nodes);
    LEX_LIST(struct def, defs);
    LEX_LIST(struct rule, rules);
};

struct reader {
    struct rules *r;
    const struct lex *l;
    const char *at, *end;
    int line, depth;
    struct error *e;
};

static const char *const level_names[] = {"SELF", "CLINIC", "URG", "ED", "E120"};
static const char *const fact_names[] = {"male", "female", "pregnant", "any_symptom"};

const char *triage_level_name(enum triage_level level)
{
    return level_names[level];
}

int triage_level_parse(const char *s, size_t n)
{
    for (int i = 0; i < TRIAGE_LEVELS; i++)
        if (strlen(level_names[i]) == n && memcmp(level_names[i], s, n) == 0) return i;
    return -1;
}

static int bad(struct reader *r, const char *why, const char *what, size_t n)
{
    return error_set(r->e, ERR_FORMAT, "rules, line %d: %s%s%.*s", r->line, why, n ? ": " : "", (int)n,
                     what ? what : "");
}

static void blank(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')) r->at++;
}

static bool take(struct reader *r, char c)
{
    blank(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static size_t word(struct reader *r, const char **s)
{
    blank(r);
    *s = r->at;
    while (r->at < r->end && *r->at != ' ' && *r->at != '\t' && *r->at != '\r') r->at++;
    return (size_t)(r->at - *s);
}

static size_t name(struct reader *r, const char **s)
{
    blank(r);
    *s = r->at;
    while (r->at < r->end && ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= '0' && *r->at <= '9') || *r->at == '_'))
        r->at++;
    return (size_t)(r->at - *s);
}

static int node(struct reader *r, struct node n, uint32_t *out)
{
    *out = (uint32_t)r->r->nodes.n;
    return LEX_PUSH(r->r->nodes, n) ? OK : bad(r, "no memory", NULL, 0);
}

static int read_or(struct reader *r, uint32_t *out);

static int read_number(struct reader *r, double *x)
{
    char digits[24] = {0};
    size_t n = 0;
    blank(r);
    while (r->at < r->end && n + 1 < sizeof digits && ((*r->at >= '0' && *r->at <= '9') || *r->at == '.'))
        digits[n++] = *r->at++;
    *x = strtod(digits, NULL);
    return n ? OK : bad(r, "a comparison needs a number", NULL, 0);
}

static int read_compare(struct reader *r, int value, uint32_t *out)
{
    struct node n = {.op = OP_NUMBER, .a = (uint32_t)value};
    char c = r->at < r->end ? *r->at : 0;
    if (c != '<' && c != '>' && c != '=') return bad(r, "a value needs a comparison", NULL, 0);
    r->at++;
    n.compare = (uint8_t)c;
    if (r->at < r->end && *r->at == '=' && c != '=') {
        r->at++;
        n.compare = c == '<' ? 'l' : 'g';
    }
    int rc = read_number(r, &n.x);
    return rc ? rc : node(r, n, out);
}

/* 2of(a, b, c) after its name was read. */
static int read_count(struct reader *r, uint32_t count, uint32_t *out)
{
    uint32_t first = 0;
    uint32_t last = 0;
    int rc = OK;
    if (!take(r, '(')) return bad(r, "Nof needs ( )", NULL, 0);
    do {
        uint32_t item;
        struct node wrapped = {.op = OP_AND};
        rc = read_or(r, &item);
        wrapped.a = wrapped.b = item; /* a node of its own: definitions are shared, chains must not be */
        if (!rc) rc = node(r, wrapped, &item);
        if (rc) return rc;
        if (last)
            r->r->nodes.items[last - 1].next = item + 1;
        else
            first = item;
        last = item + 1;
    } while (take(r, ','));
    if (!take(r, ')')) return bad(r, "Nof without its )", NULL, 0);
    return node(r, (struct node){.op = OP_COUNT, .a = count, .b = first}, out);
}

static int read_name(struct reader *r, uint32_t *out)
{
    const char *s;
    size_t n = name(r, &s);
    if (n == 0) return bad(r, "a name is missing", NULL, 0);
    if (n == 3 && s[0] >= '1' && s[0] <= '9' && s[1] == 'o' && s[2] == 'f')
        return read_count(r, (uint32_t)(s[0] - '0'), out);
    for (int i = 0; i < TRIAGE_VALUE_COUNT; i++)
        if (strlen(triage_value_name(i)) == n && memcmp(triage_value_name(i), s, n) == 0)
            return read_compare(r, i, out);
    for (uint32_t i = 0; i < TRIAGE_FACTS; i++)
        if (strlen(fact_names[i]) == n && memcmp(fact_names[i], s, n) == 0)
            return node(r, (struct node){.op = OP_FACT, .a = i}, out);
    for (size_t i = 0; i < r->r->defs.n; i++) {
        if (strlen(r->r->defs.items[i].name) != n || memcmp(r->r->defs.items[i].name, s, n) != 0) continue;
        *out = r->r->defs.items[i].root;
        return OK;
    }
    int concept = lex_concept(r->l, s, n);
    if (concept < 0) return bad(r, "no concept, definition or value of that name", s, n);
    return node(r, (struct node){.op = OP_CONCEPT, .a = (uint32_t) concept}, out);
}

static int read_unary(struct reader *r, uint32_t *out)
{
    int rc;
    if (++r->depth > DEPTH) return bad(r, "too deeply nested", NULL, 0);
    if (take(r, '!')) {
        uint32_t a;
        rc = read_unary(r, &a);
        if (!rc) rc = node(r, (struct node){.op = OP_NOT, .a = a}, out);
    } else if (take(r, '(')) {
        rc = read_or(r, out);
        if (!rc && !take(r, ')')) rc = bad(r, "a ( without its )", NULL, 0);
    } else {
        rc = read_name(r, out);
    }
    r->depth--;
    return rc;
}

static int read_and(struct reader *r, uint32_t *out)
{
    int rc = read_unary(r, out);
    while (!rc && take(r, '&')) {
        uint32_t a = *out;
        uint32_t b;
        rc = read_unary(r, &b);
        if (!rc) rc = node(r, (struct node){.op = OP_AND, .a = a, .b = b}, out);
    }
    return rc;
}

static int read_or(struct reader *r, uint32_t *out)
{
    int rc = read_and(r, out);
    while (!rc && take(r, '|')) {
        uint32_t a = *out;
        uint32_t b;
        rc = read_and(r, &b);
        if (!rc) rc = node(r, (struct node){.op = OP_OR, .a = a, .b = b}, out);
    }
    return rc;
}

static int read_level(struct reader *r, struct rule *rule)
{
    const char *s;
    size_t n = word(r, &s);
    int level = triage_level_parse(s, n);
    if (level < 0) return bad(r, "no level of that name", s, n);
    rule->level = (enum triage_level)level;
    return OK;
}

static int read_rule(struct reader *r, const char *kind, size_t n)
{
    static const char *const kinds[] = {"flag", "level", "dept", "ask"};
    struct rule rule = {.line = r->line};
    const char *s;
    int found = -1;
    int rc = OK;
    for (int i = 0; i < 4; i++)
        if (strlen(kinds[i]) == n && memcmp(kinds[i], kind, n) == 0) found = i;
    if (found < 0) return bad(r, "a line starts with def, flag, level, dept or ask, not with", kind, n);
    rule.kind = (enum rule_kind)found;
    if (rule.kind != RULE_LEVEL) {
        n = word(r, &s);
        if (n == 0 || n >= sizeof rule.name) return bad(r, "a rule needs a name of 1 to 47 bytes", NULL, 0);
        memcpy(rule.name, s, n);
    }
    if (rule.kind == RULE_FLAG || rule.kind == RULE_LEVEL) rc = read_level(r, &rule);
    if (rule.kind == RULE_DEPT) rc = read_number(r, &rule.weight);
    if (!rc) rc = read_or(r, &rule.root);
    return rc ? rc : LEX_PUSH(r->r->rules, rule) ? OK : bad(r, "no memory", NULL, 0);
}

static int read_def(struct reader *r)
{
    struct def d = {0};
    const char *s;
    size_t n = name(r, &s);
    if (n == 0 || n >= sizeof d.name) return bad(r, "a definition needs a name", NULL, 0);
    if (lex_concept(r->l, s, n) >= 0) return bad(r, "there is a concept of that name", s, n);
    memcpy(d.name, s, n);
    int rc = read_or(r, &d.root);
    return rc ? rc : LEX_PUSH(r->r->defs, d) ? OK : bad(r, "no memory", NULL, 0);
}

static int read_line(struct reader *r)
{
    const char *s;
    size_t n = word(r, &s);
    if (n == 0 || s[0] == '#') return OK;
    int rc = n == 3 && memcmp(s, "def", 3) == 0 ? read_def(r) : read_rule(r, s, n);
    blank(r);
    if (!rc && r->at != r->end)
        rc = bad(r, "cannot read from here", r->at, (size_t)(r->end - r->at) > 40 ? 40 : (size_t)(r->end - r->at));
    return rc;
}

int rules_new(struct rules **out, const char *text, size_t n, const struct lex *l, struct error *e)
{
    struct rules *rules = calloc(1, sizeof *rules);
    struct reader r = {.r = rules, .l = l, .line = 1, .e = e};
    int rc = rules ? OK : error_set(e, ERR_NOMEM, "no memory for the rules");
    for (size_t i = 0; i < n && !rc; r.line++) {
        const char *newline = memchr(text + i, '\n', n - i);
        size_t end = newline ? (size_t)(newline - text) : n;
        r.at = text + i;
        r.end = text + end;
        rc = read_line(&r);
        i = end + 1;
    }
    if (!rc && rules->rules.n == 0) rc = error_set(e, ERR_FORMAT, "rules: the file holds none");
    if (rc) {
        rules_free(rules);
        rules = NULL;
    }
    *out = rules;
    return rc;
}

void rules_free(struct rules *r)
{
    if (!r) return;
    free(r->nodes.items);
    free(r->defs.items);
    free(r->rules.items);
    free(r);
}

const struct rule *rules_items(const struct rules *r, size_t *n)
{
    *n = r->rules.n;
    return r->rules.items;
}

static bool number_holds(const struct node *n, const struct triage_numbers *numbers)
{
    double low = numbers->low[n->a];
    double high = numbers->high[n->a];
    if (low > high) return false; /* not said */
    switch (n->compare) {
    case '<': return low < n->x;
    case 'l': return low <= n->x;
    case '>': return high > n->x;
    case 'g': return high >= n->x;
    default: return low <= n->x && high >= n->x;
    }
}

static bool note(struct rules_evidence *e, int leaf, bool holds)
{
    if (holds && e && e->n < RULES_EVIDENCE) e->leaves[e->n++] = leaf;
    return holds;
}

static bool holds(const struct rules *r, uint32_t at, const struct rules_state *s, struct rules_evidence *e)
{
    const struct node *n = &r->nodes.items[at];
    size_t mark = e ? e->n : 0;
    bool yes = false;
    uint32_t found = 0;
    switch (n->op) {
    case OP_CONCEPT: return note(e, (int)n->a, s->active[n->a]);
    case OP_NUMBER: return note(e, ~(int)n->a, number_holds(n, s->numbers));
    case OP_FACT: return s->facts[n->a];
    case OP_NOT: return !holds(r, n->a, s, NULL);
    case OP_OR: yes = holds(r, n->a, s, e) || holds(r, n->b, s, e); break;
    case OP_AND: yes = holds(r, n->a, s, e) && (n->a == n->b || holds(r, n->b, s, e)); break;
    default:
        for (uint32_t i = n->b + 1; i && found < n->a; i = r->nodes.items[i - 1].next) found += holds(r, i - 1, s, e);
        yes = found >= n->a;
    }
    if (!yes && e) e->n = mark;
    return yes;
}

bool rules_holds(const struct rules *r, const struct rule *rule, const struct rules_state *s, struct rules_evidence *e)
{
    if (e) e->n = 0;
    return holds(r, rule->root, s, e);
}
