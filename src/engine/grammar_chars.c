/* grammar_chars.c - sets of code points and their way into bytes: a range of characters becomes a few sequences of byte
 * ranges, whose common tails are shared (after Thompson's and Cox's UTF-8 automata). */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/grammar_parts.h"

enum { LAST_CHAR = 0x10FFFF, SURROGATES = 0xD800, AFTER_SURROGATES = 0xE000 };

int char_set_add(struct char_set *s, uint32_t low, uint32_t high)
{
    if (low > high) return OK;
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 8;
        struct char_range *grown = realloc(s->ranges, (size_t)cap * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        s->ranges = grown;
        s->cap = cap;
    }
    int at = s->n; /* keep them sorted, then join what touches */
    while (at > 0 && s->ranges[at - 1].low > low) {
        s->ranges[at] = s->ranges[at - 1];
        at--;
    }
    s->ranges[at] = (struct char_range){low, high};
    s->n++;
    int kept = 0;
    for (int i = 1; i < s->n; i++) {
        struct char_range *last = &s->ranges[kept];
        if (s->ranges[i].low <= last->high + 1) {
            if (s->ranges[i].high > last->high) last->high = s->ranges[i].high;
        } else {
            s->ranges[++kept] = s->ranges[i];
        }
    }
    s->n = kept + 1;
    return OK;
}

int char_set_add_set(struct char_set *s, const struct char_set *other)
{
    int rc = OK;
    for (int i = 0; !rc && i < other->n; i++) rc = char_set_add(s, other->ranges[i].low, other->ranges[i].high);
    return rc;
}

int char_set_negate(struct char_set *s)
{
    struct char_set out = {0};
    uint32_t next = 0;
    int rc = OK;
    for (int i = 0; !rc && i < s->n; i++) {
        if (s->ranges[i].low > next) rc = char_set_add(&out, next, s->ranges[i].low - 1);
        next = s->ranges[i].high + 1;
    }
    if (!rc && next <= LAST_CHAR) rc = char_set_add(&out, next, LAST_CHAR);
    char_set_free(s);
    *s = out;
    return rc;
}

void char_set_free(struct char_set *s)
{
    free(s->ranges);
    *s = (struct char_set){0};
}

/* --- into bytes --------------------------------------------------------------------------------------------------- */

struct writer {
    struct grammar_nfa *a;
    int32_t to;
    int32_t tail[4]; /* tail[k]: any k continuation bytes, then `to`; -1 not made yet */
};

static int32_t tail_of(struct writer *w, size_t k)
{
    if (k == 0) return w->to;
    if (w->tail[k] < 0) {
        int32_t next = tail_of(w, k - 1);
        w->tail[k] = nfa_node(w->a);
        nfa_bytes(w->a, w->tail[k], 0x80, 0xBF, next);
    }
    return w->tail[k];
}

static bool all_are(const uint8_t *s, size_t n, uint8_t byte)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != byte) return false;
    return true;
}

/* All sequences of n bytes from low to high, which are characters of the same length. */
static void write_sequence(struct writer *w, int32_t from, const uint8_t *low, const uint8_t *high, size_t n)
{
    static const uint8_t least[3] = {0x80, 0x80, 0x80};
    static const uint8_t most[3] = {0xBF, 0xBF, 0xBF};
    uint8_t first = low[0];
    uint8_t last = high[0];
    if (n == 1) {
        nfa_bytes(w->a, from, first, last, w->to);
        return;
    }
    if (first == last && !(all_are(low + 1, n - 1, 0x80) && all_are(high + 1, n - 1, 0xBF))) {
        int32_t middle = nfa_node(w->a);
        nfa_bytes(w->a, from, first, first, middle);
        write_sequence(w, middle, low + 1, high + 1, n - 1);
        return;
    }
    if (!all_are(low + 1, n - 1, 0x80)) {
        int32_t middle = nfa_node(w->a);
        nfa_bytes(w->a, from, first, first, middle);
        write_sequence(w, middle, low + 1, most, n - 1);
        first++;
    }
    if (!all_are(high + 1, n - 1, 0xBF)) {
        int32_t middle = nfa_node(w->a);
        nfa_bytes(w->a, from, last, last, middle);
        write_sequence(w, middle, least, high + 1, n - 1);
        last--;
    }
    if (first <= last) nfa_bytes(w->a, from, first, last, tail_of(w, n - 1));
}

static void write_range(struct writer *w, int32_t from, uint32_t low, uint32_t high)
{
    static const uint32_t ends[] = {0x7F, 0x7FF, 0xFFFF, LAST_CHAR};
    if (high > LAST_CHAR) high = LAST_CHAR;
    for (int i = 0; i < 4 && low <= high; i++) {
        if (low > ends[i]) continue;
        uint32_t end = high < ends[i] ? high : ends[i];
        char first[4];
        char last[4];
        size_t n = utf8_encode(low, first);
        utf8_encode(end, last);
        write_sequence(w, from, (const uint8_t *)first, (const uint8_t *)last, n);
        low = end + 1;
    }
}

static void write_around_surrogates(struct writer *w, int32_t from, uint32_t low, uint32_t high)
{
    if (low < SURROGATES) write_range(w, from, low, high < SURROGATES ? high : SURROGATES - 1);
    if (high >= AFTER_SURROGATES) write_range(w, from, low > AFTER_SURROGATES ? low : AFTER_SURROGATES, high);
}

static void write_escape(struct writer *w, int32_t from, uint32_t c)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *found = c ? strchr(named, (int)c) : NULL;
    char text[8] = {'\\', found ? letters[found - named] : 'u', '0', '0', hex[c >> 4 & 15], hex[c & 15]};
    size_t n = found ? 2 : 6;
    int32_t before = nfa_literal(w->a, from, text, n - 1);
    nfa_bytes(w->a, before, (uint8_t)text[n - 1], (uint8_t)text[n - 1], w->to);
}

void nfa_chars(struct grammar_nfa *a, int32_t from, const struct char_set *set, enum char_writing as, int32_t to)
{
    struct writer w = {a, to, {-1, -1, -1, -1}};
    for (int i = 0; i < set->n && !a->rc; i++) {
        uint32_t low = set->ranges[i].low;
        uint32_t high = set->ranges[i].high;
        if (as == CHARS_RAW) {
            write_around_surrogates(&w, from, low, high);
            continue;
        }
        for (; low <= high && low < 0x20; low++)
            if (low > 0) write_escape(&w, from, low); /* U+0000: many readers of JSON end there */
        static const uint32_t quoted[] = {'"', '\\'};
        for (int k = 0; k < 2; k++) {
            if (low > quoted[k] || high < quoted[k]) continue;
            if (low < quoted[k]) write_range(&w, from, low, quoted[k] - 1);
            write_escape(&w, from, quoted[k]);
            low = quoted[k] + 1;
        }
        if (low <= high) write_around_surrogates(&w, from, low, high);
    }
}
