/* nfc.h - Unicode's canonical composition (UAX #15), as the reference tokenizer has it: the tables of Unicode 9. Later
 * versions gave some marks a combining class; there they would be reordered and the ids would differ.
 *
 * Linear in the text but for sorting each run of marks (n log n): utf8proc's own reordering is quadratic in such a run,
 * and anybody may send one. Pure; any thread.
 */
#ifndef XIAOBEI_MODEL_NFC_H
#define XIAOBEI_MODEL_NFC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Is all of s valid UTF-8 and certainly in NFC? False only means: ask nfc_append. */
bool nfc_is_plain(const char *s, size_t n);

/* Append s[0..n) in NFC; an invalid byte becomes U+FFFD. ERR_LIMIT (out's), ERR_NOMEM. */
int nfc_append(struct buf *out, const char *s, size_t n) MUST_USE;

#endif
