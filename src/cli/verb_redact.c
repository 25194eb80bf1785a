/* verb_redact.c - what the redactor masks in a text. */
#include <stdbool.h>
#include <string.h>

#include "cli/json_lines.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "medical/redact.h"

static json_t *spans_of(const struct redact_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->count; i++) {
        const struct redact_span *s = &r->spans[i];
        json_t *span = json_pack("{s:I, s:I, s:s}", "start", (json_int_t)s->start, "end", (json_int_t)s->end, "type",
                                 redact_type_id(s->type));
        if (json_array_append_new(list, span)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int redact_line(void *user, const json_t *input, json_t **answer, struct error *e)
{
    const json_t *text = json_object_get(input, "text");
    struct redact_result r;
    if (!json_is_string(text)) return error_set(e, ERR_FORMAT, "has no string \"text\"");
    int rc = redact_run(user, json_string_value(text), json_string_length(text), &r, e);
    if (rc) return rc;
    *answer = json_pack("{s:o, s:s%}", "spans", spans_of(&r), "text", r.text, r.len);
    redact_result_free(&r);
    return *answer ? OK : error_set(e, ERR_NOMEM, "no memory for the answer");
}

static int run(int argc, char **argv)
{
    const struct option_spec specs[] = {{0}};
    struct error e = {0};
    struct redactor *r = NULL;
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional)
        rc = error_set(&e, ERR_INVALID, "takes its texts from standard input, one JSON object per line (--help)");
    if (!rc) rc = redactor_new(&r, &e);
    if (!rc) rc = json_lines_run(redact_line, r, &e);
    redactor_free(r);
    return rc ? cli_fail("redact", &e) : 0;
}

const struct verb verb_redact = {
    .name = "redact",
    .run = run,
    .summary = "mask names, numbers and addresses of people, JSON lines in and out",
    .usage = "usage: xiaobei redact\n\n"
             "Reads {\"text\"} per line, writes {\"spans\":[{\"start\",\"end\",\"type\"}],\"text\"}: where something "
             "names a\n"
             "person (Unicode characters of the text; name, phone, id_card, address, mrn, bank, email, wechat, "
             "plate),\n"
             "and the text with a marker in its place. docs/redact.md says what counts.\n",
};
