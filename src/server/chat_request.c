/* chat_request.c - see chat_request.h. One table: a field's name and the function that reads it. */
#include "server/chat_request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

typedef int (*field_reader)(struct chat_request *r, const char *name, json_t *value, struct error *e);

static int wrong(const char *name, const char *must, struct error *e)
{
    return error_set(e, ERR_INVALID, "%s must be %s", name, must);
}

static int unsupported(const char *name, const char *what, struct error *e)
{
    return error_set(e, ERR_INVALID, "%s%s is not supported", name, what);
}

/* --- one reader per kind of field
 * -------------------------------------------------------------------------------------- */

static int read_text(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    size_t n = json_string_length(value);
    if (!json_is_string(value) || n > 256 || strlen(json_string_value(value)) != n)
        return wrong(name, "a string of at most 256 bytes, without NUL", e);
    *(strcmp(name, "user") == 0 ? &r->user : &r->model) = json_string_value(value);
    return OK;
}

static int read_flag(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    if (!json_is_boolean(value)) return wrong(name, "true or false", e);
    bool on = json_is_true(value);
    if (strcmp(name, "stream") == 0) r->stream = on;
    if (strcmp(name, "logprobs") == 0) r->logprobs = on;
    if (strcmp(name, "ignore_eos") == 0) r->ignore_eos = on;
    if (strcmp(name, "parallel_tool_calls") == 0) r->form.one_call = !on;
    return OK;
}

static int read_count(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    json_int_t number = json_integer_value(value);
    bool is_limit = strncmp(name, "max_", 4) == 0;
    json_int_t high = strcmp(name, "top_logprobs") == 0 ? LIMIT_TOP_LOGPROBS : is_limit ? LIMIT_CONTEXT : LIMIT_TOP_K;
    char must[64];
    snprintf(must, sizeof must, "a whole number from %d to %lld", is_limit, (long long)high);
    if (!json_is_integer(value) || number < is_limit || number > high) return wrong(name, must, e);
    if (is_limit) {
        if (r->max_tokens && r->max_tokens != number)
            return error_set(e, ERR_INVALID, "max_tokens and max_completion_tokens differ");
        r->max_tokens = (int)number;
    } else if (strcmp(name, "top_k") == 0) {
        r->top_k = (int)number;
        r->given |= GIVEN_TOP_K;
    } else {
        r->top_logprobs = (int)number;
    }
    return OK;
}

static int read_number(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    static const struct {
        const char *name;
        double low, high;
        size_t offset;
        unsigned given;
    } fields[] = {
        {"temperature", 0, LIMIT_TEMPERATURE, offsetof(struct chat_request, temperature), GIVEN_TEMPERATURE},
        {"top_p", 0, 1, offsetof(struct chat_request, top_p), GIVEN_TOP_P},
        {"min_p", 0, 1, offsetof(struct chat_request, min_p), 0},
        {"repetition_penalty", LIMIT_REPETITION_LOWEST, LIMIT_REPETITION,
         offsetof(struct chat_request, repetition_penalty), GIVEN_REPETITION},
        {"presence_penalty", -2, 2, offsetof(struct chat_request, presence_penalty), 0},
        {"frequency_penalty", -2, 2, offsetof(struct chat_request, frequency_penalty), 0},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(name, fields[i].name) != 0) continue;
        double number = json_number_value(value);
        char must[64];
        snprintf(must, sizeof must, "a number from %g to %g", fields[i].low, fields[i].high);
        if (!json_is_number(value) || !(number >= fields[i].low && number <= fields[i].high))
            return wrong(name, must, e);
        float kept = (float)number; /* 1e-300 is 0 there */
        if (kept == 0 && fields[i].given == GIVEN_TOP_P) return wrong(name, "above 0", e);
        *(float *)(void *)((char *)r + fields[i].offset) = kept;
        r->given |= fields[i].given;
    }
    return OK;
}

static int read_seed(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    if (!json_is_integer(value)) return wrong(name, "a whole number", e);
    r->seed = (uint64_t)json_integer_value(value);
    r->has_seed = true;
    return OK;
}

