/* triage.c - see triage.h: reads a conversation, rules first, then the classifier. */
#include "medical/triage.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/data_file.h"
#include "base/file.h"
#include "base/limits.h"
#include "medical/triage_parts.h"

static const float SELF_HARM_SUM = 0.2f;

/* A bare complaint ("my shoulder hurts") has too few n-grams to tell it from an emergency in other words: it belongs to
 * the rules. Self-harm is said in few words too, so this does not hold for it. */
enum { FILES = 5, WINDOW_LEAST = 4, WINDOW_MOST = 400, FEW_LETTERS = 24 };

static const char *const file_names[FILES] = {"triage_concepts.txt", "triage_rules.txt", "red_flags.tsv",
                                              "departments.tsv", "triage_cards.txt"};

/* Which flag or department every rule names; a name that the tables lack is refused. */
static int bind_rules(struct triage *t, struct error *e)
{
    size_t n;
    const struct rule *rules = rules_items(t->rules, &n);
    char card[64] = "ask_";
    t->rule_rows = calloc(n, sizeof *t->rule_rows);
    if (!t->rule_rows) return error_set(e, ERR_NOMEM, "no memory for the rules");
    for (size_t i = 0; i < n; i++) {
        const struct rule *x = &rules[i];
        size_t len = strlen(x->name);
        t->rule_rows[i] = x->kind == RULE_FLAG   ? triage_flag_find(t->tables, x->name, len)
                          : x->kind == RULE_DEPT ? triage_department_find(t->tables, x->name, len)
                                                 : -1;
        if (x->kind == RULE_FLAG && t->rule_rows[i] < 0)
            return error_set(e, ERR_FORMAT, "rules, line %d: %s is not in the red flags", x->line, x->name);
        if (x->kind == RULE_DEPT && t->rule_rows[i] < 0)
            return error_set(e, ERR_FORMAT, "rules, line %d: %s is not in the departments", x->line, x->name);
        memcpy(card + 4, x->name, len + 1);
        if (x->kind == RULE_ASK && !triage_card_find(t->tables, card))
            return error_set(e, ERR_FORMAT, "rules, line %d: there is no card %s", x->line, card);
    }
    return OK;
}

static int open_classifier(struct triage *t, struct error *e)
{
    const struct data_file *f = data_file_find("triage_classifier.bin");
    if (!f || f->data == f->end) return OK;
    int rc = triage_classifier_open(&t->classifier, f->data, (size_t)(f->end - f->data), e);
    if (rc) error_context(e, "triage_classifier.bin");
    for (uint32_t i = 0; i < t->classifier.classes && !rc; i++)
        t->class_flags[i] = triage_flag_find(t->tables, t->classifier.ids[i], strlen(t->classifier.ids[i]));
    return rc;
}

static int open_texts(struct triage **out, const char *const text[FILES], const size_t n[FILES], struct error *e)
{
    struct triage *t = calloc(1, sizeof *t);
    int rc = t ? OK : error_set(e, ERR_NOMEM, "no memory for triage");
    if (!rc) rc = lex_new(&t->lex, text[0], n[0], e);
    if (!rc) rc = context_cues(t->lex, t->cues, e);
    if (!rc) rc = rules_new(&t->rules, text[1], n[1], t->lex, e);
    if (!rc) rc = triage_tables_new(&t->tables, text + 2, n + 2, e);
    if (!rc) rc = bind_rules(t, e);
    if (!rc) rc = open_classifier(t, e);
    if (rc) {
        triage_close(t);
        t = NULL;
    }
    *out = t;
    return rc;
}

int triage_open(struct triage **out, struct error *e)
{
    const char *text[FILES];
    size_t n[FILES];
    *out = NULL;
    for (int i = 0; i < FILES; i++) {
        const struct data_file *f = data_file_find(file_names[i]);
        if (!f) return error_set(e, ERR_INTERNAL, "%s was not built into this program", file_names[i]);
        text[i] = f->data;
        n[i] = (size_t)(f->end - f->data);
    }
    return open_texts(out, text, n, e);
}

