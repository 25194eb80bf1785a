/* registry.h - the built-in table of models, and an operator's own rows before it (`pull --registry FILE`).
 *
 * FILE is JSON: [{"id", "repo"?, "file"?, "bytes"?, "sha256"?, "package"?, "version"?, "parts"?, "standin"?}], the
 * fields of struct model_entry; for those who mirror models under other names. A row with a known id replaces it.
 * Ownership: registry_free. Any thread.
 */
#ifndef XIAOBEI_HUB_REGISTRY_H
#define XIAOBEI_HUB_REGISTRY_H

#include <jansson.h>

#include "base/error.h"
#include "model/model_ref.h"

struct registry {
    struct model_entry *entries; /* ends with id NULL; owned */
    json_t *strings;             /* what the operator's rows point into; owned */
};

int registry_open(struct registry *r, const char *path, struct error *e) MUST_USE; /* path NULL: the built-in rows */
int registry_parse(struct registry *r, const char *data, size_t n, struct error *e) MUST_USE;
void registry_close(struct registry *r); /* safe on a zeroed struct and twice */
const struct model_entry *registry_find(const struct registry *r, const char *id); /* NULL */

#endif
