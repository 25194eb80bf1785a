/* guard_dose.c - which quantities of a sentence are a medicine's. Everything that could be one is suspect: first whose
 * it is (the nearest drug, food, exercise, test of its clause, then of the clauses and sentences before), then what
 * allows it (a fact about a drug, time between two of them, the doctor's own prescription, what was swallowed). */
#include <string.h>

#include "medical/guard_rules.h"

enum { FAR = 1 << 20, BESIDE = 6, CLOSE = 24 }; /* bytes between */

struct owner {
    int drug;  /* bytes to the nearest drug of the clause, FAR if there is none */
    int other; /* to the nearest thing that could have the quantity instead */
    size_t drug_at;
};

static uint64_t others_of(enum guard_quantity_kind kind)
{
    switch (kind) {
    case Q_BARE: return LAB;
    case Q_STRONG: return FOOD | LAB;
    case Q_PILL: return FOOD | CARE;
    case Q_GRAM: return FOOD | CARE | LAB | VITAL;
    default: return FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW;
    }
}

static int distance(const struct guard_view *v, const struct guard_quantity *q, size_t i)
{
    if (i > q->last) return (int)(v->t[i].start - v->t[q->last].end);
    return i < q->first ? (int)(v->t[q->first].start - v->t[i].end) : 0;
}

static struct owner owner_of(const struct guard_view *v, const struct guard_quantity *q)
{
    struct owner o = {FAR, FAR, 0};
    uint64_t others = others_of(q->kind);
    size_t clause = v->t[q->first].clause;
    for (size_t i = 0; i < v->n; i++) {
        if (v->t[i].clause != clause || (i >= q->first && i <= q->last)) continue;
        int d = distance(v, q, i);
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
        if (v->t[i].clause == clause && guard_is_other(v, i) && v->t[i].classes & classes && distance(v, q, i) <= reach)
            return true;
    return false;
}

static bool is_time(enum guard_quantity_kind kind)
{
    return kind == Q_TIME || kind == Q_DURATION || kind == Q_TIMES;
}

/* Nothing in the clause but quantities and at most `words` others. */
static bool is_named(const struct guard_view *v, size_t clause, size_t i)
{
    return v->t[i].clause == clause && !(v->t[i].classes & EQUAL && v->t[i].end - v->t[i].start == 1);
}

static bool is_all_quantity(const struct guard_view *v, size_t clause, size_t others)
{
    size_t words = 0; /* of the clause */
    size_t inside = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (!is_named(v, clause, i)) continue;
        if (v->t[i].breaks) return false;
        words++;
        for (size_t k = 0; k < v->q_count; k++)
            if (i >= v->q[k].first && i <= v->q[k].last) {
                inside++;
                break;
            }
    }
    return words - inside <= others;
}

/* The clause has no owner: what was talked about before decides, and how sure the quantity itself is. */
static bool orphan_is_dose(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    bool later = v->drugs > 0 && !(v->all & (FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW)); /* named behind it */
    bool drug = guard_topic_is_drug(v, clause) || later;
    bool recent = drug || (v->context->since_drug > 0 && v->context->since_drug <= GUARD_MEMORY) ||
                  v->all_drug & (IS_DRUG | IS_KIND);
    bool taken = guard_clause_has(v, clause, TAKE | MED_TAKE | START | UP | DOWN | PRON);
    bool changed = guard_clause_has(v, clause, UP | DOWN) && !(v->all & (FOOD | EXERCISE));
    bool often = false;
    for (size_t i = 0; i < v->q_count; i++) often |= v->q[i].kind == Q_FREQ && v->t[v->q[i].first].clause == clause;
    bool each = guard_clause_has(v, clause, EACH | PER | FREQ | TIMING);
    bool alone = is_all_quantity(v, clause, q->kind == Q_BARE ? 2 : 1);
    size_t schedule = 0; /* 早14晚10 */
    for (size_t i = 0; i < v->q_count; i++) {
        size_t k = v->q[i].first;
        schedule += v->q[i].kind == Q_BARE && v->t[k].clause == clause && k > 0 && v->t[k - 1].classes & EACH;
    }
    switch (q->kind) {
    case Q_STRONG: return true;
    case Q_PILL: return (taken || each || alone) ? (recent || each || changed) : drug;
    case Q_GRAM: return (drug && (taken || each || alone)) || often;
    case Q_FREQ: return (drug && (taken || alone || each)) || (recent && alone);
    case Q_DURATION: return drug && (taken || alone);
    case Q_TIME: return drug && taken && guard_clause_has(v, clause, PER | EACH | MED_TAKE | UP);
    case Q_TIMES: return drug && taken;
    case Q_TIMING: return drug && taken;
    case Q_ROUTE:
        return drug && v->context->since_drug + (v->drugs > 0) > 0 && (v->drugs || v->context->since_drug <= 1);
    case Q_BARE:
        if (schedule > 1 && alone) return true;
        return ((drug || recent) && alone) || (recent && changed);
    default: return false;
    }
}

