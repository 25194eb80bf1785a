/* guard_lexicon.c - see guard_lexicon.h. */
#include "medical/guard_lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/data_file.h"
#include "base/limits.h"
#include "medical/normal_text.h"

enum { BUCKETS = 1 << 15, MAX_STEMS = 512, MIN_STEM_WORD = 6 };

struct stem {
    const char *text;
    size_t len;
};

struct lexicon {
    struct buf arena; /* all words, normalised; offsets until sealed */
    struct lexicon_word *words;
    size_t count, cap;
    uint32_t first[BUCKETS + 1];  /* words of a bucket lie together, longest first */
    uint32_t *near;               /* Chinese names of three characters and more, by their second one */
    uint32_t second[BUCKETS + 2]; /* ranges in near */
    struct stem stems[MAX_STEMS], not_stems[MAX_STEMS];
    size_t stem_count, not_stem_count, drugs;
};

static const struct {
    const char *name;
    uint64_t bit;
} classes[] = {
#define X(name, constant) {name, (uint64_t)1 << CLASS_INDEX_##constant},
    GUARD_CLASSES(X)
#undef X
};

/* Classes of drugs.tsv that mean more than "a drug". */
static const struct {
    const char *name;
    uint8_t drug;
} drug_classes[] = {
    {"-", 0},
    {"kind", IS_KIND},
    {"antibiotic-kind", IS_KIND | IS_ANTIBIOTIC},
    {"herb", IS_DRUG | IS_HERB},
    {"herb-food", IS_DRUG | IS_HERB | IS_FOOD_TOO},
    {"patent", IS_DRUG | IS_HERB},
    {"antibiotic", IS_DRUG | IS_ANTIBIOTIC},
    {"antiviral", IS_DRUG | IS_ANTIBIOTIC},
    {"antifungal", IS_DRUG | IS_ANTIBIOTIC},
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_word_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static uint32_t bucket_of(const char *text, size_t n)
{
    uint32_t h = (uint8_t)text[0];
    if (n > 1) h = h << 8 | (uint8_t)text[1];
    if (n > 2) h = h << 8 | (uint8_t)text[2];
    return (h * 2654435761u >> 17) & (BUCKETS - 1);
}

static int add_word(struct lexicon *l, const struct normal_text *t, uint64_t bits, uint8_t drug)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4096;
        struct lexicon_word *grown = realloc(l->words, cap * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        l->words = grown;
        l->cap = cap;
    }
    struct lexicon_word *w = &l->words[l->count++];
    *w = (struct lexicon_word){(const char *)(uintptr_t)l->arena.len, (uint32_t)t->len, drug, bits};
    return buf_append(&l->arena, t->text, t->len);
}

static int add_stem(struct lexicon *l, const struct normal_text *t, bool is_not)
{
    size_t *count = is_not ? &l->not_stem_count : &l->stem_count;
    if (*count == MAX_STEMS) return ERR_LIMIT;
    struct stem *s = &(is_not ? l->not_stems : l->stems)[(*count)++];
    *s = (struct stem){(const char *)(uintptr_t)l->arena.len, t->len};
    return buf_append(&l->arena, t->text, t->len);
}

static int class_bits(const char *name, size_t n, uint64_t *bits)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strlen(classes[i].name) == n && memcmp(classes[i].name, name, n) == 0) {
            *bits = classes[i].bit;
            return OK;
        }
    return ERR_NOT_FOUND;
}

static bool is(const char *name, const char *word, size_t n)
{
    return strlen(name) == n && memcmp(name, word, n) == 0;
}

