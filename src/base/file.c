/* file.c - see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

enum { LINKS_MAX = 40 }; /* as the kernel */

const char *file_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_FORBIDDEN;
    case ENOMEM: return ERR_NOMEM;
    case ENXIO: return ERR_FORMAT; /* a socket, or a device without anything behind it */
    case ENOSPC:
    case EDQUOT: return ERR_NO_SPACE;
    default: return ERR_IO;
    }
}

static int fail(struct error *e, const char *verb, const char *path)
{
    int number = errno;
    return error_set(e, code_of_errno(number), "cannot %s %s: %s", verb, file_base_name(path), strerror(number));
}

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

/* Without O_NONBLOCK a pipe that nobody writes to would hold us up for ever before we could look at what it is. */
static int open_to_look(int *fd, const char *path, struct stat *st, struct error *e)
{
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0) return fail(e, "open", path);
    if (fstat(*fd, st) == 0) return OK;
    int rc = fail(e, "inspect", path);
    close(*fd);
    return rc;
}

static int refuse_kind(const char *path, mode_t mode, struct error *e)
{
    return error_set(e, ERR_FORMAT, "%s is %s, but a regular file is expected there", file_base_name(path),
                     kind_of(mode));
}

int file_map_open(struct file_map *map, const char *path, struct error *e)
{
    struct stat st;
    int fd;
    *map = (struct file_map){0};
    int rc = open_to_look(&fd, path, &st, e);
    if (rc) return rc;
    if (!S_ISREG(st.st_mode)) {
        rc = refuse_kind(path, st.st_mode, e);
    } else if (st.st_size > 0) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            rc = fail(e, "map", path);
        } else {
            map->data = data;
            map->size = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

void file_map_close(struct file_map *map)
{
    if (map->data) munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct file_map){0};
}

void file_map_expect(const struct file_map *map, size_t offset, size_t length)
{
    enum { POPULATE_READ = 22 }; /* MADV_POPULATE_READ, Linux 5.14; older ones refuse it, no harm */
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = offset / page * page;
    if (!map->data || offset > map->size || length > map->size - offset) return;
    madvise((void *)((uintptr_t)map->data + first), offset + length - first, POPULATE_READ);
}

void file_map_forget(const struct file_map *map, size_t offset, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = (offset + page - 1) / page * page; /* inner pages only: neighbours may be in use */
    size_t last = (offset + length) / page * page;
    if (!map->data || last <= first || last > map->size) return;
    madvise((void *)((uintptr_t)map->data + first), last - first, MADV_DONTNEED);
}

static int read_descriptor(struct buf *out, int fd, const char *path, struct error *e)
{
    int rc = OK;
    for (;;) {
        char chunk[65536];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = fail(e, "read", path);
        if (n <= 0) break;
        rc = buf_append(out, chunk, (size_t)n);
        if (rc) {
            error_set(e, rc, "%s is larger than the limit of %zu bytes", file_base_name(path), out->max);
            break;
        }
    }
    return rc;
}

/* From here on reads and writes wait, as they do for everybody. */
static int make_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0;
}

