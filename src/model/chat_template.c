/* chat_template.c - see chat_template.h. Writes text and ids side by side: control tokens are pushed as ids; the text
 * between two of them is collected and encoded in one piece, because pre-tokenisation sees across the template's own
 * line breaks. */
#include "model/chat_template.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "model/json_text.h"

static const char default_system[] = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";

struct renderer {
    const struct tokenizer *t;
    struct buf *text;       /* whole prompt, or NULL */
    struct buf stretch;     /* text since the last control token */
    struct token_list *ids; /* or NULL */
    struct error *e;
    int rc;
};

static void put(struct renderer *r, const char *text)
{
    if (r->rc) return;
    if (r->text) r->rc = buf_append_text(r->text, text);
    if (!r->rc && r->ids) r->rc = buf_append_text(&r->stretch, text);
    if (r->rc) error_set(r->e, r->rc, "the conversation is over the limit of %zu bytes", (size_t)LIMIT_PROMPT_BYTES);
}

static void put_string(struct renderer *r, const json_t *string)
{
    if (r->rc || !string) return;
    const char *s = json_string_value(string);
    size_t n = json_string_length(string);
    if (r->text) r->rc = buf_append(r->text, s, n);
    if (!r->rc && r->ids) r->rc = buf_append(&r->stretch, s, n);
    if (r->rc) error_set(r->e, r->rc, "the conversation is over the limit of %zu bytes", (size_t)LIMIT_PROMPT_BYTES);
}

static void flush(struct renderer *r)
{
    if (r->rc || !r->ids) return;
    r->rc = tokenizer_encode(r->t, buf_text(&r->stretch), r->stretch.len, TOKENIZE_PLAIN, r->ids, r->e);
    buf_clear(&r->stretch);
}

static void put_control(struct renderer *r, const char *token)
{
    flush(r);
    if (r->rc) return;
    if (r->text) r->rc = buf_append_text(r->text, token);
    if (r->rc || !r->ids) return;
    int32_t id = tokenizer_special_id(r->t, token);
    if (id < 0)
        r->rc = error_set(r->e, ERR_FORMAT, "the tokenizer has no %s: it is not a Qwen2.5 chat model", token);
    else if (token_list_push(r->ids, id))
        r->rc = error_set(r->e, ERR_NOMEM, "no memory for the prompt");
}

/* <tool_call> and its like are added tokens of the vocabulary, but not control tokens of the dialogue. The reference
 * reads them as single tokens; so do we where the template writes them. */
static void put_marker(struct renderer *r, const char *token)
{
    if (r->rc || !r->ids || tokenizer_special_id(r->t, token) < 0)
        put(r, token);
    else
        put_control(r, token);
}

static void put_json(struct renderer *r, const json_t *value)
{
    if (r->rc) return;
    struct buf dumped = BUF_INIT(LIMIT_PROMPT_BYTES);
    r->rc = json_text_append(&dumped, value);
    if (r->rc)
        error_set(r->e, r->rc, "the tools are over the limit of %zu bytes", (size_t)LIMIT_PROMPT_BYTES);
    else
        put(r, buf_text(&dumped));
    buf_free(&dumped);
}

static const char *role_of(const json_t *message)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    return role ? role : "";
}

static bool is_role(const json_t *message, const char *role)
{
    return message && strcmp(role_of(message), role) == 0;
}

static void put_content(struct renderer *r, const json_t *message)
{
    put_string(r, json_object_get(message, "content"));
}

static void put_tools(struct renderer *r, const json_t *tools)
{
    put(r, "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with "
           "function "
           "signatures within <tools></tools> XML tags:\n<tools>");
    for (size_t i = 0; i < json_array_size(tools); i++) {
        put(r, "\n");
        put_json(r, json_array_get(tools, i));
    }
    put(r, "\n</tools>\n\nFor each function call, return a json object with function name and arguments within ");
    put_marker(r, "<tool_call>");
    put_marker(r, "</tool_call>");
    put(r, " XML tags:\n");
    put_marker(r, "<tool_call>");
    put(r, "\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n");
    put_marker(r, "</tool_call>");
}

static void put_system(struct renderer *r, const json_t *first, const json_t *tools)
{
    put_control(r, "<|im_start|>");
    put(r, "system\n");
    if (is_role(first, "system"))
        put_content(r, first);
    else
        put(r, default_system);
    if (json_array_size(tools)) put_tools(r, tools);
    put_control(r, "<|im_end|>");
    put(r, "\n");
}

/* OpenAI's form of arguments, an object as JSON text: written as the reference would write the object. One with numbers
 * beyond 64 bits stays as it is, since reading would change them; text that is no object is a string to the model. */
static void put_arguments(struct renderer *r, const json_t *text)
{
    json_t *parsed = NULL;
    struct error ignored = {0};
    if (json_read_limited(&parsed, json_string_value(text), json_string_length(text), LIMIT_JSON_VALUES, NULL,
                          &ignored) == OK)
        put_json(r, parsed);
    else if (json_read_wide(&parsed, json_string_value(text), json_string_length(text), &ignored) == OK &&
             json_is_object(parsed))
        put_string(r, text);
    else
        put_json(r, text);
    json_decref(parsed);
}

