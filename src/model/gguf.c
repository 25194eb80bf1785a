/* gguf.c - see gguf.h. A cursor that can only move forward inside the data; every count is checked against a limit and
 * against the bytes left before anything is allocated. */
#include "model/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "model/file_hint.h"
#include "model/gguf_check.h"

enum { DEFAULT_ALIGNMENT = 32, MAX_DIMS = 4, GGUF_VERSION = 3 };

struct cursor {
    const uint8_t *data;
    size_t size, at;
    struct error *e;
};

static int cut_short(struct cursor *c, const char *what)
{
    return error_set(c->e, ERR_FORMAT, "the GGUF file is cut short in %s at byte %zu; pull it again", what, c->at);
}

static int take(struct cursor *c, void *out, size_t n, const char *what)
{
    if (!range_fits(c->at, n, c->size)) return cut_short(c, what);
    memcpy(out, c->data + c->at, n);
    c->at += n;
    return OK;
}

static int take_text(struct cursor *c, struct gguf_text *out, size_t limit, const char *what)
{
    uint64_t len = 0;
    int rc = take(c, &len, sizeof len, what);
    if (rc) return rc;
    if (len > limit)
        return error_set(c->e, ERR_FORMAT, "a string of %llu bytes in %s is over the limit of %zu; the file is damaged",
                         (unsigned long long)len, what, limit);
    if (!range_fits(c->at, len, c->size)) return cut_short(c, what);
    out->data = (const char *)c->data + c->at;
    out->len = (size_t)len;
    c->at += (size_t)len;
    return OK;
}

/* A key or a tensor's name: printable ASCII, so that it may stand in a sentence. */
static int take_name(struct cursor *c, struct gguf_text *out, const char *what)
{
    size_t at = c->at;
    int rc = take_text(c, out, LIMIT_TENSOR_NAME, what);
    for (size_t i = 0; !rc && i < out->len; i++)
        if (out->data[i] <= ' ' || out->data[i] > '~') rc = ERR_FORMAT;
    if (rc || out->len == 0)
        return error_set(c->e, ERR_FORMAT, "the name at byte %zu in %s is not text; the file is damaged", at, what);
    return OK;
}

static size_t scalar_size(enum gguf_type type)
{
    static const size_t sizes[GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return sizes[type];
}

static int skip_values(struct cursor *c, const struct gguf_pair *p)
{
    if (p->type == GGUF_STRING) {
        for (uint64_t i = 0; i < p->count; i++) {
            struct gguf_text text;
            int rc = take_text(c, &text, LIMIT_GGUF_STRING, "the metadata");
            if (rc) return rc;
        }
        return OK;
    }
    size_t bytes = (size_t)p->count * scalar_size(p->type); /* count <= LIMIT_GGUF_ARRAY */
    if (!range_fits(c->at, bytes, c->size)) return cut_short(c, "the metadata");
    for (size_t i = 0; p->type == GGUF_BOOL && i < bytes; i++)
        if (p->value[i] > 1)
            return error_set(c->e, ERR_FORMAT, "the metadata %.*s is neither true nor false; the file is damaged",
                             (int)p->key.len, p->key.data);
    c->at += bytes;
    return OK;
}

static int take_pair(struct cursor *c, struct gguf_pair *p)
{
    uint32_t type;
    int rc = take_name(c, &p->key, "the metadata");
    if (!rc) rc = take(c, &type, sizeof type, "the metadata");
    if (rc) return rc;
    p->is_array = type == GGUF_ARRAY;
    p->count = 1;
    if (p->is_array) {
        rc = take(c, &type, sizeof type, "the metadata");
        if (!rc) rc = take(c, &p->count, sizeof p->count, "the metadata");
        if (rc) return rc;
        if (p->count > LIMIT_GGUF_ARRAY)
            return error_set(c->e, ERR_FORMAT,
                             "the array %.*s has %llu elements, over the limit of %u; the file is damaged",
                             (int)p->key.len, p->key.data, (unsigned long long)p->count, LIMIT_GGUF_ARRAY);
    }
    if (type == GGUF_ARRAY)
        return error_set(c->e, ERR_FORMAT, "the metadata %.*s is an array of arrays, which no Qwen model has",
                         (int)p->key.len, p->key.data);
    if (type >= GGUF_TYPE_COUNT)
        return error_set(c->e, ERR_FORMAT, "the metadata %.*s has the unknown type %u; the file is damaged or too new",
                         (int)p->key.len, p->key.data, type);
    p->type = (enum gguf_type)type;
    p->value = c->data + c->at;
    return skip_values(c, p);
}

static bool dtype_of_ggml(uint32_t number, enum dtype *out)
{
    static const struct {
        uint32_t number;
        enum dtype type;
    } known[] = {{0, DTYPE_F32},   {1, DTYPE_F16},   {2, DTYPE_Q4_0}, {3, DTYPE_Q4_1},
                 {6, DTYPE_Q5_0},  {7, DTYPE_Q5_1},  {8, DTYPE_Q8_0}, {12, DTYPE_Q4_K},
                 {13, DTYPE_Q5_K}, {14, DTYPE_Q6_K}, {30, DTYPE_BF16}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].number != number) continue;
        *out = known[i].type;
        return true;
    }
    return false;
}

