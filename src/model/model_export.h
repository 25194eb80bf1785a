/* model_export.h - writes a Qwen2 model as a GGUF file that llama.cpp reads too: quantising another model, or random
 * weights in a known shape for measuring.
 *
 * Metadata comes from what this program understood of the source (config, tokenizer), not byte for byte from its file.
 * The mix of formats follows the published K-quants recipe (ggml-org/llama.cpp#1684, "Q4_K_M"): see export_type_of.
 * Thread: one; rows are quantised on the pool. Memory: one strip of rows, whatever the model's size.
 */
#ifndef XIAOBEI_MODEL_MODEL_EXPORT_H
#define XIAOBEI_MODEL_MODEL_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/threadpool.h"
#include "kernels/dtype.h"
#include "model/config.h"
#include "model/model_file.h"

enum export_kind { EXPORT_Q8_0, EXPORT_Q4_0, EXPORT_Q4_K_M, EXPORT_F16, EXPORT_BF16, EXPORT_KIND_COUNT };

int export_kind_parse(const char *name, enum export_kind *out, struct error *e) MUST_USE; /* "q4_k_m", any case */
const char *export_kind_name(enum export_kind kind);                                      /* "Q4_K_M" */

struct export_options {
    const char *path; /* OUT; must not exist */
    enum export_kind kind;
    struct threadpool *pool; /* NULL: this thread alone */
    void (*progress)(void *user, int64_t done, int64_t total);
    void *user; /* handed to progress (NULL: none) */
};

/* Quantise f's matrices. A tensor that has the wanted format already is copied bit by bit. ERR_FORMAT names a tensor
 * that is missing or not finite. *requantized: some matrices were quantised before, which costs precision twice. */
int model_export(const struct model_file *f, const struct export_options *o, bool *requantized,
                 struct error *e) MUST_USE;

/* A model of c's shape with random weights of a trained model's size (normal, deviation 0.02; norms 1). tokenizer may
 * be NULL: then the file has none. The same seed gives the same file. */
int model_export_random(const struct model_config *c, const struct tokenizer_data *tokenizer, uint64_t seed,
                        const struct export_options *o, struct error *e) MUST_USE;

/* The shape of a published Qwen2.5 size: "qwen2.5-0.5b" ... "qwen2.5-72b". ERR_INVALID names those that there are. */
int config_like(const char *name, struct model_config *out, struct error *e) MUST_USE;

#endif
