/* npy_writer.c - see npy_writer.h. */
#include "model/npy_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/file.h"

enum { HEADER = 128 };

static int fail(const struct npy_writer *w, struct error *e)
{
    int why = errno;
    return error_set(e, why == ENOSPC || why == EDQUOT ? ERR_NO_SPACE : ERR_IO, "cannot write %s: %s",
                     file_base_name(w->path), strerror(why));
}

static int write_all(struct npy_writer *w, const void *data, size_t n, struct error *e)
{
    return file_write_all(w->fd, data, n) ? fail(w, e) : OK;
}

static int write_header(struct npy_writer *w, struct error *e)
{
    char header[HEADER];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10); /* 118 bytes of dictionary: 128 in all, as numpy aligns */
    int n = snprintf(header + 10, sizeof header - 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
                     w->rows, w->cols);
    header[10 + n] = ' ';
    header[HEADER - 1] = '\n';
    return write_all(w, header, sizeof header, e);
}

static int open_beside(struct npy_writer *w, const char *path, struct error *e)
{
    int rc = file_write_target(w->path, path, e);
    if (rc) return rc;
    int n = snprintf(w->temporary, sizeof w->temporary, "%s.tmp-%ld-XXXXXX", w->path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof w->temporary) {
        w->temporary[0] = '\0';
        return error_set(e, ERR_TOO_LONG, "the path of the .npy file is too long");
    }
    w->fd = mkostemp(w->temporary, O_CLOEXEC);
    return w->fd < 0 || fchmod(w->fd, 0644) ? fail(w, e) : OK;
}

int npy_writer_open(struct npy_writer *w, const char *path, size_t rows, size_t cols, struct error *e)
{
    *w = (struct npy_writer){.fd = -1, .rows = rows, .cols = cols};
    size_t bytes;
    if (!checked_mul(rows, cols, &bytes) || !checked_mul(bytes, sizeof(float), &bytes))
        return error_set(e, ERR_TOO_LONG, "a matrix of %zu x %zu is too large to write", rows, cols);
    snprintf(w->path, sizeof w->path, "%s", path); /* for sentences; a file's is replaced by where it really goes */
    int rc = file_is_stream(path) ? file_open_stream(&w->fd, path, e) : open_beside(w, path, e);
    if (!rc) rc = write_header(w, e);
    if (rc) npy_writer_abandon(w);
    return rc;
}

int npy_writer_append(struct npy_writer *w, const float *data, size_t n, struct error *e)
{
    if (w->fd < 0 || n > w->rows - w->written)
        return error_set(e, ERR_INTERNAL, "more rows than the .npy file was announced with");
    int rc = write_all(w, data, n * w->cols * sizeof *data, e);
    if (!rc) w->written += n;
    return rc;
}

int npy_writer_close(struct npy_writer *w, struct error *e)
{
    int rc = OK;
    if (w->fd < 0 || w->written != w->rows)
        rc = error_set(e, ERR_INTERNAL, "the .npy file holds %zu of %zu rows", w->written, w->rows);
    if (!rc && w->temporary[0] && (fsync(w->fd) || rename(w->temporary, w->path))) rc = fail(w, e);
    if (!rc) close(w->fd);
    if (!rc) w->fd = -1;
    npy_writer_abandon(w);
    return rc;
}

void npy_writer_abandon(struct npy_writer *w)
{
    if (w->fd < 0) return;
    close(w->fd);
    if (w->temporary[0]) unlink(w->temporary);
    w->fd = -1;
}
