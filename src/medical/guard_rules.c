/* guard_rules.c - see guard_rules.h: what a sentence is about, and what it leaves behind. */
#include "medical/guard_rules.h"

#include <string.h>

enum { CLAUSE_HAS_OTHER = 128 }; /* beside IS_* */

static const uint64_t OTHERS = FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW;

void guard_add(struct guard_findings *out, const struct guard_view *v, enum guard_reason reason, size_t first,
               size_t last)
{
    if (out->count == GUARD_FINDINGS) { /* more than that: the last one grows */
        struct guard_finding *f = &out->list[GUARD_FINDINGS - 1];
        if (last > f->last) f->last = (uint32_t)last, f->last_clause = v->t[last].clause;
        return;
    }
    out->list[out->count++] =
        (struct guard_finding){reason, v->t[first].clause, v->t[last].clause, (uint32_t)first, (uint32_t)last};
}

bool guard_clause_has(const struct guard_view *v, size_t clause, uint64_t classes)
{
    return (v->line->clause_classes[clause] & classes) != 0;
}

bool guard_clause_has_drug(const struct guard_view *v, size_t clause, uint8_t drug)
{
    return (v->line->clause_drugs[clause] & drug) != 0;
}

bool guard_is_other(const struct guard_view *v, size_t i)
{
    return v->t[i].is_other;
}

bool guard_is_drug(const struct guard_view *v, size_t i)
{
    return v->t[i].is_drug;
}

/* What a medicine is washed down with is no food of its own. */
static bool is_vehicle(const struct guard_view *v, size_t i)
{
    static const char *const vehicles[] = {"水",     "温水", "开水", "温开水", "白开水", "热水",  "凉水",
                                           "凉白开", "牛奶", "奶",   "果汁",   "酒",     "water", "milk",
                                           "juice",  "food", "糖水", "蜂蜜",   "米汤",   "粥"};
    size_t n = v->t[i].end - v->t[i].start;
    if (!(v->t[i].classes & FOOD) || !guard_clause_has(v, v->t[i].clause, MED_TAKE)) return false;
    for (size_t k = 0; k < sizeof vehicles / sizeof *vehicles; k++)
        if (strlen(vehicles[k]) == n && memcmp(v->line->text.text + v->t[i].start, vehicles[k], n) == 0) return true;
    return false;
}

static bool find_other(const struct guard_view *v, size_t i)
{
    if (is_vehicle(v, i)) return false;
    return (v->t[i].classes & OTHERS) && !(v->t[i].drug & (IS_DRUG | IS_KIND)) &&
           !(v->t[i].classes & (MED | TIMING | MASS | GRAM | VOL | PILL));
}

static bool names_a_medicine(const struct guard_view *v, const struct guard_token *t)
{
    static const char *const parts[] = {"药", "medic", "drug", "pill", "tablet"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (memmem(v->line->text.text + t->start, t->end - t->start, parts[i], strlen(parts[i]))) return true;
    return false;
}

/* What is also a food is a drug unless the clause speaks of food; how a medicine is given ("apply") or made ("cream")
 * is one unless the clause says of what. */
static bool find_drug(const struct guard_view *v, size_t i)
{
    const struct guard_token *t = &v->t[i];
    if (t->drug & IS_FOOD_TOO) return !guard_clause_has(v, t->clause, FOOD);
    if (t->drug & (IS_DRUG | IS_KIND) || t->classes & MED) return true;
    if (t->classes & PRON && names_a_medicine(v, t)) return true;
    if (t->classes & PRON)
        return v->context->since_drug > 0 && v->context->since_drug <= 2 && v->context->topic_is_drug;
    if (!(t->classes & (MED_TAKE | FORM | DOSAGE))) return false;
    if (t->classes & NONE) return false;
    return !(v->line->clause_drugs[t->clause] & CLAUSE_HAS_OTHER);
}

bool guard_has_before(const struct guard_view *v, size_t i, uint64_t classes)
{
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;)
        if (v->t[k].classes & classes) return true;
    return false;
}

bool guard_has_after(const struct guard_view *v, size_t i, uint64_t classes)
{
    for (size_t k = i + 1; k < v->n && v->t[k].clause == v->t[i].clause; k++)
        if (v->t[k].classes & classes) return true;
    return false;
}

bool guard_said_before(const struct guard_view *v, size_t i, uint64_t classes)
{
    for (size_t k = i; k-- > 0;)
        if (v->t[k].classes & classes) return true;
    return false;
}

