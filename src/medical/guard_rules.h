/* guard_rules.h - one sentence judged, with what the sentences before it left behind.
 *
 * A drug beside a number is suspect until an allowed pattern explains it: docs/guard.md has the order of the questions.
 * Pure; any thread. Sizes: at most GUARD_FINDINGS findings of a sentence.
 */
#ifndef XIAOBEI_MEDICAL_GUARD_RULES_H
#define XIAOBEI_MEDICAL_GUARD_RULES_H

#include "medical/guard.h"
#include "medical/guard_quantity.h"

enum { GUARD_FINDINGS = 64, GUARD_QUANTITIES = 96, GUARD_MEMORY = 8 };

/* What earlier sentences left behind. Zeroed at the start of a text. */
struct guard_context {
    unsigned since_drug;      /* sentences since a drug was named; 0: none yet, 1: the last one */
    unsigned since_emergency; /* the same of 120, poisoning */
    bool topic_is_drug;       /* the last thing that was talked about */
    bool topic_is_herb;
    bool topic_is_other; /* the last thing was food, exercise, care, tests */
    bool prescribed;     /* a heading or sentence before attributed what follows to the user's doctor */
    bool refused;        /* a heading before said that the list below is not to be done */
    bool table_drug;     /* a row above names a drug, a dose or a frequency */
    bool table_other;    /* a row above is about tests or food */
    bool table_dosage;   /* a row above speaks of doses */
    unsigned pending;    /* sentences for which an amount waits for what is to be taken */
    bool dosage;         /* the last sentence spoke of a dose */
};

struct guard_finding {
    enum guard_reason reason;
    uint16_t first_clause;
    uint16_t last_clause;
    uint32_t first; /* tokens */
    uint32_t last;
};

struct guard_findings {
    struct guard_finding list[GUARD_FINDINGS];
    size_t count;
};

/* Judge the line and bring the context up to date. */
void guard_judge(struct guard_context *c, struct guard_line *line, struct guard_findings *out);

/* --- the parts (guard_dose.c, guard_advice.c) ------------------------------------------------------------------------
 */
struct guard_view {
    const struct guard_line *line;
    const struct guard_token *t;
    size_t n;
    const struct guard_context *context;
    struct guard_quantity q[GUARD_QUANTITIES];
    size_t q_count;
    uint64_t all;     /* classes of the whole sentence */
    uint8_t all_drug; /* IS_* of the whole sentence */
    unsigned drugs;   /* names of single drugs in it */
};

void guard_find_doses(struct guard_view *v, struct guard_findings *out);
bool guard_has_orphan(const struct guard_view *v);                  /* an amount that nothing owns */
bool guard_ordered_by_doctor(const struct guard_view *v, size_t i); /* a verb */
bool guard_verb_is_excused(const struct guard_view *v, size_t i);   /* it forbids, asks, leaves it to the doctor */
void guard_find_advice(struct guard_view *v, struct guard_findings *out);

void guard_add(struct guard_findings *out, const struct guard_view *v, enum guard_reason reason, size_t first,
               size_t last);
bool guard_is_drug(const struct guard_view *v, size_t i);  /* a drug, a kind of drug, "medicine" */
bool guard_is_other(const struct guard_view *v, size_t i); /* food, exercise, care, tests */
bool guard_clause_has(const struct guard_view *v, size_t clause, uint64_t classes);
bool guard_clause_has_drug(const struct guard_view *v, size_t clause, uint8_t drug);
bool guard_has_before(const struct guard_view *v, size_t i, uint64_t classes);  /* in its clause */
bool guard_has_after(const struct guard_view *v, size_t i, uint64_t classes);   /* in its clause */
bool guard_said_before(const struct guard_view *v, size_t i, uint64_t classes); /* in its sentence */
bool guard_topic_is_drug(const struct guard_view *v, size_t clause); /* what was talked about before this clause */

#endif
