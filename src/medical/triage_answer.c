/* triage_answer.c - what triage says: departments with reasons, what to ask back, what to do now. */
#include "medical/triage_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* What is only asked about, denied or past still points to a department, less. */
enum { CHILD_YEARS = 14, QUOTE = 48, ONLY_WRITTEN = 4 };

struct line {
    char *at;
    size_t left;
};

static void say(struct line *l, const char *text)
{
    size_t n = strlen(text);
    if (n >= l->left) n = utf8_complete_prefix(text, l->left - 1);
    memcpy(l->at, text, n);
    l->at += n;
    l->left -= n;
    *l->at = '\0';
}

static void quote_concept(const struct triage_reading *r, int concept, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < r->hits.n; i++) {
        const struct lex_hit *h = &r->hits.items[i];
        if (h->concept != concept || h->off != LEX_ON) continue;
        triage_text_quote(&r->text, h->start, h->end, out, size);
        return;
    }
}

void triage_evidence(const struct triage_reading *r, const struct rules_evidence *e, char out[TRIAGE_EVIDENCE])
{
    struct line l = {out, TRIAGE_EVIDENCE};
    out[0] = '\0';
    for (size_t i = 0; i < e->n; i++) {
        char words[QUOTE];
        int leaf = e->leaves[i];
        words[0] = '\0';
        if (leaf >= 0)
            quote_concept(r, leaf, words, sizeof words);
        else if (r->numbers.end[~leaf])
            triage_text_quote(&r->text, r->numbers.start[~leaf], r->numbers.end[~leaf], words, sizeof words);
        if (!words[0] || strstr(out, words)) continue;
        if (out[0]) say(&l, " + ");
        say(&l, words);
    }
}

static void read_language(struct triage_reading *r)
{
    size_t han = 0;
    size_t latin = 0;
    size_t other = 0;
    for (size_t i = r->text.profile_end; i < r->text.n; i++) {
        uint32_t c = r->text.cp[i];
        han += triage_is_han(c);
        latin += c >= 'a' && c <= 'z';
        other += c > 0x17F && !triage_is_han(c) && !(c >= 0x2000 && c < 0x3040) && c < 0x1F000;
    }
    r->out->english = latin > 3 * han;
    if (han + latin + other == 0)
        r->out->notes[r->out->n_notes++] =
            "没有可读的内容：请描述不舒服的地方 / nothing to read: please describe the complaint";
    else if (3 * other > han + latin && r->out->n_notes < TRIAGE_NOTES) /* Cyrillic was partly folded to Latin */
        r->out->notes[r->out->n_notes++] = "规则只读中文和英文；情况紧急请直接拨打 120 / rules read Chinese and "
                                           "English only; in an emergency call 120";
}

static void name_department(struct triage_reading *r, int row, const char *words)
{
    struct triage_result *out = r->out;
    if (row < 0 || out->n_departments == TRIAGE_NAMED) return;
    const struct triage_department *d = &r->t->tables->departments[row];
    for (size_t i = 0; i < out->n_departments; i++)
        if (out->departments[i].department == d) return;
    struct triage_named *x = &out->departments[out->n_departments++];
    x->department = d;
    if (words[0])
        snprintf(x->reason, sizeof x->reason, out->english ? "\"%s\": %s" : "“%s”：%s", words,
                 out->english ? d->en : d->zh);
    else
        snprintf(x->reason, sizeof x->reason, "%s", out->english ? d->en : d->zh);
}

struct score {
    double points;
    double best;
    const struct rule *why; /* the rule that gave most */
};

static void read_scores(const struct triage_reading *r, struct score scores[TRIAGE_DEPARTMENTS_MAX])
{
    size_t n;
    const struct rule *rules = rules_items(r->t->rules, &n);
    for (size_t i = 0; i < n; i++) {
        if (rules[i].kind != RULE_DEPT) continue;
        bool said = rules_holds(r->t->rules, &rules[i], &r->state, NULL);
        if (!said && !rules_holds(r->t->rules, &rules[i], &r->as_written, NULL)) continue;
        double weight = said ? rules[i].weight : rules[i].weight / ONLY_WRITTEN;
        struct score *s = &scores[r->t->rule_rows[i]];
        s->points += weight;
        if (weight <= s->best) continue;
        s->best = weight;
        s->why = &rules[i];
    }
}

