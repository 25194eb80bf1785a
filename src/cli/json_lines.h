/* json_lines.h - the frame of the plumbing verbs: read standard input line by line, one JSON object each, answer one
 * line each. Blank lines are skipped. A bad line ends the run with ERR_FORMAT (over LIMIT_JSON_LINE: ERR_LIMIT) and its
 * number, a failed read with ERR_IO. Thread: the verb's. */
#ifndef XIAOBEI_CLI_JSON_LINES_H
#define XIAOBEI_CLI_JSON_LINES_H

#include <jansson.h>

#include "base/error.h"

/* Fill *answer (a new reference, written and released by the frame) from one input object. */
typedef int (*json_line_handler)(void *user, const json_t *input, json_t **answer, struct error *e);

int json_lines_run(json_line_handler handler, void *user, struct error *e) MUST_USE;

#endif
