/* json.c - see json.h. Depth and number of values are measured before the parser recurses and allocates. */
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"

struct extent {
    int depth;     /* deepest nesting of brackets outside strings */
    size_t values; /* at least as many as the parser will make, keys not counted */
};

/* Stops as soon as one of the limits is passed. */
static struct extent measure(const char *data, size_t n, size_t max_values)
{
    struct extent found = {.values = 1};
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n && found.depth <= LIMIT_JSON_DEPTH && found.values <= max_values; i++) {
        char c = data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            found.values++;
            if (++depth > found.depth) found.depth = depth;
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (c == ',') {
            found.values++;
        }
    }
    return found;
}

static const char *what_is_wrong(const json_error_t *why)
{
    bool real = strstr(why->text, "real") != NULL;
    switch (json_error_code(why)) {
    case json_error_duplicate_key: return "a duplicate key";
    case json_error_numeric_overflow:
        return real ? "a number is too large for any field" : "a whole number does not fit into 64 bits with a sign";
    default: return "not valid JSON";
    }
}

static int read_json(json_t **out, const char *data, size_t n, size_t flags, size_t max_values, size_t *number,
                     struct error *e)
{
    *out = NULL;
    if (number) *number = 0;
    struct extent found = measure(data, n, max_values);
    if (found.depth > LIMIT_JSON_DEPTH)
        return error_set(e, ERR_FORMAT, "the JSON is nested deeper than %d levels", LIMIT_JSON_DEPTH);
    if (found.values > max_values) return error_set(e, ERR_FORMAT, "the JSON holds more than %zu values", max_values);
    json_error_t why;
    *out = json_loadb(data, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL | flags, &why);
    if (*out) return OK;
    if (json_error_code(&why) == json_error_out_of_memory || why.line < 0) /* jansson has no place for want of memory */
        return error_set(e, ERR_NOMEM, "no memory to read the JSON");
    if (number && json_error_code(&why) == json_error_numeric_overflow) *number = (size_t)why.position;
    return error_set(e, ERR_FORMAT, "%s at line %d, column %d", what_is_wrong(&why), why.line, why.column);
}

int json_read(json_t **out, const char *data, size_t n, struct error *e)
{
    return read_json(out, data, n, 0, SIZE_MAX, NULL, e);
}

int json_read_limited(json_t **out, const char *data, size_t n, size_t max_values, size_t *number, struct error *e)
{
    return read_json(out, data, n, 0, max_values, number, e);
}

int json_read_wide(json_t **out, const char *data, size_t n, struct error *e)
{
    return read_json(out, data, n, JSON_DECODE_INT_AS_REAL, LIMIT_JSON_VALUES, NULL, e);
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) p++;
    return p;
}

/* Behind the string that begins at p. */
static const char *behind_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\') p++;
    return p < end ? p + 1 : end;
}

/* Behind the value that begins at p: to the comma or bracket that ends it, spaces left out. */
static const char *skip_value(const char *p, const char *end)
{
    int depth = 0;
    const char *behind = p;
    while (p < end) {
        if (depth == 0 && (*p == ',' || *p == '}' || *p == ']')) break;
        if (*p == '{' || *p == '[') depth++;
        if (*p == '}' || *p == ']') depth--;
        bool space = skip_space(p, end) > p;
        p = *p == '"' ? behind_string(p, end) : p + 1;
        if (!space) behind = p;
    }
    return behind;
}

const char *json_member_text(const char *data, size_t n, const char *key, size_t *length)
{
    const char *end = data + n;
    const char *p = skip_space(data, end);
    size_t key_length = strlen(key);
    if (p == end || *p != '{') return NULL;
    while (p < end && *p != '}') {
        const char *name = skip_space(p + 1, end); /* p is at the brace or a comma */
        if (name == end || *name != '"') return NULL;
        const char *value = skip_space(behind_string(name, end), end);
        if (value == end) return NULL;
        bool wanted = (size_t)(end - name) > key_length + 1 && memcmp(name + 1, key, key_length) == 0 &&
                      name[key_length + 1] == '"';
        value = skip_space(value + 1, end); /* behind the colon */
        p = skip_value(value, end);
        if (wanted) {
            *length = (size_t)(p - value);
            return value;
        }
        p = skip_space(p, end);
    }
    return NULL;
}

/* Behind the string that begins at data[i]. */
static size_t skip_string(const char *data, size_t n, size_t i)
{
    for (i++; i < n && data[i] != '"'; i++)
        if (data[i] == '\\') i++;
    return i + 1;
}

size_t json_member_at(const char *data, size_t at, const char **name)
{
    size_t length = 0;
    int depth = 0;
    for (size_t i = 0; i < at;) {
        size_t from = i++;
        char c = data[from];
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        if (c != '"') continue;
        i = skip_string(data, at, from);
        size_t next = i;
        while (next < at && strchr(" \t\r\n", data[next])) next++; /* NUL, too: it is in no JSON */
        if (depth != 1 || next >= at || data[next] != ':') continue;
        *name = data + from + 1;
        length = i - from - 2;
    }
    return length;
}
