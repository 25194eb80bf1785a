/* guard_dose.c - which quantities of a sentence are a medicine's. Everything that could be one is suspect: first whose
 * it is (the nearest drug, food, exercise, test of its clause, then of the clauses and sentences before), then what
 * allows it (a fact about a drug, time between two of them, the doctor's own prescription, what was swallowed). */
#include <string.h>

#include "medical/guard_rules.h"

enum { FAR = 1000, BESIDE = 1, CLOSE = 3 };

struct owner {
    int drug;  /* tokens to the nearest drug of the clause, FAR if there is none */
    int other; /* to the nearest thing that could have the quantity instead */
    size_t drug_at;
};

static uint64_t others_of(enum guard_quantity_kind kind)
{
    switch (kind) {
    case Q_STRONG:
    case Q_BARE: return FOOD | LAB;
    case Q_PILL: return FOOD | CARE;
    case Q_GRAM: return FOOD | CARE | LAB | VITAL;
    default: return FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW;
    }
}

static int distance(const struct guard_quantity *q, size_t i)
{
    if (i > q->last) return (int)(i - q->last);
    return i < q->first ? (int)(q->first - i) : 0;
}

static struct owner owner_of(const struct guard_view *v, const struct guard_quantity *q)
{
    struct owner o = {FAR, FAR, 0};
    uint64_t others = others_of(q->kind);
    size_t clause = v->t[q->first].clause;
    for (size_t i = 0; i < v->n; i++) {
        if (v->t[i].clause != clause || (i >= q->first && i <= q->last)) continue;
        int d = distance(q, i);
        if (guard_is_drug(v, i)) {
            if (d < o.drug) {
                o.drug = d;
                o.drug_at = i;
            }
        } else if (v->t[i].classes & others && guard_is_other(v, i) && d < o.other) {
            o.other = d;
        }
    }
    return o;
}

/* Something to eat or a test so near that a tablet or a milligram is its own. */
static bool other_is_beside(const struct guard_view *v, const struct guard_quantity *q, uint64_t classes, int reach)
{
    size_t clause = v->t[q->first].clause;
    for (size_t i = 0; i < v->n; i++)
        if (v->t[i].clause == clause && guard_is_other(v, i) && v->t[i].classes & classes && distance(q, i) <= reach)
            return true;
    return false;
}

static bool is_time(enum guard_quantity_kind kind)
{
    return kind == Q_TIME || kind == Q_DURATION || kind == Q_TIMES;
}

/* Nothing in the clause but quantities and small words. */
static bool is_all_quantity(const struct guard_view *v, size_t clause)
{
    size_t words = 0;
    size_t inside = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (v->t[i].clause != clause) continue;
        if (v->t[i].breaks) return false;
        words++;
        for (size_t k = 0; k < v->q_count; k++)
            if (i >= v->q[k].first && i <= v->q[k].last) {
                inside++;
                break;
            }
    }
    return words - inside <= 1;
}

/* The clause has no owner: what was talked about before decides, and how sure the quantity itself is. */
static bool orphan_is_dose(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    bool drug = guard_topic_is_drug(v, clause);
    bool recent = drug || (v->context->since_drug > 0 && v->context->since_drug <= GUARD_MEMORY) ||
                  v->all_drug & (IS_DRUG | IS_KIND);
    bool taken = guard_clause_has(v, clause, TAKE | MED_TAKE | START | UP | DOWN | PRON);
    bool each = guard_clause_has(v, clause, EACH | PER | FREQ);
    bool alone = is_all_quantity(v, clause);
    switch (q->kind) {
    case Q_STRONG: return true;
    case Q_PILL: return (taken || each || alone) ? (recent || each) : drug;
    case Q_GRAM: return drug && (taken || each || alone);
    case Q_FREQ: return drug && (taken || alone || each);
    case Q_DURATION: return drug && (taken || alone);
    case Q_TIME: return drug && taken && guard_clause_has(v, clause, PER | EACH | MED_TAKE | UP);
    case Q_TIMES: return drug && taken;
    case Q_TIMING: return drug && taken;
    case Q_ROUTE:
        return drug && v->context->since_drug + (v->drugs > 0) > 0 && (v->drugs || v->context->since_drug <= 1);
    case Q_BARE: return drug && alone;
    default: return false;
    }
}

