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

int json_read(json_t **out, const char *data, size_t n, struct error *e)
{
    *out = NULL;
    if (json_depth(data, n, LIMIT_JSON_DEPTH) > LIMIT_JSON_DEPTH)
        return error_set(e, ERR_FORMAT, "the JSON is nested deeper than %d levels", LIMIT_JSON_DEPTH);
    json_error_t why;
    *out = json_loadb(data, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (*out) return OK;
    if (json_error_code(&why) == json_error_out_of_memory || why.line < 0) /* jansson has no place for want of memory */
        return error_set(e, ERR_NOMEM, "no memory to read the JSON");
    return error_set(e, ERR_FORMAT, "%s at line %d, column %d", what_is_wrong(&why), why.line, why.column);
}
