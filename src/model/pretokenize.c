/* pretokenize.c - see pretokenize.h. The alternatives are tried in the expression's order; each is greedy. */
#include "model/pretokenize.h"

#include <stdbool.h>
#include <stdint.h>
#include <utf8proc.h>

#include "base/utf8.h"

enum char_class { LETTER, NUMBER, NEWLINE, SPACE, OTHER };

/* Letters and numbers of Unicode 15.1 and 16, which the reference knows and an older utf8proc does not. Found by
 * comparing every code point. */
static const struct {
    uint32_t first, last;
    enum char_class is;
} young[] = {
    {0x1C89, 0x1C8A, LETTER},   {0xA7CB, 0xA7CD, LETTER},   {0xA7DA, 0xA7DC, LETTER},   {0x105C0, 0x105F3, LETTER},
    {0x10D40, 0x10D49, NUMBER}, {0x10D4A, 0x10D65, LETTER}, {0x10D6F, 0x10D85, LETTER}, {0x10EC2, 0x10EC4, LETTER},
    {0x11380, 0x11389, LETTER}, {0x1138B, 0x1138B, LETTER}, {0x1138E, 0x1138E, LETTER}, {0x11390, 0x113B5, LETTER},
    {0x113B7, 0x113B7, LETTER}, {0x113D1, 0x113D1, LETTER}, {0x113D3, 0x113D3, LETTER}, {0x116D0, 0x116E3, NUMBER},
    {0x11BC0, 0x11BE0, LETTER}, {0x11BF0, 0x11BF9, NUMBER}, {0x13460, 0x143FA, LETTER}, {0x16100, 0x1611D, LETTER},
    {0x16130, 0x16139, NUMBER}, {0x16D40, 0x16D6C, LETTER}, {0x16D70, 0x16D79, NUMBER}, {0x18CFF, 0x18CFF, LETTER},
    {0x1CCF0, 0x1CCF9, NUMBER}, {0x1E5D0, 0x1E5ED, LETTER}, {0x1E5F0, 0x1E5F0, LETTER}, {0x1E5F1, 0x1E5FA, NUMBER},
    {0x2EBF0, 0x2EE5D, LETTER},
};

static enum char_class young_class(uint32_t c)
{
    for (size_t i = 0; i < sizeof young / sizeof *young; i++)
        if (c >= young[i].first && c <= young[i].last) return young[i].is;
    return OTHER;
}

/* ASCII by table look-alike, CJK ideographs by range, the rest by utf8proc. */
static enum char_class class_of(uint32_t c)
{
    if (c < 0x80) {
        if ((c | 0x20) - 'a' < 26) return LETTER;
        if (c - '0' < 10) return NUMBER;
        if (c == '\r' || c == '\n') return NEWLINE;
        if (c == ' ' || (c >= '\t' && c <= '\r')) return SPACE;
        return OTHER;
    }
    if (c >= 0x4E00 && c <= 0x9FFF) return LETTER;
    if (c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
        c == 0x202F || c == 0x205F || c == 0x3000)
        return SPACE;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) return LETTER;
    if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) return NUMBER;
    return category == UTF8PROC_CATEGORY_CN ? young_class(c) : OTHER;
}

struct scan {
    const char *s;
    size_t n;
};

/* Class of the character at byte `at`, its length in *len; OTHER with length 0 at the end. */
static enum char_class look(const struct scan *t, size_t at, size_t *len)
{
    uint32_t c;
    *len = at < t->n ? utf8_decode(t->s + at, t->n - at, &c) : 0;
    return *len ? class_of(c) : OTHER;
}

static size_t skip(const struct scan *t, size_t at, enum char_class wanted)
{
    size_t len;
    while (look(t, at, &len) == wanted && len) at += len;
    return at;
}

/* 's 't 're 've 'm 'll 'd in any case; U+017F (long s) folds to s. */
static size_t contraction(const struct scan *t)
{
    static const char *const two[] = {"re", "ve", "ll"};
    if (t->n < 2 || t->s[0] != '\'') return 0;
    char a = (char)(t->s[1] | 0x20);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return (t->s[1] & 0x80) ? 0 : 2;
    if (t->n >= 3 && t->s[1] == '\xC5' && t->s[2] == '\xBF') return 3;
    if (t->n < 3) return 0;
    char b = (char)(t->s[2] | 0x20);
    for (int i = 0; i < 3; i++)
        if (a == two[i][0] && b == two[i][1] && !((t->s[1] | t->s[2]) & 0x80)) return 3;
    return 0;
}

/* \s*[\r\n]+ | \s+(?!\S) | \s+ : a run of white space. */
static size_t white_space(const struct scan *t)
{
    size_t at = 0;
    size_t after_newline = 0; /* end of the last \r or \n in the run */
    size_t last = 0;          /* start of the run's last character */
    size_t len;
    for (;;) {
        enum char_class c = look(t, at, &len);
        if (!len || (c != SPACE && c != NEWLINE)) break;
        last = at;
        at += len;
        if (c == NEWLINE) after_newline = at;
    }
    if (after_newline) return after_newline;
    if (at == t->n || last == 0) return at; /* nothing follows, or a single character */
    return last;                            /* the last one belongs to what follows */
}

size_t pretokenize_next(const char *s, size_t n)
{
    struct scan t = {s, n};
    size_t length = contraction(&t);
    if (length) return length;
    size_t len;
    enum char_class first = look(&t, 0, &len);
    if (first == LETTER) return skip(&t, len, LETTER);
    if (first == NUMBER) return len;
    size_t second_len;
    enum char_class second = look(&t, len, &second_len);
    if (first != NEWLINE && second_len && second == LETTER) return skip(&t, len + second_len, LETTER);
    if (first == OTHER || (s[0] == ' ' && second_len && second == OTHER)) {
        size_t at = skip(&t, first == OTHER ? len : len + second_len, OTHER);
        return skip(&t, at, NEWLINE);
    }
    return white_space(&t);
}
