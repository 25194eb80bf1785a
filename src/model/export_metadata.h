/* export_metadata.h - a config and a tokenizer as GGUF metadata: what config_gguf.c and tokenizer_store_gguf.c read,
 * and llama.cpp. The inside of model_export.c; nobody else's. */
#ifndef XIAOBEI_MODEL_EXPORT_METADATA_H
#define XIAOBEI_MODEL_EXPORT_METADATA_H

#include "model/gguf_write.h"
#include "model/model_export.h"

/* tokenizer: NULL or not present writes a file without one. ERR_UNSUPPORTED for a setting that GGUF has no word for. */
int export_metadata(struct gguf_writer *w, const char *name, const struct model_config *c,
                    const struct tokenizer_data *tokenizer, enum export_kind kind, struct error *e) MUST_USE;

#endif
