/* gguf_check.h - what can only be seen once the whole GGUF table is read: names twice, tensors over one another. */
#ifndef XIAOBEI_MODEL_GGUF_CHECK_H
#define XIAOBEI_MODEL_GGUF_CHECK_H

#include "model/gguf.h"

/* ERR_FORMAT naming what is there twice or overlaps. n log n. */
int gguf_check(const struct gguf *g, struct error *e) MUST_USE;

/* ggml's name of a tensor format that is known but not read here, such as "IQ4_XS"; NULL for an unknown number. */
const char *gguf_foreign_type(uint32_t number);

#endif