/* One word of a line of guard_terms.tsv. */
static int add_term(struct lexicon *l, const char *class, size_t class_len, const char *word, size_t n, struct error *e)
{
    struct normal_text t;
    uint64_t bits = 0;
    int rc = normal_text_make(&t, word, n, e);
    if (rc) return rc;
    if (t.len == 0 || t.text[0] == ' ' || t.text[t.len - 1] == ' ')
        rc = error_set(e, ERR_FORMAT, "an empty word, or a space at an end");
    else if (is("stem-en", class, class_len) || is("stem-not", class, class_len))
        rc = add_stem(l, &t, is("stem-not", class, class_len));
    else if (is("stem-zh", class, class_len) || is("prefix-zh", class, class_len))
        rc = add_word(l, &t, 0, IS_DRUG | IS_STEM);
    else if (is("past", class, class_len))
        rc = add_word(l, &t, 0, IS_PAST);
    else if (class_bits(class, class_len, &bits))
        rc = error_set(e, ERR_FORMAT, "no class is called \"%.*s\"", (int)class_len, class);
    else
        rc = add_word(l, &t, bits, 0);
    normal_text_free(&t);
    return rc ? error_set(e, rc, "cannot take the word: %s", error_code_text(rc)) : OK;
}

static int read_term_line(struct lexicon *l, const char *line, size_t n, struct error *e)
{
    const char *tab = memchr(line, '\t', n);
    if (!tab) return error_set(e, ERR_FORMAT, "has no tab behind its class");
    const char *end = line + n;
    for (const char *word = tab + 1;;) {
        const char *bar = memchr(word, '|', (size_t)(end - word));
        const char *stop = bar ? bar : end;
        int rc = add_term(l, line, (size_t)(tab - line), word, (size_t)(stop - word), e);
        if (rc || !bar) return rc;
        word = bar + 1;
    }
}

static int read_drug_line(struct lexicon *l, const char *line, size_t n, struct error *e)
{
    const char *end = line + n;
    const char *lang = memchr(line, '\t', n);
    const char *class = lang ? memchr(lang + 1, '\t', (size_t)(end - lang - 1)) : NULL;
    if (!class) return error_set(e, ERR_FORMAT, "needs three columns: name, language, class");
    const char *stop = memchr(class + 1, '\t', (size_t)(end - class - 1));
    size_t class_len = (size_t)((stop ? stop : end) - class - 1);
    if (lang + 3 != class || (memcmp(lang + 1, "zh", 2) && memcmp(lang + 1, "en", 2)))
        return error_set(e, ERR_FORMAT, "its language is neither zh nor en");
    if (class_len == 0) return error_set(e, ERR_FORMAT, "its class is empty");
    struct normal_text t;
    int rc = normal_text_make(&t, line, (size_t)(lang - line), e);
    if (rc) return rc;
    uint8_t drug = IS_DRUG;
    for (size_t i = 0; i < sizeof drug_classes / sizeof *drug_classes; i++)
        if (is(drug_classes[i].name, class + 1, class_len)) drug = drug_classes[i].drug;
    if (t.len < 2 || t.text[0] == ' ' || t.text[t.len - 1] == ' ')
        rc = error_set(e, ERR_FORMAT, "its name is too short or has a space at an end");
    else if (add_word(l, &t, drug ? 0 : NONE, drug))
        rc = error_set(e, ERR_NOMEM, "too many names");
    l->drugs += drug != 0;
    normal_text_free(&t);
    return rc;
}

static int read_table(struct lexicon *l, const char *name, const char *data, size_t n,
                      int (*take)(struct lexicon *, const char *, size_t, struct error *), struct error *e)
{
    size_t number = 1;
    for (size_t i = 0; i < n; number++) {
        const char *end = memchr(data + i, '\n', n - i);
        size_t len = end ? (size_t)(end - data) - i : n - i;
        size_t text = len && data[i + len - 1] == '\r' ? len - 1 : len;
        int rc = text && data[i] != '#' ? take(l, data + i, text, e) : OK;
        if (rc) {
            error_context(e, "%s, line %zu", name, number);
            return rc;
        }
        i += len + 1;
    }
    return OK;
}

