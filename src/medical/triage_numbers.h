/* triage_numbers.h - measured values said in a conversation: temperature, oxygen, blood pressure, pulse, breathing,
 * glucose, laboratory values, ages and durations, in digits or Chinese numerals ("三十九度五", "高压一百八", "SpO2
 * 89%", "满月").
 *
 * A number counts by its unit or by a label concept (num_*) shortly before it. Several values of one kind are kept as
 * their smallest and largest. Fahrenheit and mg/dl become Celsius and mmol/l. Pure; any thread.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_NUMBERS_H
#define XIAOBEI_MEDICAL_TRIAGE_NUMBERS_H

#include "medical/lex.h"
#include "medical/triage_text.h"

/*    name       smallest  largest value that is believed */
#define TRIAGE_VALUES(X)                                                                                               \
    X(temp, 30, 44)          /* degrees Celsius */                                                                     \
    X(spo2, 40, 100)         /* % */                                                                                   \
    X(sbp, 40, 300)          /* mmHg */                                                                                \
    X(dbp, 20, 200)          /* mmHg */                                                                                \
    X(pulse, 20, 300)        /* per minute */                                                                          \
    X(breaths, 4, 120)       /* per minute */                                                                          \
    X(glucose, 0.5, 60)      /* mmol/l */                                                                              \
    X(potassium, 1, 10)      /* mmol/l */                                                                              \
    X(haemoglobin, 10, 250)  /* g/l */                                                                                 \
    X(platelets, 0, 2000)    /* 10^9/l */                                                                              \
    X(inr, 0.5, 30)          /* ratio */                                                                               \
    X(age, 0, 125)           /* years */                                                                               \
    X(age_days, 0, 45700)    /* days */                                                                                \
    X(weeks_pregnant, 1, 45) /* weeks */                                                                               \
    X(minutes, 0, 60000000)  /* how long something lasted or how long ago it began */

enum triage_value {
#define X(name, low, high) TRIAGE_VALUE_##name,
    TRIAGE_VALUES(X)
#undef X
        TRIAGE_VALUE_COUNT
};

struct triage_numbers {
    double low[TRIAGE_VALUE_COUNT], high[TRIAGE_VALUE_COUNT];    /* low > high: not said */
    uint32_t start[TRIAGE_VALUE_COUNT], end[TRIAGE_VALUE_COUNT]; /* where the last one stands */
};

const char *triage_value_name(int value);
void triage_numbers_clear(struct triage_numbers *n);
void triage_numbers_add(struct triage_numbers *n, int value, double x); /* ignored when it is not believed */

/* Add what the text says. hits: of the same text, sorted by start. Errors: ERR_NOMEM. */
int triage_numbers_read(struct triage_numbers *n, const struct lex *l, const struct triage_text *t,
                        const struct lex_hits *hits) MUST_USE;

#endif