/* 一半的患者: of what is taken only if something is taken, halved or cut. */
static bool is_share(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    if (q->kind != Q_PILL || q->first != q->last || !(v->t[q->first].classes & FRACTION)) return false;
    bool beside = q->first > 0 && v->t[q->first].joined && v->t[q->first - 1].drug & IS_DRUG &&
                  v->t[q->first - 1].clause == clause;
    if (beside || guard_clause_has(v, clause, EACH)) return false;
    return !guard_clause_has(v, clause, TAKE | MED_TAKE | UP | DOWN | START) ||
           guard_clause_has(v, clause, STAT | AGE) || memmem(v->line->text.text, v->line->text.len, "患者", 6) ||
           memmem(v->line->text.text, v->line->text.len, "病人", 6);
}

/* 叶酸8.2,偏低: a name that is also a test's. */
static bool is_result(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind != Q_BARE || !(v->all & LAB)) return false;
    static const char *const words[] = {"参考", "正常", "报告", "结果",  "化验",  "水平",
                                        "浓度", "释放", "偏",   "range", "level", "result"};
    bool result = false;
    for (size_t i = 0; i < v->q_count; i++) result |= v->q[i].kind == Q_LAB;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        result |= memmem(v->line->text.text, v->line->text.len, words[i], strlen(words[i])) != NULL;
    return result && !(v->all & (TAKE | MED_TAKE | EACH | PER | FREQ | START | UP | DOWN | DOSAGE));
}

