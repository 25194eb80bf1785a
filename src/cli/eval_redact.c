/* eval_redact.c - what the redactor finds of what was marked by hand, and what it masks beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/eval_counts.h"
#include "cli/eval_suites.h"
#include "cli/options.h"
#include "medical/redact.h"

struct redact_eval {
    struct redactor *redactor;
    bool failures;
    struct eval_figure recall;    /* spans with every character masked */
    struct eval_figure precision; /* masked characters inside a span */
    struct eval_figure typed;     /* found spans whose mask has their type */
    struct eval_figure clean;     /* texts without spans in which nothing is masked */
    json_int_t number;
};

static size_t field(const json_t *span, const char *key, size_t most)
{
    json_int_t v = json_integer_value(json_object_get(span, key));
    return v < 0 ? 0 : (size_t)v > most ? most : (size_t)v;
}

/* How the characters [start, end) are written: "latin", "digits", "chinese", or "mixed" ones. */
static const char *script_of(const char *text, size_t start, size_t end)
{
    static const char *const names[] = {"other", "latin", "digits", "mixed", "chinese", "mixed", "mixed", "mixed"};
    unsigned kinds = 0;
    size_t n = strlen(text);
    for (size_t i = 0, at = 0; i < n && at < end; at++) {
        uint32_t c;
        i += utf8_decode(text + i, n - i, &c);
        if (at < start) continue;
        if ((c | 32) >= 'a' && (c | 32) <= 'z') kinds |= 1;
        if (c >= '0' && c <= '9') kinds |= 2;
        if (c >= 0x3400 && c < 0xA000) kinds |= 4;
    }
    return names[kinds];
}

static void count_span(struct redact_eval *v, const char *text, const json_t *span, const char *id,
                       const unsigned char *mask, unsigned char *gold, size_t n)
{
    const char *type = json_string_value(json_object_get(span, "type"));
    size_t start = field(span, "start", n);
    size_t end = field(span, "end", n);
    bool all = true;
    bool some = false;
    for (size_t i = start; i < end; i++) {
        all &= mask[i] != 0;
        some |= mask[i] != 0;
        gold[i] = 1;
    }
    char written[EVAL_GROUP_NAME];
    snprintf(written, sizeof written, "%s %s", type ? type : "-", script_of(text, start, end));
    const struct eval_group group = {"type", type};
    const struct eval_group groups[] = {group, {"written", written}, {"in part", all || !some ? NULL : type}};
    eval_figure_add(&v->recall, all, groups, 3);
    if (!all && v->failures) printf("missed\t%s\t%s\t%zu-%zu\n", id, type ? type : "-", start, end);
    if (!all || start >= end) return;
    bool same = type && strcmp(redact_type_id((enum redact_type)(mask[start] - 1)), type) == 0;
    eval_figure_add(&v->typed, same, &group, 1);
}

static void count_text(struct redact_eval *v, const char *text, const json_t *spans, const char *id,
                       const struct redact_result *r, unsigned char *mask, unsigned char *gold, size_t n)
{
    size_t index;
    const json_t *span;
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = r->spans[i].start; k < r->spans[i].end; k++) mask[k] = (unsigned char)(1 + r->spans[i].type);
    json_array_foreach(spans, index, span) count_span(v, text, span, id, mask, gold, n);
    for (size_t i = 0; i < r->count; i++) {
        const struct redact_span *s = &r->spans[i];
        const struct eval_group group = {"type", redact_type_id(s->type)};
        size_t outside = 0;
        for (size_t k = s->start; k < s->end; k++) {
            eval_figure_add(&v->precision, gold[k] != 0, &group, 1);
            outside += !gold[k];
        }
        if (outside && v->failures)
            printf("outside\t%s\t%s\t%zu-%zu\t%zu characters\n", id, group.value, s->start, s->end, outside);
    }
    if (json_array_size(spans) == 0) eval_figure_add(&v->clean, r->count == 0, NULL, 0);
}

static int redact_case(void *user, const json_t *item, struct error *e)
{
    struct redact_eval *v = user;
    const json_t *text = json_object_get(item, "text");
    const json_t *spans = json_object_get(item, "spans");
    const char *id = json_string_value(json_object_get(item, "id"));
    char number[32];
    struct redact_result r;
    snprintf(number, sizeof number, "line %lld", (long long)++v->number);
    if (!json_is_string(text) || !json_is_array(spans)) return error_set(e, ERR_FORMAT, "needs \"text\" and \"spans\"");
    int rc = redact_run(v->redactor, json_string_value(text), json_string_length(text), &r, e);
    if (rc) return rc;
    size_t n = utf8_count(json_string_value(text), json_string_length(text));
    unsigned char *mask = calloc(2, n + 1);
    if (mask)
        count_text(v, json_string_value(text), spans, id ? id : number, &r, mask, mask + n + 1, n);
    else
        rc = error_set(e, ERR_NOMEM, "no memory to measure");
    free(mask);
    redact_result_free(&r);
    return rc;
}

static json_t *figures_of(const struct redact_eval *v)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "recall", eval_figure_json(&v->recall), "precision",
                     eval_figure_json(&v->precision), "typed", eval_figure_json(&v->typed), "clean",
                     eval_figure_json(&v->clean));
}

int eval_redact(int argc, char **argv, struct error *e)
{
    const char *json = NULL;
    struct redact_eval *v = calloc(1, sizeof *v);
    int positional = 0;
    if (!v) return error_set(e, ERR_NOMEM, "no memory to measure");
    v->recall.name = "spans wholly masked";
    v->precision.name = "masked characters in spans";
    v->typed.name = "masked as their type";
    v->clean.name = "texts without, untouched";
    const struct option_spec specs[] = {{"--json", OPTION_TEXT, &json}, {"--failures", OPTION_FLAG, &v->failures}, {0}};
    int rc = options_parse(specs, argc, argv, &positional, e);
    if (!rc && positional != 1) rc = error_set(e, ERR_INVALID, "needs one file of cases (xiaobei eval --help)");
    if (!rc) rc = redactor_new(&v->redactor, e);
    if (!rc) rc = eval_read_cases(argv[1], redact_case, v, e);
    if (!rc) {
        eval_figure_print(&v->recall, true);
        eval_figure_print(&v->precision, true);
        eval_figure_print(&v->typed, true);
        eval_figure_print(&v->clean, false);
        rc = eval_write_json(json, figures_of(v), e);
    }
    redactor_free(v->redactor);
    free(v);
    return rc;
}