/* Shape: the file lists the fastest dimension first; we keep matrices and vectors only. */
static int take_shape(struct cursor *c, struct gguf_tensor *t)
{
    uint32_t dims;
    int rc = take(c, &dims, sizeof dims, "the tensor table");
    if (rc) return rc;
    if (dims == 0 || dims > MAX_DIMS)
        return error_set(c->e, ERR_FORMAT, "tensor %.*s has %u dimensions; the file is damaged", (int)t->name.len,
                         t->name.data, dims);
    uint64_t size[MAX_DIMS] = {1, 1, 1, 1};
    for (uint32_t i = 0; i < dims; i++) {
        rc = take(c, &size[i], sizeof size[i], "the tensor table");
        if (rc) return rc;
    }
    if (size[2] != 1 || size[3] != 1 || size[0] == 0 || size[1] == 0 || size[0] > INT32_MAX || size[1] > INT32_MAX)
        return error_set(c->e, ERR_FORMAT,
                         "tensor %.*s has the shape %llu x %llu x %llu x %llu, not a matrix; the file is damaged",
                         (int)t->name.len, t->name.data, (unsigned long long)size[0], (unsigned long long)size[1],
                         (unsigned long long)size[2], (unsigned long long)size[3]);
    t->cols = (int)size[0];
    t->rows = (int)size[1];
    return OK;
}

static int refuse_type(struct cursor *c, const struct gguf_tensor *t, uint32_t number)
{
    const char *name = gguf_foreign_type(number);
    if (name)
        return error_set(c->e, ERR_UNSUPPORTED,
                         "tensor %.*s is stored as %s, which is not read here; take a file in Q4_K_M, Q5_K_M, Q6_K, "
                         "Q8_0, Q4_0, F16 or BF16",
                         (int)t->name.len, t->name.data, name);
    return error_set(c->e, ERR_FORMAT,
                     "tensor %.*s is stored in the unknown format number %u; the file is damaged or too new",
                     (int)t->name.len, t->name.data, number);
}

static int take_tensor(struct cursor *c, struct gguf_tensor *t, uint64_t *offset)
{
    uint32_t number;
    int rc = take_name(c, &t->name, "the tensor table");
    if (!rc) rc = take_shape(c, t);
    if (!rc) rc = take(c, &number, sizeof number, "the tensor table");
    if (!rc) rc = take(c, offset, sizeof *offset, "the tensor table");
    if (rc) return rc;
    if (!dtype_of_ggml(number, &t->type)) return refuse_type(c, t, number);
    struct dtype_info info = dtype_info(t->type);
    size_t elements;
    if ((size_t)t->cols % info.block_elems)
        return error_set(c->e, ERR_FORMAT, "tensor %.*s: %d columns do not fill %s blocks; the file is damaged",
                         (int)t->name.len, t->name.data, t->cols, info.name);
    if (!checked_mul((size_t)t->rows, (size_t)t->cols / info.block_elems, &elements) ||
        !checked_mul(elements, info.block_bytes, &t->bytes))
        return error_set(c->e, ERR_FORMAT, "tensor %.*s is larger than the address space; the file is damaged",
                         (int)t->name.len, t->name.data);
    return OK;
}

static int take_header(struct cursor *c, uint64_t *tensors, uint64_t *pairs)
{
    uint32_t version;
    if (c->size < 4 || memcmp(c->data, "GGUF", 4) != 0)
        return error_set(c->e, ERR_FORMAT, "it is not a GGUF file%s; pull the model again",
                         file_hint(c->data, c->size));
    c->at = 4;
    int rc = take(c, &version, sizeof version, "the header");
    if (!rc) rc = take(c, tensors, sizeof *tensors, "the header");
    if (!rc) rc = take(c, pairs, sizeof *pairs, "the header");
    if (rc) return rc;
    if (version != GGUF_VERSION)
        return error_set(c->e, ERR_FORMAT,
                         "GGUF version %u%s is not read here, only version 3; take a newer conversion", version,
                         version == 0x03000000 ? " (big-endian)" : "");
    if (*tensors > LIMIT_TENSORS || *pairs > LIMIT_GGUF_KV)
        return error_set(
            c->e, ERR_FORMAT,
            "the header announces %llu tensors and %llu metadata pairs, over the limits; the file is damaged",
            (unsigned long long)*tensors, (unsigned long long)*pairs);
    return OK;
}

