/* verb_guard.c - the guard, checkable from outside. */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/json_lines.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "medical/guard.h"

static json_t *spans_of(const struct guard_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->count; i++) {
        const struct guard_span *s = &r->spans[i];
        json_t *span = json_pack("{s:I, s:I, s:s}", "start", (json_int_t)s->start, "end", (json_int_t)s->end, "reason",
                                 guard_reason_id(s->reason));
        if (json_array_append_new(list, span)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int guard_line(void *user, const json_t *input, json_t **answer, struct error *e)
{
    const json_t *text = json_object_get(input, "text");
    struct guard_result r;
    if (!json_is_string(text)) return error_set(e, ERR_FORMAT, "has no string \"text\"");
    int rc = guard_check(user, json_string_value(text), json_string_length(text), &r, e);
    if (rc) return rc;
    json_t *spans = spans_of(&r);
    *answer = json_pack("{s:s, s:o, s:s?, s:s%}", "action", guard_action_id(r.action), "spans", spans, "reason",
                        r.count ? guard_reason_id(r.spans[0].reason) : NULL, "text", r.text, r.len);
    guard_result_free(&r);
    return *answer ? OK : error_set(e, ERR_NOMEM, "no memory for the answer");
}

static int run(int argc, char **argv)
{
    const char *drugs = NULL;
    const struct option_spec specs[] = {{"--drugs", OPTION_TEXT, &drugs}, {0}};
    struct error e = {0};
    struct buf file = BUF_INIT(LIMIT_GUARD_LEXICON);
    struct guard *g = NULL;
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional)
        rc = error_set(&e, ERR_INVALID, "takes its texts from standard input, one JSON object per line (--help)");
    if (!rc && drugs) rc = file_read(&file, drugs, &e);
    if (!rc) rc = guard_new(&g, drugs ? buf_text(&file) : NULL, file.len, &e);
    if (!rc) rc = json_lines_run(guard_line, g, &e);
    guard_free(g);
    buf_free(&file);
    return rc ? cli_fail("guard", &e) : 0;
}

const struct verb verb_guard = {
    .name = "guard",
    .run = run,
    .summary = "what the guard lets through of a text, JSON lines in and out",
    .usage = "usage: xiaobei guard [--drugs FILE]\n\n"
             "Reads {\"text\"} per line, writes {\"action\",\"spans\",\"reason\",\"text\"}: pass, rewrite or block, "
             "what was\n"
             "replaced (bytes of the text) and why, and what may be shown. FILE adds names of drugs, one per line:\n"
             "name, language (zh or en) and class, with tabs between them, as in data/drugs.tsv.\n",
};
