/* npy_writer.h - a float32 matrix written to .npy a few rows at a time: logits of a long text do not fit into memory.
 *
 * The rows go to a file beside the path (or beside what it links to), which takes the path's name when all are there: a
 * reader sees the old content or the whole new one. Pipes and character devices (/dev/null, /dev/stdout) are written to
 * as they are; what else is there and is not a regular file is refused. Format: numpy.lib.format 1.0, as npy.h. Thread:
 * one owner at a time. */
#ifndef XIAOBEI_MODEL_NPY_WRITER_H
#define XIAOBEI_MODEL_NPY_WRITER_H

#include <stddef.h>

#include "base/error.h"
#include "base/limits.h"

struct npy_writer {
    char path[LIMIT_PATH], temporary[LIMIT_PATH]; /* temporary "": the rows go straight to the path */
    int fd;                                       /* -1: nothing is open */
    size_t rows, cols, written;
};

/* Start a file of [rows][cols]. On failure nothing is open. */
int npy_writer_open(struct npy_writer *w, const char *path, size_t rows, size_t cols, struct error *e) MUST_USE;

/* The next n rows. ERR_INTERNAL if that is more than was announced. */
int npy_writer_append(struct npy_writer *w, const float *data, size_t n, struct error *e) MUST_USE;

/* All rows are there: make them durable and give the file its name. */
int npy_writer_close(struct npy_writer *w, struct error *e) MUST_USE;

/* Give up and leave nothing behind. Fine after close, after a failed open, and twice. */
void npy_writer_abandon(struct npy_writer *w);

#endif
