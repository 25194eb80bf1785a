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

/* 加倍, 减半: of what, if nothing else is named? */
static bool doubles(const struct guard_view *v, size_t i)
{
    bool word = holds(v, i, "加倍") || holds(v, i, "翻倍") || holds(v, i, "减半") || holds(v, i, "double up");
    return word && !(v->all & (FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW));
}

/* 停药, 加量, 减半, 换药: the medicine is in the word. */
static bool names_medicine(const struct guard_view *v, size_t i)
{
    return holds(v, i, "药") || holds(v, i, "量") || holds(v, i, "服") || holds(v, i, "dose") ||
           holds(v, i, "tablet") || holds(v, i, "pill") || holds(v, i, "补吃") || holds(v, i, "双份") ||
           holds(v, i, "片") || doubles(v, i) || holds(v, i, "titrate") || holds(v, i, "taper") ||
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

/* 把阿司匹林换…, "X should be stopped": the drug before the verb is what it is done to. */
static bool acts_on(const struct guard_view *v, size_t i, size_t drug)
{
    for (size_t k = 0; k < i; k++)
        if (v->t[k].clause == v->t[i].clause &&
            (holds(v, k, "把") || holds(v, k, "将") || (k > drug && v->t[k].classes & (SELF | TURN))))
            return true;
    return holds(v, i, "be ") || holds(v, i, "go ");
}

/* 胰岛素减少20%: of the drug, unless the clause is about risks. */
static bool is_by_percent(const struct guard_view *v, size_t i)
{
    size_t clause = v->t[i].clause;
    if (!(i + 2 < v->n && v->t[i + 1].clause == clause && v->t[i + 1].number && v->t[i + 1].joined)) return false;
    const char *s = v->line->text.text;
    size_t end = v->line->starts[clause + 1];
    size_t start = v->line->starts[clause];
    const char *percent = memchr(s + v->t[i + 1].end, '%', end - v->t[i + 1].end);
    if (!percent || s + end - percent > 12 || memmem(s + start, end - start, "使", 3)) return false;
    for (size_t k = start; k + 6 <= end; k++)
        if (memcmp(s + k, "风险", 6) == 0 || (memcmp(s + k, "率", 3) == 0 && k >= 3 && memcmp(s + k - 3, "础", 3) != 0))
            return false;
    return true;
}

/* Nothing but a few letters behind the verb: 停了吧, 减一点. */
static bool ends_clause(const struct guard_view *v, size_t i)
{
    size_t end = v->line->starts[v->t[i].clause + 1];
    bool more = i + 1 < v->n && v->t[i + 1].clause == v->t[i].clause;
    for (size_t k = v->t[i].end; k < end; k++) /* "reduce acid" */
        if (v->line->text.text[k] >= 'a' && v->line->text.text[k] <= 'z' && !more) return false;
    return end - v->t[i].end <= 12 && !(more && (guard_is_other(v, i + 1) || v->t[i + 1].number));
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
        if (guard_is_drug(v, k)) return !weak || acts_on(v, i, k) || ends_clause(v, i) || is_by_percent(v, i);
        if (guard_is_other(v, k) && (v->t[k].classes & (FOOD | EXERCISE) || !ends_clause(v, i))) return false;
    }
    if (weak && !(ends_clause(v, i) && (guard_has_before(v, i, SELF | SHOULD | TURN) || guard_has_after(v, i, CHOOSE))))
        return false;
    return guard_topic_is_drug(v, clause) && (!weak || clause > 0 || v->context->since_drug == 1);
}

static bool forbids(const struct guard_view *v, size_t k)
{
    return holds(v, k, "不要") || holds(v, k, "别") || holds(v, k, "勿") || holds(v, k, "切") || holds(v, k, "不能") ||
           holds(v, k, "不可") || holds(v, k, "禁") || holds(v, k, "不应") || v->t[k].classes & REFUSE ||
           (uint8_t)v->line->text.text[v->t[k].start] < 0x80;
}

static bool negated(const struct guard_view *v, size_t i)
{
    bool then = false; /* 没用就换 is no "do not change", 不要没事就换 is */
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;) {
        if (i - k > NEG_REACH && !forbids(v, k)) continue;
        if (v->t[k].classes & TURN && !(v->t[k].classes & NEG)) return false;
        then |= holds(v, k, "就") || holds(v, k, "则");
        if (v->t[k].classes & (NEG | REFUSE) && (!then || forbids(v, k))) return true;
    }
    return false;
}

