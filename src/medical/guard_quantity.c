/* guard_quantity.c - see guard_quantity.h. */
#include "medical/guard_quantity.h"

#include <string.h>

enum { NEAR = 3 };

struct finder {
    const struct guard_line *line;
    const struct guard_token *t;
    size_t n;
};

static bool has(const struct finder *f, size_t i, uint64_t classes)
{
    return i < f->n && (f->t[i].classes & classes);
}

static bool follows(const struct finder *f, size_t i)
{
    return i > 0 && i < f->n && f->t[i].clause == f->t[i - 1].clause && !f->t[i].breaks;
}

/* A token of these classes within reach before i, in its clause. */
static bool before(const struct finder *f, size_t i, uint64_t classes, size_t reach)
{
    for (size_t k = i; k-- > 0 && i - k <= reach && f->t[k].clause == f->t[i].clause;)
        if (f->t[k].classes & classes) return true;
    return false;
}

static bool after(const struct finder *f, size_t i, uint64_t classes, size_t reach)
{
    for (size_t k = i + 1; k < f->n && k - i <= reach && f->t[k].clause == f->t[i].clause; k++)
        if (f->t[k].classes & classes) return true;
    return false;
}

static bool is_word(const struct finder *f, size_t i, const char *word)
{
    size_t n = strlen(word);
    return i < f->n && f->t[i].end - f->t[i].start == n && memcmp(f->line->text.text + f->t[i].start, word, n) == 0;
}

/* "1-2", "one to two": the last number of the range. */
static size_t range_end(const struct finder *f, size_t i)
{
    while (i + 1 < f->n && f->t[i + 1].number && f->t[i + 1].after_end) i++;
    if (i + 2 < f->n && (f->t[i + 1].classes & (MASS | GRAM | VOL | PILL)) && f->t[i + 2].number &&
        f->t[i + 2].after_end)
        return i + 2;                                                                       /* 5mg-10mg */
    while (i + 1 < f->n && f->t[i + 1].number && f->t[i + 1].start <= f->t[i].end + 1) i++; /* 2 半, 两三 */
    return i;
}

static enum guard_quantity_kind of_day(const struct finder *f, size_t first, size_t unit)
{
    if (before(f, first, PER, 1) && (is_word(f, first - 1, "每") || is_word(f, first - 1, "every") ||
                                     is_word(f, first - 1, "每隔") || is_word(f, first - 1, "隔")))
        return Q_FREQ;
    return after(f, unit, COUNT, 2) && after(f, unit, EACH, 1) ? Q_FREQ : Q_DURATION;
}

static enum guard_quantity_kind of_unit(const struct finder *f, size_t first, size_t unit)
{
    uint64_t c = f->t[unit].classes;
    bool metre = is_word(f, unit, "m") && first > 0 && f->t[first - 1].drug & IS_DRUG; /* 布洛芬400m */
    if (c & LAB_UNIT) return metre ? Q_STRONG : Q_LAB;
    if (c & LAB_MAYBE) return before(f, first, LAB, 6) ? Q_LAB : Q_STRONG;
    if (c & (MASS | PILL_STRONG | FREQ)) return Q_STRONG;
    bool small = f->t[unit - 1].value > 0 && f->t[unit - 1].value < 1 && c & GRAM; /* 0.5 g: hardly of a food */
    if (c & (GRAM | VOL | SPOON)) return small ? Q_STRONG : Q_GRAM;
    if (c & HOUR) {
        bool every = before(f, first, PER | APART, 1) || after(f, unit, EACH | FREQ, 1);
        return every ? Q_FREQ : Q_TIME;
    }
    if (c & DAY) return of_day(f, first, unit);
    if (c & MINUTE) return Q_TIME;
    if (c & COUNT) {
        bool often = before(f, first, PER | DAY | HOUR, NEAR) || after(f, unit, PER, 2);
        return often ? Q_FREQ : Q_TIMES;
    }
    return Q_PILL;
}

static const uint64_t UNITS = LAB_UNIT | LAB_MAYBE | MASS | PILL | PILL_STRONG | GRAM | VOL | SPOON | HOUR | DAY |
                              MINUTE | COUNT | FREQ | FRACTION;