/* units of alcohol */
static bool is_alcohol(const struct guard_view *v)
{
    static const char *const words[] = {"酒", "alcohol", "drink", "wine", "beer"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (memmem(v->line->text.text, v->line->text.len, words[i], strlen(words[i]))) return true;
    return false;
}

static bool is_units(const struct guard_view *v, const struct guard_quantity *q)
{
    const struct guard_token *t = &v->t[q->last];
    const char *s = v->line->text.text + t->start;
    size_t n = t->end - t->start;
    return memmem(s, n, "unit", 4) || memmem(s, n, "单位", 6) || (n == 1 && *s == 'u');
}

static bool is_suspect(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    struct owner o = owner_of(v, q);
    if (q->kind == Q_LAB || is_share(v, q) || is_result(v, q)) return false;
    bool named =
        v->drugs > 0 || (v->context->topic_is_drug && v->context->since_drug > 0 && v->context->since_drug <= 4);
    if (v->line->is_code && q->kind == Q_BARE) return named && !(v->all & LAB);
    if (o.drug == FAR && o.other == FAR) {
        /* The clauses before may be about something else: 多喝水,每天2000毫升. */
        bool others = v->all & (FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW);
        if (clause > 0 && others && !guard_topic_is_drug(v, clause) && q->kind != Q_STRONG &&
            !(v->all_drug & (IS_DRUG | IS_KIND)))
            return false;
        return orphan_is_dose(v, q);
    }
    bool recent = v->context->since_drug > 0 && v->context->since_drug <= GUARD_MEMORY;
    if (o.drug == FAR) {
        bool drug_about = recent || v->all_drug & (IS_DRUG | IS_KIND);
        bool moved =
            guard_clause_has(v, clause, UP | DOWN | MED_TAKE) || (guard_clause_has(v, clause, TAKE) && drug_about);
        if (q->kind == Q_STRONG && is_units(v, q)) return !is_alcohol(v);
        if (q->kind == Q_STRONG)
            return !other_is_beside(v, q, FOOD, moved ? BESIDE : CLOSE) &&
                   (moved || !other_is_beside(v, q, LAB, drug_about ? CLOSE : FAR));
        if (q->kind == Q_PILL || q->kind == Q_GRAM || q->kind == Q_BARE)
            return drug_about && guard_topic_is_drug(v, clause) && !other_is_beside(v, q, others_of(q->kind), BESIDE) &&
                   (guard_clause_has(v, clause, TAKE | MED_TAKE | EACH));
        return false;
    }
    if (o.other == FAR) return true;
    switch (q->kind) {
    case Q_STRONG:
    case Q_BARE: return !(o.other <= CLOSE && o.other < o.drug) || guard_clause_has(v, clause, UP | DOWN);
    case Q_PILL:
    case Q_GRAM: return o.other > BESIDE || o.drug <= o.other;
    default: return o.drug <= o.other;
    }
}

static bool is_orphan(const struct guard_view *v, const struct guard_quantity *q)
{
    struct owner o = owner_of(v, q);
    return o.drug == FAR && o.other == FAR;
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
    return is_time(q->kind) && guard_clause_has(v, clause, FACT) && !taken;
}

static bool is_between_two(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind != Q_TIME && q->kind != Q_DURATION && q->kind != Q_FREQ && q->kind != Q_TIMING) return false;
    size_t clause = v->t[q->first].clause;
    if (guard_clause_has(v, clause, APART) && !(v->all & (START | EACH)) && (v->drugs >= 2 || v->all & INTERACT))
        return true;
    return is_time(q->kind) && guard_clause_has(v, clause, INTERACT) && v->all & NEG &&
           !guard_clause_has(v, clause, EACH | PER | FREQ);
}

/* 医生上周给您开了, "the doctor has put you on": who orders, whom, what. */
static bool doctor_orders(const struct guard_view *v, size_t i)
{
    static const char *const orders[] = {"开",   "让",         "嘱",      "要求",       "定",     "配",      "叫",
                                         "交代", "prescribed", "told",    "gave",       "put",    "ordered", "wrote",
                                         "set",  "asked",      "started", "instructed", "advised"};
    if (!(v->t[i].classes & (DOCTOR | ASK))) return false;
    const char *s = v->line->text.text + v->t[i].end;
    size_t n = v->line->text.len - v->t[i].end;
    size_t reach = n < 30 ? n : 30;
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        const char *found = memmem(s, reach, orders[k], strlen(orders[k]));
        if (found && !memchr(s, ',', (size_t)(found - s))) return true;
    }
    return false;
}

/* 一般, "usually": not this patient's doctor. */
static bool is_general(const struct guard_view *v, size_t i)
{
    static const char *const words[] = {"一般",     "通常",  "可能会",       "往往",       "大多",
                                        "多数",     "常规",  "usually",      "typically",  "generally",
                                        "normally", "would", "most doctors", "most people"};
    size_t n = v->t[i].end - v->t[i].start;
    if (!(v->t[i].classes & USUAL)) return false;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strlen(words[k]) == n && memcmp(v->line->text.text + v->t[i].start, words[k], n) == 0) return true;
    return false;
}

/* Does the sentence change or judge what it quotes? */
static bool alters(const struct guard_view *v)
{
    for (size_t i = 0; i < v->n; i++) {
        uint64_t c = v->t[i].classes;
        if (c & NONE) continue;
        bool left = guard_clause_has(v, v->t[i].clause, NEG | REFUSE | ASK | WHETHER | SELF | BEFORE | DOCTOR);
        if (c & (CHANGE | UP | DOWN) && !left && !guard_ordered_by_doctor(v, i) && !(v->all & NEG && v->all & SELF))
            return true;
        if (c & TURN && i > 0 && c & SHOULD && !left) return true;
    }
    return false;
}

static bool addresses(const struct guard_view *v, size_t i)
{
    const char *s = v->line->text.text + v->t[i].start;
    size_t n = v->t[i].end - v->t[i].start;
    return memmem(s, n, "您", 3) || memmem(s, n, "你", 3) || memmem(s, n, "your", 4);
}