static void put_call(struct renderer *r, const json_t *call)
{
    const json_t *function = json_object_get(call, "function");
    if (function) call = function;
    const json_t *arguments = json_object_get(call, "arguments");
    put(r, "\n");
    put_marker(r, "<tool_call>");
    put(r, "\n{\"name\": \"");
    put_string(r, json_object_get(call, "name"));
    put(r, "\", \"arguments\": ");
    if (json_is_string(arguments))
        put_arguments(r, arguments);
    else
        put_json(r, arguments);
    put(r, "}\n");
    put_marker(r, "</tool_call>");
}

static void put_assistant(struct renderer *r, const json_t *message)
{
    const json_t *calls = json_object_get(message, "tool_calls");
    put_control(r, "<|im_start|>");
    put(r, "assistant");
    if (!json_array_size(calls) || json_string_length(json_object_get(message, "content"))) {
        put(r, "\n");
        put_content(r, message);
    }
    for (size_t i = 0; i < json_array_size(calls); i++) put_call(r, json_array_get(calls, i));
    put_control(r, "<|im_end|>");
    put(r, "\n");
}

/* Results of one round of calls share a user turn. */
static void put_tool_result(struct renderer *r, const json_t *messages, size_t i)
{
    if (i == 0 || !is_role(json_array_get(messages, i - 1), "tool")) {
        put_control(r, "<|im_start|>");
        put(r, "user");
    }
    put(r, "\n<tool_response>\n");
    put_content(r, json_array_get(messages, i));
    put(r, "\n</tool_response>");
    if (!is_role(json_array_get(messages, i + 1), "tool")) {
        put_control(r, "<|im_end|>");
        put(r, "\n");
    }
}

static int check_call(const json_t *call, size_t i, struct error *e)
{
    const json_t *function = json_object_get(call, "function");
    if (function) call = function;
    const json_t *arguments = json_object_get(call, "arguments");
    if (!json_is_string(json_object_get(call, "name")))
        return error_set(e, ERR_INVALID, "messages[%zu].tool_calls: a call has no name", i);
    if (!json_is_object(arguments) && !json_is_string(arguments))
        return error_set(e, ERR_INVALID, "messages[%zu].tool_calls: arguments must be an object or JSON text", i);
    return OK;
}

static int check_messages(const json_t *messages, struct error *e)
{
    size_t n = json_array_size(messages);
    if (!json_is_array(messages) || n == 0) return error_set(e, ERR_INVALID, "messages must be a non-empty array");
    if (n > LIMIT_MESSAGES)
        return error_set(e, ERR_INVALID, "messages has %zu entries, at most %d are possible", n, LIMIT_MESSAGES);
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(messages, i);
        const json_t *content = json_object_get(m, "content");
        const json_t *calls = json_object_get(m, "tool_calls");
        if (!is_role(m, "system") && !is_role(m, "user") && !is_role(m, "assistant") && !is_role(m, "tool"))
            return error_set(e, ERR_INVALID, "messages[%zu].role must be system, user, assistant or tool", i);
        bool may_be_empty = is_role(m, "assistant") && json_array_size(calls) && (!content || json_is_null(content));
        if (!json_is_string(content) && !may_be_empty)
            return error_set(e, ERR_INVALID, "messages[%zu].content must be a string", i);
        for (size_t k = 0; k < json_array_size(calls); k++) {
            int rc = check_call(json_array_get(calls, k), i, e);
            if (rc) return rc;
        }
    }
    return OK;
}

int chat_template_render(const struct tokenizer *t, const json_t *messages, const json_t *tools,
                         bool add_generation_prompt, struct buf *text, struct token_list *ids, struct error *e)
{
    struct renderer r = {.t = t, .text = text, .ids = t ? ids : NULL, .e = e};
    int rc = check_messages(messages, e);
    if (rc) return rc;
    if (tools && !json_is_null(tools) && !json_is_array(tools))
        return error_set(e, ERR_INVALID, "tools must be an array");
    buf_init(&r.stretch, LIMIT_PROMPT_BYTES);
    put_system(&r, json_array_get(messages, 0), tools);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *m = json_array_get(messages, i);
        if (i == 0 && is_role(m, "system")) continue;
        if (is_role(m, "assistant")) {
            put_assistant(&r, m);
        } else if (is_role(m, "tool")) {
            put_tool_result(&r, messages, i);
        } else {
            put_control(&r, "<|im_start|>");
            put(&r, role_of(m));
            put(&r, "\n");
            put_content(&r, m);
            put_control(&r, "<|im_end|>");
            put(&r, "\n");
        }
    }
    if (add_generation_prompt) {
        put_control(&r, "<|im_start|>");
        put(&r, "assistant\n");
    }
    flush(&r);
    buf_free(&r.stretch);
    return r.rc;
}
