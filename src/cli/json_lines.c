/* json_lines.c - see json_lines.h. */
#include "cli/json_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

static int answer_line(json_line_handler handler, void *user, const char *line, size_t n, struct error *e)
{
    json_t *input = NULL;
    json_t *answer = NULL;
    int rc = n > LIMIT_JSON_LINE ? error_set(e, ERR_FORMAT, "is over the limit of %zu bytes", (size_t)LIMIT_JSON_LINE)
                                 : json_read(&input, line, n, e);
    if (!rc && !json_is_object(input)) rc = error_set(e, ERR_FORMAT, "is not a JSON object");
    if (!rc) rc = handler(user, input, &answer, e);
    if (!rc && (json_dumpf(answer, stdout, JSON_COMPACT) || putchar('\n') == EOF || fflush(stdout)))
        rc = error_set(e, ERR_IO, "cannot write the answer to standard output");
    json_decref(answer);
    json_decref(input);
    return rc;
}

int json_lines_run(json_line_handler handler, void *user, struct error *e)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int rc = OK;
    for (long number = 1; !rc && (n = getline(&line, &cap, stdin)) >= 0; number++) {
        if (strspn(line, " \t\r\n") == (size_t)n) continue;
        rc = answer_line(handler, user, line, (size_t)n, e);
        if (rc) error_context(e, "line %ld", number);
    }
    free(line);
    return rc;
}