static int best_score(struct score scores[TRIAGE_DEPARTMENTS_MAX], size_t n)
{
    int best = -1;
    for (size_t i = 0; i < n; i++)
        if (scores[i].points > 0 && (best < 0 || scores[i].points > scores[best].points)) best = (int)i;
    return best;
}

static int department(const struct triage_reading *r, const char *name)
{
    return triage_department_find(r->t->tables, name, strlen(name));
}

static void read_departments(struct triage_reading *r)
{
    struct score scores[TRIAGE_DEPARTMENTS_MAX] = {{0}};
    read_scores(r, scores);
    if (r->out->level >= TRIAGE_ED)
        name_department(r, department(r, "急诊科"), r->out->n_flags ? r->out->flags[0].evidence : "");
    for (int best;
         r->out->n_departments < TRIAGE_NAMED && (best = best_score(scores, r->t->tables->n_departments)) >= 0;) {
        struct rules_evidence e = {.n = 0};
        char words[TRIAGE_EVIDENCE];
        rules_holds(r->t->rules, scores[best].why, &r->state, &e);
        triage_evidence(r, &e, words);
        name_department(r, best, words);
        scores[best].points = 0;
    }
    bool child = r->numbers.high[TRIAGE_VALUE_age] >= 0 && r->numbers.low[TRIAGE_VALUE_age] < CHILD_YEARS;
    if (child) name_department(r, department(r, "儿科"), "");
    if (r->out->level == TRIAGE_URG) name_department(r, department(r, "急诊科"), "");
    name_department(r, department(r, "全科医学科"), "");
}

static void read_questions(struct triage_reading *r)
{
    size_t n;
    const struct rule *rules = rules_items(r->t->rules, &n);
    char id[64] = "ask_";
    for (size_t i = 0; i < n && r->out->n_asked < TRIAGE_ASKED; i++) {
        if (rules[i].kind != RULE_ASK || !rules_holds(r->t->rules, &rules[i], &r->state, NULL)) continue;
        memcpy(id + 4, rules[i].name, strlen(rules[i].name) + 1);
        const struct triage_card *c = triage_card_find(r->t->tables, id);
        if (c) r->out->asked[r->out->n_asked++] = c->now[r->out->english];
    }
}

static void say_card(struct line *l, const struct triage_card *c, bool english)
{
    static const char *const heads[2][3] = {{"现在：", "电话里说：", "等待时："},
                                            {"Now: ", "Say: ", "While waiting: "}};
    const char *parts[3] = {c->now[english], c->say[english], c->aid[english]};
    for (int i = 0; i < 3; i++) {
        if (!parts[i][0]) continue;
        say(l, heads[english][i]);
        say(l, parts[i]);
        say(l, "\n");
    }
}

/* The level first, then the cards of the two most urgent flags; never two times the same card. */
static void read_advice(struct triage_reading *r)
{
    struct triage_result *out = r->out;
    struct line l = {out->advice, sizeof out->advice};
    char id[32];
    snprintf(id, sizeof id, "level_%s", triage_level_name(out->level));
    const struct triage_card *level = triage_card_find(r->t->tables, id);
    say(&l, level->now[out->english]);
    say(&l, "\n");
    const struct triage_card *before = NULL;
    for (size_t i = 0, said = 0; i < out->n_flags && said < 2; i++) {
        const struct triage_card *c = triage_card_find(r->t->tables, out->flags[i].row->id);
        if (c == before) continue;
        say_card(&l, c, out->english);
        before = c;
        said++;
    }
    while (l.at > out->advice && l.at[-1] == '\n') *--l.at = '\0';
}

void triage_answer(struct triage_reading *r)
{
    read_language(r);
    read_departments(r);
    read_questions(r);
    read_advice(r);
}
