/* redact_words.c - the table of words, and finding them in a text. */
#include <stdlib.h>
#include <string.h>

#include "base/data_file.h"
#include "base/utf8.h"
#include "medical/redact_parts.h"

enum { BMP = 0x10000 };

struct word {
    uint32_t c[REDACT_WORD_LENGTH];
    uint8_t length, kind;
};

struct redact_words {
    struct word *words; /* by first character */
    size_t count, cap;
    uint32_t first[BMP + 1]; /* words of first character c: [first[c], first[c + 1]) */
};

static const char *const kind_names[] = {
#define X(constant, name) name,
    REDACT_WORDS(X)
#undef X
};

static int add_word(struct redact_words *w, const char *s, size_t n, size_t kind, struct error *e)
{
    struct word word = {.kind = (uint8_t)kind};
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += utf8_decode(s + i, n - i, &c);
        if (word.length == REDACT_WORD_LENGTH || c >= BMP)
            return error_set(e, ERR_FORMAT, "a word is too long: %.*s", (int)n, s);
        word.c[word.length++] = c == '_' ? ' ' : c;
    }
    if (w->count == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 1024;
        struct word *words = realloc(w->words, cap * sizeof *words);
        if (!words) return error_set(e, ERR_NOMEM, "no memory for the words");
        w->words = words;
        w->cap = cap;
    }
    w->words[w->count++] = word;
    return OK;
}

static int add_line(struct redact_words *w, const char *s, size_t n, struct error *e)
{
    const char *tab = memchr(s, '\t', n);
    size_t kind = 0;
    if (!n || *s == '#') return OK;
    size_t length = tab ? (size_t)(tab - s) : 0;
    while (tab && kind < WORD_KINDS && (strlen(kind_names[kind]) != length || memcmp(kind_names[kind], s, length) != 0))
        kind++;
    if (!tab || kind == WORD_KINDS) return error_set(e, ERR_FORMAT, "no kind of words: %.*s", (int)n, s);
    for (size_t i = length + 1; i < n;) {
        const char *space = memchr(s + i, ' ', n - i);
        size_t m = space ? (size_t)(space - s) - i : n - i;
        int rc = m ? add_word(w, s + i, m, kind, e) : OK;
        if (rc) return rc;
        i += m + 1;
    }
    return OK;
}

static int by_first(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    if (x->c[0] != y->c[0]) return x->c[0] < y->c[0] ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

int redact_words_new(struct redact_words **out, struct error *e)
{
    const struct data_file *f = data_file_find("redact_words.tsv");
    struct redact_words *w = calloc(1, sizeof *w);
    int rc = OK;
    *out = NULL;
    if (!w) return error_set(e, ERR_NOMEM, "no memory for the words");
    if (!f) rc = error_set(e, ERR_FORMAT, "redact_words.tsv is missing");
    for (const char *line = f ? f->data : NULL; !rc && line < f->end;) {
        const char *end = memchr(line, '\n', (size_t)(f->end - line));
        if (!end) end = f->end;
        rc = add_line(w, line, (size_t)(end - line), e);
        line = end + 1;
    }
    if (rc) {
        redact_words_free(w);
        return rc;
    }
    if (w->count) qsort(w->words, w->count, sizeof *w->words, by_first);
    for (size_t c = 0, i = 0; c <= BMP; c++) {
        while (i < w->count && w->words[i].c[0] < c) i++;
        w->first[c] = (uint32_t)i;
    }
    *out = w;
    return OK;
}

void redact_words_free(struct redact_words *w)
{
    if (w) free(w->words);
    free(w);
}

static bool is_word_char(uint32_t c)
{
    return redact_is_latin(c);
}

/* How many characters of the text the word covers at i; 0: it is not there. Forms spread their labels: 住 院 号. */
static size_t matched(const struct word *word, const struct redact_text *t, size_t i)
{
    size_t at = i;
    for (size_t k = 0; k < word->length; k++, at++) {
        if (k && redact_is_han(word->c[k]) && redact_is_han(word->c[k - 1]))
            while (at < i + REDACT_WORD_LENGTH && t->c[at] == ' ') at++;
        if (at >= t->n || t->c[at] != word->c[k]) return 0;
    }
    if (is_word_char(word->c[0]) && i > 0 && is_word_char(t->c[i - 1])) return 0;
    return is_word_char(word->c[word->length - 1]) && is_word_char(t->c[at]) ? 0 : at - i;
}

static size_t find(const struct redact_words *w, const struct redact_text *t, size_t i, enum redact_word kind,
                   size_t exact)
{
    uint32_t c = i < t->n ? t->c[i] : BMP;
    size_t best = 0;
    for (size_t k = c < BMP ? w->first[c] : 0; c < BMP && k < w->first[c + 1]; k++) {
        const struct word *word = &w->words[k];
        if (word->kind != kind) continue;
        size_t n = matched(word, t, i);
        if (n > best && (!exact || n == exact)) best = n;
    }
    return best;
}

size_t redact_word_at(const struct redact_words *w, const struct redact_text *t, size_t i, enum redact_word kind)
{
    return find(w, t, i, kind, 0);
}

size_t redact_word_before(const struct redact_words *w, const struct redact_text *t, size_t i, enum redact_word kind)
{
    for (size_t n = i < REDACT_WORD_LENGTH ? i : REDACT_WORD_LENGTH; n > 0; n--)
        if (find(w, t, i - n, kind, n)) return n;
    return 0;
}

enum redact_word redact_label_before(const struct redact_words *w, const struct redact_text *t, size_t i, size_t reach,
                                     const enum redact_word *kinds, size_t n, size_t *end)
{
    for (size_t at = i; at > 0 && at + reach > i; at--) {
        enum redact_word best = WORD_KINDS;
        size_t length = 0;
        if (at < i && (t->c[at] == '\n' || t->c[at] == 0x3002)) break;
        for (size_t k = 0; k < n; k++) {
            size_t m = redact_word_before(w, t, at, kinds[k]);
            if (m <= length) continue;
            length = m;
            best = kinds[k];
        }
        if (length) {
            if (end) *end = at;
            return best;
        }
    }
    return WORD_KINDS;
}
