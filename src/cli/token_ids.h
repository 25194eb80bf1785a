/* token_ids.h - the ids that `logits` and `generate` take from an .npy file. What is wrong with them is bad data
 * (ERR_FORMAT, exit 65), said before any weight is read. Thread: the verb's. */
#ifndef XIAOBEI_CLI_TOKEN_IDS_H
#define XIAOBEI_CLI_TOKEN_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/config.h"

/* 1 to LIMIT_CONTEXT ids; free(*ids). */
int token_ids_read(const char *path, int32_t **ids, size_t *n, struct error *e) MUST_USE;

/* Every id is in the model's vocabulary. */
int token_ids_check(const struct model_config *c, const int32_t *ids, size_t n, struct error *e) MUST_USE;

#endif
