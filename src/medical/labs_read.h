/* labs_read.h - what stands in a pasted report: rows of item, result, unit, printed range and mark.
 *
 * Reads the text as normal_text spells it: tables with tabs, pipes, commas or bare spaces, several items on a line, a
 * result below its name, sentences. A name counts only as a whole word of a known item; what looks like a row but has
 * no such name comes out as unrecognised, never as the nearest item. OCR: o and l among digits are 0 and 1.
 * Size: at most LAB_ROWS_MAX rows and LAB_UNREAD_MAX unrecognised pieces, `cut` says that there were more.
 * Pure; any thread; linear in the text.
 */
#ifndef XIAOBEI_MEDICAL_LABS_READ_H
#define XIAOBEI_MEDICAL_LABS_READ_H

#include "medical/labs_tables.h"

enum { LAB_ROWS_MAX = 400, LAB_UNREAD_MAX = 60, LAB_PRINTED_MAX = 4 };

/* One bound pair as printed, in the unit of the result. */
struct lab_printed {
    char sex;                 /* 'm', 'f', '*' */
    double low, high;         /* -INFINITY, INFINITY: none */
    bool open_low, open_high; /* the bound itself is outside: '<5.2' */
};

struct lab_row {
    int item;
    size_t start, end; /* bytes of the normalised text */
    char answer;       /* 'x' a number, '+', '-', '?' (plus-minus), 0 nothing was found */
    char compare;      /* '<', '>' before the number; 0 */
    double x;
    int unit;          /* -1: none was printed, or none we know */
    bool strange_unit; /* something stands where the unit stands, and it is none we know */
    char mark;         /* 'h', 'l' as the report marks it; 0 */
    struct lab_printed printed[LAB_PRINTED_MAX];
    size_t n_printed;
    char printed_answer; /* '-' or '+': what the report expects of a test without numbers */
};

struct lab_reading {
    struct lab_row rows[LAB_ROWS_MAX];
    struct {
        size_t start, end;
    } unread[LAB_UNREAD_MAX];
    size_t n_rows, n_unread;
    bool cut;
    char sex;   /* as printed on the report: 'm', 'f', 0 */
    double age; /* years, -1: none */
};

/* text[0..n): normalised. */
void labs_read(struct lab_reading *out, const struct lab_tables *t, const char *text, size_t n);

#endif
