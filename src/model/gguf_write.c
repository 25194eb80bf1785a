/* gguf_write.c - see gguf_write.h. */
#include "model/gguf_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "model/gguf.h"

enum { ALIGNMENT = 32, VERSION = 3 };
#define LIMIT_HEADER (256 * MIB)

/* The format's numbers for our types and for metadata. */
static const uint32_t type_numbers[DTYPE_COUNT] = {
    [DTYPE_F32] = 0,  [DTYPE_F16] = 1,  [DTYPE_BF16] = 30, [DTYPE_Q8_0] = 8,  [DTYPE_Q4_0] = 2, [DTYPE_Q4_1] = 3,
    [DTYPE_Q5_0] = 6, [DTYPE_Q5_1] = 7, [DTYPE_Q4_K] = 12, [DTYPE_Q5_K] = 13, [DTYPE_Q6_K] = 14};

struct gguf_writer {
    char path[LIMIT_PATH];      /* the name it will have */
    char temporary[LIMIT_PATH]; /* "" while the file has no name */
    int fd;
    struct buf pairs, table;
    uint64_t pair_count, tensor_count;
    size_t *sizes; /* [tensor_count] bytes of each tensor */
    size_t sizes_cap;
    size_t data_bytes; /* of all tensors, padding included */
    bool begun;        /* the header is written */
    size_t current, current_done;
    int failed;
};

static int write_fail(const struct gguf_writer *w, struct error *e)
{
    return error_set(e, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot write %s: %s", file_base_name(w->path),
                     strerror(errno));
}

static void directory_of(const char *path, char *out, size_t n)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, n, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

static int open_file(struct gguf_writer *w, struct error *e)
{
    char directory[LIMIT_PATH];
    directory_of(w->path, directory, sizeof directory);
    w->fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (w->fd >= 0) return OK;
    int n = snprintf(w->temporary, sizeof w->temporary, "%s.tmp-XXXXXX", w->path);
    if (n < 0 || (size_t)n >= sizeof w->temporary) return error_set(e, ERR_TOO_LONG, "the path is too long");
    w->fd = mkostemp(w->temporary, O_CLOEXEC);
    if (w->fd >= 0 && fchmod(w->fd, 0644) == 0) return OK;
    if (w->fd < 0) w->temporary[0] = '\0';
    return write_fail(w, e);
}

int gguf_writer_new(struct gguf_writer **out, const char *path, struct error *e)
{
    struct stat st;
    *out = NULL;
    if (strlen(path) >= LIMIT_PATH) return error_set(e, ERR_TOO_LONG, "the path is too long");
    if (lstat(path, &st) == 0)
        return error_set(e, ERR_CONFLICT, "%s is there already; name another file or remove it first",
                         file_base_name(path));
    struct gguf_writer *w = calloc(1, sizeof *w);
    if (!w) return error_set(e, ERR_NOMEM, "no memory for a file");
    w->fd = -1;
    memcpy(w->path, path, strlen(path) + 1);
    buf_init(&w->pairs, LIMIT_HEADER);
    buf_init(&w->table, LIMIT_HEADER);
    int rc = open_file(w, e);
    if (rc)
        gguf_writer_free(w);
    else
        *out = w;
    return rc;
}

void gguf_writer_free(struct gguf_writer *w)
{
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (w->temporary[0]) unlink(w->temporary);
    buf_free(&w->pairs);
    buf_free(&w->table);
    free(w->sizes);
    free(w);
}

static void put(struct buf *b, const void *data, size_t n)
{
    (void)buf_append(b, data, n); /* sticks; begin() looks */
}

static void put_string(struct buf *b, const char *text)
{
    uint64_t n = strlen(text);
    put(b, &n, sizeof n);
    put(b, text, n);
}

static void put_key(struct gguf_writer *w, const char *key, enum gguf_type type)
{
    uint32_t number = type;
    put_string(&w->pairs, key);
    put(&w->pairs, &number, sizeof number);
    w->pair_count++;
}

void gguf_put_text(struct gguf_writer *w, const char *key, const char *value)
{
    put_key(w, key, GGUF_STRING);
    put_string(&w->pairs, value);
}

void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t value)
{
    put_key(w, key, GGUF_U32);
    put(&w->pairs, &value, sizeof value);
}

void gguf_put_f32(struct gguf_writer *w, const char *key, float value)
{
    put_key(w, key, GGUF_F32);
    put(&w->pairs, &value, sizeof value);
}

void gguf_put_bool(struct gguf_writer *w, const char *key, int value)
{
    uint8_t byte = value ? 1 : 0;
    put_key(w, key, GGUF_BOOL);
    put(&w->pairs, &byte, sizeof byte);
}

static void put_array(struct gguf_writer *w, const char *key, enum gguf_type type, uint64_t n)
{
    uint32_t number = type;
    put_key(w, key, GGUF_ARRAY);
    put(&w->pairs, &number, sizeof number);
    put(&w->pairs, &n, sizeof n);
}

void gguf_put_texts(struct gguf_writer *w, const char *key, const char *const *values, size_t n)
{
    put_array(w, key, GGUF_STRING, n);
    for (size_t i = 0; i < n; i++) put_string(&w->pairs, values[i]);
}

