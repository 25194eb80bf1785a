/* log.c - see log.h.
 *
 * One mutex around one file descriptor; a line is formatted on the stack and written with one write(2), so that lines
 * never interleave and nothing is buffered when the process dies. Under the mutex nothing is waited for but the disk:
 * the file is a regular one, or a device opened without waiting, and the copy on standard error is the console's.
 * Rejected: syslog (a clinic wants a file it can read), buffered stdio (loses the last lines of a crash).
 */
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/console.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"

enum { DEFAULT_KEEP = 14, MAX_ROTATED = 1000000 }; /* in one day; six digits */
static const size_t default_max_bytes = 64 * MIB;
static const char current_name[] = "server.log";

static struct {
    pthread_mutex_t lock; /* protects everything below */
    int fd;               /* -1: standard error only */
    char directory[LIMIT_PATH];
    enum log_level level;
    size_t max_bytes;
    int keep;
    bool also_stderr;
    size_t size;    /* bytes in the current file */
    bool rotates;   /* it is a regular file */
    time_t checked; /* when the file was last compared with its name */
    int year, yday; /* local day the current file belongs to */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .level = LOG_INFO};

static volatile sig_atomic_t reopen_requested;

void log_request_reopen(void)
{
    reopen_requested = 1;
}

int log_level_parse(const char *name, enum log_level *out)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = (enum log_level)i;
        return OK;
    }
    return ERR_INVALID;
}

static int current_path(char *out, size_t n)
{
    return path_join(out, n, state.directory, current_name);
}

static void remember_day(time_t t)
{
    struct tm day;
    localtime_r(&t, &day);
    state.year = day.tm_year;
    state.yday = day.tm_yday;
}

/* Without waiting for whatever the name leads to: a pipe without a reader would hold the server up for ever. */
static int open_file(const char *path, struct stat *st, struct error *e)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    int number = errno;
    if (fd >= 0 && fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISCHR(st->st_mode))) return fd;
    if (fd >= 0) close(fd);
    if (fd >= 0 || number == ENXIO)
        error_set(e, ERR_IO, "%s is a pipe or a socket, but a regular file is expected there", current_name);
    else
        error_set(e, ERR_IO, "cannot write %s: %s; check the log directory", current_name, strerror(number));
    return -1;
}

/* A file left by an earlier run keeps the day it was last written, so that the first line after midnight rotates it. */
static int open_current(struct error *e)
{
    char path[LIMIT_PATH];
    struct stat st;
    int rc = current_path(path, sizeof path);
    if (rc) return error_set(e, rc, "the log directory's path is too long");
    int fd = open_file(path, &st, e);
    if (fd < 0) return ERR_IO;
    state.rotates = S_ISREG(st.st_mode);
    state.size = state.rotates ? (size_t)st.st_size : 0;
    remember_day(state.size > 0 ? st.st_mtime : time(NULL));
    if (state.fd >= 0) close(state.fd);
    state.fd = fd;
    return OK;
}

/* Is the open file still the one of that name? Another server, or logrotate, may have renamed it. */
static bool is_current(void)
{
    char path[LIMIT_PATH];
    struct stat named, opened;
    if (current_path(path, sizeof path) || fstat(state.fd, &opened)) return true;
    return stat(path, &named) == 0 && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* "server_20261124.log" or "server_20261124.3.log" -> a number that sorts by age; -1 for other files. */
static long long rotated_age(const char *name)
{
    unsigned day = 0;
    unsigned index = 0;
    int used = 0;
    if (sscanf(name, "server_%8u.log%n", &day, &used) == 1 && used && name[used] == '\0')
        return (long long)day * MAX_ROTATED;
    used = 0;
    if (sscanf(name, "server_%8u.%6u.log%n", &day, &index, &used) == 2 && used && name[used] == '\0' &&
        index < MAX_ROTATED)
        return (long long)day * MAX_ROTATED + index;
    return -1;
}

/* Remove the oldest rotated file while there are more than `keep`. */
static void prune(void)
{
    for (int guard = 0; guard < MAX_ROTATED; guard++) {
        DIR *dir = opendir(state.directory);
        if (!dir) return;
        int count = 0;
        long long oldest_age = -1;
        char oldest[256] = "";
        for (struct dirent *d; (d = readdir(dir));) {
            long long age = rotated_age(d->d_name);
            if (age < 0) continue;
            count++;
            if (oldest_age >= 0 && age >= oldest_age) continue;
            oldest_age = age;
            snprintf(oldest, sizeof oldest, "%s", d->d_name);
        }
        closedir(dir);
        char path[LIMIT_PATH];
        if (count <= state.keep || path_join(path, sizeof path, state.directory, oldest) || unlink(path)) return;
    }
}

/* The index for one more rotated file of that day: behind all that are there, because pruning takes the lowest away. */
static int next_index(long long day)
{
    long long last = -1;
    DIR *dir = opendir(state.directory);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        long long age = rotated_age(d->d_name);
        if (age / MAX_ROTATED == day && age > last) last = age;
    }
    if (dir) closedir(dir);
    int index = last < 0 ? 0 : (int)(last % MAX_ROTATED) + 1;
    return index < MAX_ROTATED ? index : MAX_ROTATED - 1;
}

