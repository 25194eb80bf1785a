/* labs_tables.c - see labs_tables.h. */
#include "medical/labs_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "medical/normal_text.h"

enum { COLUMNS_MAX = 20 };

static const char *const file_names[LAB_FILES] = {"lab_units.tsv", "lab_items.tsv", "lab_conversions.tsv",
                                                  "lab_ranges.tsv", "lab_critical.tsv"};

int labs_unit_find(const struct lab_tables *t, const char *unit)
{
    for (size_t i = 0; i < t->n_units; i++)
        if (strcmp(t->units[i], unit) == 0) return (int)i;
    return -1;
}

static int item_find(const struct lab_tables *t, const char *loinc)
{
    for (size_t i = 0; i < t->n_items && *loinc; i++)
        if (strcmp(t->items[i].loinc, loinc) == 0) return (int)i;
    return -1;
}

/* A Latin name by its first letter, a Chinese one by its first character. */
unsigned labs_name_bucket(const char *s, size_t n)
{
    uint32_t cp = 0;
    utf8_decode(s, n, &cp);
    return (cp ^ (cp >> 10)) % LAB_BUCKETS;
}

static int read_real(const char *s, double none, double *out, struct error *e)
{
    char *end;
    *out = none;
    if (strcmp(s, "-") == 0 || !*s) return OK;
    *out = strtod(s, &end);
    if (*end || !isfinite(*out)) return error_set(e, ERR_FORMAT, "a number is none");
    return OK;
}

static int add_spelling(struct lab_tables *t, char *text, int unit, struct error *e)
{
    if (t->n_spellings == LAB_SPELLINGS_MAX) return error_set(e, ERR_FORMAT, "too many spellings");
    for (size_t i = 0; i < t->n_spellings; i++)
        if (strcmp(t->spellings[i].text, text) == 0) return error_set(e, ERR_FORMAT, "a spelling twice: %s", text);
    t->spellings[t->n_spellings++] = (struct lab_spelling){text, unit};
    return OK;
}

/* unit, spellings */
static int read_unit(struct lab_tables *t, char **c, struct error *e)
{
    if (t->n_units == LAB_UNITS_MAX) return error_set(e, ERR_FORMAT, "too many units");
    t->units[t->n_units++] = c[0];
    int rc = OK;
    for (char *save = NULL, *s = strtok_r(c[1], "|", &save); s && !rc; s = strtok_r(NULL, "|", &save))
        rc = add_spelling(t, s, (int)t->n_units - 1, e);
    return rc;
}

/* loinc zh en unit names group kind specimen plausible_low plausible_high about_zh about_en up_zh up_en down_zh
 * down_en source checked; names are folded later, all at once. */
static int read_item(struct lab_tables *t, char **c, struct error *e)
{
    if (t->n_items == LAB_ITEMS_MAX) return error_set(e, ERR_FORMAT, "too many items");
    if (!strcmp(c[0], "-")) c[0] += 1;
    if (item_find(t, c[0]) >= 0) return error_set(e, ERR_FORMAT, "a code twice");
    struct lab_item *i = &t->items[t->n_items];
    *i = (struct lab_item){.loinc = c[0],
                           .zh = c[1],
                           .en = c[2],
                           .unit = strcmp(c[3], "-") ? labs_unit_find(t, c[3]) : -1,
                           .group = c[5],
                           .kind = *c[6],
                           .specimen = *c[7],
                           .about = {c[10], c[11]},
                           .up = {c[12], c[13]},
                           .down = {c[14], c[15]},
                           .source = c[16],
                           .checked = c[17]};
    if (i->unit < 0 && strcmp(c[3], "-")) return error_set(e, ERR_FORMAT, "no unit %s", c[3]);
    if (!i->kind || !strchr("nqa", i->kind) || !i->specimen || !strchr("bus", i->specimen))
        return error_set(e, ERR_FORMAT, "kind is n, q or a; specimen b, u or s");
    if (!*c[10] || !*c[11]) return error_set(e, ERR_FORMAT, "nothing is said of it");
    int rc = read_real(c[8], -INFINITY, &i->plausible[0], e);
    if (!rc) rc = read_real(c[9], INFINITY, &i->plausible[1], e);
    for (char *save = NULL, *s = strtok_r(c[4], "|", &save); s && !rc; s = strtok_r(NULL, "|", &save)) {
        if (t->n_names == LAB_NAMES_MAX) return error_set(e, ERR_FORMAT, "too many names");
        t->names[t->n_names++] = (struct lab_name){s, (int)t->n_items, -1};
    }
    t->n_items++;
    return rc;
}

