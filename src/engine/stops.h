/* stops.h - from token bytes to text that may be released: whole characters, no part of a stop string.
 *
 * Bytes are fed as tokens come; what can neither belong to an unfinished character nor to the beginning of a stop
 * string is released. A stop string ends the answer and is never released, however it was split over tokens. Invalid
 * UTF-8 becomes U+FFFD. Thread: one owner.
 */
#ifndef XIAOBEI_ENGINE_STOPS_H
#define XIAOBEI_ENGINE_STOPS_H

#include <stdbool.h>

#include "base/buf.h"

struct stops; /* opaque */

/* Strings are copied; empty ones and more than LIMIT_STOP_STRINGS are ERR_INVALID. */
int stops_new(struct stops **out, const char *const *strings, int n, struct error *e) MUST_USE;
void stops_free(struct stops *s);

/* Feed bytes; append what may be released to text. *stopped turns true when a stop string was completed: nothing more
 * will be released. */
int stops_feed(struct stops *s, const char *bytes, size_t n, struct buf *text, bool *stopped) MUST_USE;

/* The answer ended otherwise: release what was held back. */
int stops_finish(struct stops *s, struct buf *text) MUST_USE;

#endif
