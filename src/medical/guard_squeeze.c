/* guard_squeeze.c - what only dresses a text up is taken out before the guard reads it: **bold**, `code`, <b>tags</b>,
 * 布·洛·芬, i-b-u-p-r-o-f-e-n, t.i.d. Only removes or replaces byte by byte, so that origins stay right. */
#include <string.h>

#include "base/utf8.h"
#include "medical/guard_lex.h"

enum { MAX_TAG = 24 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_chinese_lead(const char *s, size_t n)
{
    uint32_t c;
    return utf8_decode(s, n, &c) >= 3 && c >= 0x3400 && c <= 0x9FFF;
}

static bool tag_is(const char *s, const char *name)
{
    if (*s == '/') s++;
    size_t n = strlen(name);
    return strncmp(s, name, n) == 0 && !is_alnum(s[n]);
}

/* Length of the tag at s ("<br/>", "</td>"), 0 if it is none. Only tags that dress text up, and none with attributes:
 * what stands in one may be read. */
static size_t tag_length(const char *s, size_t n)
{
    static const char *const known[] = {"b",    "i",     "u",     "em",    "strong", "br",    "p",   "li",
                                        "ul",   "ol",    "tr",    "td",    "th",     "table", "div", "span",
                                        "h1",   "h2",    "h3",    "h4",    "code",   "pre",   "sub", "sup",
                                        "mark", "small", "tbody", "thead", "s",      "del",   "font"};
    if (n < 3 || s[0] != '<') return 0;
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++) found = tag_is(s + 1, known[i]);
    for (size_t i = 2; found && i < n && i < MAX_TAG; i++) {
        if (s[i] == '>') return i + 1;
        if (s[i] == '<' || s[i] == '\n' || s[i] == '=') return 0;
    }
    return 0;
}

/* How many bytes of single letters or digits with one and the same sign between them start at s; 0: fewer than three
 * (two with dots). Digits alone only with blanks: 1-0-1 is a schedule, 3.5.1 a number of something. */
static size_t spaced_run(const char *s, size_t n)
{
    if (n < 3 || !is_alnum(s[0])) return 0;
    char sign = s[1];
    if (sign != ' ' && sign != '.' && sign != '-' && sign != '_') return 0;
    size_t count = 0;
    bool letters = false;
    size_t i = 0;
    while (i < n && is_alnum(s[i]) && !(i + 1 < n && is_alnum(s[i + 1]))) {
        letters |= s[i] >= 'a';
        count++;
        i++;
        if (!(i + 1 < n && s[i] == sign && is_alnum(s[i + 1]) && !(i + 2 < n && is_alnum(s[i + 2])))) break;
        i++;
    }
    if (sign == '.' && letters && count >= 2) return i;
    return count >= 3 && (letters || sign == ' ') ? i : 0;
}

/* A sign that may stand between characters to hide them, its length; 0 for letters, digits and line ends. */
static size_t hiding_sign(const char *s, size_t n)
{
    uint32_t c;
    size_t len = utf8_decode(s, n, &c);
    if (len == 1)
        return (*s > ' ' && !is_alnum(*s) && *s != '%' && *s != '~' && *s != '=' && *s != ':' && (uint8_t)*s < 0x7F) ||
                       *s == ' '
                   ? 1
                   : 0;
    bool mark = (c >= 0x2010 && c <= 0x206F) || (c >= 0x3001 && c <= 0x301F && c != 0x3007) || c == 0xB7;
    return mark && c != 0x3002 ? len : 0;
}

/* How many bytes of single Chinese characters with up to four signs between them start at s; 0: fewer than three. */
static size_t hidden_run(const char *s, size_t n)
{
    size_t count = 0;
    size_t end = 0;
    for (size_t i = 0; i + 3 <= n && is_chinese_lead(s + i, n - i);) {
        count++;
        end = i += 3;
        size_t signs = 0;
        for (size_t len; signs < 4 && i < n && (len = hiding_sign(s + i, n - i)) > 0; signs++) i += len;
        if (signs == 0) break;
    }
    return count >= 3 ? end : 0;
}