void gguf_put_i32s(struct gguf_writer *w, const char *key, const int32_t *values, size_t n)
{
    put_array(w, key, GGUF_I32, n);
    put(&w->pairs, values, n * sizeof *values);
}

static size_t padded(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void gguf_put_tensor(struct gguf_writer *w, const char *name, enum dtype type, int rows, int cols, int vector)
{
    struct dtype_info info = dtype_info(type);
    if (w->tensor_count == w->sizes_cap) {
        size_t cap = w->sizes_cap ? 2 * w->sizes_cap : 256;
        size_t *bigger = realloc(w->sizes, cap * sizeof *bigger);
        if (!bigger) {
            w->failed = ERR_NOMEM;
            return;
        }
        w->sizes = bigger;
        w->sizes_cap = cap;
    }
    uint32_t dims = vector ? 1 : 2;
    uint64_t extents[2] = {(uint64_t)cols, (uint64_t)rows};
    uint64_t offset = w->data_bytes;
    size_t bytes = (size_t)rows * ((size_t)cols / info.block_elems * info.block_bytes);
    put_string(&w->table, name);
    put(&w->table, &dims, sizeof dims);
    put(&w->table, extents, dims * sizeof *extents);
    put(&w->table, &type_numbers[type], sizeof type_numbers[type]);
    put(&w->table, &offset, sizeof offset);
    w->sizes[w->tensor_count++] = bytes;
    w->data_bytes += padded(bytes);
}

static int write_all(const struct gguf_writer *w, const void *data, size_t n, struct error *e)
{
    return file_write_all(w->fd, data, n) ? write_fail(w, e) : OK;
}

static int write_zeros(const struct gguf_writer *w, size_t n, struct error *e)
{
    static const char zeros[ALIGNMENT];
    return write_all(w, zeros, n, e);
}

static int check_room(const struct gguf_writer *w, size_t bytes, struct error *e)
{
    struct statvfs fs;
    if (fstatvfs(w->fd, &fs)) return OK;
    size_t room = (size_t)fs.f_bavail * fs.f_frsize;
    if (bytes <= room) return OK;
    return error_set(e, ERR_NO_SPACE, "%s needs %.2f GB and the disk has %.2f GB free", file_base_name(w->path),
                     (double)bytes / 1e9, (double)room / 1e9);
}

static int begin(struct gguf_writer *w, struct error *e)
{
    uint32_t version = VERSION;
    struct buf head = BUF_INIT(64);
    put(&head, "GGUF", 4);
    put(&head, &version, sizeof version);
    put(&head, &w->tensor_count, sizeof w->tensor_count);
    put(&head, &w->pair_count, sizeof w->pair_count);
    size_t bytes = head.len + w->pairs.len + w->table.len;
    int rc = w->failed || buf_error(&head) || buf_error(&w->pairs) || buf_error(&w->table)
                 ? error_set(e, ERR_NOMEM, "no memory for the head of %s", file_base_name(w->path))
                 : check_room(w, padded(bytes) + w->data_bytes, e);
    if (!rc) rc = write_all(w, buf_text(&head), head.len, e);
    if (!rc) rc = write_all(w, buf_text(&w->pairs), w->pairs.len, e);
    if (!rc) rc = write_all(w, buf_text(&w->table), w->table.len, e);
    if (!rc) rc = write_zeros(w, padded(bytes) - bytes, e);
    buf_free(&head);
    w->begun = true;
    return rc;
}

int gguf_writer_data(struct gguf_writer *w, const void *data, size_t n, struct error *e)
{
    int rc = w->begun ? OK : begin(w, e);
    if (!rc && (w->current >= w->tensor_count || n > w->sizes[w->current] - w->current_done))
        rc = error_set(e, ERR_INTERNAL, "more data than the tensors of %s take", file_base_name(w->path));
    if (!rc) rc = write_all(w, data, n, e);
    if (rc) return w->failed = rc;
    w->current_done += n;
    if (w->current_done < w->sizes[w->current]) return OK;
    rc = write_zeros(w, padded(w->current_done) - w->current_done, e);
    w->current++;
    w->current_done = 0;
    return rc;
}

/* A file without a name gets one; one with a temporary name is renamed, but never over another. */
static int give_name(struct gguf_writer *w, struct error *e)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
    int rc =
        w->temporary[0] ? link(w->temporary, w->path) : linkat(AT_FDCWD, self, AT_FDCWD, w->path, AT_SYMLINK_FOLLOW);
    if (rc == 0) return OK; /* gguf_writer_free removes the temporary name */
    if (errno == EEXIST)
        return error_set(e, ERR_CONFLICT, "%s came into being meanwhile; it was left alone", file_base_name(w->path));
    if (w->temporary[0] && rename(w->temporary, w->path) == 0) { /* a file system without links */
        w->temporary[0] = '\0';
        return OK;
    }
    return write_fail(w, e);
}

int gguf_writer_finish(struct gguf_writer *w, struct error *e)
{
    if (!w->begun || w->failed || w->current != w->tensor_count)
        return error_set(e, ERR_INTERNAL, "%s is not complete", file_base_name(w->path));
    if (fsync(w->fd)) return write_fail(w, e);
    return give_name(w, e);
}
