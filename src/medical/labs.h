/* labs.h - a laboratory or check-up report in plain words: which results are outside which range, what the items are,
 * what commonly moves them, what to ask whom. Never a diagnosis, never a medicine. 未经临床医师审核.
 *
 * Order of judgement: a critical value of data/lab_critical.tsv; the range printed on the report; the report's own
 * mark; data/lab_ranges.tsv by age and sex, where several rows fit (sex or age not known) only if they agree. Adult
 * ranges are not used for children or in pregnancy. What cannot be judged is `unknown` and says why. Thread: labs_open
 * once, then any. Ownership: labs_close; struct lab_report by labs_report_free.
 */
#ifndef XIAOBEI_MEDICAL_LABS_H
#define XIAOBEI_MEDICAL_LABS_H

#include "medical/labs_read.h"
#include "medical/normal_text.h"

enum lab_flag { LAB_UNKNOWN, LAB_NORMAL, LAB_LOW, LAB_HIGH, LAB_CRITICAL_LOW, LAB_CRITICAL_HIGH };
enum lab_source { LAB_FROM_NOTHING, LAB_FROM_REPORT, LAB_FROM_MARK, LAB_FROM_TABLE };

enum lab_why {                             /* what an explanation adds */
               LAB_WHY_SEX = 1,            /* the table's rows disagree: sex or age decides */
               LAB_WHY_AGE = 2,            /* no row for this age */
               LAB_WHY_PREGNANT = 4,       /* the table is not for pregnancy */
               LAB_WHY_UNIT = 8,           /* a unit we cannot convert */
               LAB_WHY_IMPLAUSIBLE = 16,   /* far outside what is seen: check the reading */
               LAB_WHY_MARK = 32,          /* mark and range disagree */
               LAB_WHY_NO_RANGE = 64,      /* neither printed nor in the table */
               LAB_WHY_INEXACT = 128,      /* '<5' leaves it open */
               LAB_WHY_GUESSED_UNIT = 256, /* no unit printed; another than the usual one fits */
               LAB_WHY_ASSUMED_ADULT = 512
};

struct lab_patient {
    double age;   /* years; -1 not known */
    char sex;     /* 'm', 'f', 0 */
    int pregnant; /* 1, 0, -1 */
};

struct lab_judged {
    const struct lab_row *row;
    const struct lab_item *item;
    enum lab_flag flag;
    enum lab_source source;
    unsigned why;
    int unit;         /* as judged; -1 none */
    double own;       /* the value in the item's unit; NaN if it cannot be had */
    double low, high; /* the range used, in `unit` when printed, in the item's unit when from the table; NaN: none */
    const char *range_source;            /* of the table; NULL */
    const struct lab_critical *critical; /* NULL: the table holds none */
};

struct lab_report {
    struct normal_text text;
    struct lab_reading reading;
    struct lab_judged items[LAB_ROWS_MAX];
    size_t n_items;
    struct lab_patient patient;
};

int labs_open(struct lab_tables **out, struct error *e) MUST_USE;
void labs_close(struct lab_tables *t);

/* Read and judge. ERR_LIMIT over LIMIT_MEDICAL_TEXT, ERR_NOMEM. *out is allocated. */
int labs_assess(struct lab_report **out, const struct lab_tables *t, const char *text, size_t n,
                const struct lab_patient *patient, struct error *e) MUST_USE;
void labs_report_free(struct lab_report *r);

const char *labs_flag_name(enum lab_flag flag);

#endif