bool guard_topic_is_drug(const struct guard_view *v, size_t clause)
{
    while (clause-- > 0) {
        bool other = false;
        for (size_t i = 0; i < v->n; i++) {
            if (v->t[i].clause != clause) continue;
            if (guard_is_drug(v, i) || v->t[i].classes & PRESCRIBED) return true;
            other |= guard_is_other(v, i);
        }
        if (other) return false;
    }
    return v->context->topic_is_drug;
}

static void look(struct guard_view *v, struct guard_line *line)
{
    for (size_t i = 0; i < v->n; i++) {
        struct guard_token *t = &line->tokens[i];
        t->is_other = find_other(v, i);
        if (t->is_other) line->clause_drugs[t->clause] |= CLAUSE_HAS_OTHER;
    }
    for (size_t i = 0; i < v->n; i++) {
        line->tokens[i].is_drug = find_drug(v, i);
        v->all |= v->t[i].classes;
        v->all_drug |= v->t[i].drug;
        v->drugs += (v->t[i].drug & IS_DRUG) != 0;
    }
}

static bool starts_item(const struct guard_line *line)
{
    const char *s = line->text.text;
    while (*s == ' ') s++;
    return *s == '-' || *s == '|' || *s == '+' || (*s >= '0' && *s <= '9') || (uint8_t)*s == 0xC2 || *s == '(';
}

/* 以下做法不要尝试: a heading that forbids, not one that excuses itself before it advises. */
static bool forbids_list(const struct guard_view *v)
{
    static const char *const words[] = {"不要", "别",     "勿",    "切忌",  "禁止",
                                        "避免", "do not", "don't", "never", "avoid"};
    if (v->all & TURN) return false;
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; v->t[i].classes & NEG && k < sizeof words / sizeof *words; k++)
            if (memmem(v->line->text.text + v->t[i].start, v->t[i].end - v->t[i].start, words[k], strlen(words[k])))
                return true;
    return false;
}

static void remember_topic(struct guard_context *c, const struct guard_view *v)
{
    bool drug = false;
    bool other = false;
    for (size_t i = 0; i < v->n; i++) {
        bool is = guard_is_drug(v, i);
        if (is && v->t[i].drug & (IS_DRUG | IS_KIND)) c->topic_is_herb = (v->t[i].drug & IS_HERB) != 0;
        drug |= is;
        other |= guard_is_other(v, i);
    }
    if (drug)
        c->since_drug = 1;
    else if (c->since_drug)
        c->since_drug++;
    if (drug || other) {
        c->topic_is_drug = drug;
        c->topic_is_other = !drug;
    }
    if (v->all & EMERGENCY)
        c->since_emergency = 1;
    else if (c->since_emergency)
        c->since_emergency++;
}

static void remember(struct guard_context *c, const struct guard_view *v)
{
    const struct guard_line *line = v->line;
    if (line->is_blank && !line->is_row) {
        c->table_drug = c->table_other = c->table_dosage = false;
        return;
    }
    if (line->is_row) {
        bool other = (v->all & OTHERS) != 0;
        bool drug = (v->all_drug & (IS_DRUG | IS_KIND)) || (v->all & (MED | DOSAGE | FREQ));
        if (drug) c->table_drug = true;
        if (other && !drug) c->table_other = true;
        if (v->all & (DOSAGE | FREQ | PER | EACH | MED_TAKE | ROUTE)) c->table_dosage = true;
    } else {
        c->table_drug = c->table_other = c->table_dosage = false;
    }
    bool attributed = (v->all & PRESCRIBED) && (v->all & (SAID | YOU)) && !(v->all & USUAL);
    if (line->is_heading)
        c->prescribed = attributed;
    else if (!starts_item(line))
        c->prescribed = attributed && v->q_count == 0 && line->is_heading;
    if (line->is_heading)
        c->refused = forbids_list(v);
    else if (!starts_item(line))
        c->refused = false;
    remember_topic(c, v);
    c->dosage = (v->all & DOSAGE) != 0;
}

void guard_judge(struct guard_context *c, struct guard_line *line, struct guard_findings *out)
{
    struct guard_view v = {.line = line, .t = line->tokens, .n = line->count, .context = c};
    out->count = 0;
    look(&v, line);
    v.q_count = guard_quantities(line, v.q, GUARD_QUANTITIES);
    guard_find_doses(&v, out);
    guard_find_advice(&v, out);
    bool pending = guard_has_orphan(&v);
    remember(c, &v);
    if (out->count && out->list[0].reason <= GUARD_HERB) { /* a dose was given: that is what the text is about */
        c->topic_is_drug = true;
        c->since_drug = 1;
    }
    if (pending && out->count == 0)
        c->pending = 2;
    else if (c->pending)
        c->pending--;
}
