/* normal_text.h - text as the medical rules read it, and the way back to what was written.
 *
 * One spelling for what people write in many: compatibility forms folded (NFKC: full width, circled, superscript with a
 * '^' before it, mathematical letters), marks stripped, Latin in lower case, Cyrillic look-alikes as the Latin letters
 * they imitate, traditional characters simplified (data/traditional.tsv), zero-width characters, controls and emoji
 * removed (keycaps and circled digits become digits; the pill and the syringe become 药 and 针), every space a ' ' and
 * never two in a row, none between two Chinese characters, line ends '\n'. Dashes become '-', but for the long '—';
 * curly quotes become ' and ". Chinese commas, colons and brackets come out as ASCII; 。 、 stay.
 *
 * Origins: the normalised bytes [a, b) came from the original bytes [origin[a], origin[b]).
 * Invalid UTF-8 is read as U+FFFD per byte. Size: at most LIMIT_MEDICAL_TEXT bytes in (ERR_LIMIT), four times as many
 * out (ERR_LIMIT). Pure; any thread. Source of the folding: UAX #15, through utf8proc; of the table: OpenCC.
 */
#ifndef XIAOBEI_MEDICAL_NORMAL_TEXT_H
#define XIAOBEI_MEDICAL_NORMAL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct normal_text {
    char *text; /* valid UTF-8, NUL-terminated; len bytes */
    size_t len;
    uint32_t *origin; /* len + 1 byte offsets into the original, never falling; origin[len] is its length */
};

/* Fill *out from text[0..len). Released by normal_text_free. ERR_LIMIT, ERR_NOMEM: *out is empty then. */
int normal_text_make(struct normal_text *out, const char *text, size_t len, struct error *e) MUST_USE;

void normal_text_free(struct normal_text *t); /* safe on a zeroed struct and twice */

uint32_t normal_text_simplified(uint32_t c); /* a traditional character as the simplified one; others as they are */

#endif
