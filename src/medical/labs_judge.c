/* labs_judge.c - see labs_judge.h. */
#include "medical/labs_judge.h"

#include <math.h>

/* A result with its sign against bounds: '<5' is normal below 6, low below 5, else open. */
static enum lab_flag against(const struct lab_row *row, double x, const struct lab_printed *p)
{
    bool below = x < p->low || (p->open_low && x == p->low);
    bool above = x > p->high || (p->open_high && x == p->high);
    if (row->compare == '<') {
        if (x <= p->low) return LAB_LOW;
        return x <= p->high && p->low <= 0 ? LAB_NORMAL : LAB_UNKNOWN;
    }
    if (row->compare == '>') {
        if (x >= p->high) return LAB_HIGH;
        return x >= p->low && p->high == INFINITY ? LAB_NORMAL : LAB_UNKNOWN;
    }
    return below ? LAB_LOW : above ? LAB_HIGH : LAB_NORMAL;
}

static bool plausible(const struct lab_item *i, double x)
{
    return x >= i->plausible[0] && x <= i->plausible[1];
}

/* How far the printed upper bound is from the table's, as a factor of at least 1; 0 if there is nothing to compare. */
static double range_distance(const struct lab_tables *t, const struct lab_row *row, int unit)
{
    double best = 0;
    for (size_t k = 0; k < row->n_printed; k++)
        for (size_t i = 0; i < t->n_ranges; i++) {
            double top = isfinite(row->printed[k].high) ? row->printed[k].high : row->printed[k].low, own;
            double known = isfinite(row->printed[k].high) ? t->ranges[i].high : t->ranges[i].low;
            if (t->ranges[i].item != row->item || !labs_convert(t, row->item, unit, top, &own)) continue;
            if (own <= 0 || known <= 0) continue;
            double d = own > known ? own / known : known / own;
            if (best == 0 || d < best) best = d;
        }
    return best;
}

/* The unit of a result without one: the item's own, unless the printed range or the size of the result says that it is
 * another one that we can convert. */
static int guess_unit(const struct lab_tables *t, const struct lab_row *row)
{
    const struct lab_item *item = &t->items[row->item];
    double distance = range_distance(t, row, -1), own;
    bool fits = plausible(item, row->x);
    int best = item->unit;
    if (distance > 0 ? distance < 1.6 : fits) return best;
    for (size_t k = 0; k < 2 * t->n_conversions; k++) { /* the item's own units first: mg/dL before umol/L */
        const struct lab_conversion *c = &t->conversions[k % t->n_conversions];
        if (c->item != (k < t->n_conversions ? row->item : -1) || c->to != item->unit) continue;
        if (!labs_convert(t, row->item, c->from, row->x, &own)) continue;
        double d = range_distance(t, row, c->from);
        if (distance > 0 ? d > 0 && d < distance : !fits && plausible(item, own)) {
            best = c->from;
            distance = d;
            fits = true;
        }
    }
    return best;
}

static void judge_critical(struct lab_judged *out, const struct lab_tables *t)
{
    const struct lab_row *row = out->row;
    for (size_t i = 0; i < t->n_critical && !isnan(out->own); i++) {
        const struct lab_critical *c = &t->critical[i];
        if (c->item != row->item) continue;
        out->critical = c;
        double near = 1e-9 * fabs(out->own); /* a converted value may miss its bound by a rounding */
        if (row->compare != '>' && out->own <= c->low + near) out->flag = LAB_CRITICAL_LOW;
        if (row->compare != '<' && out->own >= c->high - near) out->flag = LAB_CRITICAL_HIGH;
    }
}

static bool judge_printed(struct lab_judged *out, const struct lab_patient *patient)
{
    const struct lab_row *row = out->row;
    int flag = -1;
    for (size_t i = 0; i < row->n_printed; i++) {
        const struct lab_printed *p = &row->printed[i];
        if (p->sex != '*' && patient->sex && p->sex != patient->sex) continue;
        enum lab_flag f = against(row, row->x, p);
        if (flag >= 0 && p->sex == '*') break; /* a second pair without a sex says nothing certain */
        if (flag >= 0 && (enum lab_flag)flag != f) {
            out->why |= LAB_WHY_SEX;
            out->flag = LAB_UNKNOWN;
            return true;
        }
        flag = (int)f;
        out->low = p->low;
        out->high = p->high;
    }
    if (flag < 0) return false;
    out->flag = (enum lab_flag)flag;
    out->source = LAB_FROM_REPORT;
    if (out->flag == LAB_UNKNOWN) out->why |= LAB_WHY_INEXACT;
    if ((row->mark == 'h' && out->flag != LAB_HIGH) || (row->mark == 'l' && out->flag != LAB_LOW))
        out->why |= LAB_WHY_MARK;
    return true;
}

