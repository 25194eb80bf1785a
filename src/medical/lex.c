/* lex.c - see lex.h: the finder. */
#include "medical/lex.h"

#include <stdlib.h>
#include <string.h>

#include "medical/lex_parts.h"

struct finder {
    const struct lex *l;
    const uint32_t *cp;
    size_t n;
};

static bool ends_sentence(uint32_t c)
{
    return c == 0x3002 || c == '!' || c == '?' || c == ';' || c == '\n';
}

static bool is_word(const uint32_t *cp, size_t n, size_t at, const char *word)
{
    size_t len = strlen(word);
    if (at + len > n || (at && lex_is_letter(cp[at - 1])) || (at + len < n && lex_is_letter(cp[at + len])))
        return false;
    for (size_t i = 0; i < len; i++)
        if (cp[at + i] != (uint32_t)word[i]) return false;
    return true;
}

/* A gap ends before these: "chest does not hurt" is not "chest ... hurt". */
static bool blocks_gap(const struct finder *f, size_t at)
{
    uint32_t c = f->cp[at];
    if (ends_sentence(c) || c == 0x4E0D || c == 0x6CA1 || c == 0x65E0 || c == 0x672A) return true; /* 不 没 无 未 */
    if (c != 'n' && c != 'w' && c != 'd' && c != 'i') return false;
    static const char *const words[] = {"no", "not", "never", "without", "doesnt", "dont", "isnt", "didnt"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(f->cp, f->n, at, words[i])) return true;
    return false;
}

static bool is_edge(const struct finder *f, size_t at)
{
    return at == 0 || at >= f->n || !lex_is_letter(f->cp[at - 1]) || !lex_is_letter(f->cp[at]);
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == '-';
}

static size_t skip_spaces(const struct finder *f, size_t at)
{
    while (at < f->n && is_space(f->cp[at])) at++;
    return at;
}

static size_t skip_letters(const struct finder *f, size_t at)
{
    while (at < f->n && lex_is_letter(f->cp[at])) at++;
    return at;
}

/* What is still to be matched behind a group's alternative. */
struct rest {
    const struct lex_token *t;
    size_t count;
    const struct rest *next;
};

static bool tokens_at(const struct finder *f, const struct lex_token *t, size_t count, const struct rest *rest,
                      size_t at, size_t *end);

static bool group_at(const struct finder *f, const struct lex_token *t, size_t count, const struct rest *rest,
                     size_t at, size_t *end)
{
    const struct lex_group *g = &f->l->groups.items[t->value];
    const struct rest behind = {t + 1, count - 1, rest};
    const uint32_t n = at < f->n && !(g->opens >> (f->cp[at] & 63) & 1) ? 0 : g->n; /* most places end here */
    for (uint32_t i = 0; i < n; i++) {
        const struct lex_branch *b = &f->l->branches.items[g->first + i];
        const struct lex_token *first = &f->l->tokens.items[b->first];
        if (first->kind == TOKEN_CHAR && (at >= f->n || f->cp[at] != first->value)) continue;
        if (tokens_at(f, first, b->n, &behind, at, end)) return true;
    }
    return t->kind == TOKEN_OPTIONAL && tokens_at(f, t + 1, count - 1, rest, at, end);
}

static bool gap_at(const struct finder *f, const struct lex_token *t, size_t count, const struct rest *rest, size_t at,
                   size_t *end)
{
    for (uint32_t i = 0;; i++) {
        if (tokens_at(f, t + 1, count - 1, rest, at, end)) return true;
        if (i == t->value || at >= f->n || blocks_gap(f, at)) return false;
        at++;
    }
}

static bool maybe_char_at(const struct finder *f, const struct lex_token *t, size_t count, const struct rest *rest,
                          size_t at, size_t *end)
{
    if (at < f->n && f->cp[at] == t->value && tokens_at(f, t + 1, count - 1, rest, at + 1, end)) return true;
    return tokens_at(f, t + 1, count - 1, rest, at, end);
}

static bool tokens_at(const struct finder *f, const struct lex_token *t, size_t count, const struct rest *rest,
                      size_t at, size_t *end)
{
    for (;; t++, count--) {
        while (count == 0 && rest) {
            t = rest->t;
            count = rest->count;
            rest = rest->next;
        }
        if (count == 0) break;
        switch (t->kind) {
        case TOKEN_CHAR:
            if (at >= f->n || f->cp[at] != t->value) return false;
            at++;
            break;
        case TOKEN_SPACE:
            if (at >= f->n || !is_space(f->cp[at])) return false;
            at = skip_spaces(f, at);
            break;
        case TOKEN_MAYBE_SPACE: at = skip_spaces(f, at); break;
        case TOKEN_EDGE:
            if (!is_edge(f, at)) return false;
            break;
        case TOKEN_REST: at = skip_letters(f, at); break;
        case TOKEN_MAYBE_CHAR: return maybe_char_at(f, t, count, rest, at, end);
        case TOKEN_GAP: return gap_at(f, t, count, rest, at, end);
        default: return group_at(f, t, count, rest, at, end);
        }
    }
    *end = at;
    return true;
}