/* loinc (* for all), to, from, factor, offset, source */
static int read_conversion(struct lab_tables *t, char **c, struct error *e)
{
    if (t->n_conversions == LAB_CONVERSIONS_MAX) return error_set(e, ERR_FORMAT, "too many conversions");
    struct lab_conversion *x = &t->conversions[t->n_conversions++];
    *x = (struct lab_conversion){strcmp(c[0], "*") ? item_find(t, c[0]) : -1, labs_unit_find(t, c[1]),
                                 labs_unit_find(t, c[2]), 1, 0};
    if (x->item < 0 && strcmp(c[0], "*")) return error_set(e, ERR_FORMAT, "no item %s", c[0]);
    if (x->to < 0 || x->from < 0) return error_set(e, ERR_FORMAT, "no unit %s or %s", c[1], c[2]);
    int rc = read_real(c[3], 1, &x->factor, e);
    return rc ? rc : read_real(c[4], 0, &x->offset, e);
}

static int read_range(struct lab_tables *t, char **c, struct error *e)
{
    if (t->n_ranges == LAB_RANGES_MAX) return error_set(e, ERR_FORMAT, "too many ranges");
    struct lab_range *r = &t->ranges[t->n_ranges++];
    *r = (struct lab_range){.item = item_find(t, c[0]),
                            .sex = *c[4] == 'M'   ? 'm'
                                   : *c[4] == 'F' ? 'f'
                                                  : '*',
                            .source = c[9],
                            .checked = c[10]};
    if (r->item < 0) return error_set(e, ERR_FORMAT, "no item %s", c[0]);
    if (labs_unit_find(t, c[3]) != t->items[r->item].unit) return error_set(e, ERR_FORMAT, "not the item's unit");
    int rc = read_real(c[5], 0, &r->age[0], e);
    if (!rc) rc = read_real(c[6], INFINITY, &r->age[1], e);
    if (!rc) rc = read_real(c[7], -INFINITY, &r->low, e);
    if (!rc) rc = read_real(c[8], INFINITY, &r->high, e);
    return rc;
}

static int read_critical(struct lab_tables *t, char **c, struct error *e)
{
    if (t->n_critical == LAB_CRITICAL_MAX) return error_set(e, ERR_FORMAT, "too many critical values");
    struct lab_critical *r = &t->critical[t->n_critical++];
    *r = (struct lab_critical){.item = item_find(t, c[0]), .source = c[6]};
    if (r->item < 0) return error_set(e, ERR_FORMAT, "no item %s", c[0]);
    if (*c[3] && labs_unit_find(t, c[3]) != t->items[r->item].unit)
        return error_set(e, ERR_FORMAT, "not the item's unit");
    int rc = read_real(c[4], -INFINITY, &r->low, e);
    return rc ? rc : read_real(c[5], INFINITY, &r->high, e);
}

typedef int (*line_reader)(struct lab_tables *t, char **columns, struct error *e);
static const struct {
    line_reader read;
    int columns;
} readers[LAB_FILES] = {{read_unit, 2}, {read_item, 18}, {read_conversion, 6}, {read_range, 11}, {read_critical, 8}};