/* Before the verb, in its clause. */
static bool past(const struct guard_view *v, size_t i)
{
    if (i > 0 && v->t[i - 1].drug & IS_PAST && v->t[i - 1].clause == v->t[i].clause && !holds(v, i - 1, "了"))
        return true;
    if (i + 1 < v->n && v->t[i + 1].drug & IS_PAST && holds(v, i + 1, "过")) return true;
    return guard_has_before(v, i, SAID);
}

static bool names_new_drug(const struct guard_view *v, size_t i)
{
    for (size_t k = i + 1; k < v->n && v->t[k].clause == v->t[i].clause && k <= i + REACH; k++)
        if (v->t[k].drug & IS_DRUG) return true;
    return false;
}

/* 您换过药吗? asks; 不如换成阿奇霉素? advises. */
static bool only_asks(const struct guard_view *v)
{
    if (!v->line->is_question) return false;
    return v->all & WHETHER || v->all_drug & IS_PAST || (v->all & YOU && !(v->all & (SHOULD | TURN)));
}

static bool directed_before(const struct guard_view *v, size_t i)
{
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;)
        if (v->t[k].classes & SHOULD && !(v->t[k].classes & (ASK | WHETHER | DOCTOR))) return true;
    return false;
}

/* 不要自行…: before the verb, in its sentence. */
static bool forbids_alone(const struct guard_view *v, size_t i)
{
    for (size_t k = 0; k + 1 < i; k++)
        if (v->t[k].classes & (NEG | REFUSE) &&
            (v->t[k + 1].classes & SELF || (k + 2 < i && v->t[k + 2].classes & SELF)))
            return true;
    return false;
}

/* One of these before the verb, and no turn between: 告诉医生换…, not 问医生麻烦,可以换…. */
static bool left_to(const struct guard_view *v, size_t i, uint64_t classes)
{
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;) {
        if (v->t[k].classes & classes) return true;
        if (v->t[k].classes & TURN) return false;
    }
    return false;
}

/* 医生要求每周减…: what the user's doctor ordered, not what is advised. */
bool guard_ordered_by_doctor(const struct guard_view *v, size_t i)
{
    for (size_t k = i; k-- > 0 && v->t[k].clause == v->t[i].clause;) {
        if (v->t[k].classes & TURN) return false;
        if (v->t[k].classes & PRESCRIBED) return holds(v, k, "医生") || holds(v, k, "大夫") || holds(v, k, "doctor");
    }
    return false;
}

/* What lets advice stand: it forbids, asks, leaves it to the doctor, tells what happened or what comes of it. */
bool guard_verb_is_excused(const struct guard_view *v, size_t i)
{
    size_t clause = v->t[i].clause;
    bool verb_is_negative = holds(v, i, "不") || holds(v, i, "别");
    bool new_drug = v->t[i].classes & CHANGE && names_new_drug(v, i); /* 医生通常会换成… names it all the same */
    if (only_asks(v) || v->context->refused) return true;
    if (!verb_is_negative && negated(v, i)) return true;
    if (forbids_alone(v, i) && !names_new_drug(v, i) && !directed_before(v, i)) return true;
    if (left_to(v, i, ASK | WHETHER) || (!new_drug && left_to(v, i, DOCTOR))) return true;
    if (guard_has_after(v, i, ASK) && (guard_has_after(v, i, BEFORE | AFTER_ASK | WHETHER) || !directed_before(v, i)))
        return true;
    for (size_t k = i; k-- > 0 && i - k <= 2 && v->t[k].clause == clause;)
        if (v->t[k].classes & BEFORE && v->all & ASK) return true;
    if (guard_clause_has(v, clause, FACT) && guard_clause_has(v, clause, LATER)) return true;
    if (guard_clause_has(v, clause, STAT) && !is_by_percent(v, i) && !directed_before(v, i) && !names_new_drug(v, i))
        return true;
    if (v->all & ASK && guard_has_after(v, i, BEFORE) && !directed_before(v, i)) return true;
    if (guard_has_after(v, i, MAY) && !directed_before(v, i) && !new_drug) return true;
    if (guard_has_before(v, i, MAY) && !new_drug && !guard_has_before(v, i, YOU | SHOULD) && !directed_before(v, i))
        return true;
    if (guard_has_before(v, i, SELF) && v->all & MAY && !directed_before(v, i)) return true;
    if (i + 1 < v->n && v->t[i + 1].clause == clause && v->t[i + 1].classes & WHETHER) return true;
    if (i + 1 < v->n && v->t[i + 1].clause == clause && v->t[i + 1].classes & (LATER | BEFORE) &&
        !directed_before(v, i))
        return true;
    if (guard_ordered_by_doctor(v, i)) return true;
    if (past(v, i) && !directed_before(v, i)) return true;
    if (v->all & PRESCRIBED && v->t[i].classes & START && !(v->all & (CHANGE | UP | DOWN))) return true;
    return v->t[i].classes & STOP && v->all & EMERGENCY && v->drugs == 0;
}