static int by_bucket(const void *a, const void *b)
{
    const struct lexicon_word *x = a;
    const struct lexicon_word *y = b;
    uint32_t bx = bucket_of(x->text, x->len);
    uint32_t by = bucket_of(y->text, y->len);
    if (bx != by) return bx < by ? -1 : 1;
    if (x->len != y->len) return x->len > y->len ? -1 : 1;
    return memcmp(x->text, y->text, x->len);
}

/* Not herbs: too many of them are a character away from ordinary words. */
static bool can_be_near(const struct lexicon_word *w)
{
    return w->len >= 9 && w->len % 3 == 0 && w->drug & IS_DRUG && !(w->drug & IS_HERB) && (uint8_t)w->text[0] >= 0xE3;
}

/* Count, then place: near[] in the order of the second character's bucket. */
static int index_second(struct lexicon *l)
{
    uint32_t *next = calloc(BUCKETS + 2, sizeof *next);
    l->near = calloc(l->count + 1, sizeof *l->near);
    if (!next || !l->near) {
        free(next);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < l->count; i++)
        if (can_be_near(&l->words[i])) l->second[bucket_of(l->words[i].text + 3, 3) + 1]++;
    for (size_t b = 0; b <= BUCKETS; b++) l->second[b + 1] += l->second[b];
    memcpy(next, l->second, (BUCKETS + 2) * sizeof *next);
    for (size_t i = 0; i < l->count; i++)
        if (can_be_near(&l->words[i])) l->near[next[bucket_of(l->words[i].text + 3, 3)]++] = (uint32_t)i;
    free(next);
    return OK;
}

/* Offsets become pointers, equal words one, buckets their ranges. */
static void seal(struct lexicon *l)
{
    for (size_t i = 0; i < l->count; i++) l->words[i].text = l->arena.data + (uintptr_t)l->words[i].text;
    for (size_t i = 0; i < l->stem_count; i++) l->stems[i].text = l->arena.data + (uintptr_t)l->stems[i].text;
    for (size_t i = 0; i < l->not_stem_count; i++)
        l->not_stems[i].text = l->arena.data + (uintptr_t)l->not_stems[i].text;
    qsort(l->words, l->count, sizeof *l->words, by_bucket);
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct lexicon_word *last = kept ? &l->words[kept - 1] : NULL;
        struct lexicon_word *w = &l->words[i];
        if (last && last->len == w->len && memcmp(last->text, w->text, w->len) == 0) {
            bool name = (last->drug & (IS_DRUG | IS_KIND) && !(last->drug & IS_STEM)) ||
                        (w->drug & (IS_DRUG | IS_KIND) && !(w->drug & IS_STEM));
            last->classes |= w->classes;
            last->drug |= w->drug;
            if (name) last->drug &= (uint8_t)~IS_STEM; /* 头孢 is a name and a beginning of names */
        } else {
            l->words[kept++] = *w;
        }
    }
    l->count = kept;
    size_t at = 0;
    for (uint32_t b = 0; b <= BUCKETS; b++) {
        while (at < kept && bucket_of(l->words[at].text, l->words[at].len) < b) at++;
        l->first[b] = (uint32_t)at;
    }
}

int lexicon_new(struct lexicon **out, const char *extra, size_t extra_len, struct error *e)
{
    const struct data_file *drugs = data_file_find("drugs.tsv");
    const struct data_file *terms = data_file_find("guard_terms.tsv");
    *out = NULL;
    if (!drugs || !terms) return error_set(e, ERR_INTERNAL, "the guard's tables are not in the program");
    struct lexicon *l = calloc(1, sizeof *l);
    if (!l) return error_set(e, ERR_NOMEM, "no memory for the guard's tables");
    buf_init(&l->arena, LIMIT_GUARD_LEXICON);
    int rc = read_table(l, drugs->name, drugs->data, (size_t)(drugs->end - drugs->data), read_drug_line, e);
    if (!rc) rc = read_table(l, terms->name, terms->data, (size_t)(terms->end - terms->data), read_term_line, e);
    if (!rc && extra) rc = read_table(l, "the added drug file", extra, extra_len, read_drug_line, e);
    if (rc) {
        lexicon_free(l);
        return rc;
    }
    seal(l);
    rc = index_second(l);
    if (rc) {
        lexicon_free(l);
        return error_set(e, rc, "no memory for the guard's tables");
    }
    *out = l;
    return OK;
}