static int add_stop(struct chat_request *r, const char *name, const json_t *value, struct error *e)
{
    size_t n = json_string_length(value);
    if (!json_is_string(value) || n == 0 || n > LIMIT_STOP_BYTES || strlen(json_string_value(value)) != n)
        return wrong(name, "a non-empty string, or several", e);
    if (r->stop_count == LIMIT_STOP_STRINGS)
        return error_set(e, ERR_INVALID, "stop has more than %d strings", LIMIT_STOP_STRINGS);
    r->stop[r->stop_count++] = json_string_value(value);
    return OK;
}

static int read_stop(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    if (!json_is_array(value)) return add_stop(r, name, value, e);
    int rc = OK;
    for (size_t i = 0; !rc && i < json_array_size(value); i++) rc = add_stop(r, name, json_array_get(value, i), e);
    return rc;
}

static int read_bias(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    const char *key;
    json_t *bias;
    if (!json_is_object(value)) return wrong(name, "an object of token ids and numbers", e);
    json_object_foreach(value, key, bias)
    {
        size_t digits = strspn(key, "0123456789");
        bool is_id = digits > 0 && digits < 10 && !key[digits] && (key[0] != '0' || digits == 1);
        long id = is_id ? strtol(key, NULL, 10) : -1;
        double number = json_number_value(bias);
        if (id < 0 || id > LIMIT_VOCAB || !json_is_number(bias) || !(fabs(number) <= 100))
            return wrong(name, "an object of token ids and numbers from -100 to 100", e);
        if (r->bias_count == LIMIT_LOGIT_BIAS)
            return error_set(e, ERR_INVALID, "logit_bias has more than %d entries", LIMIT_LOGIT_BIAS);
        r->bias[r->bias_count++] = (struct logit_bias){(int32_t)id, (float)number};
    }
    return OK;
}

static int read_stream_options(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    const char *key;
    json_t *option;
    if (!json_is_object(value)) return wrong(name, "an object", e);
    json_object_foreach(value, key, option)
    {
        if (strcmp(key, "include_usage") != 0 || !json_is_boolean(option)) {
            snprintf(r->param, sizeof r->param, "stream_options.%.*s", utf8_fit(key, 64), key);
            return unsupported(r->param, "", e);
        }
        r->include_usage = json_is_true(option);
    }
    return OK;
}

/* Fields with a value that means nothing special: that value is accepted, any other refused. */
static int read_neutral(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    (void)r;
    bool neutral =
        (strcmp(name, "n") == 0 && json_integer_value(value) == 1) ||
        (strcmp(name, "best_of") == 0 && json_integer_value(value) == 1) ||
        (strcmp(name, "store") == 0 && json_is_false(value)) || (strcmp(name, "echo") == 0 && json_is_false(value)) ||
        (strcmp(name, "service_tier") == 0 && (chat_is_text(value, "auto") || chat_is_text(value, "default")));
    return neutral ? OK : unsupported(name, " with this value", e);
}

static int read_tool_choice(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    (void)name;
    return form_read_choice(&r->form, value, r->param, e);
}

static int read_tools(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    (void)name;
    r->tools = value;
    form_read_strict(&r->form, value);
    return chat_tools_read(value, r->param, e);
}

static int read_messages(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    (void)name;
    r->messages = value;
    return chat_messages_read(value, r->param, e);
}

static int read_format(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    (void)name;
    return form_read_format(&r->form, value, r->param, e);
}

static int read_regex(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    (void)name;
    return form_read_regex(&r->form, value, r->param, e);
}

static int read_prompt(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (!json_is_integer(json_array_get(value, i))) return wrong(name, "one string or an array of token ids", e);
    if (!json_is_string(value) && !json_array_size(value)) return wrong(name, "one string or an array of token ids", e);
    r->prompt = value;
    return OK;
}

/* --- the table
 * ------------------------------------------------------------------------------------------------------------ */

enum { IN_CHAT = 1, IN_COMPLETION = 2, IN_BOTH = 3 };

