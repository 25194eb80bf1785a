/* json.h - JSON from outside, read with limits: nesting up to LIMIT_JSON_DEPTH (jansson alone allows 2048), no
 * duplicate keys, no bytes behind the value. ERR_FORMAT with line and column. Ownership: *out by json_decref. Any
 * thread. */
#ifndef XIAOBEI_BASE_JSON_H
#define XIAOBEI_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

int json_read(json_t **out, const char *data, size_t n, struct error *e) MUST_USE;

/* The same for what strangers send: not more than about max_values values, arrays and objects included. A value takes
 * up to a hundred times the memory of its text. *number (may be NULL): if it fails over a number that is too large, the
 * offset behind it; else 0. */
int json_read_limited(json_t **out, const char *data, size_t n, size_t max_values, size_t *number,
                      struct error *e) MUST_USE;

/* The member of the outermost object in which data[at - 1] lies, as it is written; its length, 0 if there is none. */
size_t json_member_at(const char *data, size_t at, const char **name);

#endif
