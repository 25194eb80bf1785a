/* pull_lock.c - see pull_lock.h. The lock file stays: removing it would let two processes lock two files. */
#include "hub/pull_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"

enum { PID_TEXT = 32 };

static void read_holder(int fd, char *out, size_t n)
{
    ssize_t got = pread(fd, out, n - 1, 0);
    out[got > 0 ? (size_t)got : 0] = '\0';
    out[strspn(out, "0123456789")] = '\0';
    if (!out[0]) snprintf(out, n, "unknown");
}

static int take(int fd, const char *id, bool wait, struct progress *p, struct error *e)
{
    char holder[PID_TEXT];
    bool said = false;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return error_set(e, ERR_IO, "cannot lock the model's directory: %s", strerror(errno));
        read_holder(fd, holder, sizeof holder);
        if (!wait)
            return error_set(e, ERR_BUSY, "another process (pid %s) is working on %s; try again when it has finished",
                             holder, id);
        if (!said) progress_say(p, "Another process (pid %s) is working on %s: waiting for it.", holder, id);
        said = true;
        clock_sleep(0.2);
    }
    int n = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, holder, (size_t)n, 0) != n)
        return error_set(e, ERR_IO, "cannot write the lock: %s", strerror(errno));
    return OK;
}

int pull_lock_take(int *fd, const char *models, const char *id, bool wait, struct progress *p, struct error *e)
{
    char directory[LIMIT_PATH], path[LIMIT_PATH], name[LIMIT_PATH];
    *fd = -1;
    int n = snprintf(name, sizeof name, "%s.lock", id);
    if (n < 0 || (size_t)n >= sizeof name || path_join(directory, sizeof directory, models, ".locks") ||
        path_join(path, sizeof path, directory, name))
        return error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    int rc = file_make_directories(directory, 0700, e);
    if (rc) return rc;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) return error_set(e, ERR_IO, "cannot open the lock of %s: %s", id, strerror(errno));
    rc = take(*fd, id, wait, p, e);
    if (rc) pull_lock_release(*fd);
    if (rc) *fd = -1;
    return rc;
}

void pull_lock_release(int fd)
{
    if (fd >= 0) close(fd);
}
