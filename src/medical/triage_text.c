/* triage_text.c - see triage_text.h. */
#include "medical/triage_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "medical/lex_parts.h"
#include "medical/normal_text.h"

struct row {
    struct triage_text *t;
    const struct lex *l;
    size_t cap;
};

static bool put(struct row *r, uint32_t c, uint32_t origin)
{
    struct triage_text *t = r->t;
    if (t->n + 2 > r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 512;
        uint32_t *cp = realloc(t->cp, cap * sizeof *cp);
        if (cp) t->cp = cp;
        uint32_t *o = cp ? realloc(t->origin, cap * sizeof *o) : NULL;
        if (!o) return false;
        t->origin = o;
        r->cap = cap;
    }
    t->cp[t->n] = c;
    t->origin[t->n++] = origin;
    return true;
}

/* A full stop, not the point of a number or of an abbreviation. */
static bool is_stop(const char *s, size_t n, size_t at)
{
    if (at + 1 >= n) return true;
    unsigned char next = (unsigned char)s[at + 1];
    return next == ' ' || next == '\n' || next == '"' || next == ')' || (next & 0x80);
}

static bool is_lone_separator(uint32_t c)
{
    return c == '.' || c == '*' || c == '/' || c == '-' || c == '_' || c == '~' || c == 0xB7 || c == '|' || c == '#';
}

static uint32_t next_character(const char *s, size_t n, size_t at)
{
    uint32_t c = 0;
    if (at < n) utf8_decode(s + at, n - at, &c);
    return c;
}

static bool mend_word(struct row *r, size_t start)
{
    struct triage_text *t = r->t;
    const char *right = lex_spell(r->l, t->cp + start, t->n - start);
    if (!right) return true;
    uint32_t origin = t->origin[start];
    uint32_t last = t->origin[t->n - 1];
    t->n = start;
    for (size_t i = 0; right[i]; i++)
        if (!put(r, (uint32_t)(unsigned char)right[i], right[i + 1] ? origin + (uint32_t)i : last)) return false;
    for (size_t i = start; i < t->n; i++)
        if (t->origin[i] > last) t->origin[i] = last;
    return true;
}

static bool add_characters(struct row *r, const struct normal_text *from, uint32_t base)
{
    struct triage_text *t = r->t;
    size_t word = SIZE_MAX; /* where the Latin word that is being read starts */
    for (size_t i = 0; i < from->len;) {
        uint32_t c;
        size_t n = utf8_decode(from->text + i, from->len - i, &c);
        uint32_t origin = base + from->origin[i];
        uint32_t before = t->n ? t->cp[t->n - 1] : '\n';
        bool run = t->n > 2 && before == c && t->cp[t->n - 2] == c && t->cp[t->n - 3] == c && c >= 128; /* 疼疼疼疼疼 */
        bool between = triage_is_han(before) && triage_is_han(next_character(from->text, from->len, i + n));
        if (c == '.' && !between && is_stop(from->text, from->len, i)) c = 0x3002;
        if (lex_is_letter(c)) {
            if (word == SIZE_MAX) word = t->n;
        } else if (c != '\'' && word != SIZE_MAX) {
            if (!mend_word(r, word)) return false;
            word = SIZE_MAX;
        }
        i += n;
        if (c == '\'' || run || (between && is_lone_separator(c))) continue;
        if (!put(r, c, origin)) return false;
    }
    return (word == SIZE_MAX || mend_word(r, word)) && put(r, '\n', base + from->origin[from->len]);
}

int triage_text_make(struct triage_text *t, const struct lex *l, const char *const *lines, size_t n,
                     size_t profile_lines, struct error *e)
{
    *t = (struct triage_text){0};
    buf_init(&t->original, LIMIT_MEDICAL_TEXT);
    struct row r = {.t = t, .l = l};
    int rc = put(&r, '\n', 0) ? OK : error_set(e, ERR_NOMEM, "no memory for the text");
    for (size_t i = 0; i < n && !rc; i++) {
        struct normal_text normal;
        uint32_t base = (uint32_t)t->original.len;
        if (buf_append_text(&t->original, lines[i]) || buf_append_char(&t->original, '\n'))
            rc = error_set(e, buf_error(&t->original), "the conversation is over 1 MiB: send the last messages only");
        if (!rc) rc = normal_text_make(&normal, lines[i], strlen(lines[i]), e);
        if (rc) break;
        if (!add_characters(&r, &normal, base)) rc = error_set(e, ERR_NOMEM, "no memory for the text");
        normal_text_free(&normal);
        if (i + 1 == profile_lines) t->profile_end = t->n;
    }
    if (rc)
        triage_text_free(t);
    else
        t->origin[t->n] = (uint32_t)t->original.len;
    return rc;
}

void triage_text_free(struct triage_text *t)
{
    buf_free(&t->original);
    free(t->cp);
    free(t->origin);
    *t = (struct triage_text){0};
}

void triage_text_quote(const struct triage_text *t, size_t start, size_t end, char *out, size_t size)
{
    size_t a = t->origin[start];
    size_t n = t->origin[end] > a ? t->origin[end] - a : 0;
    if (n > size - 1) n = utf8_complete_prefix(t->original.data + a, size - 1);
    while (n && (t->original.data[a + n - 1] == '\n' || t->original.data[a + n - 1] == ' ')) n--;
    memcpy(out, t->original.data + a, n);
    out[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] < 0x20) out[i] = ' ';
}