static void judge_table(struct lab_judged *out, const struct lab_tables *t, const struct lab_patient *patient)
{
    int flag = -1;
    bool any = false, agree = true;
    for (size_t i = 0; i < t->n_ranges; i++) {
        const struct lab_range *r = &t->ranges[i];
        if (r->item != out->row->item) continue;
        any = true;
        if (r->sex != '*' && patient->sex && r->sex != patient->sex) continue;
        if (patient->age >= 0 && (patient->age < r->age[0] || patient->age >= r->age[1] + 1)) continue;
        struct lab_printed p = {'*', r->low, r->high, false, false};
        double near = 1e-9 * fabs(out->own);
        if (fabs(out->own - r->low) <= near || fabs(out->own - r->high) <= near)
            near = 0, p.low -= 1e-9, p.high += 1e-9;
        enum lab_flag f = against(out->row, out->own, &p);
        agree = agree && (flag < 0 || flag == (int)f);
        flag = (int)f;
        out->low = r->low;
        out->high = r->high;
        out->range_source = r->source;
    }
    if (patient->pregnant == 1 && any) {
        out->why |= LAB_WHY_PREGNANT;
    } else if (flag < 0) {
        out->why |= any ? LAB_WHY_AGE : LAB_WHY_NO_RANGE;
    } else if (!agree) {
        out->why |= LAB_WHY_SEX;
    } else {
        out->flag = (enum lab_flag)flag;
        out->source = LAB_FROM_TABLE;
        if (out->flag == LAB_UNKNOWN) out->why |= LAB_WHY_INEXACT;
        if (patient->age < 0) out->why |= LAB_WHY_ASSUMED_ADULT;
    }
    if (out->source != LAB_FROM_TABLE) out->low = out->high = NAN;
}

static void judge_answer(struct lab_judged *out)
{
    const struct lab_row *row = out->row;
    char expected = row->printed_answer ? row->printed_answer : out->item->kind == 'q' ? '-' : 0;
    if (!expected) {
        out->why |= LAB_WHY_NO_RANGE;
        return;
    }
    out->source = row->printed_answer ? LAB_FROM_REPORT : LAB_FROM_TABLE;
    if (row->answer == '?') {
        out->flag = LAB_UNKNOWN;
        out->why |= LAB_WHY_INEXACT;
    } else {
        out->flag = row->answer == expected ? LAB_NORMAL : row->answer == '+' ? LAB_HIGH : LAB_LOW;
    }
}

void labs_judge(struct lab_judged *out, const struct lab_tables *t, const struct lab_row *row,
                const struct lab_patient *patient)
{
    *out = (struct lab_judged){
        .row = row, .item = &t->items[row->item], .unit = row->unit, .own = NAN, .low = NAN, .high = NAN};
    if (row->answer != 'x') {
        judge_answer(out);
        return;
    }
    if (row->unit < 0 && !row->strange_unit) {
        out->unit = guess_unit(t, row);
        if (out->unit != out->item->unit) out->why |= LAB_WHY_GUESSED_UNIT;
    }
    if (row->strange_unit || !labs_convert(t, row->item, out->unit, row->x, &out->own)) {
        out->own = NAN;
        out->why |= LAB_WHY_UNIT;
    }
    if (!isnan(out->own) && !plausible(out->item, out->own)) out->why |= LAB_WHY_IMPLAUSIBLE;
    bool done = judge_printed(out, patient);
    if (!done && row->mark) {
        out->flag = row->mark == 'h' ? LAB_HIGH : LAB_LOW;
        out->source = LAB_FROM_MARK;
    } else if (!done && !isnan(out->own)) {
        judge_table(out, t, patient);
    }
    judge_critical(out, t);
}