/* 处方, 医嘱, "prescription" */
static bool is_order(const struct guard_view *v, size_t i)
{
    const char *s = v->line->text.text + v->t[i].start;
    size_t n = v->t[i].end - v->t[i].start;
    bool order = memmem(s, n, "处方", 6) || memmem(s, n, "医嘱", 6) || memmem(s, n, "的话", 6) ||
                 memmem(s, n, "prescription", 12);
    return order && !(memmem(s, n, "遵", 3) || memmem(s, n, "按", 3) || memmem(s, n, "依", 3));
}

/* Who ordered it: named before the quantity, or behind it where the user is quoted. n if nobody. */
static size_t attribution(const struct guard_view *v, size_t first)
{
    for (size_t i = first; i-- > 0;)
        if (v->t[i].classes & PRESCRIBED || doctor_orders(v, i)) return i;
    bool said = guard_said_before(v, first, SAID);
    for (size_t i = 0; i < v->n; i++) {
        bool names = v->t[i].classes & PRESCRIBED || doctor_orders(v, i) || is_order(v, i);
        if (said && names) return i < first ? i : first;
        if (i >= first && v->t[i].classes & PRESCRIBED && addresses(v, i)) return first;
    }
    return v->n;
}

/* 您说医生给您开的是…: quoted, attributed, unchanged. */
static bool is_prescribed(const struct guard_view *v, const struct guard_quantity *q)
{
    if (v->context->prescribed && !alters(v)) return true;
    if (v->all & EQUAL || alters(v)) return false;
    size_t at = attribution(v, q->first);
    if (at == v->n) return false;
    if (!(v->all & (YOU | SAID)) && !(v->all & (ASK | SELF)) && !addresses(v, at)) return false;
    for (size_t i = 0; i < q->first; i++)
        if (is_general(v, i)) return false;
    for (size_t i = at + 1; i < q->first; i++)
        if (v->t[i].classes & TURN) return false;
    size_t clause = v->t[q->first].clause;
    bool own = clause > v->t[at].clause && !guard_clause_has(v, clause, ASK | SELF); /* 医生让您吃7天,您吃3天就行 */
    return !own || !guard_clause_has(v, clause, CONFIRM | CHOOSE | TURN | SHOULD);
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
    bool taken = guard_clause_has(v, clause, TAKE | MED_TAKE | START | FREQ | ROUTE) || is_all_quantity(v, clause, 1);
    if (!named || !taken) return true;
    if (v->all & PRESCRIBED || guard_clause_has(v, clause, ASK | REFUSE)) return true;
    if (guard_has_before(v, q->first, WHETHER) || guard_has_after(v, q->last, MAY | NEG)) return true;
    for (size_t i = q->first; i-- > 0 && v->t[i].clause == clause && !(v->t[i].classes & TURN);)
        if (v->t[i].classes & NEG) return true;
    for (size_t i = 0; i < v->q_count; i++)
        if (v->q[i].kind == Q_LAB && v->t[v->q[i].first].clause == clause) return true;
    return false;
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
    if (q->kind == Q_BARE && (q->first == 0 || (v->context->table_other && !v->context->table_dosage))) return false;
    if (drug) return !other || q->kind == Q_STRONG || is_suspect(v, q);
    if (q->kind == Q_STRONG) return !other;
    return v->context->table_drug && !other && !(v->context->table_other && q->kind == Q_BARE);
}

/* 服用者中约3%, "over five years the risk fell": figures about many people. */
static bool is_statistic(const struct guard_view *v, const struct guard_quantity *q)
{
    bool share = q->first == q->last && v->t[q->first].classes & FRACTION;
    if (!is_time(q->kind) && q->kind != Q_BARE && !share) return false;
    return guard_clause_has(v, v->t[q->first].clause, STAT | AGE) && !(v->all & (SHOULD | EACH));
}