static bool ends_clause(const struct finder *f, size_t i)
{
    const char *s = f->line->text.text;
    for (size_t k = f->t[i].end; k < f->line->starts[f->t[i].clause + 1]; k++)
        if (!strchr(" ,.;!?\"'\n", s[k])) return memcmp(s + k, "。", 3) == 0;
    return true;
}

static bool has_assignment(const struct finder *f, size_t i)
{
    for (size_t k = f->t[i - 1].end; k < f->t[i].start; k++)
        if (f->line->text.text[k] == ':' || f->line->text.text[k] == '=') return true;
    return false;
}

/* "ibuprofen,400,3": nothing but the number between two commas, a drug not far before. */
static bool is_lone_cell(const struct finder *f, size_t first, size_t last)
{
    uint16_t clause = f->t[first].clause;
    const char *s = f->line->text.text;
    if (clause == 0 || first == 0 || clause - f->t[first - 1].clause > 1) return false;
    for (size_t k = f->line->starts[clause]; k < f->line->starts[clause + 1]; k++)
        if ((k < f->t[first].start || k >= f->t[last].end) && !strchr(" ,;\n\"'.)", s[k])) return false;
    for (size_t i = first; i-- > 0 && clause - f->t[i].clause <= 3;)
        if (f->t[i].drug & (IS_DRUG | IS_KIND)) return true;
    return false;
}

/* A number without a unit, where only a dose has one. */
static bool is_bare_dose(const struct finder *f, size_t first, size_t last)
{
    const struct guard_token *t = &f->t[first];
    if (t->classes & EMERGENCY) return false;
    if (has(f, last + 1, AGE) && follows(f, last + 1)) return false;
    if (first > 0 && f->t[first - 1].clause == t->clause) {
        const struct guard_token *p = &f->t[first - 1];
        if (p->classes & EQUAL && p->end - p->start <= 2 && first > 1 && f->t[first - 2].clause == t->clause) p--;
        if ((p->classes & DOSAGE) && !t->breaks) return true;
        if (p->classes & MED && t->joined && ends_clause(f, last)) return true;
        if (p->drug & (IS_DRUG | IS_KIND) && t->joined && t->start - p->end <= 4) return true;
        if ((p->classes & (EACH | TIMING)) && t->joined) return true;
        if (p->classes & (UP | DOWN | CHANGE) && t->joined && ends_clause(f, last)) return true; /* 减到14 */
        /* mg: 400, "times" = 3 */
        if (p->classes & (MASS | PILL | COUNT | PER | GRAM | VOL | HOUR | DAY) && t->joined && has_assignment(f, first))
            return true;
    } else if (is_lone_cell(f, first, last)) {
        return true;
    }
    return has(f, last + 1, PER | ROUTE | FREQ) && follows(f, last + 1) && f->t[last + 1].joined;
}

/* A number that nothing follows, in a clause that names a drug, in code that does, or alone in its line. */
static bool stands_free(const struct finder *f, size_t i, size_t last)
{
    const char *s = f->line->text.text;
    size_t end = f->t[last].end;
    if (f->t[i].classes & EMERGENCY || (f->t[i].value >= 1900 && f->t[i].value < 2100)) return false;
    if ((uint8_t)s[end] >= 0xE4 || (s[end] >= 'a' && s[end] <= 'z') || s[end] == '%') return false;
    if (s[end] == ' ' && ((uint8_t)s[end + 1] >= 0xE4 || (s[end + 1] >= 'a' && s[end + 1] <= 'z'))) return false;
    if (f->n == last - i + 1 && i == 0)
        return !f->line->is_heading && f->t[i].start == 0 && end + 2 >= f->line->text.len;
    if (i > 0 && f->t[i - 1].classes & NONE && f->t[i].joined) return false;
    if (f->line->is_code) return true;
    for (size_t k = 0; k < f->n; k++)
        if (f->t[k].drug & IS_DRUG && f->t[k].clause == f->t[i].clause && k < i) return true;
    return false;
}