/* 按医嘱继续服用, "keep taking it as prescribed". */
static bool is_as_prescribed(const struct guard_view *v, size_t i)
{
    bool goes_on = holds(v, i, "继续") || holds(v, i, "接着") || holds(v, i, "keep") ||
                   (holds(v, i, "continue") && !holds(v, i, "dis")) || holds(v, i, "carry on") ||
                   holds(v, i, "stay on");
    if (goes_on && !(v->all_drug & IS_DRUG) && v->context->since_drug != 1) return true;
    return goes_on && (v->all & (ASK | PRESCRIBED) || (v->all & NEG && v->all & (STOP | CHANGE | UP | DOWN)));
}

static void find_changes(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & VERBS) || v->t[i].classes & NONE) continue;
        if (v->t[i].drug & (IS_DRUG | IS_KIND)) continue;
        if (!has_object(v, i) || guard_verb_is_excused(v, i) || is_as_prescribed(v, i)) continue;
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
        bool antibiotic = v->t[drug].drug & IS_ANTIBIOTIC;
        if (!first && !directed_before(v, i) && !antibiotic) continue;
        if (v->all & EMERGENCY && (holds(v, drug, "肾上腺素") || holds(v, drug, "epi") || holds(v, drug, "nalox")))
            continue;
        uint64_t left = ASK | WHETHER | DOCTOR | SAID | PRESCRIBED;
        if (guard_clause_has(v, clause, left) || (v->all & (ASK | PRESCRIBED) && !antibiotic) || negated(v, i) ||
            only_asks(v) || v->context->refused)
            continue;
        if (guard_has_after(v, drug, LATER | MAY | BEFORE) || guard_has_before(v, i, MAY) || past(v, i) ||
            guard_clause_has(v, clause, SWALLOW))
            continue;
        if (guard_clause_has(v, clause, NEG) && guard_clause_has(v, clause, INTERACT | SELF)) continue;
        if (guard_clause_has(v, clause, STAT | AGE)) continue;
        if (guard_clause_has(v, clause, BEFORE) && guard_clause_has_drug(v, clause, IS_PAST)) continue; /* 十年前打过 */
        guard_add(out, v, antibiotic ? GUARD_CHOICE : GUARD_CHANGE, i, drug);
    }
}

static bool choice_is_excused(const struct guard_view *v, size_t i, size_t drug)
{
    size_t at = i < drug ? i : drug;
    if (only_asks(v) || negated(v, i) || negated(v, at) || v->context->refused) return true;
    if (guard_clause_has(v, v->t[at].clause, SAID | REFUSE)) return true;
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
            if (k == i || v->t[i].drug || v->t[k].clause != v->t[i].clause ||
                !(v->t[k].drug & (IS_DRUG | IS_ANTIBIOTIC)) || !is_medicine(v, k))
                continue;
            size_t gap = k > i ? k - i : i - k;
            if (gap > (weak ? 1 : REACH) || (weak && k < i)) continue;
            if (v->t[k].drug & IS_HERB && weak) continue;
            if (!(v->t[k].drug & IS_ANTIBIOTIC) && (v->all & ASK || negated(v, i) || negated(v, k))) continue;
            if (choice_is_excused(v, i, k)) continue;
            guard_add(out, v, GUARD_CHOICE, k < i ? k : i, k < i ? i : k);
            break;
        }
    }
}

static bool owned_by_other(const struct guard_view *v, size_t clause)
{
    return guard_clause_has(v, clause, FOOD | EXERCISE | CARE | LAB | VITAL | FOLLOW);
}

