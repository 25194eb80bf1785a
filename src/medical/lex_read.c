/* lex_read.c - the reader of concepts files: lines to patterns, patterns to elements. See lex.h for the language. */
#include "medical/lex_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

struct reader {
    struct lex *l;
    int line, depth;
    size_t current; /* the concept that phrasings go to */
    struct error *e;
};

static int bad(const struct reader *r, const char *why)
{
    return error_set(r->e, ERR_FORMAT, "concepts, line %d: %s", r->line, why);
}

bool lex_grow(void *list, size_t item)
{
    LEX_LIST(char, *any) = list;
    if (any->n < any->cap) return true;
    size_t cap = any->cap ? 2 * any->cap : 64;
    if (cap > LIMIT_TRIAGE_ITEMS) return false;
    void *items = realloc(any->items, cap * item);
    if (!items) return false;
    any->items = items;
    any->cap = cap;
    return true;
}

uint32_t lex_word_hash(const char *w, size_t n, size_t without)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        if (i != without) h = (h ^ (uint8_t)w[i]) * 16777619u;
    return h ^ (h >> 15);
}

static bool is_name(const char *s, size_t n)
{
    if (n == 0 || n >= LEX_NAME) return false;
    for (size_t i = 0; i < n; i++)
        if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_') return false;
    return true;
}

static int add_word(struct reader *r, const char *s, size_t n, bool keep, bool prefix)
{
    struct lex_word w = {.keep = keep || prefix, .prefix = prefix};
    if (n < (prefix ? LEX_PREFIX : LEX_SPELT) || n > LEX_WORD) return OK;
    memcpy(w.text, s, n);
    uint32_t slot = lex_word_hash(s, n, n) & (LEX_SPELL_SLOTS - 1);
    for (; r->l->spell[slot]; slot = (slot + 1) & (LEX_SPELL_SLOTS - 1)) {
        const struct lex_word *old = &r->l->words.items[r->l->spell[slot] - 1];
        if (strcmp(old->text, w.text) == 0 && old->prefix == prefix) return OK;
    }
    if (r->l->words.n * (LEX_WORD + 1) * 2 > LEX_SPELL_SLOTS) return bad(r, "too many different words");
    if (!LEX_PUSH(r->l->words, w)) return bad(r, "no memory");
    for (size_t without = prefix ? n : 0; without <= n; without++) {
        slot = lex_word_hash(s, n, without) & (LEX_SPELL_SLOTS - 1);
        while (r->l->spell[slot]) slot = (slot + 1) & (LEX_SPELL_SLOTS - 1);
        r->l->spell[slot] = (uint32_t)r->l->words.n;
    }
    return OK;
}

/* Latin words of a line: what stands whole a misspelling may be mended to; what goes on (`*`) shows what is right. */
static int add_words(struct reader *r, const char *s, size_t n, bool keep)
{
    int rc = OK;
    for (size_t i = 0; i < n && !rc;) {
        size_t end = i;
        while (end < n && s[end] >= 'a' && s[end] <= 'z') end++;
        bool whole = end == n || s[end] != '*';
        bool set = i > 0 && (s[i - 1] == '$' || s[i - 1] == '_');
        if (end > i && !set && (end == n || s[end] != '_')) rc = add_word(r, s + i, end - i, keep, !whole);
        i = end + 1;
    }
    return rc;
}

struct tokens {
    struct lex_token items[LEX_TOKENS];
    size_t n;
};

static int read_tokens(struct reader *r, const char *s, size_t n, struct tokens *ts);

static int keep_tokens(struct reader *r, const struct tokens *ts, struct lex_branch *b)
{
    *b = (struct lex_branch){(uint32_t)r->l->tokens.n, (uint32_t)ts->n};
    for (size_t i = 0; i < ts->n; i++)
        if (!LEX_PUSH(r->l->tokens, ts->items[i])) return bad(r, "no memory");
    return OK;
}

/* Where the alternative at s[start] ends: at a `|` of this group, or n. */
static size_t branch_end(const char *s, size_t n, size_t start)
{
    int depth = 0;
    for (size_t i = start; i < n; i++) {
        depth += (s[i] == '(') - (s[i] == ')');
        if (s[i] == '|' && depth == 0) return i;
    }
    return n;
}

