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
    if (c & LAB_UNIT) return Q_LAB;
    if (c & LAB_MAYBE) return before(f, first, LAB, 6) ? Q_LAB : Q_STRONG;
    if (c & (MASS | PILL_STRONG | FREQ)) return Q_STRONG;
    if (c & (GRAM | VOL | SPOON)) return Q_GRAM;
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

/* A number without a unit, where only a dose has one. */
static bool is_bare_dose(const struct finder *f, size_t first, size_t last)
{
    const struct guard_token *t = &f->t[first];
    if (t->classes & EMERGENCY) return false;
    if (has(f, last + 1, AGE | NONE) && follows(f, last + 1)) return false;
    if (first > 0 && f->t[first - 1].clause == t->clause) {
        const struct guard_token *p = &f->t[first - 1];
        if ((p->classes & DOSAGE) && !t->breaks) return true;
        if (p->drug & (IS_DRUG | IS_KIND) && t->joined && t->start - p->end <= 4) return true;
        if ((p->classes & EACH) && t->joined) return true;
    }
    return has(f, last + 1, PER | ROUTE | FREQ) && follows(f, last + 1) && f->t[last + 1].joined;
}

static size_t number_quantity(const struct finder *f, size_t i, struct guard_quantity *q)
{
    size_t last = range_end(f, i);
    size_t unit = last + 1;
    *q = (struct guard_quantity){Q_BARE, (uint32_t)i, (uint32_t)last};
    if (unit < f->n && f->t[unit].classes & AGE && f->t[unit].joined) return unit;
    if (unit < f->n && f->t[unit].classes & UNITS && f->t[unit].joined && f->t[unit].clause == f->t[i].clause) {
        q->kind = of_unit(f, i, unit);
        q->last = (uint32_t)unit;
        if (f->t[unit].classes & FREQ && !(f->t[unit].classes & MASS)) return unit;
        return unit;
    }
    if (f->line->is_row && !(f->t[i].classes & EMERGENCY)) return last;
    if (is_bare_dose(f, i, last)) return last;
    q->last = UINT32_MAX;
    return last;
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
    if (c & FRACTION) {
        q->kind = is_word(f, i, "一半") || is_word(f, i, "四分之一") || is_word(f, i, "三分之一") ||
                          is_word(f, i, "两倍") || is_word(f, i, "三倍")
                      ? Q_PILL
                      : Q_STRONG;
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
        return q->last > i;
    }
    if (c & EACH && has(f, i + 1, PER) && follows(f, i + 1) && f->t[i + 1].joined) { /* once a day, 一次每天 */
        q->last++;
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
