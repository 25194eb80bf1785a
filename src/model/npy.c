/* npy.c - see npy.h. The header is a Python dictionary; only the three keys and the spellings that numpy writes are
 * read. */
#include "model/npy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/limits.h"
#include "model/npy_writer.h"

static int bad(struct error *e, const char *what)
{
    return error_set(e, ERR_FORMAT, "the .npy file %s; write it with numpy.save", what);
}

/* The text behind 'key': in a header of n bytes, or NULL. */
static const char *value_of(const char *header, size_t n, const char *key)
{
    char quoted[32];
    int len = snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *found = memmem(header, n, quoted, (size_t)len);
    if (!found) return NULL;
    found += len;
    while (found < header + n && *found == ' ') found++;
    return found < header + n ? found : NULL;
}

static int read_shape(struct npy_view *v, const char *at, const char *end, struct error *e)
{
    if (*at++ != '(') return bad(e, "has no shape");
    v->dims = 0;
    v->count = 1;
    while (at < end && *at != ')') {
        if (*at == ',' || *at == ' ') {
            at++;
            continue;
        }
        size_t size = 0;
        if (*at < '0' || *at > '9' || v->dims == NPY_MAX_DIMS) return bad(e, "has a malformed shape");
        for (; at < end && *at >= '0' && *at <= '9'; at++)
            if (!checked_mul(size, 10, &size) || !checked_add(size, (size_t)(*at - '0'), &size))
                return bad(e, "has an impossible shape");
        v->shape[v->dims++] = size;
        if (!checked_mul(v->count, size, &v->count) || v->count > LIMIT_NPY_ELEMENTS)
            return bad(e, "has too many elements");
    }
    return at < end ? OK : bad(e, "has a malformed shape");
}

int npy_parse(struct npy_view *v, const void *data, size_t n, struct error *e)
{
    const uint8_t *p = data;
    *v = (struct npy_view){0};
    if (n < 12 || memcmp(p, "\x93NUMPY", 6) != 0) return bad(e, "is not one, or is cut short");
    if (p[6] < 1 || p[6] > 3) return bad(e, "is of an unknown version");
    size_t start = p[6] == 1 ? 10 : 12;
    size_t header_size = p[6] == 1 ? (size_t)p[8] | (size_t)p[9] << 8
                                   : (size_t)p[8] | (size_t)p[9] << 8 | (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (!range_fits(start, header_size, n)) return bad(e, "has a damaged header");
    const char *header = (const char *)p + start;
    const char *descr = value_of(header, header_size, "descr");
    const char *order = value_of(header, header_size, "fortran_order");
    const char *shape = value_of(header, header_size, "shape");
    const char *end = header + header_size;
    if (!descr || !order || !shape || end - descr < 5 || end - order < 5) return bad(e, "has a damaged header");
    if (memcmp(order, "False", 5) != 0) return bad(e, "is in Fortran order");
    if (descr[0] != '\'' || descr[1] != '<' || (descr[2] != 'i' && descr[2] != 'f') ||
        (descr[3] != '4' && descr[3] != '8') || descr[4] != '\'')
        return bad(e, "holds neither little-endian int32, int64, float32 nor float64");
    v->kind = descr[2];
    v->item_bytes = descr[3] - '0';
    int rc = read_shape(v, shape, end, e);
    if (rc) return rc;
    size_t bytes;
    if (!checked_mul(v->count, (size_t)v->item_bytes, &bytes) || !range_fits(start + header_size, bytes, n))
        return bad(e, "is cut short");
    v->data = p + start + header_size;
    return OK;
}

int npy_read_ids(const char *path, int32_t **ids, size_t *count, struct error *e)
{
    struct buf text = BUF_INIT(LIMIT_CONTEXT * 8 + 64 * KIB);
    struct npy_view v;
    *ids = NULL;
    int rc = file_read(&text, path, e);
    if (!rc) rc = npy_parse(&v, buf_text(&text), text.len, e);
    if (!rc && v.count > LIMIT_CONTEXT) rc = bad(e, "holds more token ids than any context");
    if (!rc && v.dims != 1) rc = bad(e, "does not hold one row of token ids, shape (n,)");
    if (!rc && v.kind != 'i') rc = bad(e, "holds floats where token ids are wanted");
    if (!rc && !(*ids = malloc((v.count + 1) * sizeof **ids)))
        rc = error_set(e, ERR_NOMEM, "no memory for the token ids");
    for (size_t i = 0; !rc && i < v.count; i++) {
        int64_t wide = 0;
        int32_t narrow;
        const uint8_t *at = (const uint8_t *)v.data + i * (size_t)v.item_bytes;
        if (v.item_bytes == 8) {
            memcpy(&wide, at, 8);
        } else {
            memcpy(&narrow, at, 4);
            wide = narrow;
        }
        if (wide < INT32_MIN || wide > INT32_MAX) rc = bad(e, "holds a number that is no token id");
        (*ids)[i] = (int32_t)wide;
    }
    if (!rc) *count = v.count;
    if (rc) {
        free(*ids);
        *ids = NULL;
    }
    buf_free(&text);
    return rc;
}

int npy_write_f32(const char *path, const float *data, size_t rows, size_t cols, struct error *e)
{
    struct npy_writer w;
    int rc = npy_writer_open(&w, path, rows, cols, e);
    if (!rc) rc = npy_writer_append(&w, data, rows, e);
    if (!rc) rc = npy_writer_close(&w, e);
    npy_writer_abandon(&w);
    return rc;
}