/* 是的,每天一次: agreement before an amount that nothing else owns. */
static bool agrees(const struct guard_view *v, size_t i, size_t *to)
{
    if (i > 1 || owned_by_other(v, v->t[i].clause)) return false;
    for (size_t k = 0; k < v->q_count; k++) {
        enum guard_quantity_kind kind = v->q[k].kind;
        bool amount = kind == Q_FREQ || kind == Q_PILL || kind == Q_STRONG || kind == Q_DURATION;
        if (amount && v->q[k].first > i && !owned_by_other(v, v->t[v->q[k].first].clause)) {
            *to = v->q[k].last;
            return true;
        }
    }
    return false;
}

/* 每天两次,没错: a clause that only agrees, behind an amount that nothing else owns. */
static bool closes(const struct guard_view *v, size_t i)
{
    size_t clause = v->t[i].clause;
    if (clause == 0 || v->context->topic_is_other || owned_by_other(v, clause) || owned_by_other(v, clause - 1))
        return false;
    if (v->line->starts[clause + 1] - v->line->starts[clause] > v->t[i].end - v->t[i].start + 6) return false;
    for (size_t k = 0; k < v->q_count; k++)
        if (v->t[v->q[k].first].clause + 1 == (int)clause && (v->q[k].kind == Q_FREQ || v->q[k].kind == Q_PILL))
            return true;
    return false;
}

/* "taking it twice a day is correct", 一天吃两次可以的 */
static bool judges_use(const struct guard_view *v, size_t i)
{
    size_t clause = v->t[i].clause;
    if (owned_by_other(v, clause)) return false;
    if (guard_clause_has(v, clause, TAKE) && guard_clause_has_drug(v, clause, IS_DRUG) &&
        (holds(v, i, "too ") || holds(v, i, "多") || holds(v, i, "少")))
        return !(v->all & (MAY | NEG));
    if (v->context->topic_is_other || (clause > 0 && owned_by_other(v, clause - 1))) return false;
    if (i > 0 && v->t[i - 1].number && v->t[i - 1].clause == clause && v->t[i].joined && i == 1)
        return true; /* 500没问题 */
    for (size_t k = 0; k < v->q_count; k++)
        if (v->t[v->q[k].first].clause == clause && v->q[k].first < i && v->q[k].kind != Q_TIME &&
            v->q[k].kind != Q_LAB && v->q[k].kind != Q_DURATION && v->q[k].kind != Q_TIMING && v->q[k].kind != Q_GRAM)
            return true;
    return false;
}

/* 这个剂量没问题, "your dose is too low". */
static void find_confirmations(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & CONFIRM) || v->t[i].classes & NONE) continue;
        size_t clause = v->t[i].clause;
        bool taken = holds(v, i, "吃") || holds(v, i, "用得");
        bool plain = holds(v, i, "么吃") || holds(v, i, "样吃") || holds(v, i, "吃多") || holds(v, i, "吃少") ||
                     holds(v, i, "得对") || holds(v, i, "dosed");
        bool dosage = guard_clause_has(v, clause, DOSAGE) && !guard_clause_has(v, clause, LAB | FOOD | EXERCISE);
        if (!dosage && v->context->dosage && clause == 0 && guard_clause_has(v, clause, PRON)) dosage = true;
        if (!dosage && clause > 0 && guard_clause_has(v, clause - 1, DOSAGE) &&
            !guard_clause_has(v, clause, LAB | FOOD))
            dosage = true;
        size_t to = i;
        if (!dosage) dosage = agrees(v, i, &to) || judges_use(v, i) || closes(v, i);
        if (!dosage && plain && !(v->all & FOOD)) dosage = true;
        if (!dosage && !(taken && guard_topic_is_drug(v, clause + 1))) continue;
        if (only_asks(v) || v->context->refused || guard_clause_has(v, clause, REFUSE | WHETHER)) continue;
        if (guard_has_before(v, i, MAY | ASK) || guard_has_after(v, i, MAY | ASK)) continue;
        bool denied = false;
        for (size_t k = i; k-- > 0 && v->t[k].clause == clause;)
            denied |= (v->t[k].classes & NEG) && v->all & (ASK | SELF);
        if (denied) continue;
        guard_add(out, v, GUARD_CONFIRM, i, to);
    }
}

