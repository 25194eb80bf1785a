/* json.h - JSON from outside, read with limits: nesting up to LIMIT_JSON_DEPTH (jansson alone allows 2048), no
 * duplicate keys, no bytes behind the value. ERR_FORMAT with line and column. Ownership: *out by json_decref. Any
 * thread. */
#ifndef XIAOBEI_BASE_JSON_H
#define XIAOBEI_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

int json_read(json_t **out, const char *data, size_t n, struct error *e) MUST_USE;

/* The same, whole numbers of any size as reals: to look at a shape whose numbers are passed on as they were written.
 * At most LIMIT_JSON_VALUES values. */
int json_read_wide(json_t **out, const char *data, size_t n, struct error *e) MUST_USE;

/* The bytes of a member's value in the object that data holds (JSON that was read before); NULL if it is not there, or
 * its key is written with escapes. Borrowed from data. */
const char *json_member_text(const char *data, size_t n, const char *key, size_t *length);

/* The same for what strangers send: not more than about max_values values, arrays and objects included. A value takes
 * up to a hundred times the memory of its text. *number (may be NULL): if it fails over a number that is too large, the
 * offset behind it; else 0. */
int json_read_limited(json_t **out, const char *data, size_t n, size_t max_values, size_t *number,
                      struct error *e) MUST_USE;

/* The member of the outermost object in which data[at - 1] lies, as it is written; its length, 0 if there is none. */
size_t json_member_at(const char *data, size_t at, const char **name);

#endif