int triage_open_dir(struct triage **out, const char *dir, struct error *e)
{
    struct buf files[FILES];
    const char *text[FILES];
    size_t n[FILES];
    char path[LIMIT_PATH];
    int rc = OK;
    *out = NULL;
    for (int i = 0; i < FILES; i++) {
        buf_init(&files[i], LIMIT_TRIAGE_FILE);
        if (!rc) rc = path_join(path, sizeof path, dir, file_names[i]);
        if (!rc) rc = file_read(&files[i], path, e);
        text[i] = buf_text(&files[i]);
        n[i] = files[i].len;
    }
    if (!rc) rc = open_texts(out, text, n, e);
    for (int i = 0; i < FILES; i++) buf_free(&files[i]);
    return rc;
}

void triage_close(struct triage *t)
{
    if (!t) return;
    lex_free(t->lex);
    rules_free(t->rules);
    triage_tables_free(t->tables);
    free(t->rule_rows);
    free(t);
}

const struct triage_tables *triage_tables(const struct triage *t)
{
    return t->tables;
}

const struct lex *triage_lex(const struct triage *t)
{
    return t->lex;
}

size_t triage_rule_count(const struct triage *t)
{
    size_t n;
    rules_items(t->rules, &n);
    return n;
}

static void note(struct triage_result *out, const char *text)
{
    if (out->n_notes < TRIAGE_NOTES) out->notes[out->n_notes++] = text;
}

/* What the profile says of age wins over ages in the text: those may be a relative's. */
static void read_age(struct triage_reading *r)
{
    const struct triage_profile *p = &r->in->profile;
    double days = p->age_days >= 0 ? p->age_days : p->age_months >= 0 ? p->age_months * 30.4 : -1;
    double age = p->age;
    if (days >= 0 && age >= 2 && days < 365) {
        note(r->out, "profile: age and age_days or age_months contradict each other; the younger one was used");
        age = -1;
    }
    if (days < 0 && age >= 0) days = age * 365.25;
    if (age < 0 && days >= 0) age = days / 365.25;
    if (age < 0) return;
    if (age > 125) {
        note(r->out, "profile: age is not believable and was not used");
        return;
    }
    r->numbers.low[TRIAGE_VALUE_age] = r->numbers.low[TRIAGE_VALUE_age_days] = 1e300;
    r->numbers.high[TRIAGE_VALUE_age] = r->numbers.high[TRIAGE_VALUE_age_days] = -1e300;
    triage_numbers_add(&r->numbers, TRIAGE_VALUE_age, age);
    /* A profile that says "0 years" and no more may mean any age up to one: newborn rules need days or the text. */
    bool vague = p->age == 0 && p->age_days < 0 && p->age_months < 0;
    triage_numbers_add(&r->numbers, TRIAGE_VALUE_age_days, vague ? 180 : days);
}

static void read_facts(struct triage_reading *r)
{
    const struct triage_profile *p = &r->in->profile;
    bool *facts = r->state.facts;
    facts[TRIAGE_MALE] = p->sex == 'm';
    facts[TRIAGE_FEMALE] = p->sex == 'f';
    facts[TRIAGE_PREGNANT] = p->pregnant == 1;
    if (p->sex == 'm' && p->pregnant == 1) {
        note(r->out, "profile: male and pregnant contradict each other; the sex was not used");
        facts[TRIAGE_MALE] = false;
    }
    for (size_t i = 0; i < r->hits.n; i++)
        if (r->hits.items[i].off == LEX_ON && lex_kind(r->t->lex, r->hits.items[i].concept) == LEX_SYMPTOM)
            facts[TRIAGE_SYMPTOM] = true;
}

static void add_flag(struct triage_reading *r, int row, enum triage_level level, unsigned layer, float score,
                     const char *evidence)
{
    struct triage_result *out = r->out;
    size_t at = 0;
    while (at < out->n_flags && out->flags[at].row != &r->t->tables->flags[row]) at++;
    struct triage_flag *f = &out->flags[at];
    if (at == out->n_flags) {
        if (out->n_flags == TRIAGE_FLAGS_MAX) return;
        *f = (struct triage_flag){.row = &r->t->tables->flags[row], .level = level};
        strncpy(f->evidence, evidence, sizeof f->evidence - 1);
        out->n_flags++;
    }
    if (level > f->level) {
        f->level = level;
        strncpy(f->evidence, evidence, sizeof f->evidence - 1);
    }
    f->layers |= layer;
    if (score > f->score) f->score = score;
    enum triage_level *spoke = &out->layer_level[layer == TRIAGE_CLASSIFIER];
    if (level > *spoke) *spoke = level;
}

