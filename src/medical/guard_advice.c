/* guard_advice.c - advice without a number: start, stop, switch, raise, taper; which antibiotic; is this dose right;
 * ways around a prescription. A verb that has a medicine for its object is suspect until the sentence forbids it,
 * leaves it to the doctor, asks about it or tells what comes of it. */
#include <string.h>

#include "medical/guard_rules.h"

enum { REACH = 4, NEG_REACH = 6 };

static const uint64_t VERBS = START | STOP | CHANGE | UP | DOWN;

static size_t length(const struct guard_token *t)
{
    return t->end - t->start;
}

static bool holds(const struct guard_view *v, size_t i, const char *part)
{
    size_t n = strlen(part);
    const char *s = v->line->text.text + v->t[i].start;
    for (size_t k = 0; k + n <= length(&v->t[i]); k++)
        if (memcmp(s + k, part, n) == 0) return true;
    return false;
}

static bool is_medicine(const struct guard_view *v, size_t i)
{
    return guard_is_drug(v, i) && !(v->t[i].classes & PRON);
}

/* 停药, 加量, 减半, 换药: the medicine is in the word. */
static bool names_medicine(const struct guard_view *v, size_t i)
{
    return holds(v, i, "药") || holds(v, i, "量") || holds(v, i, "服") || holds(v, i, "dose") ||
           holds(v, i, "tablet") || holds(v, i, "pill") || holds(v, i, "titrate") || holds(v, i, "taper") ||
           holds(v, i, "discontinu");
}

/* 换, 停, 减, "cut", "hold": words of all days; the medicine must stand beside them. */
static bool is_weak(const struct guard_view *v, size_t i)
{
    static const char *const weak[] = {"停止", "增加", "减少", "中断", "更换", "提高到", "改为",
                                       "改成", "换成", "搭配", "配合", "替换", "暂停",   "恢复服用"};
    if ((uint8_t)v->line->text.text[v->t[i].start] < 0x80) return !names_medicine(v, i);
    if (length(&v->t[i]) <= 3) return true;
    for (size_t k = 0; k < sizeof weak / sizeof *weak; k++)
        if (length(&v->t[i]) == strlen(weak[k]) && holds(v, i, weak[k])) return true;
    return false;
}

/* The medicine a verb is about: behind it, or before it in its clause, or what was talked about. */
static bool has_object(const struct guard_view *v, size_t i)
{
    size_t clause = v->t[i].clause;
    for (size_t k = i + 1; k < v->n && k <= i + REACH && v->t[k].clause == clause; k++) {
        if (guard_is_drug(v, k)) return true;
        if (guard_is_other(v, k)) return false;
    }
    if (names_medicine(v, i)) return true;
    bool weak = is_weak(v, i);
    for (size_t k = i; k-- > 0 && v->t[k].clause == clause && i - k <= REACH + 2;) {
        if (guard_is_drug(v, k))
            return !weak || guard_has_before(v, i, SHOULD | TURN) || guard_has_after(v, i, TAKE) || i - k <= 2;
        if (guard_is_other(v, k)) return false;
    }
    if (weak) return false;
    return guard_topic_is_drug(v, clause);
}

static bool negated(const struct guard_view *v, size_t i)
{
    for (size_t k = i; k-- > 0 && i - k <= NEG_REACH && v->t[k].clause == v->t[i].clause;) {
        if (v->t[k].classes & TURN && !(v->t[k].classes & NEG)) return false;
        if (v->t[k].classes & (NEG | REFUSE)) return true;
    }
    return false;
}

/* Before the verb, in its clause. */
static bool past(const struct guard_view *v, size_t i)
{
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;)
        if (v->t[k].drug & IS_PAST) return true;
    return guard_said_before(v, i, SAID);
}

static bool names_new_drug(const struct guard_view *v, size_t i)
{
    for (size_t k = i + 1; k < v->n && v->t[k].clause == v->t[i].clause && k <= i + REACH; k++)
        if (v->t[k].drug & IS_DRUG) return true;
    return false;
}

static bool directed_before(const struct guard_view *v, size_t i)
{
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;)
        if (v->t[k].classes & SHOULD && !(v->t[k].classes & (ASK | WHETHER | DOCTOR))) return true;
    return false;
}

