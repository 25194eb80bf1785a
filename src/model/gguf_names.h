/* gguf_names.h - what GGUF calls the tensors of a Qwen2 model, and what Hugging Face calls them ("canonical").
 *
 * Source: github.com/ggml-org/ggml docs/gguf.md, "Standardized tensor names". Pure functions; any thread.
 */
#ifndef XIAOBEI_MODEL_GGUF_NAMES_H
#define XIAOBEI_MODEL_GGUF_NAMES_H

#include <stddef.h>

/* "blk.3.attn_q.weight" <-> "model.layers.3.self_attn.q_proj.weight". A name that is none of these is copied as it is.
 */
void gguf_name_to_canonical(const char *name, char *out, size_t n);
void gguf_name_from_canonical(const char *name, char *out, size_t n);

#endif