/* 个 counts everything: a medicine only if nothing is named behind it. */
static bool counts_something_else(const struct finder *f, size_t unit)
{
    static const char *const counters[] = {"个", "张", "份", "条", "根", "块", "下", "段", "杯", "碗"};
    bool counter = false;
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) counter |= is_word(f, unit, counters[i]);
    if (!counter) return false;
    size_t end = f->t[unit].end;
    const char *s = f->line->text.text + end;
    size_t left = f->line->text.len - end;
    if (memmem(s, left < 36 ? left : 36, "人", 3)) return true; /* 每100个用…的人 */
    bool chinese = (uint8_t)*s >= 0xE4 || ((uint8_t)*s == 0xE3 && (uint8_t)s[1] >= 0x90);
    return chinese &&
           !(has(f, unit + 1, TAKE | MED_TAKE | EACH | PER | FORM | SHOULD | CONFIRM) && f->t[unit + 1].start == end);
}

static bool is_times(const struct finder *f, size_t i)
{
    return is_word(f, i, "x") || is_word(f, i, "×") || is_word(f, i, "乘");
}

static size_t number_quantity(const struct finder *f, size_t i, struct guard_quantity *q)
{
    size_t last = range_end(f, i);
    size_t unit = last + 1;
    *q = (struct guard_quantity){Q_BARE, (uint32_t)i, (uint32_t)last};
    if (unit < f->n && f->t[unit].classes & AGE && f->t[unit].joined) return unit;
    if (unit < f->n && f->t[unit].classes & UNITS && f->t[unit].joined && f->t[unit].clause == f->t[i].clause &&
        !counts_something_else(f, unit)) {
        q->kind = of_unit(f, i, unit);
        q->last = (uint32_t)unit;
        /* three days ago */
        if (q->kind == Q_DURATION && has(f, unit + 1, BEFORE) && f->t[unit + 1].joined) q->last = UINT32_MAX;
        if (q->kind == Q_DURATION && f->t[i].value >= 1900) q->last = UINT32_MAX; /* a year */
        return unit;
    }
    if (f->line->is_row && !(f->t[i].classes & EMERGENCY)) return last;
    if (stands_free(f, i, last)) return last;
    if (is_bare_dose(f, i, last)) return last;
    bool closed = ends_clause(f, last) || (has(f, last + 1, CONFIRM | CHOOSE | SHOULD) && f->t[last + 1].joined);
    bool times_drug = is_times(f, last + 1) && last + 2 < f->n && f->t[last + 2].drug & (IS_DRUG | IS_KIND); /* 2 × X */
    if (times_drug) return last;
    if (i > 0 && has(f, i - 1, TAKE | MED_TAKE) && follows(f, i) && f->t[i].joined &&
        closed) { /* "take two", 打12就行 */
        q->kind = Q_PILL;
        return last;
    }
    q->last = UINT32_MAX;
    return last;
}

/* 西瓜霜往喉咙里喷, 阿司匹林嚼着吃: a named drug, how and where it goes. */
static bool is_put(const struct finder *f, size_t i)
{
    static const char *const verbs[] = {"嚼", "含", "喷", "滴", "贴", "敷", "涂", "抹", "塞", "擦", "点",
                                        "打", "灌", "搽", "注", "撒", "挤", "揉", "搓", "洗", "熏", "吃"};
    static const char *const places[] = {"里", "上", "下", "进", "到", "处", "着", "喉", "伤口", "溃疡", "皮", "患",
                                         "肌", "角", "眼", "鼻", "耳", "口", "腔", "膝", "唇",   "肚",   "胸", "背",
                                         "脚", "手", "脸", "头", "腿", "腰", "臀", "舌", "牙",   "甲",   "脐"};
    const char *s = f->line->text.text;
    bool verb = false;
    bool drug = false;
    bool place = false;
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) verb |= is_word(f, i, verbs[k]);
    if (!verb) return false;
    size_t start = f->t[i].start;
    for (size_t k = i; k-- > 0 && f->t[k].clause == f->t[i].clause;)
        if (f->t[k].drug & IS_DRUG) {
            drug = true;
            start = f->t[k].end;
        }
    size_t end = f->line->starts[f->t[i].clause + 1];
    if (is_word(f, i, "吃")) return drug && f->t[i].start >= start + 3 && memcmp(s + f->t[i].start - 3, "着", 3) == 0;
    for (size_t k = 0; k < sizeof places / sizeof *places; k++)
        place |= memmem(s + start, end - start, places[k], strlen(places[k])) != NULL;
    return drug && place;
}

