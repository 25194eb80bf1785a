/* safetensors.h - the safetensors container (huggingface.co/docs/safetensors): a JSON header and the tensors behind it.
 * The parser takes (data, length); after success every tensor lies inside the data and no two overlap. ERR_FORMAT else.
 * Ownership: names are owned by the table (safetensors_free), data points into the input. Any thread. */
#ifndef XIAOBEI_MODEL_SAFETENSORS_H
#define XIAOBEI_MODEL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/dtype.h"

struct safetensor {
    char *name;
    enum dtype type; /* F32, F16 or BF16: others are refused by name */
    int rows, cols;  /* a vector has rows 1 */
    const uint8_t *data;
    size_t bytes;
};

struct safetensors {
    struct safetensor *tensors;
    size_t count;
};

int safetensors_parse(struct safetensors *s, const uint8_t *data, size_t n, struct error *e) MUST_USE;
void safetensors_free(struct safetensors *s);

#endif