static void read_rules(struct triage_reading *r)
{
    size_t n;
    const struct rule *rules = rules_items(r->t->rules, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rule *x = &rules[i];
        struct rules_evidence e;
        char words[TRIAGE_EVIDENCE];
        if (x->kind != RULE_FLAG && x->kind != RULE_LEVEL) continue;
        if (!rules_holds(r->t->rules, x, &r->state, &e)) continue;
        if (x->kind == RULE_LEVEL && x->level > r->out->layer_level[0]) r->out->layer_level[0] = x->level;
        if (x->kind != RULE_FLAG) continue;
        triage_evidence(r, &e, words);
        add_flag(r, r->t->rule_rows[i], x->level, TRIAGE_RULES, 0, words);
    }
}

/* Flags that rules saw written and put aside (denied, past, a question, an idiom) are settled: the classifier, which
 * sees only characters, does not bring them back. */
static void settled_flags(const struct triage_reading *r, bool settled[TRIAGE_FLAGS_MAX])
{
    size_t n;
    const struct rule *rules = rules_items(r->t->rules, &n);
    for (size_t i = 0; i < n; i++)
        if (rules[i].kind == RULE_FLAG && rules_holds(r->t->rules, &rules[i], &r->as_written, NULL))
            settled[r->t->rule_rows[i]] = true;
}

/* A sentence all of whose concepts were put aside says nothing new to the classifier either. */
static bool put_aside(const struct triage_reading *r, size_t start, size_t end)
{
    bool off = false;
    for (size_t i = 0; i < r->hits.n; i++) {
        const struct lex_hit *h = &r->hits.items[i];
        if (h->start < start || h->start >= end || lex_kind(r->t->lex, h->concept) != LEX_SYMPTOM) continue;
        if (h->off == LEX_ON) return false;
        off = true;
    }
    return off;
}

/* A Chinese character says about as much as three letters. */
static bool is_brief(const struct triage_reading *r, size_t start, size_t end)
{
    size_t letters = 0;
    for (size_t i = start; i < end; i++) letters += r->text.cp[i] < 0x2E80 ? 1 : 3;
    return letters < FEW_LETTERS;
}

/* The likeliest of the self-harm classes, when together they are likelier than not: a missed one weighs more than a
 * question too many, so they need less than the calibrated threshold. 0: none. */
static uint32_t self_harm_class(const struct triage *t, const float p[TRIAGE_CLASSES_MAX])
{
    float sum = 0;
    uint32_t best = 0;
    for (uint32_t k = 1; k < t->classifier.classes; k++) {
        if (strncmp(t->classifier.ids[k], "self_harm", 9) != 0) continue;
        sum += p[k];
        if (!best || p[k] > p[best]) best = k;
    }
    return sum >= SELF_HARM_SUM ? best : 0;
}

static void classify_window(struct triage_reading *r, size_t start, size_t end, const bool settled[TRIAGE_FLAGS_MAX])
{
    const struct triage *t = r->t;
    float p[TRIAGE_CLASSES_MAX];
    char words[TRIAGE_EVIDENCE];
    if (end - start < WINDOW_LEAST || put_aside(r, start, end)) return;
    const struct triage_sentence sentence = {r->text.cp, start, end, t->lex, &r->hits};
    uint32_t best = triage_classify(&t->classifier, &sentence, p);
    uint32_t self_harm = self_harm_class(t, p);
    if (self_harm) best = self_harm;
    int row = t->class_flags[best];
    if (row < 0 || settled[row]) return;
    if (!self_harm && (1 - p[0] < t->classifier.threshold || is_brief(r, start, end))) return;
    triage_text_quote(&r->text, start, end, words, sizeof words);
    add_flag(r, row, t->tables->flags[row].level, TRIAGE_CLASSIFIER, 1 - p[0], words);
}

