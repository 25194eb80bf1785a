/* lex.h - concepts with many phrasings each (data/triage_concepts.txt), found in folded text.
 *
 * A concept is a block of patterns, one a line (`= name`; `+ name` adds to it); a pattern is literal text with
 * alternatives, named sets and small gaps: (左|右|半)~2$limb~3(麻|没力)     chest ~ (pain|tight*)
 * `~` is a gap of up to 4 Han or 20 Latin characters (`~N`: up to N) that never runs over the end of a sentence nor
 * over a negation, `?` after a group makes it optional, `*` lets a Latin word go on, `_` is a space that may be
 * missing. Words of Latin letters match whole; apostrophes are dropped on both sides.
 *
 * Rejected: regular expressions (a clinician cannot review them, and their cost has no bound), one pattern per language
 * file (people mix languages). Patterns are found by their first character; cost is linear in the text.
 * Thread: a lex is read-only after lex_new; any thread may search it. Ownership: lex_free, lex_hits_free.
 */
#ifndef XIAOBEI_MEDICAL_LEX_H
#define XIAOBEI_MEDICAL_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum lex_kind {
    LEX_SYMPTOM, /* happens to the patient: negation, past, family, questions and idioms take it away */
    LEX_FACT,    /* is true of the patient (a disease, a medicine): only negation and family history take it away */
    LEX_DEED,    /* done or touched (drank, pesticide): taken away like a symptom, but no complaint by itself */
    LEX_CUE,     /* a word about words; never taken away */
};

struct lex;

/* Why a hit does not count; LEX_ON: it does. */
enum lex_off { LEX_ON, LEX_NEGATED, LEX_PAST, LEX_FAMILY, LEX_STUDY, LEX_IDIOM, LEX_PROFILE };

struct lex_hit {
    uint32_t start, end; /* characters of the text */
    uint16_t concept;
    uint8_t off;          /* enum lex_off, filled by context_judge */
    bool starts_negative; /* the phrase itself opens with a negation: 说不出话 does not, 没有脉搏 does */
};

struct lex_hits {
    struct lex_hit *items; /* by start */
    size_t n, cap;
};

/* Read a concepts file. What is wrong with it is ERR_FORMAT with line and reason. */
int lex_new(struct lex **out, const char *text, size_t n, struct error *e) MUST_USE;
void lex_free(struct lex *l);

size_t lex_concepts(const struct lex *l);
int lex_concept(const struct lex *l, const char *name, size_t n); /* its number, -1: there is none */
const char *lex_name(const struct lex *l, size_t concept);
enum lex_kind lex_kind(const struct lex *l, size_t concept);
size_t lex_patterns(const struct lex *l);

/* Every concept in cp[0..n). Errors: ERR_NOMEM. */
int lex_find(const struct lex *l, const uint32_t *cp, size_t n, struct lex_hits *out) MUST_USE;
void lex_hits_free(struct lex_hits *h);

/* The pattern word that w[0..n) (lower-case Latin) is most likely a misspelling of (one letter off), or NULL. Words
 * that patterns use, short ones and those of `keep` lines are left alone. */
const char *lex_spell(const struct lex *l, const uint32_t *w, size_t n);

#endif
