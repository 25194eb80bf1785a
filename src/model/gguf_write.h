/* gguf_write.h - writes a GGUF v3 file: metadata, then the tensor table, then the tensors' data in the table's order.
 *
 *   gguf_writer_new, gguf_put_* any number, gguf_put_tensor any number, gguf_writer_data ..., gguf_writer_finish.
 * Errors stick: the puts return nothing, the next call that can fail says what went wrong. The file gets its name when
 * it is complete and on the disk; a program that ends before that leaves nothing behind (where the file system has
 * files without names). Format: github.com/ggml-org/ggml docs/gguf.md. Thread: one owner.
 */
#ifndef XIAOBEI_MODEL_GGUF_WRITE_H
#define XIAOBEI_MODEL_GGUF_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/dtype.h"

struct gguf_writer; /* opaque */

/* ERR_CONFLICT if something has the name already: nothing is ever replaced. */
int gguf_writer_new(struct gguf_writer **out, const char *path, struct error *e) MUST_USE;
void gguf_writer_free(struct gguf_writer *w); /* NULL is fine; an unfinished file is gone */

void gguf_put_text(struct gguf_writer *w, const char *key, const char *value);
void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t value);
void gguf_put_f32(struct gguf_writer *w, const char *key, float value);
void gguf_put_bool(struct gguf_writer *w, const char *key, int value);
void gguf_put_texts(struct gguf_writer *w, const char *key, const char *const *values, size_t n);
void gguf_put_i32s(struct gguf_writer *w, const char *key, const int32_t *values, size_t n);

/* A matrix [rows][cols]; rows 1 with vector: one dimension. */
void gguf_put_tensor(struct gguf_writer *w, const char *name, enum dtype type, int rows, int cols, int vector);

/* The next n bytes of the tensors' data. The first call writes everything put so far, after looking whether the disk
 * has room for all of it. A tensor may come in pieces; the space between tensors is filled here. */
int gguf_writer_data(struct gguf_writer *w, const void *data, size_t n, struct error *e) MUST_USE;

/* ERR_INTERNAL if a tensor's data has not come whole. */
int gguf_writer_finish(struct gguf_writer *w, struct error *e) MUST_USE;

#endif
