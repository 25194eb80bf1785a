/* normal_text.c - see normal_text.h. */
#include "medical/normal_text.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/data_file.h"
#include "base/limits.h"
#include "base/utf8.h"

enum { BMP = 0x10000, MAX_FOLDED = 24, INVALID = 0xFFFD };

struct writer {
    struct normal_text *out;
    size_t cap;
    size_t max;
    uint32_t at;     /* original offset of what is being written */
    uint32_t last;   /* last character written, 0 at the start */
    uint32_t before; /* the one before it */
    int rc;
};

/* Characters utf8proc leaves alone; from and to are first of a run of `count`. */
static const struct {
    uint32_t from, to, count;
} runs[] = {
    {0x2776, '1', 9},     {0x2780, '1', 9},     {0x278A, '1', 9},   {0x24F5, '1', 9}, {0x24FF, '0', 1},
    {0x1F150, 'a', 26},   {0x1F170, 'a', 26},   {0x1F1E6, 'a', 26}, {0x2010, '-', 4}, {0x2212, '-', 1},
    {0x2043, '-', 1},     {0x2015, 0x2014, 1},  {0x2500, '-', 2},   {0x2502, '|', 2}, {0x2018, '\'', 4},
    {0x201C, '"', 4},     {0x2032, '\'', 1},    {0x2236, ':', 1},   {0x2044, '/', 1}, {0x2215, '/', 1},
    {0x30FB, 0xB7, 1},    {0x2022, 0xB7, 1},    {0x301C, '~', 1},   {0x223C, '~', 1}, {0xFF61, 0x3002, 1},
    {0x1F48A, 0x836F, 1}, {0x1F489, 0x9488, 1},
};

/* Cyrillic letters that look like Latin ones. */
static const struct {
    uint16_t from;
    char to;
} look_alikes[] = {{0x430, 'a'}, {0x435, 'e'}, {0x43E, 'o'}, {0x440, 'p'}, {0x441, 'c'}, {0x443, 'y'},
                   {0x445, 'x'}, {0x43C, 'm'}, {0x442, 't'}, {0x43A, 'k'}, {0x432, 'b'}, {0x43D, 'h'},
                   {0x456, 'i'}, {0x455, 's'}, {0x458, 'j'}, {0x501, 'd'}, {0x261, 'g'}};

static uint16_t simplified[BMP]; /* 0: as it is; written once by load_table */
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void load_table(void)
{
    const struct data_file *f = data_file_find("traditional.tsv");
    if (!f) return;
    for (const char *line = f->data; line < f->end;) {
        const char *end = memchr(line, '\n', (size_t)(f->end - line));
        if (!end) end = f->end;
        uint32_t from, to;
        size_t n = utf8_decode(line, (size_t)(end - line), &from);
        if (*line != '#' && n + 1 < (size_t)(end - line) && line[n] == '\t' && from < BMP) {
            utf8_decode(line + n + 1, (size_t)(end - line) - n - 1, &to);
            if (to < BMP) simplified[from] = (uint16_t)to;
        }
        line = end + 1;
    }
}

uint32_t normal_text_simplified(uint32_t c)
{
    pthread_once(&table_once, load_table);
    return c < BMP && simplified[c] ? simplified[c] : c;
}

static bool is_chinese(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x9FFF) || c == 0x3007 || (c >= 0x20000 && c <= 0x3FFFF);
}

static bool grow(struct writer *w)
{
    if (w->out->len + 5 <= w->cap) return true;
    size_t cap = w->cap ? w->cap * 2 : 256;
    if (w->out->len + 5 > w->max) {
        w->rc = ERR_LIMIT;
        return false;
    }
    char *text = realloc(w->out->text, cap);
    if (text) w->out->text = text;
    uint32_t *origin = text ? realloc(w->out->origin, (cap + 1) * sizeof *origin) : NULL;
    if (origin) w->out->origin = origin;
    if (!origin) {
        w->rc = ERR_NOMEM;
        return false;
    }
    w->cap = cap;
    return true;
}

static void put(struct writer *w, uint32_t c)
{
    if (w->rc) return;
    if (c == ' ' && (w->last == ' ' || w->last == '\n' || w->last == 0)) return;
    if (is_chinese(c) && w->last == ' ' && is_chinese(w->before)) {
        w->out->len--; /* the space between them goes */
        w->last = w->before;
    }
    if (c == '\n' && w->last == ' ') w->out->len--;
    if (!grow(w)) return;
    size_t n = utf8_encode(c, w->out->text + w->out->len);
    for (size_t i = 0; i < n; i++) w->out->origin[w->out->len + i] = w->at;
    w->out->len += n;
    w->before = w->last;
    w->last = c;
}

