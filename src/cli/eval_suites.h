/* eval_suites.h - the suites of `xiaobei eval`, one file each (cli/eval_NAME.c). A suite gets its own arguments
 * (argv[0] is its name), prints figures only, and fills e. Thread: the verb's. */
#ifndef XIAOBEI_CLI_EVAL_SUITES_H
#define XIAOBEI_CLI_EVAL_SUITES_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

int eval_guard(int argc, char **argv, struct error *e) MUST_USE;
int eval_triage(int argc, char **argv, struct error *e) MUST_USE;
int eval_selfharm(int argc, char **argv, struct error *e) MUST_USE;
int eval_redact(int argc, char **argv, struct error *e) MUST_USE;

/* Call handler with every line's object. Errors name the line. */
typedef int (*eval_case)(void *user, const json_t *line, struct error *e);
int eval_read_cases(const char *path, eval_case handler, void *user, struct error *e) MUST_USE;

/* Write figures to path (NULL: nowhere). Takes the reference. */
int eval_write_json(const char *path, json_t *figures, struct error *e) MUST_USE;

#endif