static void find_equivalences(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & EQUAL) || v->drugs < 2) continue;
        bool number = false;
        for (size_t k = 0; k < v->n; k++) number |= v->t[k].number && v->t[k].clause == v->t[i].clause;
        bool can = number || holds(v, i, "互换") || holds(v, i, "换算") || holds(v, i, "折") ||
                   holds(v, i, "interchange") || holds(v, i, "等效") || holds(v, i, "等量") || holds(v, i, "效力");
        if (!can || negated(v, i) || v->all & REFUSE || only_asks(v)) continue;
        if (!number && v->all & (ASK | NEG)) continue;
        guard_add(out, v, GUARD_EQUIVALENCE, i, i);
    }
}

static void find_access(struct guard_view *v, struct guard_findings *out)
{
    bool about = (v->all_drug & (IS_DRUG | IS_KIND)) || v->all & (MED | SOURCE) || guard_topic_is_drug(v, 0) ||
                 (v->context->since_drug > 0 && v->context->since_drug <= 4);
    for (size_t i = 0; i < v->n; i++) {
        if (!(v->t[i].classes & ACCESS) || v->t[i].classes & NONE || !about) continue;
        if (negated(v, i) || guard_clause_has(v, v->t[i].clause, REFUSE) || v->context->refused) continue;
        bool forbidden = false;
        for (size_t k = 0; k < i; k++) forbidden |= v->t[k].classes & NEG && forbids(v, k);
        if (forbidden && !guard_has_before(v, i, TURN | SHOULD)) continue;
        if (guard_has_after(v, i, MAY | NEG) && !guard_has_before(v, i, SHOULD)) continue;
        if (v->all & MAY && !(v->all & SHOULD)) continue;
        guard_add(out, v, GUARD_ACCESS, i, i);
    }
}

/* 甲硝唑加阿莫西林: two antibiotics put together. */
static void find_combinations(struct guard_view *v, struct guard_findings *out)
{
    for (size_t i = 0; i + 2 < v->n; i++) {
        bool both =
            v->t[i].drug & IS_ANTIBIOTIC && v->t[i + 2].drug & IS_ANTIBIOTIC && v->t[i].clause == v->t[i + 2].clause;
        if (!both || !(holds(v, i + 1, "加") || holds(v, i + 1, "配") || holds(v, i + 1, "联"))) continue;
        if (v->all & (NEG | MAY | ASK | WHETHER | SAID | REFUSE) || v->line->is_question || v->context->refused)
            continue;
        guard_add(out, v, GUARD_CHOICE, i, i + 2);
    }
}

/* 咽痛有脓点,阿莫西林。 "Strep? Penicillin.": an illness, and nothing but the name of an antibiotic. */
static void find_bare_names(struct guard_view *v, struct guard_findings *out)
{
    static const char *const ills[] = {"炎",     "感染", "脓",   "菌",    "痛",  "烧",       "支原体",
                                       "衣原体", "尿频", "痢疾", "strep", "uti", "infection"};
    const char *s = v->line->text.text;
    size_t last = v->n;
    bool ill = false;
    if (!(v->all_drug & IS_ANTIBIOTIC) || v->all_drug & IS_KIND || out->count) return;
    for (size_t i = 0; i < sizeof ills / sizeof *ills; i++)
        ill |= memmem(s, v->line->text.len, ills[i], strlen(ills[i])) != NULL;
    if (!ill || memmem(s, v->line->text.len, "过敏", 6)) return;
    if (v->all & ~(CARE | VITAL | FOLLOW | TAKE | COUNT | SHOULD | YOU | NONE | CHOOSE | AGE | LAB)) return;
    for (size_t i = 0; i < v->n; i++)
        if (v->t[i].drug & IS_ANTIBIOTIC && last == v->n) last = i;
    if (last == v->n) return;
    const struct guard_token *t = &v->t[last];
    char before = t->start ? s[t->start - 1] : 'x';
    if ((before == ',' || before == ':' || before == ' ') && v->line->text.len - t->end <= 24)
        guard_add(out, v, GUARD_CHOICE, last, last);
}

void guard_find_advice(struct guard_view *v, struct guard_findings *out)
{
    find_changes(v, out);
    find_takes(v, out);
    find_choices(v, out);
    find_combinations(v, out);
    find_bare_names(v, out);
    find_confirmations(v, out);
    find_equivalences(v, out);
    find_access(v, out);
}
