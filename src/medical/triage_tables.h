/* triage_tables.h - the tables beside the rules: red-flag groups (data/red_flags.tsv), departments
 * (data/departments.tsv) and the cards that say what to do (data/triage_cards.txt). 未经临床医师审核.
 *
 * Texts are kept in one block of memory owned by the tables. Thread: read-only after triage_tables_new.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_TABLES_H
#define XIAOBEI_MEDICAL_TRIAGE_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "medical/triage_rules.h"

enum { TRIAGE_FLAGS_MAX = 96, TRIAGE_DEPARTMENTS_MAX = 64, TRIAGE_CARDS_MAX = 160 };

struct triage_flag_row {
    const char *id, *zh, *en, *source;
    enum triage_level level; /* the group's usual one; a rule may say another */
};

struct triage_department {
    const char *name;    /* as on a Chinese hospital's board */
    const char *aliases; /* a|b|c */
    const char *zh, *en; /* what it looks after */
};

struct triage_card {
    const char *ids;                      /* "stroke tia", "level_URG", "ask_age" */
    const char *now[2], *say[2], *aid[2]; /* [0] Chinese, [1] English; "" when there is none */
    const char *source;
};

struct triage_tables {
    struct triage_flag_row flags[TRIAGE_FLAGS_MAX];
    struct triage_department departments[TRIAGE_DEPARTMENTS_MAX];
    struct triage_card cards[TRIAGE_CARDS_MAX];
    size_t n_flags, n_departments, n_cards;
    char *memory[3];
};

/* Read the three files (text, bytes). ERR_FORMAT with file, line and reason; also when a flag or level has no card. */
int triage_tables_new(struct triage_tables **out, const char *const text[3], const size_t n[3],
                      struct error *e) MUST_USE;
void triage_tables_free(struct triage_tables *t);

int triage_flag_find(const struct triage_tables *t, const char *id, size_t n);                  /* -1: none */
int triage_department_find(const struct triage_tables *t, const char *name_or_alias, size_t n); /* -1: none */
const struct triage_card *triage_card_find(const struct triage_tables *t, const char *id);      /* NULL: none */

#endif
