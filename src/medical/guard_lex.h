/* guard_lex.h - a sentence as the guard's grammar reads it: words with classes, numbers in every spelling, clauses.
 *
 * Size: one sentence, at most LIMIT_GUARD_SENTENCE bytes of the original; a token has 48 bytes.
 * Pure; any thread. Ownership: guard_line_fini.
 */
#ifndef XIAOBEI_MEDICAL_GUARD_LEX_H
#define XIAOBEI_MEDICAL_GUARD_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "medical/guard_lexicon.h"
#include "medical/normal_text.h"

struct guard_token {
    uint64_t classes; /* guard_lexicon.h */
    double value;     /* of a number */
    uint32_t start;   /* bytes of the normal text */
    uint32_t end;
    uint16_t clause;
    uint8_t drug;   /* IS_* */
    bool number;    /* digits, 半 两 三, "two" */
    bool breaks;    /* something unknown of more than a few letters stands before it */
    bool joined;    /* only blanks, brackets or a colon stand before it */
    bool is_drug;   /* set by the rules: a drug, a kind of drug, "medicine" */
    bool is_other;  /* set by the rules: food, exercise, care, tests */
    bool after_end; /* a range sign stands before it: 1-2, 1 to 2 */
};

struct guard_line {
    struct normal_text text; /* squeezed: without markup, spaced-out letters joined */
    struct guard_token *tokens;
    size_t count;
    uint32_t *starts;         /* where each clause begins; starts[clauses] = text.len */
    uint64_t *clause_classes; /* of each clause: the classes of its tokens */
    uint8_t *clause_drugs;    /* IS_* of its tokens */
    size_t clauses;
    bool is_row;      /* a row of a table */
    bool is_code;     /* looks like JSON or assignments */
    bool is_question; /* ends with a question mark */
    bool is_heading;  /* ends with a colon */
    bool is_blank;    /* nothing but spaces */
    bool is_chinese;
};

/* Read text[0..n). ERR_LIMIT, ERR_NOMEM. */
int guard_line_init(struct guard_line *line, const struct lexicon *l, const char *text, size_t n,
                    struct error *e) MUST_USE;
void guard_line_fini(struct guard_line *line);

/* Remove from *t, in place, what only dresses the text up: markup, tags, signs between single letters. */
void guard_squeeze(struct normal_text *t);

/* A number at text[0..n): digits, Chinese numerals, English words. Its length, 0 if there is none. */
size_t guard_number(const char *text, size_t n, double *value);

#endif
