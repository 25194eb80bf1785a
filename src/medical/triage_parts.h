/* triage_parts.h - what triage.c (reading) and triage_answer.c (saying) share. Private to them. */
#ifndef XIAOBEI_MEDICAL_TRIAGE_PARTS_H
#define XIAOBEI_MEDICAL_TRIAGE_PARTS_H

#include "medical/context.h"
#include "medical/lex.h"
#include "medical/triage.h"
#include "medical/triage_classifier.h"
#include "medical/triage_numbers.h"
#include "medical/triage_text.h"

struct triage {
    struct lex *lex;
    struct rules *rules;
    struct triage_tables *tables;
    struct triage_classifier classifier; /* classes == 0: there is none */
    int cues[CONTEXT_CUE_COUNT];
    int *rule_rows;                      /* per rule: its flag or department, -1: neither */
    int class_flags[TRIAGE_CLASSES_MAX]; /* class to row of tables->flags, -1: none */
};

/* One conversation being read. */
struct triage_reading {
    const struct triage *t;
    const struct triage_input *in;
    struct triage_text text;
    struct lex_hits hits;
    struct triage_numbers numbers;
    bool *active;  /* per concept: said of the patient now */
    bool *written; /* per concept: its words stand there, whatever is said about them */
    struct rules_state state, as_written;
    struct triage_result *out;
};

/* The user's words behind a rule that holds. */
void triage_evidence(const struct triage_reading *r, const struct rules_evidence *e, char out[TRIAGE_EVIDENCE]);

/* Departments, questions and advice, from flags and level. */
void triage_answer(struct triage_reading *r);

#endif