static bool is_removed(uint32_t c)
{
    if (c < 0x20) return true;
    if (c == 0x7F || c == 0xAD || c == 0x180E || c == 0xFEFF) return true;
    if ((c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F)) return true;
    if ((c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0000 && c <= 0xE0FFF) || c == 0x20E3) return true;
    return (c >= 0x2600 && c <= 0x27BF) || (c >= 0x2B00 && c <= 0x2BFF) || (c >= 0x25A0 && c <= 0x25FF) ||
           (c >= 0x1F000 && c <= 0x1FAFF);
}

static uint32_t from_tables(uint32_t c)
{
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (c >= runs[i].from && c < runs[i].from + runs[i].count)
            return runs[i].to < 0x80 && runs[i].count > 8 ? runs[i].to + (c - runs[i].from) : runs[i].to;
    return 0;
}

static uint32_t look_alike(uint32_t c)
{
    for (size_t i = 0; i < sizeof look_alikes / sizeof *look_alikes; i++)
        if (look_alikes[i].from == c) return (uint32_t)look_alikes[i].to;
    return c;
}

static bool is_superscript(uint32_t c)
{
    return c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0x2070 && c <= 0x2079 && c != 0x2071);
}

static void put_folded(struct writer *w, uint32_t c)
{
    utf8proc_int32_t parts[MAX_FOLDED];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        (utf8proc_int32_t)c, parts, MAX_FOLDED,
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPMARK, &boundary);
    if (n > MAX_FOLDED) return;
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        uint32_t p = look_alike((uint32_t)parts[i]);
        uint32_t known = p >= 0x80 ? from_tables(p) : 0;
        if (known) p = known;
        if (p < BMP && simplified[p]) p = simplified[p];
        put(w, p);
    }
}

static void put_character(struct writer *w, uint32_t c)
{
    if (c >= 'A' && c <= 'Z') {
        put(w, c + 32);
    } else if (c >= 0x20 && c < 0x7F) {
        put(w, c);
    } else if (c == '\n' || c == '\t') {
        put(w, c);
    } else if (c == '\r' || c == 0x0B || c == 0x0C || c == 0x85 || c == 0x2028 || c == 0x2029) {
        put(w, '\n');
    } else if (c >= 0x3400 && c < 0xA000) {
        put(w, simplified[c] ? simplified[c] : c);
    } else if (c == 0x3001 || c == 0x3002 || c == 0x2014 || (c >= 0x3040 && c < 0x3100 && c != 0x30FB) ||
               (c >= 0xAC00 && c < 0xD7A4)) {
        put(w, c); /* kana and Hangul keep their marks */
    } else if (c == 0x1F51F) {
        put(w, '1');
        put(w, '0');
    } else if (c >= 0x24EB && c <= 0x24F4) { /* negative circled 11-20 */
        uint32_t value = 11 + c - 0x24EB;
        put(w, '0' + value / 10);
        put(w, '0' + value % 10);
    } else if (from_tables(c)) {
        put(w, from_tables(c));
    } else if (!is_removed(c)) {
        if (is_superscript(c) && !(w->last == '^' || (w->last >= '0' && w->last <= '9' && w->before == '^')))
            put(w, '^');
        put_folded(w, c);
    }
}

int normal_text_make(struct normal_text *out, const char *text, size_t len, struct error *e)
{
    *out = (struct normal_text){0};
    if (len > LIMIT_MEDICAL_TEXT) return error_set(e, ERR_LIMIT, "the text is too long to be checked");
    pthread_once(&table_once, load_table);
    struct writer w = {.out = out, .max = 4 * (size_t)LIMIT_MEDICAL_TEXT + 8};
    for (size_t i = 0; i < len && !w.rc;) {
        uint32_t c;
        w.at = (uint32_t)i;
        size_t n = utf8_decode(text + i, len - i, &c);
        if (c == '\r' && i + 1 < len && text[i + 1] == '\n') n = 2;
        put_character(&w, c);
        i += n;
    }
    if (!w.rc && !grow(&w) && w.rc == OK) w.rc = ERR_NOMEM;
    if (w.rc) {
        normal_text_free(out);
        return error_set(e, w.rc, "%s", error_code_text(w.rc));
    }
    out->text[out->len] = '\0';
    out->origin[out->len] = (uint32_t)len;
    return OK;
}

void normal_text_free(struct normal_text *t)
{
    free(t->text);
    free(t->origin);
    *t = (struct normal_text){0};
}
