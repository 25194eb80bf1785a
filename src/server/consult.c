/* consult.c - one consultation, step by step.
 *
 *   1. triage      rules read everything the person wrote: how urgent, which red flags, which department
 *                  (medical/triage). It comes first and the model cannot take anything of it back.
 *   2. messages    the persona (medical/persona), the person's turns as text that cannot become a control token, and
 * what triage found, so that the model does not talk it down
 *   3. begin       an emergency's card is out before the engine is asked
 *   4. feed        the model's words, sentence by sentence through the guard (medical/guard): no dose, no prescription
 *   5. end         level, department, next step, what to bring, and that a machine wrote this (medical/reply)
 *
 * Intake and evidence join between 1 and 2, citations behind 4.
 */
#include "server/consult.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "medical/guard.h"
#include "medical/persona.h"
#include "medical/reply.h"
#include "model/chat_template.h"

struct clinic {
    struct triage *triage;
    struct guard *guard;
};

struct consult {
    const struct clinic *clinic;
    struct triage_result triage;
    struct guard_stream *guard;
    consult_sink sink;
    void *user;
};

int clinic_open(struct clinic **out, struct error *e)
{
    struct clinic *c = calloc(1, sizeof *c);
    *out = NULL;
    int rc = c ? triage_open(&c->triage, e) : error_set(e, ERR_NOMEM, "no memory for the medical tables");
    if (!rc) rc = guard_new(&c->guard, NULL, 0, e);
    if (rc)
        clinic_close(c);
    else
        *out = c;
    return rc;
}

void clinic_close(struct clinic *c)
{
    if (!c) return;
    triage_close(c->triage);
    guard_free(c->guard);
    free(c);
}

static bool has_role(const json_t *message, const char *role)
{
    const char *own = json_string_value(json_object_get(message, "role"));
    return own && strcmp(own, role) == 0;
}

static const char *content_of(const json_t *message)
{
    const char *text = json_string_value(json_object_get(message, "content"));
    return text ? text : "";
}

/* --- 1. triage -------------------------------------------------------------------------------------------------------
 */

static int assess(struct consult *c, const json_t *messages, struct error *e)
{
    const char *turns[LIMIT_TRIAGE_TURNS];
    struct triage_input in = {.profile = {.age = -1, .age_months = -1, .age_days = -1, .pregnant = -1}, .turns = turns};
    for (size_t i = 0; i < json_array_size(messages) && in.n_turns < LIMIT_TRIAGE_TURNS; i++)
        if (has_role(json_array_get(messages, i), "user"))
            turns[in.n_turns++] = content_of(json_array_get(messages, i));
    static const char *const nothing[] = {""};
    if (in.n_turns == 0) { /* a conversation that only a developer can send: nobody said anything yet */
        in.turns = nothing;
        in.n_turns = 1;
    }
    return triage_assess(c->clinic->triage, &in, TRIAGE_BOTH, &c->triage, e);
}

int consult_new(struct consult **out, const struct clinic *clinic, const json_t *messages, consult_sink sink,
                void *user, struct error *e)
{
    struct consult *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return error_set(e, ERR_NOMEM, "no memory for the consultation");
    *c = (struct consult){.clinic = clinic, .sink = sink, .user = user};
    const char *question = NULL;
    for (size_t i = json_array_size(messages); i > 0 && !question; i--)
        if (has_role(json_array_get(messages, i - 1), "user")) question = content_of(json_array_get(messages, i - 1));
    int rc = assess(c, messages, e);
    if (!rc) rc = guard_stream_new(&c->guard, clinic->guard, question, sink, user, e);
    if (rc)
        consult_free(c);
    else
        *out = c;
    return rc;
}

void consult_free(struct consult *c)
{
    if (!c) return;
    guard_stream_free(c->guard);
    free(c);
}

const struct triage_result *consult_triage(const struct consult *c)
{
    return &c->triage;
}

json_t *consult_triage_json(const struct consult *c)
{
    json_t *flags = json_array();
    json_t *departments = json_array();
    for (size_t i = 0; i < c->triage.n_flags; i++)
        json_array_append_new(
            flags, json_pack("{s:s, s:s}", "id", c->triage.flags[i].row->id, "source", c->triage.flags[i].row->source));
    for (size_t i = 0; i < c->triage.n_departments; i++)
        json_array_append_new(departments, json_string(c->triage.departments[i].department->name));
    return json_pack("{s:s, s:o, s:o, s:b}", "level", triage_level_name(c->triage.level), "flags", flags, "departments",
                     departments, "ai_generated", 1);
}

/* --- 2. messages -----------------------------------------------------------------------------------------------------
 */

static void append(json_t *all, const char *role, const char *text, size_t n)
{
    json_array_append_new(all, json_pack("{s:s, s:s%}", "role", role, "content", text, n));
}

static void append_system(json_t *all, const json_t *own)
{
    struct buf system = BUF_INIT(LIMIT_PROMPT_BYTES);
    buf_append_text(&system, persona_system_prompt());
    if (own) buf_printf(&system, "\n\n%s", content_of(own));
    append(all, "system", buf_text(&system), system.len);
    buf_free(&system);
}

static void append_note(json_t *all, const struct triage_result *t)
{
    struct buf note = BUF_INIT(MIB);
    reply_note(t, &note);
    if (note.len) append(all, "system", buf_text(&note), note.len);
    buf_free(&note);
}

json_t *consult_messages(const struct consult *c, const json_t *messages)
{
    json_t *all = json_array();
    const json_t *first = json_array_get(messages, 0);
    size_t start = first && has_role(first, "system") ? 1 : 0;
    size_t count = json_array_size(messages);
    append_system(all, start ? first : NULL);
    for (size_t i = start; i < count; i++) {
        json_t *message = json_array_get(messages, i);
        if (i + 1 == count) append_note(all, &c->triage);
        if (!has_role(message, "assistant") || json_object_get(message, "tool_calls")) {
            json_array_append(all, message);
            continue;
        }
        struct buf own = BUF_INIT(LIMIT_PROMPT_BYTES);
        reply_strip(content_of(message), strlen(content_of(message)), &own);
        append(all, "assistant", buf_text(&own), own.len);
        buf_free(&own);
    }
    return all;
}

/* --- 3. to 5. --------------------------------------------------------------------------------------------------------
 */

static int release(struct consult *c, void (*write)(const struct triage_result *t, struct buf *out))
{
    struct buf text = BUF_INIT(MIB);
    write(&c->triage, &text);
    int rc = text.len ? c->sink(c->user, buf_text(&text), text.len) : OK;
    buf_free(&text);
    return rc;
}

int consult_begin(struct consult *c)
{
    return release(c, reply_card);
}

int consult_feed(struct consult *c, const char *text, size_t n, struct error *e)
{
    return guard_stream_feed(c->guard, text, n, e);
}

int consult_end(struct consult *c, struct error *e)
{
    int rc = guard_stream_end(c->guard, NULL, e);
    return rc ? rc : release(c, reply_closing);
}

int consult_public_tokens(const struct tokenizer *t, const struct token_list *ids, int *n, struct error *e)
{
    struct token_list own = {0};
    json_t *messages = json_array();
    append_system(messages, NULL);
    int rc = chat_template_render(t, messages, NULL, false, NULL, &own, e);
    bool same = !rc && own.len <= ids->len && memcmp(own.ids, ids->ids, own.len * sizeof *own.ids) == 0;
    *n = same ? (int)own.len : 0;
    json_decref(messages);
    token_list_free(&own);
    return rc;
}