int file_read(struct buf *out, const char *path, struct error *e)
{
    struct stat st;
    int fd;
    if (strcmp(path, "-") == 0) return read_descriptor(out, STDIN_FILENO, path, e);
    int rc = open_to_look(&fd, path, &st, e);
    if (rc) return rc;
    size_t before = out->len;
    if (S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
        rc = refuse_kind(path, st.st_mode, e);
    else if (make_blocking(fd))
        rc = fail(e, "read", path);
    else
        rc = read_descriptor(out, fd, path, e);
    if (!rc && S_ISFIFO(st.st_mode) && out->len == before && strcmp(path, "/dev/stdin") != 0)
        rc = error_set(e, ERR_FORMAT, "%s is a pipe that nobody writes to; start its writer first, or name a file",
                       file_base_name(path));
    close(fd);
    return rc;
}

int file_write_all(int fd, const void *bytes, size_t n)
{
    const char *data = bytes;
    while (n > 0) {
        ssize_t written = write(fd, data, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -1;
        data += written;
        n -= (size_t)written;
    }
    return 0;
}

static void sync_directory_of(const char *path)
{
    char dir[LIMIT_PATH];
    size_t n = (size_t)(file_base_name(path) - path);
    if (n >= sizeof dir) return;
    memcpy(dir, path, n);
    dir[n] = '\0';
    int fd = open(n ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

/* Put what the link at path leads to into path (n bytes); 0 if path is no link. */
static int follow_link(char *path, size_t n)
{
    char target[LIMIT_PATH], joined[LIMIT_PATH];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) return errno == EINVAL || errno == ENOENT ? 0 : -1;
    target[length] = '\0';
    size_t directory = target[0] == '/' ? 0 : (size_t)(file_base_name(path) - path);
    int len = snprintf(joined, sizeof joined, "%.*s%s", (int)directory, path, target);
    errno = ENAMETOOLONG;
    if (len < 0 || (size_t)len >= n) return -1;
    memcpy(path, joined, (size_t)len + 1);
    return 1;
}

int file_write_target(char out[LIMIT_PATH], const char *path, struct error *e)
{
    struct stat there, found;
    int followed = 1;
    if (strlen(path) >= LIMIT_PATH) return error_set(e, ERR_TOO_LONG, "path too long");
    bool exists = stat(path, &there) == 0;
    if (exists && !S_ISREG(there.st_mode))
        return error_set(e, ERR_CONFLICT, "%s is %s: no file is put in its place; name another one",
                         file_base_name(path), kind_of(there.st_mode));
    memcpy(out, path, strlen(path) + 1);
    for (int links = 0; followed > 0; links++) {
        followed = links < LINKS_MAX ? follow_link(out, LIMIT_PATH) : (errno = ELOOP, -1);
        if (followed < 0) return fail(e, "follow", path);
    }
    if (exists && (stat(out, &found) || found.st_dev != there.st_dev || found.st_ino != there.st_ino))
        return error_set(e, ERR_CONFLICT, "%s cannot be replaced: its file has no name any more; name another one",
                         file_base_name(path));
    return OK;
}

bool file_is_stream(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode));
}

int file_open_stream(int *fd, const char *path, struct error *e)
{
    *fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0 && errno == ENXIO)
        return error_set(e, ERR_CONFLICT, "nobody reads from %s; start its reader first, or name a file",
                         file_base_name(path));
    if (*fd < 0) return fail(e, "open", path);
    if (make_blocking(*fd) == 0) return OK;
    int rc = fail(e, "open", path);
    close(*fd);
    *fd = -1;
    return rc;
}

int file_write_atomic(const char *path, const void *data, size_t n, unsigned mode, struct error *e)
{
    char temporary[LIMIT_PATH], target[LIMIT_PATH];
    int rc = file_write_target(target, path, e);
    if (rc) return rc;
    int len = snprintf(temporary, sizeof temporary, "%s.tmp-%ld-XXXXXX", target, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary) return error_set(e, ERR_TOO_LONG, "path too long");
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) return fail(e, "create", path);
    if (fchmod(fd, (mode_t)mode) || file_write_all(fd, data, n) || fsync(fd)) rc = fail(e, "write", path);
    close(fd);
    if (rc == OK && rename(temporary, target)) rc = fail(e, "rename", path);
    if (rc) {
        unlink(temporary);
        return rc;
    }
    sync_directory_of(target);
    return OK;
}

int file_make_directories(const char *path, unsigned mode, struct error *e)
{
    char work[LIMIT_PATH];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof work) return error_set(e, ERR_TOO_LONG, "directory path is empty or too long");
    memcpy(work, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (work[i] != '/' && work[i] != '\0') continue;
        char kept = work[i];
        work[i] = '\0';
        if (mkdir(work, (mode_t)mode) && errno != EEXIST) return fail(e, "create directory", work);
        work[i] = kept;
    }
    if (!file_is_directory(path)) return error_set(e, ERR_CONFLICT, "%s is not a directory", file_base_name(path));
    return OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

int path_join(char *out, size_t n, const char *dir, const char *name)
{
    size_t d = strlen(dir);
    const char *slash = d && dir[d - 1] == '/' ? "" : "/";
    int len = snprintf(out, n, "%s%s%s", dir, d ? slash : "", name);
    return len < 0 || (size_t)len >= n ? ERR_TOO_LONG : OK;
}