/* 您吃了五年的降压药, "taking metformin for two years": what was, not what is to be done. */
static bool is_history(const struct guard_view *v, const struct guard_quantity *q)
{
    if (q->kind != Q_DURATION && q->kind != Q_TIMES) return false;
    size_t clause = v->t[q->first].clause;
    if (guard_clause_has(v, clause, SHOULD | TURN | EACH | PER | FREQ)) return false;
    bool past = guard_has_before(v, q->first, SAID);
    for (size_t i = 0; i < v->n; i++) {
        bool was = v->t[i].drug & IS_PAST || v->t[i].classes & SWALLOW;
        if (!was || v->t[i].clause != clause) continue;
        past |= i + 1 == q->first || i == q->last + 1 || i < q->first;
    }
    return past && v->all & (YOU | SAID);
}

/* 不要自行把一片改成两片 */
static bool is_forbidden_change(const struct guard_view *v, const struct guard_quantity *q)
{
    size_t clause = v->t[q->first].clause;
    if (!guard_clause_has(v, clause, CHANGE | UP | DOWN | STOP)) return false;
    for (size_t k = q->first; k-- > 1 && v->t[k - 1].clause == clause && !(v->t[k].classes & TURN);)
        if (v->t[k].classes & SELF && v->t[k - 1].classes & NEG) return true;
    return false;
}

/* 血糖10以上加2: a scale for insulin, whatever it is called. */
static bool is_sliding(const struct guard_view *v, const struct guard_quantity *q)
{
    static const char *const verbs[] = {"加", "补", "减", "打", "追加", "多打", "少打"};
    if (q->kind != Q_BARE && q->kind != Q_PILL) return false;
    const struct normal_text *text = &v->line->text;
    bool scale = memmem(text->text, text->len, "血糖", 6) || memmem(text->text, text->len, "碳水", 6) ||
                 memmem(text->text, text->len, "carb", 4);
    if (q->first == 0 || !scale) return false;
    const struct guard_token *p = &v->t[q->first - 1];
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (p->end - p->start == strlen(verbs[i]) &&
            memcmp(v->line->text.text + p->start, verbs[i], p->end - p->start) == 0)
            return v->t[q->first].joined && p->clause == v->t[q->first].clause;
    return false;
}

static bool is_dose(const struct guard_view *v, const struct guard_quantity *q)
{
    if (is_forbidden_change(v, q)) return false;
    if (is_sliding(v, q)) return true;
    if (!(v->line->is_row ? row_is_suspect(v, q) : is_suspect(v, q))) return false;
    return !is_history(v, q) && !is_statistic(v, q) && !is_weak_way(v, q) && !is_fact(v, q) && !is_between_two(v, q) &&
           !is_follow_up(v, q) && !is_prescribed(v, q) && !is_swallowed(v, q) && !is_forbidden_double(v, q);
}

/* An amount to be taken came first, what to take comes now: 每天三次连吃五天。就是阿奇霉素。 */
static void complete_pending(struct guard_view *v, struct guard_findings *out)
{
    if (!v->context->pending || out->count || v->n > 12) return;
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
    size_t sure = out->count;
    for (size_t i = 0; sure && i < v->q_count;
         i++) /* 一次两片,一日三次: what nobody owns goes with the dose beside it */
        if (v->q[i].kind != Q_LAB && v->q[i].kind != Q_TIME && is_orphan(v, &v->q[i]) && !is_prescribed(v, &v->q[i]) &&
            !is_swallowed(v, &v->q[i]))
            guard_add(out, v, out->list[0].reason, v->q[i].first, v->q[i].last);
    complete_pending(v, out);
}

bool guard_has_orphan(const struct guard_view *v)
{
    for (size_t i = 0; i < v->q_count; i++) {
        enum guard_quantity_kind k = v->q[i].kind;
        bool taken = guard_clause_has(v, v->t[v->q[i].first].clause, TAKE | MED_TAKE | EACH);
        if (!is_orphan(v, &v->q[i]) || v->all & (FOLLOW | CARE | EXERCISE | FOOD | LAB | VITAL)) continue;
        if (k == Q_BARE && guard_clause_has(v, v->t[v->q[i].first].clause, EACH)) return true;
        if (k == Q_PILL || k == Q_GRAM || k == Q_FREQ || (k == Q_DURATION && taken)) return true;
    }
    return false;
}