static int read_group(struct reader *r, const char *s, size_t n, uint32_t *group)
{
    struct lex_branch branches[LEX_BRANCHES];
    struct lex_group g = {0, 0};
    int rc = ++r->depth > LEX_DEPTH ? bad(r, "groups nested too deeply") : OK;
    for (size_t i = 0; i <= n && !rc; g.n++) {
        struct tokens ts = {.n = 0};
        size_t end = branch_end(s, n, i);
        if (end == i)
            rc = bad(r, "an empty alternative; write `?` behind the group");
        else if (g.n == LEX_BRANCHES)
            rc = bad(r, "too many alternatives");
        if (!rc) rc = read_tokens(r, s + i, end - i, &ts);
        if (!rc) rc = keep_tokens(r, &ts, &branches[g.n]);
        i = end + 1;
    }
    r->depth--;
    g.first = (uint32_t)r->l->branches.n;
    for (uint32_t i = 0; i < g.n && !rc; i++)
        if (!LEX_PUSH(r->l->branches, branches[i])) rc = bad(r, "no memory");
    *group = (uint32_t)r->l->groups.n;
    return rc ? rc : LEX_PUSH(r->l->groups, g) ? OK : bad(r, "no memory");
}

static int find_set(struct reader *r, const char *s, size_t n, uint32_t *group)
{
    for (size_t i = 0; i < r->l->sets.n; i++) {
        const struct lex_set *set = &r->l->sets.items[i];
        if (strlen(set->name) != n || memcmp(set->name, s, n) != 0) continue;
        *group = set->group;
        return OK;
    }
    return bad(r, "names a set that is not defined above");
}

/* `(...)` or `$name` at s[*i], with its `?`. */
static int read_group_token(struct reader *r, const char *s, size_t n, size_t *i, struct lex_token *t)
{
    size_t start = *i + 1;
    size_t end = start;
    int rc;
    if (s[*i] == '(') {
        int depth = 1;
        while (end < n && (depth += (s[end] == '(') - (s[end] == ')')) > 0) end++;
        if (end == n) return bad(r, "a group without its `)`");
        rc = read_group(r, s + start, end - start, &t->value);
        end++;
    } else {
        while (end < n && ((s[end] >= 'a' && s[end] <= 'z') || (s[end] >= '0' && s[end] <= '9'))) end++;
        rc = find_set(r, s + start, end - start, &t->value);
    }
    t->kind = TOKEN_GROUP;
    if (end < n && s[end] == '?') {
        t->kind = TOKEN_OPTIONAL;
        end++;
    }
    *i = end;
    return rc;
}

static void read_gap(const char *s, size_t n, size_t *i, uint32_t before, struct lex_token *t)
{
    uint32_t length = 0;
    size_t at = *i + 1;
    while (at < n && s[at] >= '0' && s[at] <= '9' && length < 100) length = length * 10 + (uint32_t)(s[at++] - '0');
    while (at < n && s[at] == ' ') at++;
    bool latin = before == ' ' || (at < n && (s[at] & 0x80) == 0 && s[at] != '(' && s[at] != '$');
    t->kind = TOKEN_GAP;
    t->value = length ? length : latin ? 20 : 4;
    *i = at;
}

static int push(struct reader *r, struct tokens *ts, enum lex_token_kind kind, uint32_t value)
{
    if (ts->n == LEX_TOKENS) return bad(r, "a pattern of too many elements");
    ts->items[ts->n++] = (struct lex_token){value, kind};
    return OK;
}

static int read_tokens(struct reader *r, const char *s, size_t n, struct tokens *ts)
{
    int rc = OK;
    uint32_t before = 0;
    for (size_t i = 0; i < n && !rc;) {
        struct lex_token t = {0};
        if (s[i] == '(' || s[i] == '$') {
            rc = read_group_token(r, s, n, &i, &t);
            if (!rc) rc = push(r, ts, t.kind, t.value);
            before = 0;
        } else if (s[i] == '~') {
            read_gap(s, n, &i, before, &t);
            if (before == ' ') ts->n--; /* the gap takes the spaces around it */
            rc = push(r, ts, TOKEN_EDGE, 0);
            if (!rc) rc = push(r, ts, TOKEN_GAP, t.value);
            if (!rc) rc = push(r, ts, TOKEN_EDGE, 0);
            before = '~';
        } else {
            i += utf8_decode(s + i, n - i, &before);
            if (before == '\'') continue;
            bool optional = before == '?' && ts->n && ts->items[ts->n - 1].kind == TOKEN_CHAR;
            if (optional) ts->items[ts->n - 1].kind = TOKEN_MAYBE_CHAR;
            if (optional) continue;
            enum lex_token_kind kind = before == ' '   ? TOKEN_SPACE
                                       : before == '_' ? TOKEN_MAYBE_SPACE
                                       : before == '*' ? TOKEN_REST
                                                       : TOKEN_CHAR;
            if (before < 128 && strchr(")|?", (int)before)) return bad(r, "a stray `)`, `|` or `?`");
            rc = push(r, ts, kind, before);
        }
    }
    return rc;
}

