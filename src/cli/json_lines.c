/* json_lines.c - see json_lines.h. */
#include "cli/json_lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/lines.h"

static int answer_line(json_line_handler handler, void *user, const char *line, size_t n, struct error *e)
{
    json_t *input = NULL;
    json_t *answer = NULL;
    int rc = json_read(&input, line, n, e);
    if (!rc && !json_is_object(input)) rc = error_set(e, ERR_FORMAT, "is not a JSON object");
    if (!rc) rc = handler(user, input, &answer, e);
    if (!rc &&
        (json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)) || putchar('\n') == EOF || fflush(stdout)))
        rc = error_set(e, ERR_IO, "cannot write the answer to standard output");
    json_decref(answer);
    json_decref(input);
    return rc;
}

static bool is_blank(const struct buf *line)
{
    return strspn(buf_text(line), " \t\r") == line->len;
}

int json_lines_run(json_line_handler handler, void *user, struct error *e)
{
    struct buf line = BUF_INIT(LIMIT_JSON_LINE);
    int rc = OK;
    for (long number = 1; !rc; number++) {
        int got = line_read(&line, stdin, e);
        if (got == LINE_END) break;
        rc = got < 0 ? got : is_blank(&line) ? OK : answer_line(handler, user, buf_text(&line), line.len, e);
        if (rc) error_context(e, "line %ld", number);
    }
    buf_free(&line);
    return rc;
}
