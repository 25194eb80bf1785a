/* verb_eval.c - measure what the medical layer does on labelled cases: one suite per question. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/eval_suites.h"
#include "cli/options.h"
#include "cli/verbs.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, struct error *e);
} suites[] = {{"guard", eval_guard}, {"triage", eval_triage}, {"selfharm", eval_selfharm}, {"redact", eval_redact}};

int eval_read_cases(const char *path, eval_case handler, void *user, struct error *e)
{
    struct buf file = BUF_INIT(LIMIT_EVAL_FILE);
    int rc = file_read(&file, path, e);
    for (size_t i = 0, number = 1; i < file.len && !rc; number++) {
        const char *text = buf_text(&file) + i;
        const char *newline = memchr(text, '\n', file.len - i);
        size_t n = newline ? (size_t)(newline - text) : file.len - i;
        json_t *line = NULL;
        if (strspn(text, " \t\r") < n) rc = json_read(&line, text, n, e);
        if (line && !rc) rc = handler(user, line, e);
        if (rc) error_context(e, "line %zu", number);
        json_decref(line);
        i += n + 1;
    }
    buf_free(&file);
    return rc;
}

int eval_write_json(const char *path, json_t *figures, struct error *e)
{
    char *text = path ? json_dumps(figures, JSON_INDENT(1)) : NULL;
    int rc = path && !text ? error_set(e, ERR_NOMEM, "no memory for the figures") : OK;
    if (text) rc = file_write_atomic(path, text, strlen(text), 0644, e);
    free(text);
    json_decref(figures);
    return rc;
}

static int run(int argc, char **argv)
{
    struct error e = {0};
    int rc = OPTIONS_HELP;
    for (size_t i = 0; argc > 1 && i < sizeof suites / sizeof *suites; i++)
        if (strcmp(suites[i].name, argv[1]) == 0) {
            rc = suites[i].run(argc - 1, argv + 1, &e);
            return rc ? cli_fail("eval", &e) : 0;
        }
    const struct option_spec specs[] = {{0}};
    int positional = 0;
    rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc) rc = error_set(&e, ERR_INVALID, "needs the name of a suite: guard, triage, selfharm, redact (--help)");
    return cli_fail("eval", &e);
}

const struct verb verb_eval = {
    .name = "eval",
    .run = run,
    .summary = "measure the medical layer on labelled cases: figures only",
    .usage = "usage: xiaobei eval SUITE FILE [options]\n\n"
             "guard FILE     missed and false blocks by reason, the same texts cut at every position\n"
             "  --drugs FILE                   more names of drugs, as for `xiaobei guard`\n"
             "triage FILE    flag recall, emergency recall, over-triage, false alarms, departments\n"
             "selfharm FILE  levels of self-harm risk\n"
             "  --layer rules|classifier|both  which readers speak (both)\n"
             "redact FILE    spans wholly masked by type, masked characters outside spans\n"
             "  --json OUT                     write the figures as JSON too\n"
             "  --failures                     list ids of the cases that went wrong, and how\n"
             "Every figure has its 95 % Wilson interval.\n",
};
