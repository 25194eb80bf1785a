/* npy.h - NumPy's .npy files (format 1.0-3.0, little-endian, C order): int32 and int64 in, float32 in and out.
 * Source: numpy.lib.format's documentation. Parsers take (data, length); limits from limits.h. */
#ifndef XIAOBEI_MODEL_NPY_H
#define XIAOBEI_MODEL_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { NPY_MAX_DIMS = 8 };

struct npy_view {
    char kind;      /* 'i' signed integer, 'f' float */
    int item_bytes; /* 4 or 8 */
    int dims;
    size_t shape[NPY_MAX_DIMS];
    size_t count;     /* product of shape */
    const void *data; /* inside the buffer that was parsed; may be unaligned */
};

int npy_parse(struct npy_view *out, const void *data, size_t n, struct error *e) MUST_USE;

/* Read an integer array of one dimension as int32 ids (int64 is narrowed, ERR_FORMAT if a value does not fit): a batch
 * flattened would be one sequence of several. free(*ids). */
int npy_read_ids(const char *path, int32_t **ids, size_t *count, struct error *e) MUST_USE;

/* Write float32 [rows][cols], atomically. */
int npy_write_f32(const char *path, const float *data, size_t rows, size_t cols, struct error *e) MUST_USE;

#endif
