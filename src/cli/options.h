/* options.h - long options for the verbs, one table per verb; unknown ones are refused by name with the nearest match.
 *
 *   struct option_spec specs[] = {{"--model", OPTION_TEXT, &model}, {"--json", OPTION_FLAG, &json}, {0}};
 *   int rc = options_parse("plan", specs, argc, argv, &positional, &count, &error);
 * `--name value` and `--name=value` are both read; `--` ends the options; `-h`/`--help` returns OPTIONS_HELP.
 * Exit code of a parse error is 64 (EX_USAGE). Thread: start-up only.
 */
#ifndef XIAOBEI_CLI_OPTIONS_H
#define XIAOBEI_CLI_OPTIONS_H

#include "base/error.h"

enum option_kind {
    OPTION_FLAG,   /* bool *  */
    OPTION_TEXT,   /* const char **, borrowed from argv */
    OPTION_INT,    /* int *; the whole value must be a decimal number */
    OPTION_COUNT,  /* int *; the same, at least 1 */
    OPTION_UINT64, /* uint64_t * */
    OPTION_FLOAT,  /* float * */
};

struct option_spec {
    const char *name; /* "--model" */
    enum option_kind kind;
    void *value;
};

enum { OPTIONS_HELP = 1 };

/* Positional arguments are moved to the front of argv[1..]; *count of them. Returns OK, OPTIONS_HELP or ERR_INVALID. */
int options_parse(const struct option_spec *specs, int argc, char **argv, int *count, struct error *e) MUST_USE;

/* Print e to stderr as "xiaobei VERB: text" and return its exit code. */
int cli_fail(const char *verb, const struct error *e);

/* End as a filter ends whose reader has gone: by SIGPIPE, without a word. Returns only where that signal is blocked. */
int cli_reader_gone(void);

#endif
