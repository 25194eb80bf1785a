/* json.h - JSON from outside, read with limits: nesting up to LIMIT_JSON_DEPTH (jansson alone allows 2048), no
 * duplicate keys, no bytes behind the value. ERR_FORMAT with line and column. Ownership: *out by json_decref. Any
 * thread. */
#ifndef XIAOBEI_BASE_JSON_H
#define XIAOBEI_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

int json_read(json_t **out, const char *data, size_t n, struct error *e) MUST_USE;

/* Deepest nesting of brackets outside strings; stops counting at limit + 1. */
int json_depth(const char *data, size_t n, int limit);

#endif
