/* consult.c - one consultation, step by step.
 *
 *   1. persona: who answers, and what it must not do (medical/persona)
 *   2. defaults: the assistant's own sampling where the client chose none
 *   3. the person's turns, unchanged; their text is encoded as text, so it cannot become a control token
 *
 * Triage before the model, intake, evidence and the guard behind the model join here, in this order: triage, intake,
 * evidence, prompt, engine, guard, citations.
 */
#include "server/consult.h"

#include <string.h>

#include "base/buf.h"
#include "medical/persona.h"
#include "model/chat_template.h"

bool consult_is_for(const struct chat_request *r)
{
    return strcmp(r->model, PERSONA_MODEL) == 0;
}

static void fill_defaults(struct chat_request *r)
{
    if (!(r->given & GIVEN_TEMPERATURE)) r->temperature = persona_temperature;
    if (!(r->given & GIVEN_TOP_P)) r->top_p = persona_top_p;
    if (!(r->given & GIVEN_REPETITION)) r->repetition_penalty = persona_repetition_penalty;
    if (!r->max_tokens) r->max_tokens = PERSONA_MAX_TOKENS;
}

static bool is_system(const json_t *message)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    return role && strcmp(role, "system") == 0;
}

int consult_prepare(struct chat_request *r, json_t **messages, struct error *e)
{
    struct buf system = BUF_INIT(LIMIT_PROMPT_BYTES);
    const json_t *first = json_array_get(r->messages, 0);
    size_t start = is_system(first) ? 1 : 0;
    *messages = NULL;
    if (r->is_completion) {
        memcpy(r->param, "model", sizeof "model");
        return error_set(e, ERR_INVALID, "the assistant answers at /v1/chat/completions");
    }
    fill_defaults(r);
    buf_append_text(&system, persona_system_prompt());
    if (start) {
        const json_t *content = json_object_get(first, "content");
        buf_append_text(&system, "\n\n");
        buf_append(&system, json_string_value(content) ? json_string_value(content) : "", json_string_length(content));
    }
    json_t *all = buf_error(&system)
                      ? NULL
                      : json_pack("[{s:s, s:s%}]", "role", "system", "content", buf_text(&system), system.len);
    bool failed = !all;
    for (size_t i = start; !failed && i < json_array_size(r->messages); i++)
        failed = json_array_append(all, json_array_get(r->messages, i));
    buf_free(&system);
    if (failed) {
        json_decref(all);
        return error_set(e, ERR_NOMEM, "no memory for the conversation");
    }
    *messages = all;
    return OK;
}

int consult_public_tokens(const struct tokenizer *t, const struct token_list *ids, int *n, struct error *e)
{
    struct token_list own = {0};
    json_t *messages = json_pack("[{s:s, s:s}]", "role", "system", "content", persona_system_prompt());
    int rc = messages ? chat_template_render(t, messages, NULL, false, NULL, &own, e)
                      : error_set(e, ERR_NOMEM, "no memory for the conversation");
    bool same = !rc && own.len <= ids->len && memcmp(own.ids, ids->ids, own.len * sizeof *own.ids) == 0;
    *n = same ? (int)own.len : 0;
    json_decref(messages);
    token_list_free(&own);
    return rc;
}
