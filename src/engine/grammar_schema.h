/* grammar_schema.h - reading a JSON schema: shared by grammar_schema.c (keywords, scalars, unions, references),
 * grammar_containers.c (objects, arrays) and grammar_disjoint.c (oneOf). */
#ifndef XIAOBEI_ENGINE_GRAMMAR_SCHEMA_H
#define XIAOBEI_ENGINE_GRAMMAR_SCHEMA_H

#include "engine/grammar_number.h"

enum { SCHEMA_PATH_MAX = 256, SCHEMA_NUMBERS = 64 };

/* A $ref whose rule exists but is not built yet. */
struct pending_rule {
    const json_t *schema;
    int32_t rule;
    char path[SCHEMA_PATH_MAX];
};

/* A range of numbers that has a rule already. */
struct number_memo {
    struct number_range range;
    int32_t rule;
};

struct schema_reader {
    struct grammar_nfa *a;
    const json_t *root;
    char base[SCHEMA_PATH_MAX]; /* the root's path */
    char path[SCHEMA_PATH_MAX]; /* where the reader is */
    struct pending_rule *refs;  /* every $ref's target once */
    size_t n_refs, cap_refs, built;
    struct number_memo numbers[SCHEMA_NUMBERS];
    int n_numbers;
    int32_t any; /* rule of any value, -1: not made */
    int rc;      /* first failure; e has the sentence */
    struct error *e;
};

enum schema_type {
    TYPE_OBJECT = 1,
    TYPE_ARRAY = 2,
    TYPE_STRING = 4,
    TYPE_INTEGER = 8,
    TYPE_NUMBER = 16, /* holds the integers too */
    TYPE_BOOLEAN = 32,
    TYPE_NULL = 64,
    TYPE_ANY = 127,
};

/* Down one level of the path and back up (which keeps the path of a failure). */
size_t schema_enter(struct schema_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void schema_leave(struct schema_reader *r, size_t level);
void schema_refuse(struct schema_reader *r, int code, const char *keyword, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Everything the schema (an object, true or false) allows, between two nodes. */
void schema_value(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to);
void schema_any(struct schema_reader *r, int32_t from, int32_t to);
/* A count such as minItems; `missing` if it is not there. */
uint32_t schema_count(struct schema_reader *r, const json_t *schema, const char *keyword, uint32_t missing);
/* What a $ref, a chain of them or an allOf of one leads to; NULL after a failure. */
const json_t *schema_target(const struct schema_reader *r, const json_t *schema);

/* grammar_containers.c */
void schema_object(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to);
void schema_array(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to);

/* grammar_disjoint.c: certainly no value satisfies both. *work, 0 at first, is shared by the pairs of a union: where
 * too much is to be compared, nothing is certain. */
bool schema_disjoint(const struct schema_reader *r, const json_t *a, const json_t *b, size_t *work);
unsigned schema_types(const json_t *schema); /* TYPE_* bits that a schema's own keywords leave */

#endif
