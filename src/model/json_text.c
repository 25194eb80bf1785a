/* json_text.c - see json_text.h. jansson's own writer differs: seventeen digits for 0.1, capitals in \u001F. */
#include "model/json_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static void put_string(struct buf *out, const char *s, size_t n)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    buf_append_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *named = c ? strchr(plain, c) : NULL;
        if (named) {
            buf_append_char(out, '\\');
            buf_append_char(out, names[named - plain]);
        } else if (c < 0x20) {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_append_char(out, s[i]);
        }
    }
    buf_append_char(out, '"');
}

/* The fewest digits that read back as the same number; with an exponent below 1e-4 and from 1e16, as Python's repr. */
static void put_real(struct buf *out, double value)
{
    char digits[40];
    for (int precision = 0; precision < 17; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    char *e = strchr(digits, 'e');
    if (!e) { /* not a finite number: JSON has none */
        buf_append_text(out, "null");
        return;
    }
    long exponent = strtol(e + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16) {
        buf_append_text(out, digits); /* e+20, e-07: two digits at least, in both */
        return;
    }
    long after = (long)(e - digits) - (digits[0] == '-') - 2; /* digits behind the point: "1.25e1" has two */
    long places = (after > 0 ? after : 0) - exponent;
    buf_printf(out, "%.*f", places > 1 ? (int)places : 1, value);
}

static void put_value(struct buf *out, const json_t *value, int depth);

static void put_object(struct buf *out, const json_t *object, int depth)
{
    const char *between = "";
    json_t *same = (json_t *)(uintptr_t)object; /* the iterator wants it; nothing is changed */
    buf_append_char(out, '{');
    for (void *at = json_object_iter(same); at && !buf_error(out); at = json_object_iter_next(same, at)) {
        const char *key = json_object_iter_key(at);
        buf_append_text(out, between);
        put_string(out, key, strlen(key));
        buf_append_text(out, ": ");
        put_value(out, json_object_iter_value(at), depth + 1);
        between = ", ";
    }
    buf_append_char(out, '}');
}

static void put_array(struct buf *out, const json_t *array, int depth)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < json_array_size(array) && !buf_error(out); i++) {
        if (i) buf_append_text(out, ", ");
        put_value(out, json_array_get(array, i), depth + 1);
    }
    buf_append_char(out, ']');
}

static void put_value(struct buf *out, const json_t *value, int depth)
{
    if (depth > LIMIT_JSON_DEPTH) {
        out->error = ERR_LIMIT;
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT: put_object(out, value, depth); break;
    case JSON_ARRAY: put_array(out, value, depth); break;
    case JSON_STRING: put_string(out, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: buf_printf(out, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: put_real(out, json_real_value(value)); break;
    case JSON_TRUE: buf_append_text(out, "true"); break;
    case JSON_FALSE: buf_append_text(out, "false"); break;
    case JSON_NULL: buf_append_text(out, "null"); break;
    }
}

int json_text_append(struct buf *out, const json_t *value)
{
    put_value(out, value, 0);
    return buf_error(out);
}