static bool is_negation(const struct finder *f, size_t at)
{
    uint32_t c = f->cp[at];
    if (c == 0x4E0D || c == 0x6CA1 || c == 0x65E0 || c == 0x672A) return true; /* 不 没 无 未 */
    return c == 'n' && at + 1 < f->n && f->cp[at + 1] == 'o';
}

static int find_in(const struct finder *f, uint32_t bucket, size_t at, struct lex_hits *out)
{
    const struct lex *l = f->l;
    for (uint32_t i = l->buckets[bucket]; i; i = l->entries.items[i - 1].next) {
        const struct lex_pattern *p = &l->patterns.items[l->entries.items[i - 1].pattern];
        size_t end;
        if (!tokens_at(f, l->tokens.items + p->first, p->n, NULL, at, &end)) continue;
        struct lex_hit hit = {(uint32_t)at, (uint32_t)end, p->concept, LEX_ON, is_negation(f, at)};
        if (!LEX_PUSH(*out, hit)) return ERR_NOMEM;
    }
    return OK;
}

int lex_find(const struct lex *l, const uint32_t *cp, size_t n, struct lex_hits *out)
{
    struct finder f = {l, cp, n};
    int rc = OK;
    for (size_t at = 0; at < n && !rc; at++) {
        if (lex_is_letter(cp[at]) && at && lex_is_letter(cp[at - 1])) continue;
        uint32_t open = lex_bucket(cp[at], 0);
        uint32_t closed = at + 1 < n ? lex_bucket(cp[at], cp[at + 1]) : open;
        rc = find_in(&f, open, at, out);
        if (!rc && closed != open) rc = find_in(&f, closed, at, out);
    }
    return rc;
}

void lex_hits_free(struct lex_hits *h)
{
    free(h->items);
    *h = (struct lex_hits){0};
}

size_t lex_concepts(const struct lex *l)
{
    return l->concepts.n;
}

size_t lex_patterns(const struct lex *l)
{
    return l->patterns.n;
}

int lex_concept(const struct lex *l, const char *name, size_t n)
{
    for (size_t i = 0; i < l->concepts.n; i++)
        if (strlen(l->concepts.items[i].name) == n && memcmp(l->concepts.items[i].name, name, n) == 0) return (int)i;
    return -1;
}

const char *lex_name(const struct lex *l, size_t concept)
{
    return l->concepts.items[concept].name;
}

enum lex_kind lex_kind(const struct lex *l, size_t concept)
{
    return l->concepts.items[concept].kind;
}

/* One letter missing, added, changed, or two neighbours swapped. */
static bool one_apart(const char *a, size_t n, const char *b, size_t m)
{
    size_t head = 0;
    size_t tail = 0;
    while (head < n && head < m && a[head] == b[head]) head++;
    while (tail < n - head && tail < m - head && a[n - 1 - tail] == b[m - 1 - tail]) tail++;
    size_t x = n - head - tail;
    size_t y = m - head - tail;
    return (x <= 1 && y <= 1) || (x == 2 && y == 2 && a[head] == b[head + 1] && a[head + 1] == b[head]);
}

enum spell_match { SPELL_WHOLE, SPELL_PREFIX, SPELL_NEAR };

static const struct lex_word *spell_lookup(const struct lex *l, const char *w, size_t n, size_t without,
                                           enum spell_match match)
{
    uint32_t slot = lex_word_hash(w, n, without) & (LEX_SPELL_SLOTS - 1);
    for (; l->spell[slot]; slot = (slot + 1) & (LEX_SPELL_SLOTS - 1)) {
        const struct lex_word *x = &l->words.items[l->spell[slot] - 1];
        size_t m = strlen(x->text);
        bool same = m == n && memcmp(w, x->text, n) == 0;
        if (match == SPELL_NEAR ? !x->keep && w[0] == x->text[0] && one_apart(w, n, x->text, m)
                                : same && x->prefix == (match == SPELL_PREFIX))
            return x;
    }
    return NULL;
}

const char *lex_spell(const struct lex *l, const uint32_t *w, size_t n)
{
    char word[LEX_WORD + 1] = {0};
    if (n < LEX_SPELT || n > LEX_WORD) return NULL;
    for (size_t i = 0; i < n; i++) word[i] = (char)w[i];
    if (spell_lookup(l, word, n, n, SPELL_WHOLE)) return NULL;
    for (size_t k = LEX_PREFIX; k <= n; k++)
        if (spell_lookup(l, word, k, k, SPELL_PREFIX)) return NULL;
    for (size_t without = 0; without <= n; without++) {
        const struct lex_word *x = spell_lookup(l, word, n, without, SPELL_NEAR);
        if (x) return x->text;
    }
    return NULL;
}