static int enter(struct reader *r, uint32_t pattern, uint32_t a, uint32_t b)
{
    uint32_t bucket = lex_bucket(a, b);
    uint32_t head = r->l->buckets[bucket];
    if (head && r->l->entries.items[head - 1].pattern == pattern) return OK; /* an alternative that starts alike */
    struct lex_entry entry = {pattern, head};
    if (!LEX_PUSH(r->l->entries, entry)) return bad(r, "no memory");
    r->l->buckets[bucket] = (uint32_t)r->l->entries.n;
    return OK;
}

/* Under which first characters the pattern is looked for: those of its first token, or of all its first group's. */
static int enter_all(struct reader *r, uint32_t pattern, const struct lex_token *t, size_t n)
{
    int rc = OK;
    while (n && t->kind == TOKEN_EDGE) {
        t++;
        n--;
    }
    if (n && t->kind == TOKEN_CHAR) {
        enum lex_token_kind second = n > 1 ? (enum lex_token_kind)t[1].kind : TOKEN_EDGE;
        uint32_t value = second == TOKEN_CHAR ? t[1].value : 0;
        return enter(r, pattern, t->value, value);
    }
    if (n == 0 || t->kind != TOKEN_GROUP) return bad(r, "must start with a character or a group that is not optional");
    const struct lex_group g = r->l->groups.items[t->value];
    for (uint32_t i = 0; i < g.n && !rc; i++) {
        const struct lex_branch *b = &r->l->branches.items[g.first + i];
        rc = enter_all(r, pattern, &r->l->tokens.items[b->first], b->n);
    }
    return rc;
}

/* Is the whole line one group? Then each of its alternatives is a phrasing of its own, and may hold groups itself. */
static bool is_one_group(const char *s, size_t n)
{
    int depth = 0;
    if (n < 2 || s[0] != '(') return false;
    for (size_t i = 0; i < n; i++) {
        depth += (s[i] == '(') - (s[i] == ')');
        if (depth == 0) return i + 1 == n;
    }
    return false;
}

static int read_pattern(struct reader *r, const char *s, size_t n);

static int read_alternatives(struct reader *r, const char *s, size_t n)
{
    int depth = 0;
    int rc = OK;
    size_t start = 0;
    for (size_t i = 0; i <= n && !rc; i++) {
        if (i < n) depth += (s[i] == '(') - (s[i] == ')');
        if (i < n && (s[i] != '|' || depth)) continue;
        rc = i > start ? read_pattern(r, s + start, i - start) : bad(r, "an empty alternative");
        start = i + 1;
    }
    return rc;
}

static int read_pattern(struct reader *r, const char *s, size_t n)
{
    if (is_one_group(s, n)) return read_alternatives(r, s + 1, n - 2);
    struct tokens ts = {.n = 0};
    struct lex_branch body;
    struct lex_pattern p = {0};
    if (r->l->concepts.n == 0) return bad(r, "a pattern before the first `= concept`");
    p.concept = (uint16_t)r->current;
    int rc = push(r, &ts, TOKEN_EDGE, 0);
    if (!rc) rc = read_tokens(r, s, n, &ts);
    if (!rc && ts.items[ts.n - 1].kind == TOKEN_EDGE && ts.n > 1) rc = bad(r, "must not end with a gap");
    if (!rc) rc = push(r, &ts, TOKEN_EDGE, 0);
    if (!rc) rc = enter_all(r, (uint32_t)r->l->patterns.n, ts.items, ts.n);
    if (!rc) rc = keep_tokens(r, &ts, &body);
    if (rc) return rc;
    p.first = body.first;
    p.n = body.n;
    if (!LEX_PUSH(r->l->patterns, p)) return bad(r, "no memory");
    r->l->concepts.items[p.concept].patterns++;
    return add_words(r, s, n, false);
}

