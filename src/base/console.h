/* console.h - lines for whoever watches standard error, without ever waiting for them: a pipe that nobody reads, or a
 * terminal that was stopped, must not stop the server. What it has no room for is left out and counted; the count is
 * said before the next line that finds room. Thread: any; one mutex, never held while waiting.
 */
#ifndef XIAOBEI_BASE_CONSOLE_H
#define XIAOBEI_BASE_CONSOLE_H

#include <stddef.h>

/* Take standard error as it is now. Without it, or if it cannot be opened anew (a socket, another user's file),
 * standard error itself is asked for room before each line. */
void console_open(void);
void console_close(void);

/* A whole line with its newline, at most LIMIT_LOG_LINE bytes. */
void console_write(const char *line, size_t n);

/* A sentence to the person who started the program; the newline is added. */
void console_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