struct squeezer {
    struct normal_text *t;
    size_t kept;
    size_t from;
    size_t hidden_to; /* end of the last hidden run */
};

static void keep(struct squeezer *s, char c)
{
    s->t->text[s->kept] = c;
    s->t->origin[s->kept++] = s->t->origin[s->from];
}

static bool joins_chinese(const struct normal_text *t, size_t i, size_t len, size_t kept)
{
    return kept >= 3 && (uint8_t)t->text[kept - 1] >= 0x80 && i + len < t->len &&
           is_chinese_lead(t->text + kept - 3, 3) && is_chinese_lead(t->text + i + len, t->len - i - len);
}

/* One step; returns how many bytes were read. */
static size_t step(struct squeezer *s, size_t i)
{
    struct normal_text *t = s->t;
    const char *at = t->text + i;
    size_t left = t->len - i;
    size_t tag = tag_length(at, left);
    s->from = i;
    if (tag) {
        if (tag_is(at + 1, "td") || tag_is(at + 1, "th"))
            keep(s, '|');
        else if (tag_is(at + 1, "br") || tag_is(at + 1, "tr") || tag_is(at + 1, "p") || tag_is(at + 1, "li"))
            keep(s, ',');
        return tag;
    }
    bool product = *at == '*' && left > 1 && is_digit(at[1]) && s->kept && is_digit(t->text[s->kept - 1]);
    if (product) {
        keep(s, 'x');
        return 1;
    }
    if (*at == '*' || *at == '`' || *at == '\\') return 1;
    if (*at == '~' && left > 1 && at[1] == '~') return 2;
    if (left > 5 && memcmp(at, "&nbsp;", 6) == 0) {
        keep(s, ' ');
        return 6;
    }
    if ((uint8_t)*at < 0x80 && (is_alnum(*at) || *at == ' ') && !(left > 1 && strchr(" .-_", at[1]))) {
        keep(s, *at); /* nothing below concerns it */
        return 1;
    }
    bool alone = s->kept < 3 || !is_chinese_lead(t->text + s->kept - 3, 3) || s->hidden_to == i;
    size_t hidden = alone && is_chinese_lead(at, left) ? hidden_run(at, left) : 0;
    if (hidden) {
        for (size_t k = 0; k < hidden;) {
            size_t sign = is_chinese_lead(at + k, left - k) ? 0 : hiding_sign(at + k, left - k);
            for (size_t b = 0; !sign && b < 3; b++) {
                s->from = i + k + b;
                keep(s, at[k + b]);
            }
            k += sign ? sign : 3;
        }
        s->hidden_to = i + hidden;
        return hidden;
    }
    if ((*at == '-' || *at == '.' || *at == '\n') && joins_chinese(t, i, 1, s->kept)) return 1;
    if (left > 1 && memcmp(at, "·", 2) == 0 && joins_chinese(t, i, 2, s->kept)) return 2;
    size_t run = (s->kept == 0 || !is_alnum(t->text[s->kept - 1])) ? spaced_run(at, left) : 0;
    if (run) {
        for (size_t k = 0; k < run; k += 2) {
            s->from = i + k;
            keep(s, t->text[i + k]);
        }
        return run + (at[1] == '.' && run < left && at[run] == '.' ? 1 : 0); /* the dot of t.i.d. */
    }
    keep(s, *at == '_' ? ' ' : *at);
    return 1;
}

void guard_squeeze(struct normal_text *t)
{
    struct squeezer s = {.t = t};
    for (size_t i = 0; i < t->len;) i += step(&s, i);
    t->origin[s.kept] = t->origin[t->len];
    t->text[s.kept] = '\0';
    t->len = s.kept;
}