static const struct {
    const char *name;
    int where;
    field_reader read;
} fields[] = {
    {"model", IN_BOTH, read_text},
    {"messages", IN_CHAT, read_messages},
    {"prompt", IN_COMPLETION, read_prompt},
    {"stream", IN_BOTH, read_flag},
    {"stream_options", IN_BOTH, read_stream_options},
    {"max_tokens", IN_BOTH, read_count},
    {"max_completion_tokens", IN_CHAT, read_count},
    {"temperature", IN_BOTH, read_number},
    {"top_p", IN_BOTH, read_number},
    {"top_k", IN_BOTH, read_count},
    {"min_p", IN_BOTH, read_number},
    {"repetition_penalty", IN_BOTH, read_number},
    {"presence_penalty", IN_BOTH, read_number},
    {"frequency_penalty", IN_BOTH, read_number},
    {"logit_bias", IN_BOTH, read_bias},
    {"seed", IN_BOTH, read_seed},
    {"stop", IN_BOTH, read_stop},
    {"user", IN_BOTH, read_text},
    {"ignore_eos", IN_BOTH, read_flag},
    {"logprobs", IN_CHAT, read_flag},
    {"top_logprobs", IN_CHAT, read_count},
    {"tools", IN_CHAT, read_tools},
    {"tool_choice", IN_CHAT, read_tool_choice},
    {"parallel_tool_calls", IN_CHAT, read_flag},
    {"response_format", IN_CHAT, read_format},
    {"guided_regex", IN_BOTH, read_regex},
    {"n", IN_BOTH, read_neutral},
    {"best_of", IN_COMPLETION, read_neutral},
    {"echo", IN_COMPLETION, read_neutral},
    {"store", IN_CHAT, read_neutral},
    {"service_tier", IN_CHAT, read_neutral},
};

static int read_field(struct chat_request *r, const char *name, json_t *value, struct error *e)
{
    int where = r->is_completion ? IN_COMPLETION : IN_CHAT;
    snprintf(r->param, sizeof r->param, "%.*s", utf8_fit(name, 64), name);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!(fields[i].where & where) || strcmp(name, fields[i].name) != 0) continue;
        return json_is_null(value) ? OK : fields[i].read(r, name, value, e);
    }
    return error_set(e, ERR_INVALID, "the field %s is not supported; leave it out", r->param);
}

static int finish(struct chat_request *r, struct error *e)
{
    const char *missing = !r->model          ? "model"
                          : r->is_completion ? (r->prompt ? NULL : "prompt")
                          : r->messages      ? NULL
                                             : "messages";
    if (missing) {
        snprintf(r->param, sizeof r->param, "%s", missing);
        return error_set(e, ERR_INVALID, "%s is required", missing);
    }
    int rc = form_check(&r->form, r->tools, r->param, e);
    if (rc) return rc;
    if (r->form.choice == TOOLS_NONE) r->tools = NULL;
    snprintf(r->param, sizeof r->param, "%s", r->include_usage ? "stream_options" : "top_logprobs");
    if (r->include_usage && !r->stream) return error_set(e, ERR_INVALID, "stream_options needs stream");
    if (r->top_logprobs && !r->logprobs) return error_set(e, ERR_INVALID, "top_logprobs needs logprobs");
    r->param[0] = '\0';
    return OK;
}

int chat_request_parse(struct chat_request *r, bool is_completion, const char *data, size_t n, struct error *e)
{
    const char *name;
    json_t *value;
    *r = (struct chat_request){.is_completion = is_completion, .temperature = 1, .top_p = 1, .repetition_penalty = 1};
    size_t number;
    int rc = json_read_limited(&r->root, data, n, LIMIT_JSON_VALUES, &number, e);
    if (rc) {
        size_t length = json_member_at(data, number, &name);
        snprintf(r->param, sizeof r->param, "%.*s", length < 64 ? (int)length : 0, length ? name : "");
        return e->code = ERR_INVALID; /* a malformed body is the client's mistake */
    }
    if (!json_is_object(r->root)) rc = error_set(e, ERR_INVALID, "the request body must be a JSON object");
    if (!rc) {
        void *next;
        json_object_foreach_safe(r->root, next, name, value)
        {
            if (!rc) rc = read_field(r, name, value, e);
        }
    }
    if (!rc) rc = finish(r, e);
    if (rc) chat_request_fini(r);
    return rc;
}

void chat_request_fini(struct chat_request *r)
{
    grammar_release(r->grammar);
    r->grammar = NULL;
    json_decref(r->root);
    r->root = NULL;
}
