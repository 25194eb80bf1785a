/* chat_messages.c - see chat_messages.h. */
#include "server/chat_messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"

/* Where we are: a path that grows at its end, for as long as one level is read. */
struct place {
    char *param;
    struct error *e;
};

static size_t enter(struct place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Go down one level; returns what leave() takes. */
static size_t enter(struct place *p, const char *format, ...)
{
    size_t n = strlen(p->param);
    va_list ap;
    va_start(ap, format);
    vsnprintf(p->param + n, CHAT_PARAM_MAX - n, format, ap);
    va_end(ap);
    p->param[utf8_complete_prefix(p->param, strlen(p->param))] = '\0';
    return n;
}

/* Go back up, unless something was refused: then the path stays for the answer. */
static void leave(struct place *p, size_t n)
{
    if (p->e->code == OK) p->param[n] = '\0';
}

static int refuse(struct place *p, const char *must)
{
    return error_set(p->e, ERR_INVALID, "%s %s", p->param, must);
}

static int refuse_field(struct place *p, const char *name, const char *must)
{
    enter(p, ".%.*s", utf8_fit(name, 48), name);
    return refuse(p, must);
}

bool chat_is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && json_string_length(value) == strlen(text) &&
           memcmp(json_string_value(value), text, strlen(text)) == 0;
}

static bool is_name(const json_t *value)
{
    size_t n = json_string_length(value);
    return n > 0 && strlen(json_string_value(value)) == n;
}

/* An object with no other fields than these (the list ends with NULL); those of `empty` only as null. */
static int check_fields(struct place *p, json_t *object, const char *const *known, const char *const *empty)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return refuse(p, "must be an object");
    json_object_foreach(object, key, value)
    {
        bool fine = false;
        for (const char *const *k = known; *k && !fine; k++) fine = strcmp(key, *k) == 0;
        for (const char *const *k = empty; *k && !fine; k++) fine = strcmp(key, *k) == 0 && json_is_null(value);
        if (!fine) return refuse_field(p, key, "is not supported; leave it out");
    }
    return OK;
}

static const char *const nothing[] = {NULL};

/* --- content --------------------------------------------------------------------------------------------------------
 */

static int read_part(struct place *p, json_t *part, struct buf *text)
{
    static const char *const known[] = {"type", "text", NULL};
    const json_t *string = json_object_get(part, "text");
    if (json_is_object(part) && !chat_is_text(json_object_get(part, "type"), "text"))
        return refuse_field(p, "type", "must be text: other parts are not supported");
    int rc = check_fields(p, part, known, nothing);
    if (rc) return rc;
    if (!json_is_string(string)) return refuse_field(p, "text", "must be a string");
    buf_append(text, json_string_value(string), json_string_length(string));
    return OK;
}

/* Content as parts: replaces the array by a string. */
static int join_parts(struct place *p, json_t *message, const json_t *parts)
{
    struct buf text = BUF_INIT(LIMIT_HTTP_BODY);
    size_t content = enter(p, ".content");
    int rc = OK;
    for (size_t i = 0; !rc && i < json_array_size(parts); i++) {
        size_t level = enter(p, "[%zu]", i);
        rc = read_part(p, json_array_get(parts, i), &text);
        leave(p, level);
    }
    if (!rc && (buf_error(&text) || json_object_set_new(message, "content", json_stringn(buf_text(&text), text.len))))
        rc = error_set(p->e, ERR_NOMEM, "no memory for the messages");
    buf_free(&text);
    leave(p, content);
    return rc;
}

/* --- tool calls -----------------------------------------------------------------------------------------------------
 */

static int read_call(struct place *p, json_t *call)
{
    static const char *const known[] = {"id", "type", "index", "function", NULL};
    static const char *const in_function[] = {"name", "arguments", NULL};
    json_t *function = json_object_get(call, "function");
    const json_t *id = json_object_get(call, "id");
    const json_t *index = json_object_get(call, "index"); /* our own answers have it; clients send them back */
    int rc = check_fields(p, call, known, nothing);
    if (rc) return rc;
    if (id && !json_is_string(id)) return refuse_field(p, "id", "must be a string");
    if (index && !json_is_integer(index)) return refuse_field(p, "index", "must be a whole number");
    if (json_object_get(call, "type") && !chat_is_text(json_object_get(call, "type"), "function"))
        return refuse_field(p, "type", "must be function");
    size_t level = enter(p, ".function");
    const json_t *arguments = json_object_get(function, "arguments");
    rc = check_fields(p, function, in_function, nothing);
    if (!rc && !is_name(json_object_get(function, "name"))) rc = refuse_field(p, "name", "must be a name");
    if (!rc && !json_is_object(arguments) && !json_is_string(arguments))
        rc = refuse_field(p, "arguments", "must be an object or JSON text");
    leave(p, level);
    return rc;
}

