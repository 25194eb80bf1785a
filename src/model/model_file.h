/* model_file.h - a published model on disk: its tensors by name and its configuration, whatever the container.
 *
 * Two containers: GGUF v3 (one file or -00001-of-0000N splits) and a Hugging Face directory (config.json, safetensors,
 * single or sharded). Both are mapped read-only; tensors are views into the mapping. Tensor names are canonicalised to
 * Hugging Face's ("model.layers.3.self_attn.q_proj.weight"), so that nothing above knows which container it was.
 * Everything in a file is checked before use: a model_file that opened has only views inside its mapping, of the size
 * that shape and type imply. Errors: ERR_FORMAT (exit 65) with what, where, what to do; ERR_NOT_FOUND. Thread: open and
 * close on one; reading from any.
 */
#ifndef XIAOBEI_MODEL_MODEL_FILE_H
#define XIAOBEI_MODEL_MODEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "kernels/dtype.h"
#include "model/config.h"

struct tensor_view {
    const char *name; /* canonical; borrowed from the model_file */
    enum dtype type;
    int rows, cols;   /* a matrix [rows][cols]; a vector has rows 1 */
    const void *data; /* row-major blocks, inside the mapping; alignment not guaranteed beyond 1 */
    size_t bytes;     /* rows * cols / block_elems * block_bytes */
};

struct model_file; /* opaque */

/* path: a GGUF file (any split of a set) or a Hugging Face directory. */
int model_file_open(struct model_file **out, const char *path, struct error *e) MUST_USE;
void model_file_close(struct model_file *f); /* NULL is fine */

const struct model_config *model_file_config(const struct model_file *f);
const char *model_file_container(const struct model_file *f); /* "gguf" or "huggingface" */
const char *
model_file_name(const struct model_file *f); /* for people and /v1/models: general.name or the directory's */
const char *model_file_path(const struct model_file *f);

size_t model_file_tensor_count(const struct model_file *f);
const struct tensor_view *model_file_tensor(const struct model_file *f, size_t index);
const struct tensor_view *model_file_find(const struct model_file *f, const char *name); /* NULL if absent */

/* Part of a tensor's data is about to be read from end to end; and: was packed, its pages may go. Any thread. */
void model_file_expect(const struct model_file *f, const void *data, size_t bytes);
void model_file_forget(const struct model_file *f, const void *data, size_t bytes);

/* The tokenizer's data, wherever the container keeps it. Token texts are GPT-2 byte-level strings, as in vocab.json.
 * Views are borrowed. has_tokenizer false: no tokenizer (the gold models). */
struct tokenizer_data {
    bool present;
    size_t vocab_size;         /* entries in tokens */
    const char *const *tokens; /* [vocab_size], NULL for a gap */
    const uint8_t *kinds;      /* [vocab_size]: 0 normal, 1 control/special, 2 user-defined added token */
    size_t merge_count;
    const char *const *merges; /* [merge_count], "left right" */
    const char *chat_template; /* Jinja text or NULL; only compared, never run */
};
const struct tokenizer_data *model_file_tokenizer(const struct model_file *f);

#endif
