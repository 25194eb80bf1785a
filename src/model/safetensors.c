/* safetensors.c - see safetensors.h. */
#include "model/safetensors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/file_hint.h"

static int bad(struct error *e, const char *name, const char *what)
{
    return error_set(e, ERR_FORMAT, "tensor %.200s %s; the safetensors file is damaged, pull it again", name, what);
}

static int read_type(const char *name, const json_t *entry, enum dtype *out, struct error *e)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    if (!text) return bad(e, name, "has no dtype");
    if (strcmp(text, "F32") == 0)
        *out = DTYPE_F32;
    else if (strcmp(text, "F16") == 0)
        *out = DTYPE_F16;
    else if (strcmp(text, "BF16") == 0)
        *out = DTYPE_BF16;
    else
        return error_set(e, ERR_UNSUPPORTED, "tensor %.200s is stored as %.20s; only F32, F16 and BF16 are read", name,
                         text);
    return OK;
}

static int read_shape(const char *name, const json_t *entry, struct safetensor *t, struct error *e)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t dims = json_array_size(shape);
    if (!json_is_array(shape) || dims < 1 || dims > 2) return bad(e, name, "is neither a vector nor a matrix");
    int size[2] = {1, 1};
    for (size_t i = 0; i < dims; i++) {
        const json_t *value = json_array_get(shape, i);
        json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < 1 || number > INT32_MAX) return bad(e, name, "has an impossible shape");
        size[2 - dims + i] = (int)number;
    }
    t->rows = size[0];
    t->cols = size[1];
    return OK;
}

static int read_entry(struct safetensor *t, const char *name, const json_t *entry, const uint8_t *body,
                      size_t body_size, struct error *e)
{
    int rc = read_type(name, entry, &t->type, e);
    if (!rc) rc = read_shape(name, entry, t, e);
    if (rc) return rc;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(offsets, 0);
    const json_t *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return bad(e, name, "has no data_offsets");
    json_int_t begin = json_integer_value(from);
    json_int_t end = json_integer_value(to);
    if (begin < 0 || end < begin || !range_fits((uint64_t)begin, (uint64_t)(end - begin), body_size))
        return bad(e, name, "lies beyond the end of the file");
    size_t elements;
    if (!checked_mul((size_t)t->rows, (size_t)t->cols, &elements) ||
        !checked_mul(elements, dtype_info(t->type).block_bytes, &t->bytes) || t->bytes != (size_t)(end - begin))
        return bad(e, name, "has a size that does not fit its shape");
    t->data = body + begin;
    t->name = strdup(name);
    return t->name ? OK : error_set(e, ERR_NOMEM, "no memory for the tensor table");
}

static int by_place(const void *a, const void *b)
{
    const struct safetensor *x = a;
    const struct safetensor *y = b;
    return x->data < y->data ? -1 : x->data > y->data;
}

/* The format allows neither overlaps nor holes: the tensors cover the file to its last byte. */
static int check_cover(const struct safetensors *s, const uint8_t *body, size_t body_size, struct error *e)
{
    const uint8_t *at = body;
    for (size_t i = 0; i < s->count; i++) {
        if (s->tensors[i].data < at) return bad(e, s->tensors[i].name, "overlaps its neighbour");
        if (s->tensors[i].data > at) return bad(e, s->tensors[i].name, "has a hole before it");
        at += s->tensors[i].bytes;
    }
    if (at != body + body_size)
        return error_set(e, ERR_FORMAT,
                         "%zu bytes behind the last tensor belong to none; the safetensors file is "
                         "damaged, pull it again",
                         (size_t)(body + body_size - at));
    return OK;
}

static bool is_printable(const char *name)
{
    for (const char *p = name; *p; p++)
        if (*p <= ' ' || *p > '~') return false;
    return *name != '\0';
}

static int parse(struct safetensors *s, const json_t *header, const uint8_t *body, size_t body_size, struct error *e)
{
    size_t count = json_object_size(header);
    if (count > LIMIT_TENSORS)
        return error_set(e, ERR_FORMAT, "%zu tensors are over the limit; the safetensors file is damaged", count);
    s->tensors = calloc(count + 1, sizeof *s->tensors);
    if (!s->tensors) return error_set(e, ERR_NOMEM, "no memory for the tensor table");
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        if (strlen(name) > LIMIT_TENSOR_NAME || !is_printable(name))
            return error_set(e, ERR_FORMAT, "a tensor's name is overlong or not text; the safetensors file is damaged");
        int rc = read_entry(&s->tensors[s->count], name, entry, body, body_size, e);
        if (rc) return rc;
        s->count++;
    }
    qsort(s->tensors, s->count, sizeof *s->tensors, by_place);
    return check_cover(s, body, body_size, e);
}

int safetensors_parse(struct safetensors *s, const uint8_t *data, size_t n, struct error *e)
{
    uint64_t header_size;
    *s = (struct safetensors){0};
    if (n < sizeof header_size)
        return error_set(e, ERR_FORMAT, "the safetensors file is cut short%s; pull it again", file_hint(data, n));
    memcpy(&header_size, data, sizeof header_size);
    if (header_size > LIMIT_SAFETENSORS_HEADER || !range_fits(sizeof header_size, header_size, n))
        return error_set(e, ERR_FORMAT, "not a safetensors file, or cut short in its header%s; pull it again",
                         file_hint(data, n));
    json_t *header = NULL;
    int rc = json_read(&header, (const char *)data + sizeof header_size, (size_t)header_size, e);
    if (rc) error_context(e, "the safetensors header is damaged, pull the file again");
    if (!rc && !json_is_object(header))
        rc = error_set(e, ERR_FORMAT, "the safetensors header is not an object; pull the file again");
    size_t start = sizeof header_size + (size_t)header_size;
    if (!rc) rc = parse(s, header, data + start, n - start, e);
    json_decref(header);
    if (rc) safetensors_free(s);
    return rc;
}

void safetensors_free(struct safetensors *s)
{
    for (size_t i = 0; i < s->count; i++) free(s->tensors[i].name);
    free(s->tensors);
    *s = (struct safetensors){0};
}
