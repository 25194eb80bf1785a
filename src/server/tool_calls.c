/* tool_calls.c - see tool_calls.h. */
#include "server/tool_calls.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

static const char open_tag[] = "<tool_call>";
static const char close_tag[] = "</tool_call>";

size_t tool_calls_free_prefix(const char *text, size_t n)
{
    const char *found = memmem(text, n, open_tag, sizeof open_tag - 1);
    if (found) return (size_t)(found - text);
    size_t keep = sizeof open_tag - 2 < n ? sizeof open_tag - 2 : n;
    while (keep > 0 && memcmp(text + n - keep, open_tag, keep) != 0) keep--;
    return n - keep;
}

/* The arguments go on byte for byte as the model wrote them: read and written again, 0.1 would be another number and
 * one of 20 digits none. */
static json_t *parse_one(const char *text, size_t n, const char *id, size_t index)
{
    json_t *call = NULL;
    struct error ignored = {0};
    size_t length = 0;
    if (json_read_wide(&call, text, n, &ignored)) return NULL;
    const char *name = json_string_value(json_object_get(call, "name"));
    const char *arguments = json_member_text(text, n, "arguments", &length);
    json_t *result = NULL;
    if (name && arguments && json_is_object(json_object_get(call, "arguments"))) {
        char call_id[80];
        snprintf(call_id, sizeof call_id, "call_%s_%zu", id, index);
        result = json_pack("{s:i, s:s, s:s, s:{s:s, s:o}}", "index", (int)index, "id", call_id, "type", "function",
                           "function", "name", name, "arguments", json_stringn(arguments, length));
    }
    json_decref(call);
    return result;
}

/* The tag that ends the call at text: not one that its strings hold. */
static const char *find_close(const char *text, const char *end)
{
    bool in_string = false;
    for (; text < end; text++) {
        if (in_string && *text == '\\')
            text++;
        else if (*text == '"')
            in_string = !in_string;
        else if (!in_string && (size_t)(end - text) >= sizeof close_tag - 1 &&
                 memcmp(text, close_tag, sizeof close_tag - 1) == 0)
            return text;
    }
    return NULL;
}

json_t *tool_calls_parse(const char *text, size_t n, const char *id)
{
    const char *end = text + n;
    json_t *calls = json_array();
    while (text < end && strchr(" \t\r\n", *text)) text++;
    while (text < end) {
        const char *close = find_close(text, end);
        size_t head = sizeof open_tag - 1;
        bool opens = (size_t)(end - text) > head && memcmp(text, open_tag, head) == 0;
        json_t *one =
            close && opens ? parse_one(text + head, (size_t)(close - text) - head, id, json_array_size(calls)) : NULL;
        if (!one || json_array_size(calls) >= LIMIT_TOOLS || json_array_append_new(calls, one)) {
            json_decref(calls);
            return NULL;
        }
        text = close + sizeof close_tag - 1;
        while (text < end && strchr(" \t\r\n", *text)) text++;
    }
    if (json_array_size(calls) > 0) return calls;
    json_decref(calls);
    return NULL;
}