void lexicon_free(struct lexicon *l)
{
    if (!l) return;
    buf_free(&l->arena);
    free(l->words);
    free(l->near);
    free(l);
}

/* A Latin word must end where its text ends; a drug may stand in the plural, a unit before a digit. */
static bool ends_well(const struct lexicon_word *w, const char *text, size_t n)
{
    char last = w->text[w->len - 1];
    if (w->len == n || !is_word_char(last)) return true;
    char next = text[w->len];
    if (!is_word_char(next)) return true;
    if (!is_letter(next)) return is_letter(last) && (w->classes & (MASS | GRAM | VOL | PILL | COUNT | EACH | LAB_UNIT));
    if (!is_letter(last)) return (w->classes & ~NONE) == 0 && w->drug == 0;
    return w->drug && next == 's' && (w->len + 1 == n || !is_word_char(text[w->len + 1]));
}

const struct lexicon_word *lexicon_find(const struct lexicon *l, const char *text, size_t n)
{
    for (size_t key = n < 3 ? n : 3; key > 0; key--) {
        uint32_t b = bucket_of(text, key);
        for (uint32_t i = l->first[b]; i < l->first[b + 1]; i++) {
            const struct lexicon_word *w = &l->words[i];
            if (key < 3 ? w->len != key : w->len < 3) continue;
            if (w->len <= n && w->text[w->len - 1] == text[w->len - 1] && memcmp(w->text, text, w->len) == 0 &&
                ends_well(w, text, n))
                return w;
        }
    }
    return NULL;
}

static bool differs_by_one(const struct lexicon_word *w, const char *text, size_t n)
{
    size_t other = 0;
    if (w->len != n) return false;
    for (size_t k = 0; k < n && other < 2; k += 3) other += memcmp(w->text + k, text + k, 3) != 0;
    return other == 1;
}

bool lexicon_is_near_drug(const struct lexicon *l, const char *text, size_t n)
{
    if (n < 9 || n % 3) return false;
    uint32_t b = bucket_of(text, 3);
    for (uint32_t i = l->first[b]; i < l->first[b + 1]; i++)
        if (can_be_near(&l->words[i]) && differs_by_one(&l->words[i], text, n)) return true;
    b = bucket_of(text + 3, 3); /* the first one may be the wrong one */
    for (uint32_t i = l->second[b]; i < l->second[b + 1]; i++)
        if (differs_by_one(&l->words[l->near[i]], text, n)) return true;
    return false;
}

bool lexicon_has_drug_stem(const struct lexicon *l, const char *text, size_t n)
{
    if (n < MIN_STEM_WORD) return false;
    size_t bare = text[n - 1] == 's' && n > MIN_STEM_WORD ? n - 1 : n;
    for (size_t i = 0; i < l->not_stem_count; i++) {
        const struct stem *s = &l->not_stems[i];
        if ((s->len == n || s->len == bare) && memcmp(text, s->text, s->len) == 0) return false;
    }
    for (size_t i = 0; i < l->stem_count; i++) {
        const struct stem *s = &l->stems[i];
        if (s->len + 2 <= n && memcmp(text + n - s->len, s->text, s->len) == 0) return true;
        if (bare != n && s->len + 2 <= bare && memcmp(text + bare - s->len, s->text, s->len) == 0) return true;
    }
    return false;
}

size_t lexicon_drug_count(const struct lexicon *l)
{
    return l->drugs;
}
