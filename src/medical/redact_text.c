/* redact_text.c - a text as characters, one for one with the original. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "medical/normal_text.h"
#include "medical/redact_parts.h"

static uint32_t folded(uint32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E) return c - 0xFEE0;
    if (c == '\t') return '|'; /* a column */
    if (c == 0xA0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200F) || c == 0x202F || c == 0x2060 || c == 0xFEFF)
        return ' ';
    if (c == '\r' || c == 0x2028 || c == 0x2029) return '\n';
    if ((c >= 0x2010 && c <= 0x2013) || c == 0x2212 || c == 0xFE63) return '-';
    if (c == 0x2022 || c == 0x30FB || c == 0x2027 || c == 0xFF65 || c == 0x2219) return 0xB7;
    if (c == 0x2018 || c == 0x2019) return '\'';
    if (c == 0x201C || c == 0x201D) return '"';
    if (c >= 0x2460 && c <= 0x2468) return '1' + (c - 0x2460);
    if (c >= 0x1D7CE && c <= 0x1D7FF) return '0' + (c - 0x1D7CE) % 10;
    return c;
}

enum { PAD = 64 }; /* zeros after the text: the rules look a few characters ahead */

int redact_text_make(struct redact_text *t, const char *text, size_t n)
{
    size_t count = utf8_count(text, n);
    *t = (struct redact_text){.c = calloc(count + PAD, sizeof *t->c), .raw = calloc(count + PAD, sizeof *t->raw)};
    if (!t->c || !t->raw) return ERR_NOMEM;
    for (size_t i = 0; i < n && t->n < count; t->n++) {
        uint32_t c;
        i += utf8_decode(text + i, n - i, &c);
        c = folded(c);
        t->raw[t->n] = c;
        t->c[t->n] = c >= 'A' && c <= 'Z' ? c + 32 : normal_text_simplified(c);
    }
    return OK;
}

void redact_text_free(struct redact_text *t)
{
    free(t->c);
    free(t->raw);
    free(t->spans);
    *t = (struct redact_text){0};
}

void redact_add(struct redact_text *t, size_t start, size_t end, enum redact_type type)
{
    while (start < end && (t->c[start] == ' ' || t->c[start] == '\n')) start++;
    while (end > start && (t->c[end - 1] == ' ' || t->c[end - 1] == '\n')) end--;
    if (t->error || start >= end) return;
    if (t->count == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        struct redact_span *spans = realloc(t->spans, cap * sizeof *spans);
        if (!spans) {
            t->error = ERR_NOMEM;
            return;
        }
        t->spans = spans;
        t->cap = cap;
    }
    t->spans[t->count++] = (struct redact_span){start, end, type};
}

bool redact_is_han(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x9FFF) || c == 0x3007 || (c >= 0x20000 && c <= 0x3FFFF);
}

bool redact_is_latin(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0x24F && c != 0xD7 && c != 0xF7);
}

int redact_digit(uint32_t c)
{
    static const uint32_t spelled[] = {0x96F6, 0x4E00, 0x4E8C, 0x4E09, 0x56DB, 0x4E94, 0x516D, 0x4E03, 0x516B, 0x4E5D};
    static const uint32_t formal[] = {0x3007, 0x58F9, 0x8D30, 0x53C1, 0x8086, 0x4F0D, 0x9646, 0x67D2, 0x634C, 0x7396};
    if (c >= '0' && c <= '9') return (int)(c - '0');
    if (c < 0x2000) return -1;
    for (int i = 0; i < 10; i++)
        if (c == spelled[i] || c == formal[i]) return i;
    if (c == 0x5E7A) return 1;   /* 幺 */
    return c == 0x25CB ? 0 : -1; /* ○ */
}

size_t redact_skip(const struct redact_text *t, size_t i, const char *ascii)
{
    while (i < t->n && t->c[i] && t->c[i] < 0x80 && strchr(ascii, (int)t->c[i])) i++;
    return i;
}
