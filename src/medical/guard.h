/* guard.h - never lets a prescription or a dose out: the last thing an answer passes before a person reads it.
 *
 * Deterministic, over normalised text (normal_text.h): any medicine, herb or supplement with amount, frequency,
 * duration or route in any disguise; starting, stopping, switching, raising or tapering one; confirming a dose;
 * equivalences; the choice of an antibiotic; ways around a prescription. What replaces a blocked clause says whom to
 * ask, in the clause's language. docs/guard.md says how it decides and how well; 未经临床医师审核 / not yet reviewed by
 * a clinician.
 *
 * Thread: a struct guard is read-only, any number of threads may check with one; a stream belongs to one thread.
 * Limits: a text is at most LIMIT_MEDICAL_TEXT bytes (ERR_LIMIT); a stream takes any length, sentence by sentence.
 */
#ifndef XIAOBEI_MEDICAL_GUARD_H
#define XIAOBEI_MEDICAL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Constant, stable id, what it means. */
#define GUARD_REASONS(X)                                                                                               \
    X(DOSE, "dose")               /* amount, frequency, duration or route of a medicine */                             \
    X(HERB, "herb_dose")          /* the same of a herb or a patent medicine */                                        \
    X(CHANGE, "change")           /* start, stop, switch, raise, taper */                                              \
    X(CHOICE, "choice")           /* which medicine, above all which antibiotic */                                     \
    X(CONFIRM, "confirm")         /* a user's dose is judged */                                                        \
    X(EQUIVALENCE, "equivalence") /* so much of A is so much of B */                                                   \
    X(ACCESS, "access")           /* prescription drugs without a prescription */

enum guard_reason {
#define X(constant, id) GUARD_##constant,
    GUARD_REASONS(X)
#undef X
        GUARD_REASON_COUNT,
};

enum guard_action {
    GUARD_PASS,
    GUARD_REWRITE, /* clauses were replaced */
    GUARD_BLOCK,   /* nothing but replacements is left */
};

struct guard_span {
    size_t start; /* bytes of the original text */
    size_t end;
    enum guard_reason reason;
};

struct guard_result {
    enum guard_action action;
    struct guard_span *spans; /* in order */
    size_t count;
    char *text; /* what may be shown; NUL-terminated. Of a stream NULL: the sink had it */
    size_t len;
};

struct guard;
struct guard_stream;

/* Takes text that may be shown. A return other than 0 ends the stream with that code. */
typedef int (*guard_sink)(void *user, const char *text, size_t n);

/* drugs: the content of an operator's file of drug names in the form of data/drugs.tsv, or NULL. ERR_FORMAT names the
 * line and what is wrong with it. */
int guard_new(struct guard **out, const char *drugs, size_t n, struct error *e) MUST_USE;
void guard_free(struct guard *g);
size_t guard_drug_count(const struct guard *g);

int guard_check(const struct guard *g, const char *text, size_t n, struct guard_result *out, struct error *e) MUST_USE;
void guard_result_free(struct guard_result *r);

/* A stream gives the same spans and the same text as guard_check, however the text is cut. It holds back the sentence
 * that has not ended, LIMIT_GUARD_SENTENCE bytes at most. question: what the user asked, or NULL; a drug named there is
 * known to the answer ("how much ibuprofen?" - "two, three times a day"). The guard must outlive the stream. */
int guard_stream_new(struct guard_stream **out, const struct guard *g, const char *question, guard_sink sink,
                     void *user, struct error *e) MUST_USE;
int guard_stream_feed(struct guard_stream *s, const char *text, size_t n, struct error *e) MUST_USE;
/* Release the rest; the verdict goes to *out (guard_result_free), which may be NULL. */
int guard_stream_end(struct guard_stream *s, struct guard_result *out, struct error *e) MUST_USE;
void guard_stream_free(struct guard_stream *s);

const char *guard_reason_id(enum guard_reason reason);                 /* "dose"; static */
const char *guard_action_id(enum guard_action action);                 /* "pass"; static */
const char *guard_replacement(enum guard_reason reason, bool chinese); /* static */

#endif
