/* guard_lexicon.h - the words the guard knows: drug names (data/drugs.tsv, an operator's file of the same form), stems
 * of names never listed, and the classes of its grammar (data/guard_terms.tsv).
 *
 * Size: about 7,000 names and 4,400 words; looked up by their first three bytes, longest first.
 * Thread: read-only once loaded. Ownership: lexicon_free. Errors name the file, the line and the reason.
 */
#ifndef XIAOBEI_MEDICAL_GUARD_LEXICON_H
#define XIAOBEI_MEDICAL_GUARD_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Classes of guard_terms.tsv: name in the file, constant. docs/guard.md says what each is for. */
#define GUARD_CLASSES(X)                                                                                               \
    X("none", NONE)                                                                                                    \
    X("med", MED)                                                                                                      \
    X("med-take", MED_TAKE)                                                                                            \
    X("route", ROUTE)                                                                                                  \
    X("form", FORM)                                                                                                    \
    X("dosage", DOSAGE)                                                                                                \
    X("pron", PRON)                                                                                                    \
    X("pill", PILL)                                                                                                    \
    X("pill-strong", PILL_STRONG)                                                                                      \
    X("mass", MASS)                                                                                                    \
    X("gram", GRAM)                                                                                                    \
    X("vol", VOL)                                                                                                      \
    X("spoon", SPOON)                                                                                                  \
    X("lab-unit", LAB_UNIT)                                                                                            \
    X("lab-maybe", LAB_MAYBE)                                                                                          \
    X("per", PER)                                                                                                      \
    X("each", EACH)                                                                                                    \
    X("count", COUNT)                                                                                                  \
    X("freq", FREQ)                                                                                                    \
    X("hour", HOUR)                                                                                                    \
    X("day", DAY)                                                                                                      \
    X("minute", MINUTE)                                                                                                \
    X("age", AGE)                                                                                                      \
    X("timing", TIMING)                                                                                                \
    X("fraction", FRACTION)                                                                                            \
    X("take", TAKE)                                                                                                    \
    X("start", START)                                                                                                  \
    X("stop", STOP)                                                                                                    \
    X("change", CHANGE)                                                                                                \
    X("up", UP)                                                                                                        \
    X("down", DOWN)                                                                                                    \
    X("equal", EQUAL)                                                                                                  \
    X("confirm", CONFIRM)                                                                                              \
    X("choose", CHOOSE)                                                                                                \
    X("neg", NEG)                                                                                                      \
    X("refuse", REFUSE)                                                                                                \
    X("self", SELF)                                                                                                    \
    X("ask", ASK)                                                                                                      \
    X("doctor", DOCTOR)                                                                                                \
    X("whether", WHETHER)                                                                                              \
    X("before", BEFORE)                                                                                                \
    X("after-ask", AFTER_ASK)                                                                                          \
    X("may", MAY)                                                                                                      \
    X("usual", USUAL)                                                                                                  \
    X("should", SHOULD)                                                                                                \
    X("you", YOU)                                                                                                      \
    X("said", SAID)                                                                                                    \
    X("prescribed", PRESCRIBED)                                                                                        \
    X("swallow", SWALLOW)                                                                                              \
    X("emergency", EMERGENCY)                                                                                          \
    X("lab", LAB)                                                                                                      \
    X("vital", VITAL)                                                                                                  \
    X("food", FOOD)                                                                                                    \
    X("exercise", EXERCISE)                                                                                            \
    X("care", CARE)                                                                                                    \
    X("follow", FOLLOW)                                                                                                \
    X("fact", FACT)                                                                                                    \
    X("apart", APART)                                                                                                  \
    X("interact", INTERACT)                                                                                            \
    X("access", ACCESS)                                                                                                \
    X("source", SOURCE)                                                                                                \
    X("stat", STAT)                                                                                                    \
    X("turn", TURN)                                                                                                    \
    X("later", LATER)

enum {
#define X(name, constant) CLASS_INDEX_##constant,
    GUARD_CLASSES(X)
#undef X
        CLASS_INDEXES,
};

#define X(name, constant)                                                                                              \
    static const uint64_t constant __attribute__((unused)) = (uint64_t)1 << CLASS_INDEX_##constant;
GUARD_CLASSES(X)
#undef X

/* What a name is, beside the classes. */
enum { IS_DRUG = 1, IS_KIND = 2, IS_HERB = 4, IS_ANTIBIOTIC = 8, IS_FOOD_TOO = 16, IS_PAST = 32, IS_STEM = 64 };

struct lexicon_word {
    const char *text; /* borrowed, normalised */
    uint32_t len;
    uint8_t drug;     /* IS_* */
    uint64_t classes; /* bits above */
};
struct lexicon;

/* Load the embedded tables and, if extra is not NULL, an operator's drug file of the same form. ERR_FORMAT, ERR_LIMIT.
 */
int lexicon_new(struct lexicon **out, const char *extra, size_t extra_len, struct error *e) MUST_USE;
void lexicon_free(struct lexicon *l);

/* The longest word at the beginning of text[0..n), whole if Latin; NULL if there is none. */
const struct lexicon_word *lexicon_find(const struct lexicon *l, const char *text, size_t n);

/* Is text[0..n) the Chinese name of a drug but for one character (阿莫希林)? Names of three characters and more. */
bool lexicon_is_near_drug(const struct lexicon *l, const char *text, size_t n);
/* Does the Latin word text[0..n) end as the names of drugs do? */
bool lexicon_has_drug_stem(const struct lexicon *l, const char *text, size_t n);
size_t lexicon_drug_count(const struct lexicon *l);

#endif