static int read_concept(struct reader *r, const char *s, size_t n)
{
    struct lex_named c = {.kind = LEX_SYMPTOM};
    const char *space = memchr(s, ' ', n);
    size_t name = space ? (size_t)(space - s) : n;
    if (!is_name(s, name)) return bad(r, "a concept's name is lower-case letters, digits and _");
    if (lex_concept(r->l, s, name) >= 0) return bad(r, "a concept of that name is already there");
    if (r->l->concepts.n && r->l->concepts.items[r->l->concepts.n - 1].patterns == 0)
        return bad(r, "the concept above has no pattern");
    if (r->l->concepts.n > UINT16_MAX - 1) return bad(r, "too many concepts");
    if (space && strncmp(space + 1, "fact", 4) == 0)
        c.kind = LEX_FACT;
    else if (space && strncmp(space + 1, "deed", 4) == 0)
        c.kind = LEX_DEED;
    else if (space && strncmp(space + 1, "cue", 3) == 0)
        c.kind = LEX_CUE;
    else if (space)
        return bad(r, "a concept is nothing, `fact` or `cue`");
    memcpy(c.name, s, name);
    r->current = r->l->concepts.n;
    return LEX_PUSH(r->l->concepts, c) ? OK : bad(r, "no memory");
}

/* `+ name`: more phrasings for a concept above. */
static int reopen_concept(struct reader *r, const char *s, size_t n)
{
    int concept = lex_concept(r->l, s, n);
    if (concept < 0) return bad(r, "`+` names a concept that is not above");
    r->current = (size_t) concept;
    return OK;
}

static int read_set(struct reader *r, const char *s, size_t n)
{
    struct lex_set set = {0};
    const char *space = memchr(s, ' ', n);
    if (!space || !is_name(s, (size_t)(space - s))) return bad(r, "a set is `set name a|b|c`");
    memcpy(set.name, s, (size_t)(space - s));
    int rc = read_group(r, space + 1, n - (size_t)(space + 1 - s), &set.group);
    if (!rc) rc = add_words(r, space + 1, n - (size_t)(space + 1 - s), false);
    return rc ? rc : LEX_PUSH(r->l->sets, set) ? OK : bad(r, "no memory");
}

static int read_line(struct reader *r, const char *s, size_t n)
{
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\r' || s[n - 1] == '\t')) n--;
    if (n == 0 || s[0] == '#') return OK;
    if (!utf8_is_valid(s, n)) return bad(r, "is not UTF-8");
    if (n > 2 && s[0] == '=' && s[1] == ' ') return read_concept(r, s + 2, n - 2);
    if (n > 2 && s[0] == '+' && s[1] == ' ') return reopen_concept(r, s + 2, n - 2);
    if (n > 4 && memcmp(s, "set ", 4) == 0) return read_set(r, s + 4, n - 4);
    if (n > 5 && memcmp(s, "keep ", 5) == 0) return add_words(r, s + 5, n - 5, true);
    return read_pattern(r, s, n);
}

static void note_openings(struct lex *l)
{
    for (size_t i = 0; i < l->groups.n; i++) {
        struct lex_group *g = &l->groups.items[i];
        g->opens = 0;
        for (uint32_t k = 0; k < g->n; k++) {
            const struct lex_branch *b = &l->branches.items[g->first + k];
            const struct lex_token *t = &l->tokens.items[b->first];
            g->opens |= b->n && t->kind == TOKEN_CHAR ? UINT64_C(1) << (t->value & 63) : UINT64_MAX;
        }
    }
}

int lex_new(struct lex **out, const char *text, size_t n, struct error *e)
{
    struct lex *l = calloc(1, sizeof *l);
    struct reader r = {.l = l, .line = 1, .e = e};
    if (l) l->spell = calloc(LEX_SPELL_SLOTS, sizeof *l->spell);
    int rc = l && l->spell ? OK : error_set(e, ERR_NOMEM, "no memory for the concepts");
    for (size_t i = 0; i < n && !rc; r.line++) {
        const char *newline = memchr(text + i, '\n', n - i);
        size_t end = newline ? (size_t)(newline - text) : n;
        rc = read_line(&r, text + i, end - i);
        i = end + 1;
    }
    if (!rc && (l->concepts.n == 0 || l->concepts.items[l->concepts.n - 1].patterns == 0))
        rc = bad(&r, "ends with a concept without a pattern, or holds none");
    if (rc) {
        lex_free(l);
        l = NULL;
    } else {
        note_openings(l);
    }
    *out = l;
    return rc;
}

void lex_free(struct lex *l)
{
    if (!l) return;
    free(l->branches.items);
    free(l->groups.items);
    free(l->sets.items);
    free(l->tokens.items);
    free(l->patterns.items);
    free(l->entries.items);
    free(l->concepts.items);
    free(l->words.items);
    free(l->spell);
    free(l);
}