static void read_classifier(struct triage_reading *r)
{
    bool settled[TRIAGE_FLAGS_MAX] = {false};
    const struct triage_text *x = &r->text;
    if (r->t->classifier.classes == 0) return;
    settled_flags(r, settled);
    for (size_t i = 0; i < r->out->n_flags; i++) settled[r->out->flags[i].row - r->t->tables->flags] = false;
    size_t turn = x->profile_end;
    size_t start = turn;
    for (size_t i = turn; i < x->n; i++) {
        if (!triage_ends_sentence(x->cp[i]) && i + 1 - start < WINDOW_MOST) continue;
        classify_window(r, start, i + 1, settled);
        start = i + 1;
        if (x->cp[i] != '\n') continue;
        bool several = false;
        for (size_t k = turn; k < i && !several; k++) several = triage_ends_sentence(x->cp[k]);
        if (several && i - turn < WINDOW_MOST) classify_window(r, turn, i, settled);
        turn = i + 1;
    }
}

static int by_level(const void *a, const void *b)
{
    const struct triage_flag *x = a;
    const struct triage_flag *y = b;
    if (x->level != y->level) return (int)y->level - (int)x->level;
    bool rx = x->layers & TRIAGE_RULES;
    bool ry = y->layers & TRIAGE_RULES;
    return rx != ry ? (int)ry - (int)rx : (x->row > y->row) - (x->row < y->row);
}

static int read_text(struct triage_reading *r, struct error *e)
{
    const struct triage_input *in = r->in;
    size_t concepts = lex_concepts(r->t->lex);
    size_t lines = in->profile.n_lines;
    const char **all = calloc(lines + in->n_turns, sizeof *all);
    r->active = calloc(concepts, sizeof *r->active);
    r->written = calloc(concepts, sizeof *r->written);
    int rc = all && r->active && r->written ? OK : error_set(e, ERR_NOMEM, "no memory for the conversation");
    for (size_t i = 0; i < lines && !rc; i++) all[i] = in->profile.lines[i];
    for (size_t i = 0; i < in->n_turns && !rc; i++) all[lines + i] = in->turns[i];
    if (!rc) rc = triage_text_make(&r->text, r->t->lex, all, lines + in->n_turns, lines, e);
    free(all);
    if (!rc && (lex_find(r->t->lex, r->text.cp, r->text.n, &r->hits) ||
                context_judge(r->t->lex, r->t->cues, &r->text, &r->hits)))
        rc = error_set(e, ERR_NOMEM, "no memory for the conversation");
    triage_numbers_clear(&r->numbers);
    if (!rc && triage_numbers_read(&r->numbers, r->t->lex, &r->text, &r->hits))
        rc = error_set(e, ERR_NOMEM, "no memory for the conversation");
    for (size_t i = 0; i < r->hits.n && !rc; i++) {
        const struct lex_hit *h = &r->hits.items[i];
        if (h->off == LEX_ON) r->active[h->concept] = true;
        if (h->off != LEX_PROFILE) r->written[h->concept] = true;
    }
    return rc;
}

int triage_assess(const struct triage *t, const struct triage_input *in, unsigned layers, struct triage_result *out,
                  struct error *e)
{
    struct triage_reading r = {.t = t, .in = in, .out = out};
    memset(out, 0, sizeof *out);
    if (in->n_turns == 0 || in->n_turns > LIMIT_TRIAGE_TURNS || in->profile.n_lines > TRIAGE_PROFILE_LINES)
        return error_set(e, ERR_INVALID, "a conversation has 1 to %d turns and %d lines of profile at most",
                         LIMIT_TRIAGE_TURNS, TRIAGE_PROFILE_LINES);
    int rc = read_text(&r, e);
    if (!rc) {
        r.state = (struct rules_state){.active = r.active, .numbers = &r.numbers};
        read_age(&r);
        read_facts(&r);
        r.as_written = r.state;
        r.as_written.active = r.written;
        if (layers & TRIAGE_RULES) read_rules(&r);
        if (layers & TRIAGE_CLASSIFIER) read_classifier(&r);
        qsort(out->flags, out->n_flags, sizeof *out->flags, by_level);
        out->level = out->layer_level[0] > out->layer_level[1] ? out->layer_level[0] : out->layer_level[1];
        triage_answer(&r);
    }
    triage_text_free(&r.text);
    lex_hits_free(&r.hits);
    free(r.active);
    free(r.written);
    return rc;
}
