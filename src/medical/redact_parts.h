/* redact_parts.h - what the files of the redactor share: a text as characters, the words, the rules. Internal. */
#ifndef XIAOBEI_MEDICAL_REDACT_PARTS_H
#define XIAOBEI_MEDICAL_REDACT_PARTS_H

#include <stdint.h>

#include "medical/redact.h"

/* Kinds of words in data/redact_words.tsv: constant, the name in its first column. */
#define REDACT_WORDS(X)                                                                                                \
    X(SURNAME, "surname")       /* of one character, hardly a word otherwise */                                        \
    X(SURNAME_WEAK, "surname?") /* of one character, more often a word */                                              \
    X(SURNAME_LONG, "surname2") /* of two characters */                                                                \
    X(GIVEN, "given")           /* characters common in given names */                                                 \
    X(NAME_LABEL, "name")       /* a name follows */                                                                   \
    X(NAME_INTRO, "intro")      /* a name follows without a colon */                                                   \
    X(NAME_ROLE, "role")        /* a name may follow, or anything else */                                              \
    X(TITLE, "title")           /* stands after a name */                                                              \
    X(AFTER_NAME, "after")      /* words that end a name */                                                            \
    X(NOT_NAME, "not-name")     /* words that begin like a name */                                                     \
    X(FAMOUS, "famous")         /* names that name no patient */                                                       \
    X(SOUND, "sound")           /* characters that write foreign names */                                              \
    X(PHONE_LABEL, "phone")                                                                                            \
    X(HOTLINE, "hotline") /* a number of an institution follows */                                                     \
    X(ID_LABEL, "id")                                                                                                  \
    X(BANK_LABEL, "bank")                                                                                              \
    X(MRN_LABEL, "mrn")                                                                                                \
    X(MRN_STEM, "mrn-stem") /* …号 after it: a record number follows */                                             \
    X(ORDER_LABEL, "order") /* a number of a thing follows */                                                          \
    X(WECHAT_LABEL, "wechat")                                                                                          \
    X(PLATE_LABEL, "plate")                                                                                            \
    X(ADDRESS_LABEL, "address")                                                                                        \
    X(REGION, "region")       /* provinces and large cities */                                                         \
    X(ADMIN, "admin")         /* ends the name of a region */                                                          \
    X(TOWN, "town")           /* ends the name of a town or a village */                                               \
    X(ROAD, "road")           /* ends the name of a road */                                                            \
    X(ESTATE, "estate")       /* ends the name of houses */                                                            \
    X(DOOR, "door")           /* stands after the number of a house, a floor, a room */                                \
    X(NOT_PLACE, "not-place") /* ends like an address */                                                               \
    X(BREAK, "break")         /* never inside the name of a place */                                                   \
    X(EN_LABEL, "en-name")    /* an English name follows */                                                            \
    X(EN_INTRO, "en-intro")   /* an English name follows, perhaps in lower case */                                     \
    X(EN_FIRST, "en-first")   /* first names */                                                                        \
    X(EN_DATA, "en-data")     /* what a name stands before: DOB, male, years */                                        \
    X(EN_TITLE, "en-title")                                                                                            \
    X(EN_NOT_NAME, "en-not-name")                                                                                      \
    X(EN_ROAD, "en-road")                                                                                              \
    X(EN_UNIT, "en-unit") /* Apt, Room: a number follows */                                                            \
    X(EN_AREA, "en-area") /* District, City */

enum redact_word {
#define X(constant, name) WORD_##constant,
    REDACT_WORDS(X)
#undef X
        WORD_KINDS,
};

enum { REDACT_WORD_LENGTH = 24 }; /* characters of a word at most */

/* One character of the original each: width folded, spaces and dashes unified; c also in lower case and simplified.
 * After n come zeros, as many as any rule looks ahead. */
struct redact_text {
    uint32_t *c, *raw;
    size_t n;
    struct redact_span *spans; /* found so far */
    size_t count, cap;
    size_t numbers; /* the first of them, in order: from redact_numbers */
    int error;
};

/* redact_words.c */
struct redact_words;
int redact_words_new(struct redact_words **out, struct error *e) MUST_USE;
void redact_words_free(struct redact_words *w);
/* Length of the longest word of the kind that begins at (ends before) i; 0 if none. Latin words end at word ends. */
size_t redact_word_at(const struct redact_words *w, const struct redact_text *t, size_t i, enum redact_word kind);
size_t redact_word_before(const struct redact_words *w, const struct redact_text *t, size_t i, enum redact_word kind);
/* The kind among `kinds` whose word ends nearest before i, within `reach` characters of the sentence; WORD_KINDS if
 * none. *end: where the word ends. */
enum redact_word redact_label_before(const struct redact_words *w, const struct redact_text *t, size_t i, size_t reach,
                                     const enum redact_word *kinds, size_t n, size_t *end);

/* redact_text.c */
int redact_text_make(struct redact_text *t, const char *text, size_t n);
void redact_text_free(struct redact_text *t);
void redact_add(struct redact_text *t, size_t start, size_t end, enum redact_type type); /* errors stay in t->error */
bool redact_is_han(uint32_t c);
bool redact_is_latin(uint32_t c);                                             /* a letter, also with a mark */
int redact_digit(uint32_t c);                                                 /* 0-9, spelled or not; -1 */
size_t redact_skip(const struct redact_text *t, size_t i, const char *ascii); /* past any of these characters */

/* The rules; each adds its spans. */
void redact_numbers(const struct redact_words *w, struct redact_text *t);
void redact_accounts(const struct redact_words *w, struct redact_text *t);
void redact_addresses(const struct redact_words *w, struct redact_text *t);
void redact_addresses_en(const struct redact_words *w, struct redact_text *t);
void redact_names(const struct redact_words *w, struct redact_text *t); /* after the numbers */
void redact_names_en(const struct redact_words *w, struct redact_text *t);
void redact_tables(const struct redact_words *w, struct redact_text *t);

#endif
