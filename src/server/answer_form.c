/* answer_form.c - see answer_form.h. A call has the shape of Qwen2.5's chat template:
 * <tool_call>\n{"name": ..., "arguments": ...}\n</tool_call>. */
#include "server/answer_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "server/chat_messages.h"

static const char call_begins[] = "<tool_call>";

static int refuse(char *param, const char *path, const char *must, struct error *e)
{
    snprintf(param, CHAT_PARAM_MAX, "%s", path);
    return error_set(e, ERR_INVALID, "%s %s", path, must);
}

/* --- response_format
 * -------------------------------------------------------------------------------------------------- */

/* The fields beside a schema: a name, a description and strict say nothing that is not done anyway. */
static int read_described(struct answer_form *f, const json_t *object, const char *base, char *param, struct error *e)
{
    const char *key;
    json_t *value;
    char path[CHAT_PARAM_MAX];
    json_object_foreach((json_t *)object, key, value)
    {
        bool text = strcmp(key, "name") == 0 || strcmp(key, "description") == 0;
        snprintf(path, sizeof path, "%s.%.48s", base, key);
        if (strcmp(key, "schema") == 0 && (json_is_object(value) || json_is_boolean(value)))
            f->schema = value;
        else if (strcmp(key, "schema") == 0)
            return refuse(param, path, "must be a JSON schema", e);
        else if (text && !json_is_string(value) && !json_is_null(value))
            return refuse(param, path, "must be a string", e);
        else if (strcmp(key, "strict") == 0 && !json_is_boolean(value) && !json_is_null(value))
            return refuse(param, path, "must be true or false", e);
        else if (!text && strcmp(key, "strict") != 0 && strcmp(key, "type") != 0 && strcmp(key, "json_schema") != 0)
            return refuse(param, path, "is not supported; leave it out", e);
    }
    return OK;
}

int form_read_format(struct answer_form *f, const json_t *format, char *param, struct error *e)
{
    static const char base[] = "response_format";
    const json_t *type = json_object_get(format, "type");
    const json_t *nested = json_object_get(format, "json_schema");
    bool schema = chat_is_text(type, "json_schema");
    bool text = chat_is_text(type, "text");
    if (!json_is_object(format)) return refuse(param, base, "must be an object", e);
    if (!schema && !text && !chat_is_text(type, "json_object"))
        return refuse(param, "response_format.type", "must be text, json_object or json_schema", e);
    if (text && json_object_size(format) > 1) {
        const char *key;
        json_t *value;
        char path[CHAT_PARAM_MAX];
        json_object_foreach((json_t *)format, key, value)
        {
            snprintf(path, sizeof path, "%s.%.48s", base, key);
            if (strcmp(key, "type") != 0) return refuse(param, path, "is not supported with text; leave it out", e);
        }
    }
    if (text) return OK;
    f->json = true;
    f->schema_path = "response_format.schema";
    int rc = read_described(f, format, base, param, e);
    if (rc || !nested)
        return rc || f->schema || !schema ? rc : refuse(param, "response_format.json_schema", "is required", e);
    if (!schema || f->schema)
        return refuse(param, "response_format.json_schema", "beside json_object or schema is not supported", e);
    if (!json_is_object(nested)) return refuse(param, "response_format.json_schema", "must be an object", e);
    if (json_object_get(nested, "type") || json_object_get(nested, "json_schema"))
        return refuse(param, "response_format.json_schema",
                      json_object_get(nested, "type")
                          ? "holds name, schema and strict, but no type: put the schema under schema"
                          : "must not hold another one",
                      e);
    f->schema_path = "response_format.json_schema.schema";
    rc = read_described(f, nested, "response_format.json_schema", param, e);
    if (!rc && !f->schema) rc = refuse(param, f->schema_path, "is required", e);
    return rc;
}

int form_read_regex(struct answer_form *f, const json_t *value, char *param, struct error *e)
{
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return refuse(param, "guided_regex", "must be a regular expression", e);
    f->regex = json_string_value(value);
    return OK;
}

/* --- tools
 * -------------------------------------------------------------------------------------------------------------- */

int form_read_choice(struct answer_form *f, const json_t *value, char *param, struct error *e)
{
    static const char *const names[] = {"auto", "none", "required"};
    const json_t *function = json_object_get(value, "function");
    const json_t *name = json_object_get(function, "name");
    for (int i = 0; i < 3; i++)
        if (chat_is_text(value, names[i])) {
            f->choice = (enum tool_choice)i;
            return OK;
        }
    if (!json_is_object(value))
        return refuse(param, "tool_choice", "must be auto, none, required or a function's name", e);
    if (!chat_is_text(json_object_get(value, "type"), "function") || json_object_size(value) != 2)
        return refuse(param, "tool_choice", "must have the type function, a function, and nothing else", e);
    if (!json_is_string(name) || json_object_size(function) != 1)
        return refuse(param, "tool_choice.function", "must have a name and nothing else", e);
    f->choice = TOOLS_NAMED;
    f->tool = json_string_value(name);
    return OK;
}

static const json_t *function_of(const json_t *tools, size_t i)
{
    return json_object_get(json_array_get(tools, i), "function");
}

void form_read_strict(struct answer_form *f, const json_t *tools)
{
    for (size_t i = 0; i < json_array_size(tools) && i < LIMIT_TOOLS; i++)
        f->strict[i] = json_is_true(json_object_get(function_of(tools, i), "strict"));
}

