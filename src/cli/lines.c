/* lines.c - see lines.h. */
#include "cli/lines.h"

#include <errno.h>
#include <string.h>

int line_read(struct buf *line, FILE *in, struct error *e)
{
    int c;
    buf_clear(line);
    errno = 0;
    while ((c = getc_unlocked(in)) != EOF && c != '\n')
        if (buf_append_char(line, (char)c))
            return error_set(e, buf_error(line), "the line is over the limit of %zu bytes", line->max);
    if (c == '\n') return LINE_READ;
    if (!ferror(in)) return line->len ? LINE_READ : LINE_END;
    int number = errno;
    if (number != EINTR) return error_set(e, ERR_IO, "cannot read standard input: %s", strerror(number));
    clearerr(in); /* or every further read would fail too */
    return LINE_INTERRUPTED;
}
