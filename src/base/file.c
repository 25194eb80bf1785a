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

int file_map_open(struct file_map *map, const char *path, struct error *e)
{
    *map = (struct file_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(e, "open", path);
    struct stat st;
    int rc = OK;
    if (fstat(fd, &st)) {
        rc = fail(e, "inspect", path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = error_set(e, ERR_INVALID, "%s is not a regular file", file_base_name(path));
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

int file_read(struct buf *out, const char *path, struct error *e)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(e, "open", path);
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
    if (!standard_input) close(fd);
    return rc;
}

static int write_all(int fd, const char *data, size_t n)
{
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

int file_write_atomic(const char *path, const void *data, size_t n, unsigned mode, struct error *e)
{
    char temporary[LIMIT_PATH];
    int len = snprintf(temporary, sizeof temporary, "%s.tmp-%ld-XXXXXX", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof temporary) return error_set(e, ERR_TOO_LONG, "path too long");
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) return fail(e, "create", path);
    int rc = OK;
    if (fchmod(fd, (mode_t)mode) || write_all(fd, data, n) || fsync(fd)) rc = fail(e, "write", path);
    close(fd);
    if (rc == OK && rename(temporary, path)) rc = fail(e, "rename", path);
    if (rc) {
        unlink(temporary);
        return rc;
    }
    sync_directory_of(path);
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
