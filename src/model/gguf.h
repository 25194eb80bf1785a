/* gguf.h - the GGUF v3 container: metadata and tensor table of one file, checked.
 *
 * Format: github.com/ggml-org/ggml docs/gguf.md. The parser takes (data, length), copies nothing but its two tables,
 * and after success every string, array and tensor lies inside the data. Errors are ERR_FORMAT with what and where.
 * Ownership: views point into data, which must outlive the struct; gguf_free releases the tables. Any thread.
 */
#ifndef XIAOBEI_MODEL_GGUF_H
#define XIAOBEI_MODEL_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/dtype.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPE_COUNT
};

struct gguf_text {
    const char *data; /* not NUL-terminated */
    size_t len;
};

struct gguf_pair {
    struct gguf_text key;
    enum gguf_type type; /* of the value; of the elements if is_array */
    bool is_array;
    uint64_t count;       /* elements of an array, else 1 */
    const uint8_t *value; /* first element */
};

struct gguf_tensor {
    struct gguf_text name;
    enum dtype type;
    int rows, cols; /* a vector has rows 1 */
    const uint8_t *data;
    size_t bytes;
};

struct gguf {
    struct gguf_pair *pairs;
    size_t pair_count;
    struct gguf_tensor *tensors;
    size_t tensor_count;
};

int gguf_parse(struct gguf *g, const uint8_t *data, size_t n, struct error *e) MUST_USE;
void gguf_free(struct gguf *g);

const struct gguf_pair *gguf_find(const struct gguf *g, const char *key); /* NULL if absent */

/* A scalar of any integer (float) type. False if absent or of another type; *out is then untouched. */
bool gguf_get_integer(const struct gguf *g, const char *key, int64_t *out);
bool gguf_get_float(const struct gguf *g, const char *key, double *out);
bool gguf_get_text(const struct gguf *g, const char *key, struct gguf_text *out);

/* Walk an array of strings: start with *at = pair->value, once per element. */
struct gguf_text gguf_next_text(const uint8_t **at);

#endif