/* What lets advice stand: it forbids, asks, leaves it to the doctor, tells what happened or what comes of it. */
static bool is_excused(const struct guard_view *v, size_t i)
{
    size_t clause = v->t[i].clause;
    bool verb_is_negative = holds(v, i, "不") || holds(v, i, "别");
    if (v->line->is_question || v->context->refused) return true;
    if (!verb_is_negative && negated(v, i)) return true;
    if (guard_said_before(v, i, SELF) && guard_said_before(v, i, NEG) && !names_new_drug(v, i) &&
        !directed_before(v, i))
        return true;
    if (guard_has_before(v, i, ASK | WHETHER | DOCTOR) && !guard_has_before(v, i, TURN)) return true;
    if (guard_has_after(v, i, ASK) && (guard_has_after(v, i, BEFORE | AFTER_ASK | WHETHER) || !directed_before(v, i)))
        return true;
    if (v->all & ASK && guard_has_after(v, i, BEFORE) && !directed_before(v, i)) return true;
    if (guard_has_after(v, i, MAY) && !directed_before(v, i)) return true;
    if (guard_has_before(v, i, MAY) && !guard_has_before(v, i, YOU | SHOULD) && !directed_before(v, i)) return true;
    if (guard_has_before(v, i, SELF) && v->all & (MAY | NEG)) return true;
    if (i + 1 < v->n && v->t[i + 1].clause == clause && v->t[i + 1].classes & (LATER | BEFORE) &&
        !directed_before(v, i))
        return true;
    if (past(v, i) && !directed_before(v, i)) return true;
    if (v->all & PRESCRIBED && v->t[i].classes & START && !(v->all & (CHANGE | UP | DOWN))) return true;
    return v->t[i].classes & STOP && v->all & EMERGENCY && v->drugs == 0;
}

/* 按医嘱继续服用, "keep taking it as prescribed". */
static bool is_as_prescribed(const struct guard_view *v, size_t i)
{
    bool goes_on = holds(v, i, "继续") || holds(v, i, "接着") || holds(v, i, "keep") || holds(v, i, "continue") ||
                   holds(v, i, "carry on") || holds(v, i, "stay on");
    return goes_on && (v->all & (ASK | PRESCRIBED) || (v->all & NEG && v->all & (STOP | CHANGE | UP | DOWN)));
}

static void find_changes(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & VERBS) || v->t[i].classes & NONE) continue;
        if (v->t[i].drug & (IS_DRUG | IS_KIND)) continue;
        if (!has_object(v, i) || is_excused(v, i) || is_as_prescribed(v, i)) continue;
        guard_add(out, v, GUARD_CHANGE, i, i);
    }
}

/* 可以吃布洛芬, "take amoxicillin": a named medicine that is to be taken. */
static void find_takes(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & (TAKE | MED_TAKE)) || v->t[i].classes & (VERBS | NONE) || v->t[i].drug) continue;
        size_t clause = v->t[i].clause;
        size_t drug = v->n;
        for (size_t k = i + 1; k < v->n && k <= i + 3 && v->t[k].clause == clause && drug == v->n; k++)
            if (v->t[k].drug & IS_DRUG && is_medicine(v, k)) drug = k;
        if (drug == v->n) continue;
        bool first = i == 0 || v->t[i - 1].clause != clause || (v->t[i - 1].classes & (SHOULD | TURN));
        if (!first && !directed_before(v, i)) continue;
        if (v->all & (ASK | WHETHER | DOCTOR | SAID | PRESCRIBED) || negated(v, i) || v->line->is_question ||
            v->context->refused)
            continue;
        if (guard_has_after(v, drug, LATER | MAY | BEFORE) || guard_has_before(v, i, MAY) || past(v, i) ||
            v->all & SWALLOW)
            continue;
        if (v->all & NEG && v->all & (INTERACT | SELF)) continue;
        guard_add(out, v, v->t[drug].drug & IS_ANTIBIOTIC ? GUARD_CHOICE : GUARD_CHANGE, i, drug);
    }
}