/* Give the current file the name of its day; a second one of the same day gets .1, .2, ... */
static void rotate(void)
{
    char from[LIMIT_PATH];
    char to[LIMIT_PATH + 64];
    char suffix[16] = "";
    struct tm day = {.tm_year = state.year, .tm_mday = state.yday + 1, .tm_isdst = -1};
    time_t t = mktime(&day); /* day 0 of the year plus yday: mktime normalises */
    localtime_r(&t, &day);
    long long number = (day.tm_year + 1900) * 10000LL + (day.tm_mon + 1) * 100 + day.tm_mday;
    int index = next_index(number);
    if (index > 0) snprintf(suffix, sizeof suffix, ".%d", index);
    snprintf(to, sizeof to, "%s/server_%08lld%s.log", state.directory, number, suffix);
    if (current_path(from, sizeof from)) return;
    rename(from, to);
    prune();
    open_current(NULL);
}

/* Two servers may share a directory. The lock lets one of them rotate; the other finds the name taken away from its
 * file and follows. Nobody waits for it: the next line tries again. */
static void rotate_if_due(const struct tm *local, size_t n)
{
    for (int i = 0; i < 2; i++) {
        bool new_day = local->tm_year != state.year || local->tm_yday != state.yday;
        if (!state.rotates || state.size == 0 || (!new_day && state.size + n <= state.max_bytes)) return;
        if (flock(state.fd, LOCK_EX | LOCK_NB)) return;
        if (is_current()) {
            rotate();
            return;
        }
        open_current(NULL);
    }
}

/* Before a line: the file it belongs to. */
static void choose_file(const struct tm *local, time_t now, size_t n)
{
    bool look = now != state.checked; /* once a second is often enough */
    state.checked = now;
    if (reopen_requested || (look && !is_current())) {
        reopen_requested = 0;
        open_current(NULL);
    }
    rotate_if_due(local, n);
    if (state.size == 0) remember_day(now);
}

int log_open(const struct log_options *o, struct error *e)
{
    int rc = file_make_directories(o->directory, 0700, e);
    if (rc) return rc;
    pthread_mutex_lock(&state.lock);
    state.level = o->level;
    state.max_bytes = o->max_bytes ? o->max_bytes : default_max_bytes;
    state.keep = o->keep > 0 ? o->keep : DEFAULT_KEEP;
    state.also_stderr = o->also_stderr;
    int len = snprintf(state.directory, sizeof state.directory, "%s", o->directory);
    if (len < 0 || (size_t)len >= sizeof state.directory)
        rc = error_set(e, ERR_TOO_LONG, "the log directory's path is too long");
    else
        rc = open_current(e);
    pthread_mutex_unlock(&state.lock);
    if (!rc) console_open();
    return rc;
}

void log_close(void)
{
    pthread_mutex_lock(&state.lock);
    if (state.fd >= 0) close(state.fd);
    state.fd = -1;
    pthread_mutex_unlock(&state.lock);
    console_close();
}

static void write_line(int fd, const char *line, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, line, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return; /* nowhere left to complain */
        line += written;
        n -= (size_t)written;
    }
}

/* A line is one line: control characters inside the text become spaces, so that no input can forge an entry. */
static void flatten(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7F) *p = ' ';
}

void log_write(enum log_level level, const char *module, const char *format, ...)
{
    static const char *const names[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    char line[LIMIT_LOG_LINE];
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    int head = snprintf(line, sizeof line, "%04d-%02d-%02d %02d:%02d:%02d.%03ld %s [%s] ", local.tm_year + 1900,
                        local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                        now.tv_nsec / 1000000, names[level], module);
    if (head < 0 || (size_t)head >= sizeof line - 2) return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(line + head, sizeof line - (size_t)head - 1, format, ap);
    va_end(ap);
    flatten(line);
    size_t n = utf8_complete_prefix(line, strlen(line));
    line[n++] = '\n';

    pthread_mutex_lock(&state.lock);
    bool wanted = level >= state.level;
    bool to_console = wanted && (state.fd < 0 || state.also_stderr);
    if (wanted && state.fd >= 0) {
        choose_file(&local, now.tv_sec, n);
        write_line(state.fd, line, n);
        state.size += n;
    }
    pthread_mutex_unlock(&state.lock);
    if (to_console) console_write(line, n);
}
