/* guard_sentence.c - see guard_sentence.h. */
#include "medical/guard_sentence.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "Dr. ", "approx. ", "t.i.d. ", "1. ": a dot that ends no sentence. at: of the dot. */
static bool is_abbreviation(const char *s, size_t at)
{
    static const char *const known[] = {"dr",   "mr",  "mrs",  "ms",  "vs",  "approx", "eg",  "ie",  "tab",
                                        "tabs", "cap", "caps", "inj", "max", "min",    "mg",  "ml",  "no",
                                        "st",   "hr",  "hrs",  "etc", "inc", "oz",     "tsp", "fig", "prn",
                                        "tbsp", "wk",  "amp",  "sol", "po",  "g",      "mcg", "iu",  "temp"};
    size_t start = at;
    while (start > 0 && is_alnum(s[start - 1]) && at - start < 8) start--;
    size_t n = at - start;
    bool digits = n > 0;
    for (size_t i = start; i < at; i++) digits &= s[i] >= '0' && s[i] <= '9';
    if (n <= 1 && !digits) return n == 1;
    if (digits) { /* the number of an item: nothing but blanks and marks before it */
        while (start > 0 && strchr(" \t-*#>", s[start - 1])) start--;
        return start == 0 && n <= 2;
    }
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        if (strlen(known[k]) != n) continue;
        size_t same = 0;
        while (same < n && (s[start + same] | 0x20) == known[k][same]) same++;
        if (same == n) return true;
    }
    return false;
}

/* A line of one character: a text written downwards is read as a line. */
static bool is_lone_character(const char *s, size_t at)
{
    size_t n = 0;
    while (at > 0 && s[at - 1] != '\n' && n <= 4) {
        n += s[at - 1] != ' ' && s[at - 1] != '\r';
        at--;
    }
    return n == 3 && (uint8_t)s[at + strspn(s + at, " ")] >= 0xE3;
}

static bool ends_here(const char *s, size_t i, size_t len, uint32_t c, size_t n, bool last, bool *wait)
{
    if (c == '\n') return !is_lone_character(s, i);
    if (c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF1B || c == 0xFF61) return true;
    if (c != '.' && c != '!' && c != '?' && c != ';') return false;
    if (i + len >= n) {
        *wait = !last;
        return last;
    }
    char next = s[i + len];
    bool blank = next == ' ' || next == '\n' || next == '\t' || next == '\r';
    if (c != '.') return blank || (uint8_t)next >= 0x80;
    bool dotted = (uint8_t)next >= 0xE3 && i > 0 && ((uint8_t)s[i - 1] >= 0x80 || s[i - 1] == '.'); /* 布.洛.芬 */
    return (blank || ((uint8_t)next >= 0xE3 && !dotted)) && !is_abbreviation(s, i);
}

/* Too long without an end: at its last comma or blank, else at a character. */
static size_t cut(const char *s)
{
    size_t end = LIMIT_GUARD_SENTENCE;
    for (size_t i = end; i > end / 2; i--) {
        if (s[i - 1] == ',' || s[i - 1] == ' ' || s[i - 1] == '|') return i;
        if (i >= 3 && (memcmp(s + i - 3, "，", 3) == 0 || memcmp(s + i - 3, "、", 3) == 0)) return i;
    }
    while (end > 0 && ((uint8_t)s[end] & 0xC0) == 0x80 && LIMIT_GUARD_SENTENCE - end < 4) end--;
    return end;
}

size_t guard_sentence(const char *s, size_t n, bool last)
{
    for (size_t i = 0; i < n;) {
        uint32_t c;
        if (i >= LIMIT_GUARD_SENTENCE) break;
        if (!last && utf8_complete_prefix(s + i, n - i > 4 ? 4 : n - i) == 0) return 0;
        size_t len = utf8_decode(s + i, n - i, &c);
        bool wait = false;
        if (ends_here(s, i, len, c, n, last, &wait)) return i + len;
        if (wait) return 0;
        i += len;
    }
    if (n > LIMIT_GUARD_SENTENCE) return cut(s);
    return last ? n : 0;
}