static bool choice_is_excused(const struct guard_view *v, size_t i, size_t drug)
{
    size_t at = i < drug ? i : drug;
    if (v->line->is_question || negated(v, i) || negated(v, at) || v->context->refused) return true;
    if (v->all & (SAID | REFUSE)) return true;
    if (guard_has_before(v, at, ASK | WHETHER | DOCTOR | MAY)) return true;
    if (guard_has_after(v, drug, NEG | MAY) && !(v->t[i].classes & NEG)) return true;
    return v->all & ASK && v->all & WHETHER;
}

static void find_choices(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & CHOOSE) || v->t[i].classes & NONE) continue;
        bool weak = length(&v->t[i]) <= 3 && (uint8_t)v->line->text.text[v->t[i].start] >= 0x80;
        for (size_t k = 0; k < v->n; k++) {
            if (k == i || v->t[k].clause != v->t[i].clause || !(v->t[k].drug & IS_DRUG) || !is_medicine(v, k)) continue;
            size_t gap = k > i ? k - i : i - k;
            if (gap > (weak ? 1 : REACH) || (weak && k < i)) continue;
            if (v->t[k].drug & IS_HERB && weak) continue;
            if (!(v->t[k].drug & IS_ANTIBIOTIC) && v->all & (ASK | NEG)) continue;
            if (choice_is_excused(v, i, k)) continue;
            guard_add(out, v, GUARD_CHOICE, k < i ? k : i, k < i ? i : k);
            break;
        }
    }
}

/* 这个剂量没问题, "your dose is too low". */
static void find_confirmations(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & CONFIRM) || v->t[i].classes & NONE) continue;
        size_t clause = v->t[i].clause;
        bool taken = holds(v, i, "吃") || holds(v, i, "用得");
        bool dosage = guard_clause_has(v, clause, DOSAGE) && !guard_clause_has(v, clause, LAB | FOOD | EXERCISE);
        if (!dosage && v->context->dosage && clause == 0 && guard_clause_has(v, clause, PRON)) dosage = true;
        if (!dosage && clause > 0 && guard_clause_has(v, clause - 1, DOSAGE) &&
            !guard_clause_has(v, clause, LAB | FOOD))
            dosage = true;
        if (!dosage && !(taken && guard_topic_is_drug(v, clause + 1))) continue;
        if (v->line->is_question || v->context->refused || v->all & (REFUSE | WHETHER)) continue;
        if (guard_has_before(v, i, MAY | ASK | DOCTOR) || guard_has_after(v, i, MAY | ASK)) continue;
        bool denied = false;
        for (size_t k = i; k-- > 0 && v->t[k].clause == clause;)
            denied |= (v->t[k].classes & NEG) && v->all & (ASK | SELF);
        if (denied) continue;
        guard_add(out, v, GUARD_CONFIRM, i, i);
    }
}

static void find_equivalences(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & EQUAL) || v->drugs < 2) continue;
        bool can = holds(v, i, "互换") || holds(v, i, "换算") || holds(v, i, "折") || holds(v, i, "interchange") ||
                   holds(v, i, "等效") || holds(v, i, "等量") || holds(v, i, "效力");
        if (!can || negated(v, i) || v->all & (ASK | REFUSE | NEG) || v->line->is_question) continue;
        guard_add(out, v, GUARD_EQUIVALENCE, i, i);
    }
}

static void find_access(struct guard_view *v, struct guard_findings *out)
{
    bool about = (v->all_drug & (IS_DRUG | IS_KIND)) || v->all & (MED | SOURCE) || guard_topic_is_drug(v, 0) ||
                 (v->context->since_drug > 0 && v->context->since_drug <= 4);
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & ACCESS) || v->t[i].classes & NONE || !about) continue;
        if (negated(v, i) || v->all & REFUSE || v->context->refused) continue;
        if (guard_said_before(v, i, NEG) && !guard_has_before(v, i, TURN | SHOULD)) continue;
        if (guard_has_after(v, i, MAY | NEG) && !guard_has_before(v, i, SHOULD)) continue;
        if (v->all & MAY && !(v->all & SHOULD)) continue;
        guard_add(out, v, GUARD_ACCESS, i, i);
    }
}

void guard_find_advice(struct guard_view *v, struct guard_findings *out)
{
    find_changes(v, out);
    find_takes(v, out);
    find_choices(v, out);
    find_confirmations(v, out);
    find_equivalences(v, out);
    find_access(v, out);
}