static int read_line(struct lab_tables *t, int file, char *line, struct error *e)
{
    char *c[COLUMNS_MAX];
    int n = 0;
    for (char *at = line; n < COLUMNS_MAX; n++) {
        c[n] = at;
        char *tab = strchr(at, '\t');
        if (!tab) break;
        *tab = '\0';
        at = tab + 1;
    }
    if (n + 1 != readers[file].columns) return error_set(e, ERR_FORMAT, "not %d columns", readers[file].columns);
    return readers[file].read(t, c, e);
}

static int read_file(struct lab_tables *t, int file, struct error *e)
{
    const struct data_file *f = data_file_find(file_names[file]);
    if (!f) return error_set(e, ERR_INTERNAL, "%s is not in the program", file_names[file]);
    size_t n = (size_t)(f->end - f->data);
    char *copy = malloc(n + 1);
    if (!copy) return error_set(e, ERR_NOMEM, "no memory for the tables");
    t->memory[file] = copy;
    memcpy(copy, f->data, n);
    copy[n] = '\0';
    int rc = OK;
    int number = 1;
    bool header = true;
    for (char *line = copy; line < copy + n && !rc; number++) {
        char *end = strchr(line, '\n');
        if (!end) end = copy + n;
        *end = '\0';
        bool skip = !*line || *line == '#';
        if (!skip && !header) rc = read_line(t, file, line, e);
        if (!skip) header = false;
        if (rc) error_context(e, "%s, line %d", file_names[file], number);
        line = end + 1;
    }
    return rc;
}

/* All names as normal_text spells them, in one block; chained so that the longest of a bucket comes first. */
static int fold_names(struct lab_tables *t, struct error *e)
{
    size_t size = 1;
    for (size_t i = 0; i < t->n_names; i++) size += 4 * strlen(t->names[i].text) + 1;
    char *at = t->folded = malloc(size);
    if (!at) return error_set(e, ERR_NOMEM, "no memory for the names");
    for (size_t i = 0; i < LAB_BUCKETS; i++) t->buckets[i] = -1;
    for (size_t i = 0; i < t->n_names; i++) {
        struct lab_name *name = &t->names[i];
        struct normal_text folded;
        int rc = normal_text_make(&folded, name->text, strlen(name->text), e);
        if (rc) return rc;
        memcpy(at, folded.text, folded.len + 1);
        name->text = at;
        at += folded.len + 1;
        int *link = &t->buckets[labs_name_bucket(folded.text, folded.len)];
        while (*link >= 0 && strlen(t->names[*link].text) >= folded.len) link = &t->names[*link].next;
        name->next = *link;
        *link = (int)i;
        normal_text_free(&folded);
    }
    return OK;
}

int labs_tables_new(struct lab_tables **out, struct error *e)
{
    struct lab_tables *t = calloc(1, sizeof *t);
    int rc = t ? OK : error_set(e, ERR_NOMEM, "no memory for the tables");
    for (int i = 0; i < LAB_FILES && !rc; i++) rc = read_file(t, i, e);
    if (!rc) rc = fold_names(t, e);
    if (rc) {
        labs_tables_free(t);
        t = NULL;
    }
    *out = t;
    return rc;
}

void labs_tables_free(struct lab_tables *t)
{
    if (!t) return;
    for (int i = 0; i < LAB_FILES; i++) free(t->memory[i]);
    free(t->folded);
    free(t);
}

bool labs_convert(const struct lab_tables *t, int item, int from, double x, double *out)
{
    int to = t->items[item].unit;
    *out = x;
    if (from < 0 || from == to) return true;
    if (to < 0) return false;
    for (size_t i = 0; i < t->n_conversions; i++) {
        const struct lab_conversion *c = &t->conversions[i];
        if ((c->item >= 0 && c->item != item) || c->to != to || c->from != from) continue;
        *out = x * c->factor + c->offset;
        return true;
    }
    return false;
}
