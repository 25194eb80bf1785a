/* redact.h - finds and masks what names a person: names, telephones, identity numbers, addresses, record numbers, bank
 * cards, e-mail, WeChat, number plates, in Chinese and English text.
 *
 * Deterministic rules over a table of words (data/redact_words.tsv); docs/redact.md says what counts, what does not and
 * how well it works. Source of the identity number's check digit: GB 11643-1999 (ISO 7064 MOD 11-2); of the bank
 * card's: ISO/IEC 7812-1 (Luhn).
 *
 * Thread: a struct redactor is read-only, any number of threads may use one. A text is at most LIMIT_MEDICAL_TEXT bytes
 * (ERR_LIMIT). Invalid UTF-8 counts as one character per byte.
 */
#ifndef XIAOBEI_MEDICAL_REDACT_H
#define XIAOBEI_MEDICAL_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Constant, stable id, what stands in its place. */
#define REDACT_TYPES(X)                                                                                                \
    X(NAME, "name", "[姓名]")                                                                                          \
    X(PHONE, "phone", "[电话]")                                                                                        \
    X(ID_CARD, "id_card", "[身份证]")                                                                                  \
    X(ADDRESS, "address", "[地址]")                                                                                    \
    X(MRN, "mrn", "[病历号]")                                                                                          \
    X(BANK, "bank", "[银行卡]")                                                                                        \
    X(EMAIL, "email", "[邮箱]")                                                                                        \
    X(WECHAT, "wechat", "[微信]")                                                                                      \
    X(PLATE, "plate", "[车牌]")

enum redact_type {
#define X(constant, id, marker) REDACT_##constant,
    REDACT_TYPES(X)
#undef X
        REDACT_TYPE_COUNT,
};

struct redact_span {
    size_t start; /* Unicode characters of the original text */
    size_t end;
    enum redact_type type;
};

struct redact_result {
    struct redact_span *spans; /* in order, none overlaps another */
    size_t count;
    char *text; /* with the markers; NUL-terminated, released with the result */
    size_t len;
};

struct redactor;

int redactor_new(struct redactor **out, struct error *e) MUST_USE; /* ERR_FORMAT names a bad line of the table */
void redactor_free(struct redactor *r);

int redact_run(const struct redactor *r, const char *text, size_t n, struct redact_result *out,
               struct error *e) MUST_USE;
void redact_result_free(struct redact_result *r); /* safe on a zeroed struct */

/* 18 characters, 0-9 and a last x or X: is the check digit right? */
bool redact_id_check(const char id[18]);
/* n digits as text: is the last one right after Luhn? */
bool redact_luhn_check(const char *digits, size_t n);

const char *redact_type_id(enum redact_type type);     /* "name"; static */
const char *redact_type_marker(enum redact_type type); /* "[姓名]"; static */

#endif
