/* console.c - see console.h.
 *
 * The file behind standard error is opened once more: O_NONBLOCK on the inherited description would change it for
 * everybody who shares it (a terminal's shell). Room that was asked for with poll() alone may be taken by another
 * process before the write.
 */
#include "base/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/utf8.h"

static struct {
    pthread_mutex_t lock; /* protects everything below */
    int own;              /* standard error's file opened anew, without waiting; -1: not */
    unsigned long left_out;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .own = -1};

static void close_own(void)
{
    if (state.own >= 0) close(state.own);
    state.own = -1;
}

/* A regular file never makes anybody wait, and opened anew it would be written from its beginning. */
void console_open(void)
{
    struct stat st;
    pthread_mutex_lock(&state.lock);
    close_own();
    if (fstat(STDERR_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
        state.own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    pthread_mutex_unlock(&state.lock);
}

void console_close(void)
{
    pthread_mutex_lock(&state.lock);
    close_own();
    pthread_mutex_unlock(&state.lock);
}

/* False if there was no room for the whole line. A pipe takes it whole or not at all (it is at most PIPE_BUF). */
static bool put(const char *line, size_t n)
{
    int fd = state.own >= 0 ? state.own : STDERR_FILENO;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLOUT)) return false;
    ssize_t written = send(fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK) written = write(fd, line, n);
    return written == (ssize_t)n;
}

/* Under the lock. */
static bool say_what_was_left_out(void)
{
    char line[128];
    if (state.left_out == 0) return true;
    int n = snprintf(line, sizeof line, "(%lu lines were left out here: nobody read them)\n", state.left_out);
    if (!put(line, (size_t)n)) return false;
    state.left_out = 0;
    return true;
}

void console_write(const char *line, size_t n)
{
    pthread_mutex_lock(&state.lock);
    if (!say_what_was_left_out() || !put(line, n)) state.left_out++;
    pthread_mutex_unlock(&state.lock);
}

void console_say(const char *format, ...)
{
    char line[LIMIT_LOG_LINE];
    va_list ap;
    va_start(ap, format);
    int length = vsnprintf(line, sizeof line - 1, format, ap);
    va_end(ap);
    if (length < 0) return;
    size_t n = (size_t)length < sizeof line - 2 ? (size_t)length : utf8_complete_prefix(line, sizeof line - 2);
    line[n++] = '\n';
    console_write(line, n);
}
