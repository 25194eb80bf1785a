/* lines.h - lines of a stream, bounded: a line longer than its buffer's maximum is refused while it is read, not
 * after; NUL bytes are part of a line; a failed read is told from the end. Thread: the stream's only reader. */
#ifndef XIAOBEI_CLI_LINES_H
#define XIAOBEI_CLI_LINES_H

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

enum { LINE_END, LINE_READ, LINE_INTERRUPTED };

/* Read one line into `line` (emptied first) without its newline. LINE_READ; LINE_END at the end of input;
 * LINE_INTERRUPTED when a signal handler ran meanwhile (what had come of the line is dropped); ERR_LIMIT, ERR_NOMEM
 * or ERR_IO. */
int line_read(struct buf *line, FILE *in, struct error *e) MUST_USE;

#endif