static bool is_suspect(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    struct owner o = owner_of(v, q);
    if (q->kind == Q_LAB) return false;
    if (o.drug == FAR && o.other == FAR) {
        /* The clauses before may be about something else: 多喝水,每天2000毫升. */
        if (clause > 0 && !guard_topic_is_drug(v, clause) && q->kind != Q_STRONG &&
            !(v->all_drug & (IS_DRUG | IS_KIND)))
            return v->context->topic_is_drug && orphan_is_dose(v, q) &&
                   !(v->all & (FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW));
        return orphan_is_dose(v, q);
    }
    bool recent = v->context->since_drug > 0 && v->context->since_drug <= GUARD_MEMORY;
    if (o.drug == FAR) {
        bool drug_about = recent || v->all_drug & (IS_DRUG | IS_KIND);
        if (q->kind == Q_STRONG) return !other_is_beside(v, q, FOOD | LAB, drug_about ? CLOSE : FAR);
        if (q->kind == Q_PILL || q->kind == Q_GRAM || q->kind == Q_BARE)
            return drug_about && guard_topic_is_drug(v, clause) && !other_is_beside(v, q, others_of(q->kind), BESIDE) &&
                   (guard_clause_has(v, clause, TAKE | MED_TAKE | EACH));
        return false;
    }
    if (o.other == FAR) return true;
    switch (q->kind) {
    case Q_STRONG:
    case Q_BARE: return !(o.other <= 2 && o.other < o.drug) && !guard_clause_has(v, clause, LAB);
    case Q_PILL:
    case Q_GRAM: return o.other > BESIDE || o.drug <= o.other;
    default: return o.drug <= o.other;
    }
}

/* 就医, 没有好转, "if no better": the time is until then, not of the medicine. */
static bool is_follow_up(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    if (!is_time(q->kind) || guard_clause_has(v, clause, EACH | PER | FREQ)) return false;
    bool about = guard_clause_has(v, clause, FOLLOW | LATER | FACT);
    bool seen = (v->all & (FOLLOW | EMERGENCY | ASK)) != 0;
    bool directed = guard_has_before(v, q->first, SHOULD) && guard_has_before(v, q->first, TAKE | MED_TAKE | START);
    return about && seen && !directed;
}

static bool is_fact(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    bool taken = guard_clause_has(v, clause, EACH | FREQ | MED_TAKE) && !guard_clause_has(v, clause, FACT);
    return (is_time(q->kind) || q->kind == Q_FREQ) && guard_clause_has(v, clause, FACT) && !taken;
}

static bool is_between_two(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind != Q_TIME && q->kind != Q_DURATION && q->kind != Q_FREQ && q->kind != Q_TIMING) return false;
    size_t clause = v->t[q->first].clause;
    if (guard_clause_has(v, clause, APART) && (v->drugs >= 2 || v->all & INTERACT)) return true;
    return is_time(q->kind) && guard_clause_has(v, clause, INTERACT) && v->all & NEG &&
           !guard_clause_has(v, clause, EACH | PER | FREQ);
}

/* 您说医生给您开的是…: quoted, attributed, unchanged. */
static bool is_prescribed(const struct guard_view *v, const struct guard_quantity *q)
{
    if (v->context->prescribed && !(v->all & (CHANGE | UP | DOWN | CONFIRM | SHOULD))) return true;
    bool quoted = guard_said_before(v, q->first, PRESCRIBED) && v->all & (YOU | SAID);
    if (!quoted || v->all & (CHANGE | UP | DOWN | EQUAL)) return false;
    for (size_t i = 0; i < q->first; i++)
        if (v->t[i].classes & USUAL && !(v->t[i].classes & SHOULD)) return false;
    for (size_t i = q->first; i-- > 0 && !(v->t[i].classes & PRESCRIBED);)
        if (v->t[i].classes & TURN || (v->t[i].classes & CONFIRM)) return false;
    return true;
}