static int read_calls(struct place *p, bool may, const json_t *calls)
{
    if (!calls || json_is_null(calls)) return OK;
    size_t field = enter(p, ".tool_calls");
    int rc = OK;
    if (!may) rc = refuse(p, "is possible in the assistant's messages only");
    if (!rc && (!json_is_array(calls) || json_array_size(calls) > LIMIT_TOOLS))
        rc = refuse(p, "must be an array of at most 128 calls");
    for (size_t i = 0; !rc && i < json_array_size(calls); i++) {
        size_t level = enter(p, "[%zu]", i);
        rc = read_call(p, json_array_get(calls, i));
        leave(p, level);
    }
    leave(p, field);
    return rc;
}

/* --- messages -------------------------------------------------------------------------------------------------------
 */

static int read_message(struct place *p, json_t *message)
{
    static const char *const known[] = {"role", "content", "tool_calls", "tool_call_id", NULL};
    static const char *const empty[] = {"name", "refusal", "audio", "function_call", "annotations", NULL};
    static const char *const roles[] = {"system", "user", "assistant", "tool", "developer"};
    const json_t *role = json_object_get(message, "role");
    const json_t *content = json_object_get(message, "content");
    const json_t *calls = json_object_get(message, "tool_calls");
    const json_t *call_id = json_object_get(message, "tool_call_id");
    bool role_known = false;
    int rc = check_fields(p, message, known, empty);
    if (rc) return rc;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) role_known = role_known || chat_is_text(role, roles[i]);
    if (!role_known) return refuse_field(p, "role", "must be system, user, assistant or tool");
    rc = read_calls(p, chat_is_text(role, "assistant"), calls);
    if (rc) return rc;
    if (call_id && !json_is_null(call_id) && (!json_is_string(call_id) || !chat_is_text(role, "tool")))
        return refuse_field(p, "tool_call_id", "must be a string, in a tool's message only");
    if (chat_is_text(role, "developer")) json_object_set_new(message, "role", json_string("system"));
    if (json_is_array(content)) return join_parts(p, message, content);
    bool may_be_empty = json_array_size(calls) > 0 && (!content || json_is_null(content));
    return json_is_string(content) || may_be_empty ? OK : refuse_field(p, "content", "must be a string");
}

int chat_messages_read(json_t *messages, char *param, struct error *e)
{
    struct place p = {param, e};
    int rc = OK;
    snprintf(param, CHAT_PARAM_MAX, "messages");
    if (!json_is_array(messages) || json_array_size(messages) == 0 || json_array_size(messages) > LIMIT_MESSAGES)
        return refuse(&p, "must be an array of 1 to 1024 messages");
    for (size_t i = 0; !rc && i < json_array_size(messages); i++) {
        size_t level = enter(&p, "[%zu]", i);
        rc = read_message(&p, json_array_get(messages, i));
        leave(&p, level);
    }
    return rc;
}

/* --- tools ----------------------------------------------------------------------------------------------
 */

static int read_tool(struct place *p, json_t *tool)
{
    static const char *const known[] = {"type", "function", NULL};
    static const char *const in_function[] = {"name", "description", "parameters", "strict", NULL};
    json_t *function = json_object_get(tool, "function");
    const json_t *description = json_object_get(function, "description");
    const json_t *parameters = json_object_get(function, "parameters");
    const json_t *strict = json_object_get(function, "strict");
    int rc = check_fields(p, tool, known, nothing);
    if (rc) return rc;
    if (!chat_is_text(json_object_get(tool, "type"), "function"))
        return refuse_field(p, "type", "must be function: other tools are not supported");
    enter(p, ".function");
    rc = check_fields(p, function, in_function, nothing);
    if (!rc && !is_name(json_object_get(function, "name"))) rc = refuse_field(p, "name", "must be a name");
    if (!rc && description && !json_is_null(description) && !json_is_string(description))
        rc = refuse_field(p, "description", "must be a string");
    if (!rc && parameters && !json_is_null(parameters) && !json_is_object(parameters))
        rc = refuse_field(p, "parameters", "must be an object");
    if (!rc && strict && !json_is_null(strict) && !json_is_boolean(strict))
        rc = refuse_field(p, "strict", "must be true or false");
    if (!rc) json_object_del(function, "strict");
    return rc;
}

int chat_tools_read(json_t *tools, char *param, struct error *e)
{
    struct place p = {param, e};
    int rc = OK;
    snprintf(param, CHAT_PARAM_MAX, "tools");
    if (!json_is_array(tools) || json_array_size(tools) > LIMIT_TOOLS)
        return refuse(&p, "must be an array of at most 128 tools");
    for (size_t i = 0; !rc && i < json_array_size(tools); i++) {
        size_t level = enter(&p, "[%zu]", i);
        rc = read_tool(&p, json_array_get(tools, i));
        leave(&p, level);
    }
    return rc;
}
