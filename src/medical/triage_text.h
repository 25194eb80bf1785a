/* triage_text.h - a conversation as triage reads it: one row of characters with the way back to what was written.
 *
 * normal_text first (one spelling for many), then what only rules want: apostrophes dropped, a full stop told from a
 * decimal point, a lone separator between two Han characters dropped (胸.口.痛), misspelt Latin words mended. The
 * patient's conditions and medicines stand before the turns; every turn ends with a line end.
 * Ownership: triage_text_free. Thread: one owner.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_TEXT_H
#define XIAOBEI_MEDICAL_TRIAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "medical/lex.h"

struct triage_text {
    struct buf original; /* what was written, turn after turn */
    uint32_t *cp;        /* n characters */
    uint32_t *origin;    /* n + 1 byte offsets into original */
    size_t n;
    size_t profile_end; /* characters before it come from the profile */
};

/* lines: profile_lines lines of the profile, then the turns. ERR_LIMIT: more than LIMIT_MEDICAL_TEXT bytes. */
int triage_text_make(struct triage_text *t, const struct lex *l, const char *const *lines, size_t n,
                     size_t profile_lines, struct error *e) MUST_USE;
void triage_text_free(struct triage_text *t);

/* The original words of characters [start, end), cut at a character to fit out[0..size). */
void triage_text_quote(const struct triage_text *t, size_t start, size_t end, char *out, size_t size);

static inline bool triage_is_han(uint32_t c)
{
    return c >= 0x3400 && c <= 0x9FFF;
}

static inline bool triage_ends_sentence(uint32_t c)
{
    return c == 0x3002 || c == '!' || c == '?' || c == ';' || c == '\n';
}

#endif
