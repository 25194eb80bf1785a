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

int json_read_limited(json_t **out, const char *data, size_t n, size_t max_values, size_t *number, struct error *e)
{
    *out = NULL;
    if (number) *number = 0;
    struct extent found = measure(data, n, max_values);
    if (found.depth > LIMIT_JSON_DEPTH)
        return error_set(e, ERR_FORMAT, "the JSON is nested deeper than %d levels", LIMIT_JSON_DEPTH);
    if (found.values > max_values) return error_set(e, ERR_FORMAT, "the JSON holds more than %zu values", max_values);
    json_error_t why;
    *out = json_loadb(data, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (*out) return OK;
    if (json_error_code(&why) == json_error_out_of_memory || why.line < 0) /* jansson has no place for want of memory */
        return error_set(e, ERR_NOMEM, "no memory to read the JSON");
    if (number && json_error_code(&why) == json_error_numeric_overflow) *number = (size_t)why.position;
    return error_set(e, ERR_FORMAT, "%s at line %d, column %d", what_is_wrong(&why), why.line, why.column);
}

int json_read(json_t **out, const char *data, size_t n, struct error *e)
{
    return json_read_limited(out, data, n, SIZE_MAX, NULL, e);
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
