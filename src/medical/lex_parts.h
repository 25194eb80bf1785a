/* lex_parts.h - what the reader (lex_read.c) and the finder (lex.c) of concepts share. Private to them. */
#ifndef XIAOBEI_MEDICAL_LEX_PARTS_H
#define XIAOBEI_MEDICAL_LEX_PARTS_H

#include "medical/lex.h"

enum {
    LEX_NAME = 48,      /* bytes of a concept's or set's name */
    LEX_TOKENS = 64,    /* elements of one pattern or alternative */
    LEX_BRANCHES = 400, /* alternatives of one group */
    LEX_DEPTH = 6,      /* groups in groups */
    LEX_BUCKETS = 8192, /* by first characters */
    LEX_SPELL_SLOTS = 1 << 18,
    LEX_WORD = 24, /* letters of a word that is spelled right */
    LEX_SPELT = 6, /* shorter words are not mended */
    LEX_PREFIX = 4,
};

enum lex_token_kind {
    TOKEN_CHAR,
    TOKEN_GROUP,
    TOKEN_OPTIONAL,
    TOKEN_GAP,
    TOKEN_SPACE,
    TOKEN_MAYBE_SPACE,
    TOKEN_EDGE,
    TOKEN_REST,
    TOKEN_MAYBE_CHAR
};

struct lex_token {
    uint32_t value; /* character, group number or length of the gap */
    uint32_t kind;  /* enum lex_token_kind */
};

struct lex_branch {
    uint32_t first, n; /* in tokens */
};

struct lex_group {
    uint32_t first, n; /* in branches */
    uint64_t opens;    /* bit (character mod 64): a branch may start with it */
};

struct lex_set {
    char name[LEX_NAME];
    uint32_t group;
};

struct lex_pattern {
    uint32_t first, n; /* in tokens */
    uint16_t concept;
};

struct lex_entry {
    uint32_t pattern, next; /* next: 1 + index of the bucket's next entry, 0: the last */
};

struct lex_named {
    char name[LEX_NAME];
    enum lex_kind kind;
    unsigned patterns;
};

struct lex_word {
    char text[LEX_WORD + 1];
    bool keep;   /* known to be right, never the target of a correction */
    bool prefix; /* words that start so are right */
};

#define LEX_LIST(type, name)                                                                                           \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t n, cap;                                                                                                 \
    } name

struct lex {
    LEX_LIST(struct lex_branch, branches);
    LEX_LIST(struct lex_group, groups);
    LEX_LIST(struct lex_set, sets);
    LEX_LIST(struct lex_token, tokens);
    LEX_LIST(struct lex_pattern, patterns);
    LEX_LIST(struct lex_entry, entries);
    LEX_LIST(struct lex_named, concepts);
    LEX_LIST(struct lex_word, words);
    uint32_t buckets[LEX_BUCKETS]; /* 1 + first entry */
    uint32_t *spell;               /* LEX_SPELL_SLOTS of 1 + word: the word and its one-letter deletions, by hash */
};

/* Room for one more item of a LEX_LIST; false: no memory or over LIMIT_TRIAGE_ITEMS. */
bool lex_grow(void *list, size_t item);
#define LEX_PUSH(list, value)                                                                                          \
    (lex_grow(&(list), sizeof *(list).items) ? ((list).items[(list).n++] = (value), true) : false)

static inline bool lex_is_letter(uint32_t c)
{
    return c >= 'a' && c <= 'z';
}

/* Patterns are filed under their first two characters, or under the first and 0 when the second is open. */
static inline uint32_t lex_bucket(uint32_t a, uint32_t b)
{
    return ((a * 131 + b) * 2654435761u) >> 19;
}

uint32_t lex_word_hash(const char *w, size_t n, size_t without); /* of w less the letter at `without` (n: none) */

#endif
