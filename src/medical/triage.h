/* triage.h - how urgent is this, which red flags does it hold, which department is the right one: before any model.
 *
 * Two layers read the conversation: rules over concepts (triage_rules.h) and a classifier over characters
 * (triage_classifier.h). Each may only raise what the other said; the answer tells which one spoke. Everything is a
 * pure function of the conversation, the profile and the embedded tables. 未经临床医师审核 / not yet reviewed by a
 * clinician.
 *
 * Levels and flag ids: data/red_flags.tsv, with sources. Thread: a triage is read-only after triage_open. Ownership:
 * results hold no memory of their own; their pointers go into the triage.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_H
#define XIAOBEI_MEDICAL_TRIAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "medical/triage_rules.h"
#include "medical/triage_tables.h"

enum { TRIAGE_RULES = 1, TRIAGE_CLASSIFIER = 2, TRIAGE_BOTH = 3 }; /* layers */

enum {
    TRIAGE_EVIDENCE = 160, /* bytes of quoted words */
    TRIAGE_ADVICE = 3072,
    TRIAGE_NAMED = 3, /* departments in an answer */
    TRIAGE_ASKED = 4,
    TRIAGE_NOTES = 4,
    TRIAGE_PROFILE_LINES = 64,
};

struct triage_profile {
    double age, age_months, age_days;        /* below 0: not known */
    char sex;                                /* 'm', 'f' or 0 */
    int pregnant;                            /* 1, 0 or -1: not known */
    const char *lines[TRIAGE_PROFILE_LINES]; /* conditions and medicines as written; borrowed */
    size_t n_lines;
};

struct triage_input {
    struct triage_profile profile;
    const char *const *turns; /* what the user wrote, in order; borrowed */
    size_t n_turns;           /* at most LIMIT_TRIAGE_TURNS */
};

struct triage_flag {
    const struct triage_flag_row *row;
    enum triage_level level;
    unsigned layers;                /* which spoke: TRIAGE_RULES, TRIAGE_CLASSIFIER or both */
    float score;                    /* the classifier's, 0 without it */
    char evidence[TRIAGE_EVIDENCE]; /* the user's own words that raised it */
};

struct triage_named {
    const struct triage_department *department;
    char reason[TRIAGE_EVIDENCE * 2];
};

struct triage_result {
    enum triage_level level;
    enum triage_level layer_level[2]; /* of the rules, of the classifier */
    bool english;                     /* the language the answer is in */
    struct triage_flag flags[TRIAGE_FLAGS_MAX];
    size_t n_flags; /* the most urgent first */
    struct triage_named departments[TRIAGE_NAMED];
    size_t n_departments;
    const char *asked[TRIAGE_ASKED];
    size_t n_asked;
    const char *notes[TRIAGE_NOTES]; /* what of the input was not used, and why */
    size_t n_notes;
    char advice[TRIAGE_ADVICE];
};

struct triage;

/* Read the embedded tables. Errors name file, line and reason. */
int triage_open(struct triage **out, struct error *e) MUST_USE;
/* Read the tables from a directory instead (checking changed rules). */
int triage_open_dir(struct triage **out, const char *dir, struct error *e) MUST_USE;
void triage_close(struct triage *t);

const struct triage_tables *triage_tables(const struct triage *t);
const struct lex *triage_lex(const struct triage *t);
size_t triage_rule_count(const struct triage *t);

/* ERR_INVALID: no turns or too many; ERR_LIMIT: over LIMIT_MEDICAL_TEXT bytes; ERR_NOMEM. */
int triage_assess(const struct triage *t, const struct triage_input *in, unsigned layers, struct triage_result *out,
                  struct error *e) MUST_USE;

#endif
