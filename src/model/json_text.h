/* json_text.h - JSON as Python's json.dumps(value, ensure_ascii=False) writes it, which is what the chat template's
 * tojson gives: ", " and ": " between, keys in order, numbers in their shortest form. The ids of a prompt with tools
 * depend on it. Pure; any thread. */
#ifndef XIAOBEI_MODEL_JSON_TEXT_H
#define XIAOBEI_MODEL_JSON_TEXT_H

#include <jansson.h>

#include "base/buf.h"

/* Append value. ERR_LIMIT (out's or LIMIT_JSON_DEPTH), ERR_NOMEM. */
int json_text_append(struct buf *out, const json_t *value) MUST_USE;

#endif
