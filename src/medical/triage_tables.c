/* triage_tables.c - see triage_tables.h. */
#include "medical/triage_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { COLUMNS = 6 };

/* Cut a line at its tabs, in place. */
static int columns(char *line, const char *out[COLUMNS])
{
    int n = 0;
    for (char *at = line; n < COLUMNS; n++) {
        out[n] = at;
        char *tab = strchr(at, '\t');
        if (!tab) return n + 1;
        *tab = '\0';
        at = tab + 1;
    }
    return COLUMNS + 1;
}

typedef int (*line_reader)(struct triage_tables *t, char *line, int number, struct error *e);

static int read_lines(struct triage_tables *t, int file, const char *text, size_t n, line_reader reader,
                      struct error *e)
{
    char *copy = malloc(n + 1);
    if (!copy) return error_set(e, ERR_NOMEM, "no memory for the tables");
    t->memory[file] = copy;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (!utf8_is_valid(copy, n) || strlen(copy) != n) return error_set(e, ERR_FORMAT, "is not UTF-8 text");
    int rc = OK;
    int number = 1;
    for (char *line = copy; line < copy + n && !rc; number++) {
        char *end = strchr(line, '\n');
        if (end) *end = '\0';
        char *next = end ? end + 1 : copy + n;
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r') line[length - 1] = '\0';
        if (*line && *line != '#') rc = reader(t, line, number, e);
        line = next;
    }
    return rc;
}

static int read_flag(struct triage_tables *t, char *line, int number, struct error *e)
{
    const char *c[COLUMNS];
    if (columns(line, c) != 5) return error_set(e, ERR_FORMAT, "red flags, line %d: not 5 columns", number);
    if (strcmp(c[0], "id") == 0) return OK;
    int level = triage_level_parse(c[1], strlen(c[1]));
    if (level < 0) return error_set(e, ERR_FORMAT, "red flags, line %d: no level of that name", number);
    if (t->n_flags == TRIAGE_FLAGS_MAX) return error_set(e, ERR_FORMAT, "red flags, line %d: too many", number);
    if (triage_flag_find(t, c[0], strlen(c[0])) >= 0)
        return error_set(e, ERR_FORMAT, "red flags, line %d: an id twice", number);
    t->flags[t->n_flags++] = (struct triage_flag_row){c[0], c[2], c[3], c[4], (enum triage_level)level};
    return OK;
}

static int read_department(struct triage_tables *t, char *line, int number, struct error *e)
{
    const char *c[COLUMNS];
    if (columns(line, c) != 4) return error_set(e, ERR_FORMAT, "departments, line %d: not 4 columns", number);
    if (strcmp(c[0], "name") == 0) return OK;
    if (t->n_departments == TRIAGE_DEPARTMENTS_MAX)
        return error_set(e, ERR_FORMAT, "departments, line %d: too many", number);
    if (triage_department_find(t, c[0], strlen(c[0])) >= 0)
        return error_set(e, ERR_FORMAT, "departments, line %d: a name twice", number);
    t->departments[t->n_departments++] = (struct triage_department){c[0], c[1], c[2], c[3]};
    return OK;
}

static int read_card(struct triage_tables *t, char *line, int number, struct error *e)
{
    static const char *const keys[] = {"zh.now ", "en.now ", "zh.say ", "en.say ", "zh.aid ", "en.aid ", "source "};
    if (strncmp(line, "= ", 2) == 0) {
        if (t->n_cards == TRIAGE_CARDS_MAX) return error_set(e, ERR_FORMAT, "cards, line %d: too many", number);
        t->cards[t->n_cards++] = (struct triage_card){line + 2, {"", ""}, {"", ""}, {"", ""}, ""};
        return OK;
    }
    struct triage_card *card = t->n_cards ? &t->cards[t->n_cards - 1] : NULL;
    if (!card) return error_set(e, ERR_FORMAT, "cards, line %d: text before the first `= id`", number);
    const char **fields[] = {&card->now[0], &card->now[1], &card->say[0], &card->say[1],
                             &card->aid[0], &card->aid[1], &card->source};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strncmp(line, keys[i], strlen(keys[i])) != 0) continue;
        if (**fields[i]) return error_set(e, ERR_FORMAT, "cards, line %d: a field twice in one card", number);
        *fields[i] = line + strlen(keys[i]);
        return OK;
    }
    return error_set(e, ERR_FORMAT,
                     "cards, line %d: starts with none of zh.now en.now zh.say en.say zh.aid en.aid source", number);
}

static bool has_word(const char *list, const char *word, size_t n, char separator)
{
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, separator == ' ' ? " " : "|");
        if (len == n && memcmp(at, word, n) == 0) return true;
        at += len;
        if (*at) at++;
    }
    return false;
}

int triage_flag_find(const struct triage_tables *t, const char *id, size_t n)
{
    for (size_t i = 0; i < t->n_flags; i++)
        if (strlen(t->flags[i].id) == n && memcmp(t->flags[i].id, id, n) == 0) return (int)i;
    return -1;
}

int triage_department_find(const struct triage_tables *t, const char *s, size_t n)
{
    for (size_t i = 0; i < t->n_departments; i++) {
        const struct triage_department *d = &t->departments[i];
        if ((strlen(d->name) == n && memcmp(d->name, s, n) == 0) || has_word(d->aliases, s, n, '|')) return (int)i;
    }
    return -1;
}

const struct triage_card *triage_card_find(const struct triage_tables *t, const char *id)
{
    for (size_t i = 0; i < t->n_cards; i++)
        if (has_word(t->cards[i].ids, id, strlen(id), ' ')) return &t->cards[i];
    return NULL;
}

static int check_cards(const struct triage_tables *t, struct error *e)
{
    char name[32];
    for (size_t i = 0; i < t->n_flags; i++) {
        const struct triage_card *c = triage_card_find(t, t->flags[i].id);
        if (!c) return error_set(e, ERR_FORMAT, "cards: no card for the flag %s", t->flags[i].id);
        if (!*c->now[0] || !*c->now[1] || !*c->source)
            return error_set(e, ERR_FORMAT, "cards: the card of %s lacks zh.now, en.now or source", t->flags[i].id);
    }
    for (int i = 0; i < TRIAGE_LEVELS; i++) {
        snprintf(name, sizeof name, "level_%s", triage_level_name((enum triage_level)i));
        if (!triage_card_find(t, name)) return error_set(e, ERR_FORMAT, "cards: no card %s", name);
    }
    return OK;
}

int triage_tables_new(struct triage_tables **out, const char *const text[3], const size_t n[3], struct error *e)
{
    struct triage_tables *t = calloc(1, sizeof *t);
    static const line_reader readers[] = {read_flag, read_department, read_card};
    int rc = t ? OK : error_set(e, ERR_NOMEM, "no memory for the tables");
    for (int i = 0; i < 3 && !rc; i++) rc = read_lines(t, i, text[i], n[i], readers[i], e);
    if (!rc) rc = check_cards(t, e);
    if (rc) {
        triage_tables_free(t);
        t = NULL;
    }
    *out = t;
    return rc;
}

void triage_tables_free(struct triage_tables *t)
{
    if (!t) return;
    for (int i = 0; i < 3; i++) free(t->memory[i]);
    free(t);
}
