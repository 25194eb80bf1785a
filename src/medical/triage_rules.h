/* triage_rules.h - what combinations of concepts, numbers and risk groups mean (data/triage_rules.txt).
 *
 *     def NAME EXPR             a name for a combination, used below it
 *     flag ID LEVEL EXPR        raises the red-flag group ID at LEVEL
 *     level LEVEL EXPR          raises the level without a flag
 *     dept NAME WEIGHT EXPR     points to a department
 *     ask ID EXPR               a question worth asking back
 * EXPR: a & b, a | b, !a, (a), 2of(a,b,c), number comparisons (temp>=38.5, age<14). Names are concepts, defs and facts
 * of the profile: male, female, pregnant, any_symptom. Rules only raise: none lowers what another said.
 *
 * Thread: read-only after rules_new. Errors: ERR_FORMAT with line and reason.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_RULES_H
#define XIAOBEI_MEDICAL_TRIAGE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "medical/lex.h"
#include "medical/triage_numbers.h"

enum triage_level { TRIAGE_SELF, TRIAGE_CLINIC, TRIAGE_URG, TRIAGE_ED, TRIAGE_E120, TRIAGE_LEVELS };

const char *triage_level_name(enum triage_level level);
int triage_level_parse(const char *s, size_t n); /* -1: there is none of that name */

/* Facts of the profile that rules may name. */
enum triage_fact { TRIAGE_MALE, TRIAGE_FEMALE, TRIAGE_PREGNANT, TRIAGE_SYMPTOM, TRIAGE_FACTS };

enum rule_kind { RULE_FLAG, RULE_LEVEL, RULE_DEPT, RULE_ASK };

struct rule {
    enum rule_kind kind;
    char name[48]; /* flag id, department or question; empty for a level */
    enum triage_level level;
    double weight;
    int line;
    uint32_t root; /* private */
};

struct rules;

int rules_new(struct rules **out, const char *text, size_t n, const struct lex *l, struct error *e) MUST_USE;
void rules_free(struct rules *r);
const struct rule *rules_items(const struct rules *r, size_t *n);

/* What an evaluation looks at. active: per concept, said of the patient now. */
struct rules_state {
    const bool *active;
    const struct triage_numbers *numbers;
    bool facts[TRIAGE_FACTS];
};

enum { RULES_EVIDENCE = 8 };

/* Leaves that made a rule true: concepts, or ~value for a number. */
struct rules_evidence {
    int leaves[RULES_EVIDENCE];
    size_t n;
};

bool rules_holds(const struct rules *r, const struct rule *rule, const struct rules_state *s,
                 struct rules_evidence *evidence); /* evidence may be NULL */

#endif