/* 误服了20片…请拨打120: what was swallowed is repeated for those who help. */
static bool is_swallowed(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind == Q_FREQ || q->kind == Q_TIMING) return false;
    bool emergency = v->all & EMERGENCY || (v->context->since_emergency > 0 && v->context->since_emergency <= 2);
    for (size_t i = q->first + 1; i-- > 0;) {
        uint64_t c = v->t[i].classes;
        if (i < q->first && c & TURN && !(c & SAID)) return false;
        if (!(c & SWALLOW)) continue;
        size_t n = v->t[i].end - v->t[i].start;
        const char *s = v->line->text.text + v->t[i].start;
        bool sure = (n >= 6 &&
                     (memcmp(s, "误", 3) == 0 || memcmp(s, "吞", 3) == 0 || memcmp(s, "一口气", n > 9 ? 9 : n) == 0)) ||
                    memcmp(s, "swallow", n > 7 ? 7 : n) == 0 || memcmp(s, "ingest", n > 6 ? 6 : n) == 0 ||
                    memcmp(s, "overdose", n > 8 ? 8 : n) == 0;
        return emergency || (sure && !(v->all & SHOULD && v->all & (UP | DOWN | CHANGE)));
    }
    return false;
}

/* How it is taken, without a number: only a named drug that is to be taken so. */
static bool is_weak_way(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind != Q_TIMING && q->kind != Q_ROUTE) return false;
    size_t clause = v->t[q->first].clause;
    bool named =
        guard_clause_has_drug(v, clause, IS_DRUG) || (v->drugs == 0 && v->context->since_drug == 1) || v->drugs > 0;
    bool taken = guard_clause_has(v, clause, TAKE | MED_TAKE | START | FREQ | ROUTE) || is_all_quantity(v, clause);
    if (!named || !taken) return true;
    if (v->all & (NEG | WHETHER | MAY | PRESCRIBED | REFUSE)) return true;
    return guard_clause_has(v, clause, ASK);
}

/* 不要一次吃双倍补回来: a forbidden doubling names no dose. */
static bool is_forbidden_double(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->first != q->last || !(v->t[q->first].classes & FRACTION)) return false;
    return guard_has_before(v, q->first, NEG) && !guard_has_after(v, q->first, TURN);
}

static enum guard_reason reason_of(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    if (guard_clause_has(v, clause, EQUAL) && (v->drugs > 1 || v->q_count > 1)) return GUARD_EQUIVALENCE;
    if (guard_clause_has(v, clause, STOP | CHANGE | UP | DOWN) &&
        guard_has_before(v, q->first, STOP | CHANGE | UP | DOWN))
        return GUARD_CHANGE;
    bool herb = v->drugs ? v->all_drug & IS_HERB : v->context->topic_is_herb;
    return herb ? GUARD_HERB : GUARD_DOSE;
}

/* In a table: the row names a drug, or the rows above do. */
static bool row_is_suspect(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind == Q_LAB) return false;
    bool drug = (v->all_drug & (IS_DRUG | IS_KIND)) || v->all & (MED | DOSAGE);
    bool other = v->all & (FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW);
    if (q->kind == Q_BARE && q->first == 0) return false;
    if (drug) return !other || q->kind == Q_STRONG || is_suspect(v, q);
    if (q->kind == Q_STRONG) return !other;
    return v->context->table_drug && !other && !(v->context->table_other && q->kind == Q_BARE);
}

static bool is_dose(const struct guard_view *v, const struct guard_quantity *q)
{
    if (!(v->line->is_row ? row_is_suspect(v, q) : is_suspect(v, q))) return false;
    return !is_weak_way(v, q) && !is_fact(v, q) && !is_between_two(v, q) && !is_follow_up(v, q) &&
           !is_prescribed(v, q) && !is_swallowed(v, q) && !is_forbidden_double(v, q);
}

/* An amount to be taken came first, what to take comes now: 每天三次连吃五天。就是阿奇霉素。 */
static void complete_pending(struct guard_view *v, struct guard_findings *out)
{
    if (!v->context->pending || out->count || v->n > 8) return;
    if (v->all & (NEG | MAY | ASK | WHETHER)) return;
    for (size_t i = 0; i < v->n; i++)
        if (v->t[i].drug & (IS_DRUG | IS_KIND)) {
            guard_add(out, v, v->t[i].drug & IS_HERB ? GUARD_HERB : GUARD_DOSE, i, i);
            return;
        }
}

void guard_find_doses(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->q_count; i++)
        if (is_dose(v, &v->q[i])) guard_add(out, v, reason_of(v, &v->q[i]), v->q[i].first, v->q[i].last);
    complete_pending(v, out);
}
