/* model_store.h - the models directory: what is there, whether it is whole and unharmed, and how it goes away.
 * Ownership: model_store_free. Thread: one owner. */
#ifndef XIAOBEI_HUB_MODEL_STORE_H
#define XIAOBEI_HUB_MODEL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "hub/progress.h"

struct stored_model {
    char id[256];
    char source[64];       /* "hf", "ms", "pip"; "" while partial */
    char type[16];         /* "gguf", "safetensors", "partial" */
    char path[LIMIT_PATH]; /* what to load; the directory while partial */
    int64_t bytes;         /* on disk, of a partial one what has been fetched */
    bool complete, standin;
    bool broken; /* it was complete once: there is a manifest, but a file is missing or has another size */
};

struct stored_models {
    struct stored_model *models; /* sorted by id */
    size_t count, cap;
};

/* No directory: empty. A name that cannot be shown (not UTF-8, control characters) is left out. */
int model_store_list(struct stored_models *out, const char *models, struct error *e) MUST_USE;
void model_store_free(struct stored_models *list);

/* Remove id and everything it has; if it is a symbolic link, the link alone. ERR_NOT_FOUND, ERR_BUSY while it is being
 * pulled. */
int model_store_remove(const char *models, const char *id, struct progress *p, struct error *e) MUST_USE;

/* Hash every file of id against its manifest. ERR_FORMAT names the first broken file; all broken ones are said. */
int model_store_verify(const char *models, const char *id, struct progress *p, struct error *e) MUST_USE;

#endif
