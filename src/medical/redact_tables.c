/* redact_tables.c - tables: what stands in a column is what its head says, "姓名,住院号,诊断" above
 * "王秀兰,0023456,肺炎". */
#include "medical/redact_parts.h"

enum { MAX_COLUMNS = 32, MAX_CELL = 64 };

struct columns {
    int types[MAX_COLUMNS]; /* enum redact_type; -1: nothing of a person */
    size_t count, known;
    uint32_t separator;
};

static int type_of(const struct redact_words *w, const struct redact_text *t, size_t start, size_t end)
{
    static const struct {
        enum redact_word word;
        enum redact_type type;
    } heads[] = {
        {WORD_NAME_LABEL, REDACT_NAME},     {WORD_MRN_LABEL, REDACT_MRN},     {WORD_PHONE_LABEL, REDACT_PHONE},
        {WORD_ID_LABEL, REDACT_ID_CARD},    {WORD_BANK_LABEL, REDACT_BANK},   {WORD_ADDRESS_LABEL, REDACT_ADDRESS},
        {WORD_WECHAT_LABEL, REDACT_WECHAT}, {WORD_PLATE_LABEL, REDACT_PLATE},
    };
    for (size_t k = 0; k < sizeof heads / sizeof *heads; k++)
        if (end > start && redact_word_at(w, t, start, heads[k].word) == end - start) return (int)heads[k].type;
    return -1;
}

/* The cell at *at up to its separator; moves *at past it. False at the end of the line. */
static bool cell(const struct redact_text *t, size_t *at, uint32_t separator, size_t *start, size_t *end)
{
    size_t i = *at;
    if (i >= t->n || t->c[i] == '\n') return false;
    while (i < t->n && t->c[i] != '\n' && t->c[i] != separator) i++;
    *start = redact_skip(t, *at, " ");
    *end = i;
    while (*end > *start && t->c[*end - 1] == ' ') --*end;
    if (*start > *end) *start = *end;
    *at = i < t->n && t->c[i] == separator ? i + 1 : i;
    return true;
}

static void read_heads(const struct redact_words *w, const struct redact_text *t, size_t at, struct columns *c)
{
    size_t start;
    size_t end;
    c->count = c->known = 0;
    while (c->count < MAX_COLUMNS && cell(t, &at, c->separator, &start, &end)) {
        int type = type_of(w, t, start, end);
        c->types[c->count++] = type;
        c->known += type >= 0;
    }
}

static void read_row(struct redact_text *t, size_t at, const struct columns *c)
{
    size_t start;
    size_t end;
    for (size_t k = 0; k < c->count && cell(t, &at, c->separator, &start, &end); k++) {
        bool rule = end > start && (t->c[start] == '-' || t->c[start] == ':');
        if (c->types[k] >= 0 && !rule && end - start <= MAX_CELL)
            redact_add(t, start, end, (enum redact_type)c->types[k]);
    }
}

void redact_tables(const struct redact_words *w, struct redact_text *t)
{
    static const uint32_t separators[] = {'|', ',', 0x3001, ' '};
    struct columns c = {0};
    for (size_t i = 0; i < t->n;) {
        size_t end = i;
        bool head = false;
        while (end < t->n && t->c[end] != '\n') end++;
        for (size_t k = 0; k < sizeof separators / sizeof *separators && !head; k++) {
            struct columns found = {.separator = separators[k]};
            read_heads(w, t, i, &found);
            head = found.known >= 2 || (found.known == 1 && found.count > 2);
            if (head) c = found;
        }
        size_t cells = 0;
        size_t from;
        size_t to;
        for (size_t at = i; cells <= MAX_COLUMNS && cell(t, &at, c.separator, &from, &to);) cells++;
        if (!head && (cells < 2 || cells + 1 < c.count)) c.count = 0; /* the table is over */
        if (!head && c.count) read_row(t, i, &c);
        i = end + 1;
    }
}