static int place_tensors(struct cursor *c, struct gguf *g, const uint64_t *offsets)
{
    int64_t alignment = DEFAULT_ALIGNMENT;
    bool given = gguf_find(g, "general.alignment") != NULL;
    if (given && !gguf_get_integer(g, "general.alignment", &alignment))
        return error_set(c->e, ERR_FORMAT, "general.alignment is not a number; the file is damaged");
    if (alignment < 1 || alignment > 1 << 20 || (alignment & (alignment - 1)))
        return error_set(c->e, ERR_FORMAT, "the alignment %lld is not a power of two; the file is damaged",
                         (long long)alignment);
    size_t start = c->at;
    size_t mask = (size_t)alignment - 1;
    if (!checked_add(start, mask, &start)) return cut_short(c, "the tensor table");
    start &= ~mask;
    for (size_t i = 0; i < g->tensor_count; i++) {
        struct gguf_tensor *t = &g->tensors[i];
        uint64_t at;
        if (__builtin_add_overflow(offsets[i], (uint64_t)start, &at) || !range_fits(at, t->bytes, c->size))
            return error_set(c->e, ERR_FORMAT,
                             "tensor %.*s lies beyond the end of the file, which is cut short; pull it again",
                             (int)t->name.len, t->name.data);
        if (offsets[i] & mask)
            return error_set(c->e, ERR_FORMAT, "tensor %.*s is not aligned to %lld bytes; the file is damaged",
                             (int)t->name.len, t->name.data, (long long)alignment);
        t->data = c->data + at;
    }
    return OK;
}

static int parse(struct gguf *g, struct cursor *c, uint64_t **offsets)
{
    uint64_t tensors;
    uint64_t pairs;
    int rc = take_header(c, &tensors, &pairs);
    if (rc) return rc;
    g->pairs = calloc((size_t)pairs + 1, sizeof *g->pairs);
    g->tensors = calloc((size_t)tensors + 1, sizeof *g->tensors);
    *offsets = calloc((size_t)tensors + 1, sizeof **offsets);
    if (!g->pairs || !g->tensors || !*offsets)
        return error_set(c->e, ERR_NOMEM, "no memory for the model's tensor table");
    for (; g->pair_count < pairs; g->pair_count++) {
        rc = take_pair(c, &g->pairs[g->pair_count]);
        if (rc) return rc;
    }
    for (; g->tensor_count < tensors; g->tensor_count++) {
        rc = take_tensor(c, &g->tensors[g->tensor_count], &(*offsets)[g->tensor_count]);
        if (rc) return rc;
    }
    rc = place_tensors(c, g, *offsets);
    return rc ? rc : gguf_check(g, c->e);
}

int gguf_parse(struct gguf *g, const uint8_t *data, size_t n, struct error *e)
{
    struct cursor c = {.data = data, .size = n, .e = e};
    uint64_t *offsets = NULL;
    *g = (struct gguf){0};
    int rc = parse(g, &c, &offsets);
    free(offsets);
    if (rc) gguf_free(g);
    return rc;
}

void gguf_free(struct gguf *g)
{
    free(g->pairs);
    free(g->tensors);
    *g = (struct gguf){0};
}

const struct gguf_pair *gguf_find(const struct gguf *g, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < g->pair_count; i++)
        if (g->pairs[i].key.len == n && memcmp(g->pairs[i].key.data, key, n) == 0) return &g->pairs[i];
    return NULL;
}

static int64_t read_integer(enum gguf_type type, const uint8_t *p)
{
    uint64_t bits = 0;
    memcpy(&bits, p, scalar_size(type));
    switch (type) {
    case GGUF_I8: return (int8_t)bits;
    case GGUF_I16: return (int16_t)bits;
    case GGUF_I32: return (int32_t)bits;
    default: return (int64_t)bits;
    }
}

bool gguf_get_integer(const struct gguf *g, const char *key, int64_t *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    if (!p || p->is_array || p->type == GGUF_F32 || p->type == GGUF_F64 || p->type == GGUF_STRING) return false;
    *out = read_integer(p->type, p->value);
    return true;
}

bool gguf_get_float(const struct gguf *g, const char *key, double *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    if (!p || p->is_array || (p->type != GGUF_F32 && p->type != GGUF_F64)) return false;
    if (p->type == GGUF_F64) {
        memcpy(out, p->value, sizeof *out);
    } else {
        float x;
        memcpy(&x, p->value, sizeof x);
        *out = (double)x;
    }
    return true;
}

struct gguf_text gguf_next_text(const uint8_t **at)
{
    uint64_t len;
    memcpy(&len, *at, sizeof len);
    struct gguf_text text = {(const char *)*at + sizeof len, (size_t)len};
    *at += sizeof len + len;
    return text;
}

bool gguf_get_text(const struct gguf *g, const char *key, struct gguf_text *out)
{
    const struct gguf_pair *p = gguf_find(g, key);
    if (!p || p->is_array || p->type != GGUF_STRING) return false;
    const uint8_t *at = p->value;
    *out = gguf_next_text(&at);
    return true;
}
