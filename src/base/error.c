/* error.c - see error.h. No allocation: an error must be reportable when memory is gone. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

struct code_info {
    int code;
    int http;
    int exit_code;
    const char *name;
    const char *text;
};

static const struct code_info codes[] = {
#define X(name, number, http, exit, text) {-(number), http, exit, #name, text},
    ERROR_CODES(X)
#undef X
};

static const struct code_info *find(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code) return &codes[i];
    return &codes[0]; /* an unknown code is an internal error */
}

/* vsnprintf may cut inside a character, at the end or at a "%.100s" in the middle; names from outside may be anything.
 */
static void make_utf8(char *s)
{
    s[utf8_complete_prefix(s, strlen(s))] = '\0';
    utf8_mend(s);
}

int error_set(struct error *e, int code, const char *format, ...)
{
    if (!e || e->code != OK) return code;
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    make_utf8(e->text);
    e->code = code;
    return code;
}

void error_context(struct error *e, const char *format, ...)
{
    if (!e || e->code == OK) return;
    char head[ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(head, sizeof head, format, ap);
    va_end(ap);
    char whole[2 * ERROR_TEXT_MAX + 4];
    snprintf(whole, sizeof whole, "%s: %s", head, e->text);
    size_t n = strnlen(whole, sizeof e->text - 1);
    memcpy(e->text, whole, n);
    e->text[n] = '\0';
    make_utf8(e->text);
}

void error_clear(struct error *e)
{
    if (!e) return;
    e->code = OK;
    e->text[0] = '\0';
}

const char *error_code_name(int code)
{
    return code == OK ? "OK" : find(code)->name;
}

const char *error_code_text(int code)
{
    return code == OK ? "ok" : find(code)->text;
}

int error_http_status(int code)
{
    return code == OK ? 200 : find(code)->http;
}

int error_exit_code(int code)
{
    return code == OK ? 0 : find(code)->exit_code;
}
