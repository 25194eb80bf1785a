/* labs.c - see labs.h. */
#include "medical/labs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "medical/labs_judge.h"

int labs_open(struct lab_tables **out, struct error *e)
{
    return labs_tables_new(out, e);
}

void labs_close(struct lab_tables *t)
{
    labs_tables_free(t);
}

const char *labs_flag_name(enum lab_flag flag)
{
    static const char *const names[] = {"unknown", "normal", "low", "high", "critical_low", "critical_high"};
    return names[flag];
}

/* A tab parts columns: normal_text would make a space of it. An emoji arrow is an arrow: it would be dropped. */
static char *prepared(const char *text, size_t n)
{
    char *copy = malloc(n + 1);
    if (!copy) return NULL;
    memcpy(copy, text, n);
    for (size_t i = 0; i < n; i++) {
        if (copy[i] == '\t') copy[i] = '|';
        if (i + 2 < n && memcmp(copy + i, "\xe2\xac\x86", 3) == 0) memcpy(copy + i, "\xe2\x86\x91", 3);
        if (i + 2 < n && memcmp(copy + i, "\xe2\xac\x87", 3) == 0) memcpy(copy + i, "\xe2\x86\x93", 3);
    }
    return copy;
}

int labs_assess(struct lab_report **out, const struct lab_tables *t, const char *text, size_t n,
                const struct lab_patient *patient, struct error *e)
{
    *out = NULL;
    if (n > LIMIT_MEDICAL_TEXT)
        return error_set(e, ERR_LIMIT, "the report is longer than %zu bytes", LIMIT_MEDICAL_TEXT);
    struct lab_report *r = calloc(1, sizeof *r);
    char *copy = r ? prepared(text, n) : NULL;
    int rc = copy ? normal_text_make(&r->text, copy, n, e) : error_set(e, ERR_NOMEM, "no memory for the report");
    free(copy);
    if (rc) {
        free(r);
        return rc;
    }
    labs_read(&r->reading, t, r->text.text, r->text.len);
    r->patient = *patient;
    if (!r->patient.sex) r->patient.sex = r->reading.sex;
    if (r->patient.age < 0) r->patient.age = r->reading.age;
    for (size_t i = 0; i < r->reading.n_rows; i++)
        labs_judge(&r->items[r->n_items++], t, &r->reading.rows[i], &r->patient);
    *out = r;
    return OK;
}

void labs_report_free(struct lab_report *r)
{
    if (!r) return;
    normal_text_free(&r->text);
    free(r);
}