static bool is_chosen(const struct answer_form *f, const json_t *tools, size_t i)
{
    const char *name = json_string_value(json_object_get(function_of(tools, i), "name"));
    return f->choice != TOOLS_NAMED || (name && strcmp(name, f->tool) == 0);
}

static bool is_forced(const struct answer_form *f)
{
    return f->choice == TOOLS_REQUIRED || f->choice == TOOLS_NAMED;
}

int form_check(const struct answer_form *f, const json_t *tools, char *param, struct error *e)
{
    size_t chosen = 0;
    for (size_t i = 0; i < json_array_size(tools); i++) chosen += is_chosen(f, tools, i);
    if (is_forced(f) && json_array_size(tools) == 0)
        return refuse(param, "tool_choice", "asks for a call, but there are no tools", e);
    if (is_forced(f) && chosen == 0)
        return refuse(param, "tool_choice.function.name", "is the name of none of the tools", e);
    if (f->json && is_forced(f))
        return refuse(param, "response_format", "is not supported where tool_choice asks for a call", e);
    if (f->regex && (f->json || json_array_size(tools) > 0))
        return refuse(param, "guided_regex", "is not supported beside response_format or tools", e);
    return OK;
}

bool form_is_free(const struct answer_form *f, const json_t *tools)
{
    bool free_text = !f->json && !f->regex && !is_forced(f);
    bool strict = f->one_call;
    for (size_t i = 0; i < json_array_size(tools); i++) strict = strict || f->strict[i];
    return free_text && (json_array_size(tools) == 0 || !strict);
}

/* --- the grammar
 * ---------------------------------------------------------------------------------------------------------- */

struct parts {
    struct grammar_part list[LIMIT_TOOLS + 1];
    struct buf before[LIMIT_TOOLS];
    char paths[LIMIT_TOOLS][64];
    int n;
    json_t *object, *nothing; /* any object; the empty object */
};

static int add_call(struct parts *p, const struct answer_form *f, const json_t *tools, size_t i, char *param,
                    struct error *e)
{
    const json_t *parameters = json_object_get(function_of(tools, i), "parameters");
    const json_t *type = json_object_get(parameters, "type");
    char *name = json_dumps(json_object_get(function_of(tools, i), "name"), JSON_ENCODE_ANY);
    struct buf *before = &p->before[i];
    buf_init(before, MIB);
    buf_printf(before, "%s\n{\"name\": %s, \"arguments\": ", call_begins, name ? name : "");
    free(name);
    if (!name || buf_error(before)) return error_set(e, ERR_NOMEM, "no memory for the tools");
    snprintf(p->paths[i], sizeof p->paths[i], "tools[%zu].function.parameters", i);
    bool kept = is_forced(f) || f->strict[i];
    if (kept && type && !chat_is_text(type, "object")) {
        char path[CHAT_PARAM_MAX];
        snprintf(path, sizeof path, "%s.type", p->paths[i]);
        return refuse(param, path, "must be object", e);
    }
    if (!parameters || json_is_null(parameters)) parameters = p->nothing;
    p->list[p->n++] = (struct grammar_part){.before = buf_text(before),
                                            .after = "}\n</tool_call>",
                                            .schema = kept ? parameters : p->object,
                                            .path = p->paths[i]};
    return OK;
}

static int compile(struct grammar **out, struct parts *p, const struct answer_form *f, const json_t *tools,
                   const struct grammar_vocab *v, char *param, struct error *e)
{
    struct grammar_spec spec = {.parts = p->list, .pattern = f->regex, .param = param, .param_size = CHAT_PARAM_MAX};
    int rc = OK;
    for (size_t i = 0; !rc && i < json_array_size(tools); i++)
        if (is_chosen(f, tools, i)) rc = add_call(p, f, tools, i, param, e);
    if (f->json)
        p->list[p->n++] = (struct grammar_part){.schema = f->schema ? f->schema : p->object,
                                                .path = f->schema ? f->schema_path : "response_format"};
    if (rc) return rc;
    spec.n_parts = p->n;
    if (!f->one_call && !f->json) spec.separator = "\n";
    if (!f->json && !is_forced(f)) spec.trigger = call_begins;
    if (!f->regex) return grammar_new(out, v, &spec, e);
    rc = grammar_new(out, v, &spec, e);
    if (rc) error_context(e, "guided_regex");
    snprintf(param, CHAT_PARAM_MAX, "guided_regex");
    return rc;
}

int form_compile(struct grammar **out, const struct answer_form *f, const json_t *tools, const struct grammar_vocab *v,
                 char *param, struct error *e)
{
    *out = NULL;
    struct parts *p = calloc(1, sizeof *p);
    if (!p) return error_set(e, ERR_NOMEM, "no memory for the form");
    p->object = json_pack("{s:s}", "type", "object");
    p->nothing = json_pack("{s:s, s:{}}", "type", "object", "properties");
    int rc = p->object && p->nothing ? compile(out, p, f, tools, v, param, e)
                                     : error_set(e, ERR_NOMEM, "no memory for the form");
    for (int i = 0; i < LIMIT_TOOLS; i++) buf_free(&p->before[i]);
    json_decref(p->object);
    json_decref(p->nothing);
    free(p);
    return rc;
}
