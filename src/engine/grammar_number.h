/* grammar_number.h - numbers of JSON between bounds, for the inside of grammar.h. */
#ifndef XIAOBEI_ENGINE_GRAMMAR_NUMBER_H
#define XIAOBEI_ENGINE_GRAMMAR_NUMBER_H

#include "engine/grammar_parts.h"

enum { NUMBER_DIGITS = 15 }; /* of a number that is written: what a double keeps */

struct number_range { /* in units of 10^-decimals, both ends inside */
    int64_t low, high, decimals;
};

/* A schema's minimum, maximum and their exclusive forms. ERR_INVALID or ERR_UNSUPPORTED with the keyword and a reason,
 * both static. */
int number_range_read(struct number_range *r, const json_t *schema, bool whole, const char **bad,
                      const char **why) MUST_USE;

/* Between two nodes: the numbers in a range, with up to its decimals; any number, with an exponent perhaps. */
void nfa_number(struct grammar_nfa *a, int32_t from, const struct number_range *r, int32_t to);
void nfa_number_any(struct grammar_nfa *a, int32_t from, int32_t to);

#endif
