/* eval_guard.c - missed blocks and false blocks of the guard by reason; the same texts cut at every position. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/eval_counts.h"
#include "cli/eval_suites.h"
#include "cli/options.h"
#include "medical/guard.h"

struct guard_eval {
    struct guard *g;
    bool failures;
    struct eval_figure missed, touched, cut, unclean;
    size_t bytes;
    double seconds;
};

static int append(void *user, const char *text, size_t n)
{
    return buf_append(user, text, n);
}

/* The text in two pieces, cut at `at`; at 0: byte by byte. Is what comes out the same? */
static int same_when_cut(const struct guard_eval *v, const char *text, size_t n, size_t at,
                         const struct guard_result *whole, bool *same, struct error *e)
{
    struct guard_stream *s;
    struct buf out = BUF_INIT(8 * (size_t)LIMIT_MEDICAL_TEXT);
    struct guard_result r = {0};
    int rc = guard_stream_new(&s, v->g, NULL, append, &out, e);
    if (rc) return rc;
    if (at) {
        rc = guard_stream_feed(s, text, at, e);
        if (!rc) rc = guard_stream_feed(s, text + at, n - at, e);
    } else {
        for (size_t i = 0; !rc && i < n; i++) rc = guard_stream_feed(s, text + i, 1, e);
    }
    if (!rc) rc = guard_stream_end(s, &r, e);
    *same = !rc && r.action == whole->action && r.count == whole->count && out.len == whole->len &&
            memcmp(buf_text(&out), whole->text, out.len) == 0;
    guard_stream_free(s);
    guard_result_free(&r);
    buf_free(&out);
    return rc;
}

static int check_cuts(struct guard_eval *v, const char *text, size_t n, const struct guard_result *whole,
                      struct error *e)
{
    int rc = OK;
    for (size_t at = 0; !rc && at < n; at++) {
        bool same = false;
        rc = same_when_cut(v, text, n, at, whole, &same, e);
        eval_figure_add(&v->cut, !same, NULL, 0);
    }
    return rc;
}

/* What is left after a rewrite must be clean itself. */
static int check_again(struct guard_eval *v, const struct guard_result *r, struct error *e)
{
    struct guard_result again;
    if (r->action == GUARD_PASS) return OK;
    int rc = guard_check(v->g, r->text, r->len, &again, e);
    if (rc) return rc;
    eval_figure_add(&v->unclean, again.action != GUARD_PASS, NULL, 0);
    if (again.action != GUARD_PASS && v->failures) printf("unclean\t%s\n", r->text);
    guard_result_free(&again);
    return OK;
}

static const char *text_of(const json_t *item, const char *key, const char *otherwise)
{
    const char *s = json_string_value(json_object_get(item, key));
    return s ? s : otherwise;
}

static int guard_case(void *user, const json_t *item, struct error *e)
{
    struct guard_eval *v = user;
    const json_t *text = json_object_get(item, "text");
    const char *expect = text_of(item, "expect", "");
    const char *reason = text_of(item, "reason", "none");
    bool block = strcmp(expect, "block") == 0;
    struct guard_result r;
    if (!json_is_string(text) || (!block && strcmp(expect, "allow") != 0))
        return error_set(e, ERR_FORMAT, "needs \"text\" and \"expect\" (block or allow)");
    const char *s = json_string_value(text);
    size_t n = json_string_length(text);
    double start = clock_monotonic();
    int rc = guard_check(v->g, s, n, &r, e);
    v->seconds += clock_monotonic() - start;
    v->bytes += n;
    if (rc) return rc;
    bool acted = r.action != GUARD_PASS;
    const struct eval_group groups[] = {{"reason", reason}, {"lang", text_of(item, "lang", NULL)}};
    eval_figure_add(block ? &v->missed : &v->touched, block ? !acted : acted, groups, 2);
    if (v->failures && acted != block)
        printf("%s\t%s\t%s\t%s\t%s\n", block ? "missed" : "touched", text_of(item, "id", "-"), reason,
               r.count ? guard_reason_id(r.spans[0].reason) : "-", s);
    rc = check_cuts(v, s, n, &r, e);
    if (!rc) rc = check_again(v, &r, e);
    guard_result_free(&r);
    return rc;
}

static void print(const struct guard_eval *v)
{
    eval_figure_print(&v->missed, true);
    eval_figure_print(&v->touched, true);
    eval_figure_print(&v->cut, false);
    eval_figure_print(&v->unclean, false);
    if (v->seconds > 0) printf("speed: %.1f MB/s\n", (double)v->bytes / v->seconds / 1e6);
}

static json_t *figures_of(const struct guard_eval *v)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "missed", eval_figure_json(&v->missed), "touched",
                     eval_figure_json(&v->touched), "cut", eval_figure_json(&v->cut), "unclean",
                     eval_figure_json(&v->unclean));
}

int eval_guard(int argc, char **argv, struct error *e)
{
    const char *json = NULL;
    const char *drugs = NULL;
    struct guard_eval *v = calloc(1, sizeof *v);
    struct buf names = BUF_INIT(LIMIT_GUARD_LEXICON);
    int positional = 0;
    if (!v) return error_set(e, ERR_NOMEM, "no memory to measure");
    v->missed.name = "missed blocks";
    v->touched.name = "false blocks";
    v->cut.name = "cuts of a stream that change the answer";
    v->unclean.name = "rewritten texts the guard would not pass";
    const struct option_spec specs[] = {{"--json", OPTION_TEXT, &json},
                                        {"--drugs", OPTION_TEXT, &drugs},
                                        {"--failures", OPTION_FLAG, &v->failures},
                                        {0}};
    int rc = options_parse(specs, argc, argv, &positional, e);
    if (!rc && positional != 1) rc = error_set(e, ERR_INVALID, "needs one file of cases (xiaobei eval --help)");
    if (!rc && drugs) rc = file_read(&names, drugs, e);
    if (!rc) rc = guard_new(&v->g, drugs ? buf_text(&names) : NULL, names.len, e);
    if (!rc) rc = eval_read_cases(argv[1], guard_case, v, e);
    if (!rc) {
        print(v);
        rc = eval_write_json(json, figures_of(v), e);
    }
    guard_free(v->g);
    buf_free(&names);
    free(v);
    return rc;
}