/* 每天吃, 早晚涂, "take X every morning": often enough if a drug is named. */
static bool is_habit(const struct finder *f, size_t i)
{
    uint16_t clause = f->t[i].clause;
    if (f->t[i].end - f->t[i].start <= 3 || is_word(f, i, "every")) return false;
    if (follows(f, i + 1) && has(f, i + 1, TAKE | MED_TAKE | START)) return true;
    return f->line->clause_classes[clause] & (TAKE | MED_TAKE) && f->line->clause_drugs[clause] & IS_DRUG;
}

/* Half a tablet, a quarter of one. */
static bool fraction_quantity(const struct finder *f, size_t i, struct guard_quantity *q)
{
    const char *s = f->line->text.text + f->t[i].start;
    size_t n = f->t[i].end - f->t[i].start;
    bool counted = n > 3 && (memcmp(s + n - 3, "片", 3) == 0 || memcmp(s + n - 3, "粒", 3) == 0);
    bool weak = is_word(f, i, "一半") || memmem(s, n, "分之", 6) || is_word(f, i, "两倍") || is_word(f, i, "三倍");
    q->kind = weak && !counted ? Q_PILL : Q_STRONG;
    if (has(f, i + 1, PILL) && f->t[i + 1].joined) {
        q->last++;
        q->kind = Q_STRONG;
    }
    return true;
}

/* Words that are a quantity without a number: tid, 早晚各一次, before meals, half a tablet, 每天一次. */
static bool word_quantity(const struct finder *f, size_t i, struct guard_quantity *q)
{
    uint64_t c = f->t[i].classes;
    *q = (struct guard_quantity){Q_FREQ, (uint32_t)i, (uint32_t)i};
    if (c & FREQ) {
        size_t n = f->t[i].end - f->t[i].start;
        q->kind = n <= 4 && (uint8_t)f->line->text.text[f->t[i].start] < 0x80 ? Q_STRONG : Q_FREQ;
        return true;
    }
    if (c & FRACTION) return fraction_quantity(f, i, q);
    if (c & TAKE && is_put(f, i)) {
        q->kind = Q_ROUTE;
        return true;
    }
    if (c & TIMING) {
        q->kind = Q_TIMING;
        return true;
    }
    if (c & ROUTE) {
        q->kind = Q_ROUTE;
        return true;
    }
    if (c & PER && has(f, i + 1, EACH) && follows(f, i + 1) && f->t[i + 1].joined) { /* 每天一次 */
        if (f->t[i + 1].end - f->t[i + 1].start == 6 && !has(f, i + 2, PILL | MASS)) q->last++;
        if (q->last == i && !is_word(f, i + 1, "一次") && !has(f, i + 2, PILL | MASS) && !f->t[i + 1].number &&
            f->t[i + 1].classes & COUNT)
            q->last++;
        return q->last > i;
    }
    if (c & EACH && has(f, i + 1, PER) && follows(f, i + 1) && f->t[i + 1].joined) { /* once a day, 一次每天 */
        q->last++;
        return true;
    }
    if (c & SPOON && !(i > 0 && f->t[i - 1].number)) { /* 黄豆大小, pea-sized */
        q->kind = Q_GRAM;
        return f->t[i].end - f->t[i].start >= 9;
    }
    if (c & PER && is_habit(f, i)) {
        q->kind = Q_TIMING;
        return true;
    }
    if (c & PER && i > 0 && (f->t[i - 1].classes & (TAKE | MED_TAKE | START)) && f->t[i].joined) {
        q->kind = Q_DURATION; /* 连吃一周 */
        return true;
    }
    return false;
}

size_t guard_quantities(const struct guard_line *line, struct guard_quantity *out, size_t max)
{
    struct finder f = {line, line->tokens, line->count};
    size_t count = 0;
    for (size_t i = 0; i < f.n && count < max; i++) {
        if (f.t[i].number) {
            size_t last = number_quantity(&f, i, &out[count]);
            if (out[count].last != UINT32_MAX && !(last < f.n && f.t[last].classes & AGE)) count++;
            i = last;
        } else if (word_quantity(&f, i, &out[count])) {
            i = out[count].last;
            count++;
        }
    }
    return count;
}
