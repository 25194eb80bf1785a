/* json.c - see json.h. The depth is measured before the parser recurses. */
#include "base/json.h"

#include <stdbool.h>
#include <string.h>

#include "base/limits.h"

int json_depth(const char *data, size_t n, int limit)
{
    int depth = 0;
    int deepest = 0;
    int in_string = 0;
    for (size_t i = 0; i < n && deepest <= limit; i++) {
        char c = data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest) deepest = depth;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return deepest;
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

static int read_json(json_t **out, const char *data, size_t n, size_t flags, struct error *e)
{
    *out = NULL;
    if (json_depth(data, n, LIMIT_JSON_DEPTH) > LIMIT_JSON_DEPTH)
        return error_set(e, ERR_FORMAT, "the JSON is nested deeper than %d levels", LIMIT_JSON_DEPTH);
    json_error_t why;
    *out = json_loadb(data, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL | flags, &why);
    if (*out) return OK;
    if (json_error_code(&why) == json_error_out_of_memory || why.line < 0) /* jansson has no place for want of memory */
        return error_set(e, ERR_NOMEM, "no memory to read the JSON");
    return error_set(e, ERR_FORMAT, "%s at line %d, column %d", what_is_wrong(&why), why.line, why.column);
}

int json_read(json_t **out, const char *data, size_t n, struct error *e)
{
    return read_json(out, data, n, 0, e);
}

int json_read_wide(json_t **out, const char *data, size_t n, struct error *e)
{
    return read_json(out, data, n, JSON_DECODE_INT_AS_REAL, e);
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) p++;
    return p;
}

/* Behind the string that begins at p. */
static const char *skip_string(const char *p, const char *end)
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
        p = *p == '"' ? skip_string(p, end) : p + 1;
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
        const char *value = skip_space(skip_string(name, end), end);
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
