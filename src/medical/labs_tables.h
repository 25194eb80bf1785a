/* labs_tables.h - what is known of laboratory items: names and words (data/lab_items.tsv), ranges by age and sex
 * (data/lab_ranges.tsv), critical values (data/lab_critical.tsv), spellings of units (data/lab_units.tsv) and factors
 * between them (data/lab_conversions.tsv). 未经临床医师审核 / not yet reviewed by a clinician.
 *
 * Size: some 170 items with 1000 names. Names are kept as normal_text spells them. Rejected: one table for all five; a
 * clinician reviews ranges and critical values, a programmer units.
 * Thread: read-only after labs_tables_new. Ownership: labs_tables_free.
 */
#ifndef XIAOBEI_MEDICAL_LABS_TABLES_H
#define XIAOBEI_MEDICAL_LABS_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    LAB_ITEMS_MAX = 400,
    LAB_NAMES_MAX = 4000,
    LAB_RANGES_MAX = 600,
    LAB_CRITICAL_MAX = 100,
    LAB_UNITS_MAX = 120,
    LAB_SPELLINGS_MAX = 600,
    LAB_CONVERSIONS_MAX = 400,
    LAB_FILES = 5,
    LAB_BUCKETS = 1024
};

struct lab_item {
    const char *loinc; /* "" when we are not sure of one */
    const char *zh, *en;
    int unit;            /* index into units[]; -1: none (a ratio, pH) */
    const char *group;   /* blood liver kidney ...: also who to talk to */
    char kind;           /* 'n' a number; 'q' negative is expected; 'a' either answer needs its context */
    char specimen;       /* 'b' blood, 'u' urine, 's' stool */
    double plausible[2]; /* in its unit; what lies outside is first taken for another unit or a slip */
    const char *about[2], *up[2], *down[2]; /* [0] Chinese, [1] English */
    const char *source, *checked;
};

struct lab_range {
    int item;
    char sex;         /* 'm', 'f', '*' */
    double age[2];    /* years, both ends included */
    double low, high; /* in the item's unit, both ends are normal */
    const char *source, *checked;
};

struct lab_critical {
    int item;
    double low, high; /* at or beyond is critical; -INFINITY, INFINITY: none */
    const char *source;
};

struct lab_name {
    const char *text; /* a ' ' in it stands for any run of spaces, hyphens, underscores, also none */
    int item, next;   /* next of its bucket, -1 at the end */
};

struct lab_spelling {
    const char *text;
    int unit;
};

struct lab_conversion {
    int item;     /* -1: every item */
    int to, from; /* units */
    double factor, offset;
};

struct lab_tables {
    struct lab_item items[LAB_ITEMS_MAX];
    struct lab_range ranges[LAB_RANGES_MAX];
    struct lab_critical critical[LAB_CRITICAL_MAX];
    struct lab_name names[LAB_NAMES_MAX];
    struct lab_spelling spellings[LAB_SPELLINGS_MAX];
    struct lab_conversion conversions[LAB_CONVERSIONS_MAX];
    const char *units[LAB_UNITS_MAX];
    int buckets[LAB_BUCKETS];
    size_t n_items, n_ranges, n_critical, n_names, n_spellings, n_conversions, n_units;
    char *memory[LAB_FILES];
    char *folded; /* the names */
};

/* From the files of the program. ERR_FORMAT with file, line and reason. */
int labs_tables_new(struct lab_tables **out, struct error *e) MUST_USE;
void labs_tables_free(struct lab_tables *t);

int labs_unit_find(const struct lab_tables *t, const char *unit); /* as in the table; -1: none */

/* The bucket of names that start like s[0..n). */
unsigned labs_name_bucket(const char *s, size_t n);

/* x in unit `from` as x in the item's own unit. False: no way is known. from -1 is the item's own. */
bool labs_convert(const struct lab_tables *t, int item, int from, double x, double *out);

#endif
