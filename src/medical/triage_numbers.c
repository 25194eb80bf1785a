/* triage_numbers.c - see triage_numbers.h. */
#include "medical/triage_numbers.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "medical/lex_parts.h"

enum { LABEL_REACH = 12 };

static const struct {
    const char *name;
    double low, high;
} values[] = {
#define X(name, low, high) {#name, low, high},
    TRIAGE_VALUES(X)
#undef X
};

/* What may stand behind a number. Longer ones first. factor: of minutes, or of days for ages. */
static const struct unit {
    const char *text;
    int value;
    double factor;
} units[] = {
    {"度", TRIAGE_VALUE_temp, 1},
    {"℃", TRIAGE_VALUE_temp, 1},
    {"°c", TRIAGE_VALUE_temp, 1},
    {"°f", TRIAGE_VALUE_temp, -1},
    {"°", TRIAGE_VALUE_temp, 1},
    {"摄氏度", TRIAGE_VALUE_temp, 1},
    {" degrees", TRIAGE_VALUE_temp, 1},
    {"c ", TRIAGE_VALUE_temp, 1},
    {" c ", TRIAGE_VALUE_temp, 1},
    {"f ", TRIAGE_VALUE_temp, -1},
    {" f ", TRIAGE_VALUE_temp, -1},
    {"周岁", TRIAGE_VALUE_age, 1},
    {"岁", TRIAGE_VALUE_age, 1},
    {" years old", TRIAGE_VALUE_age, 1},
    {" year old", TRIAGE_VALUE_age, 1},
    {"-year-old", TRIAGE_VALUE_age, 1},
    {" yo ", TRIAGE_VALUE_age, 1},
    {"yo ", TRIAGE_VALUE_age, 1},
    {"y/o", TRIAGE_VALUE_age, 1},
    {"个多月大", TRIAGE_VALUE_age_days, 30.4},
    {"个月大", TRIAGE_VALUE_age_days, 30.4},
    {"个月的", TRIAGE_VALUE_age_days, 30.4},
    {"月龄", TRIAGE_VALUE_age_days, 30.4},
    {"个月宝", TRIAGE_VALUE_age_days, 30.4},
    {"个月婴", TRIAGE_VALUE_age_days, 30.4},
    {"个多月的", TRIAGE_VALUE_age_days, 30.4},
    {" months old", TRIAGE_VALUE_age_days, 30.4},
    {" month old", TRIAGE_VALUE_age_days, 30.4},
    {"-month-old", TRIAGE_VALUE_age_days, 30.4},
    {" month-old", TRIAGE_VALUE_age_days, 30.4},
    {"周大", TRIAGE_VALUE_age_days, 7},
    {" weeks old", TRIAGE_VALUE_age_days, 7},
    {" week old", TRIAGE_VALUE_age_days, 7},
    {"-week-old", TRIAGE_VALUE_age_days, 7},
    {"天大", TRIAGE_VALUE_age_days, 1},
    {"天的宝", TRIAGE_VALUE_age_days, 1},
    {"天的婴", TRIAGE_VALUE_age_days, 1},
    {"天的新", TRIAGE_VALUE_age_days, 1},
    {"天的娃", TRIAGE_VALUE_age_days, 1},
    {"日龄", TRIAGE_VALUE_age_days, 1},
    {" days old", TRIAGE_VALUE_age_days, 1},
    {" day old", TRIAGE_VALUE_age_days, 1},
    {"-day-old", TRIAGE_VALUE_age_days, 1},
    {" weeks pregnant", TRIAGE_VALUE_weeks_pregnant, 1},
    {"次/分", TRIAGE_VALUE_pulse, 1},
    {" bpm", TRIAGE_VALUE_pulse, 1},
    {"bpm", TRIAGE_VALUE_pulse, 1},
    {"分钟", TRIAGE_VALUE_minutes, 1},
    {"多分钟", TRIAGE_VALUE_minutes, 1},
    {"来分钟", TRIAGE_VALUE_minutes, 1},
    {"分", TRIAGE_VALUE_minutes, 1},
    {" min", TRIAGE_VALUE_minutes, 1},
    {"min", TRIAGE_VALUE_minutes, 1},
    {"个多小时", TRIAGE_VALUE_minutes, 60},
    {"个半小时", TRIAGE_VALUE_minutes, 60},
    {"个小时", TRIAGE_VALUE_minutes, 60},
    {"多小时", TRIAGE_VALUE_minutes, 60},
    {"小时", TRIAGE_VALUE_minutes, 60},
    {"个钟头", TRIAGE_VALUE_minutes, 60},
    {"个钟", TRIAGE_VALUE_minutes, 60},
    {" hour", TRIAGE_VALUE_minutes, 60},
    {" hr", TRIAGE_VALUE_minutes, 60},
    {"hr", TRIAGE_VALUE_minutes, 60},
    {"h ", TRIAGE_VALUE_minutes, 60},
    {"天", TRIAGE_VALUE_minutes, 1440},
    {"多天", TRIAGE_VALUE_minutes, 1440},
    {" day", TRIAGE_VALUE_minutes, 1440},
    {"个星期", TRIAGE_VALUE_minutes, 10080},
    {"个礼拜", TRIAGE_VALUE_minutes, 10080},
    {"周", TRIAGE_VALUE_minutes, 10080},
    {" week", TRIAGE_VALUE_minutes, 10080},
    {"个多月", TRIAGE_VALUE_minutes, 43200},
    {"个月", TRIAGE_VALUE_minutes, 43200},
    {" month", TRIAGE_VALUE_minutes, 43200},
    {"年", TRIAGE_VALUE_minutes, 525600},
    {" year", TRIAGE_VALUE_minutes, 525600},
};

/* Label concepts and the value they announce. */
static const struct {
    const char *concept;
    int value;
} labels[] = {
    {"num_temp", TRIAGE_VALUE_temp},
    {"num_spo2", TRIAGE_VALUE_spo2},
    {"num_bp", TRIAGE_VALUE_sbp},
    {"num_dbp", TRIAGE_VALUE_dbp},
    {"num_pulse", TRIAGE_VALUE_pulse},
    {"num_breaths", TRIAGE_VALUE_breaths},
    {"num_glucose", TRIAGE_VALUE_glucose},
    {"num_potassium", TRIAGE_VALUE_potassium},
    {"num_haemoglobin", TRIAGE_VALUE_haemoglobin},
    {"num_platelets", TRIAGE_VALUE_platelets},
    {"num_inr", TRIAGE_VALUE_inr},
    {"num_age", TRIAGE_VALUE_age},
    {"num_pregnant", TRIAGE_VALUE_weeks_pregnant},
};

struct row {
    const uint32_t *cp;
    size_t n;
    uint8_t *label; /* per character: 1 + value of the label that ends before it */
    struct triage_numbers *out;
};

const char *triage_value_name(int value)
{
    return values[value].name;
}

void triage_numbers_clear(struct triage_numbers *n)
{
    for (int i = 0; i < TRIAGE_VALUE_COUNT; i++) {
        n->low[i] = 1e300;
        n->high[i] = -1e300;
        n->start[i] = n->end[i] = 0;
    }
}

void triage_numbers_add(struct triage_numbers *n, int value, double x)
{
    if (x < values[value].low || x > values[value].high) return;
    if (x < n->low[value]) n->low[value] = x;
    if (x > n->high[value]) n->high[value] = x;
}

static bool text_at(const struct row *r, size_t at, const char *text, size_t *end)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; at++) {
        uint32_t c;
        i += utf8_decode(text + i, len - i, &c);
        bool stands_for_any = c == ' ' && (at >= r->n || !lex_is_letter(r->cp[at])) && i == len;
        if (stands_for_any) continue;
        if (c == ' ' && at < r->n && r->cp[at] == '-') continue;
        if (at >= r->n || r->cp[at] != c) return false;
    }
    *end = at;
    return true;
}

static int han_digit(uint32_t c)
{
    static const uint32_t digits[] = {0x96F6, 0x4E00, 0x4E8C, 0x4E09, 0x56DB, 0x4E94, 0x516D, 0x4E03, 0x516B, 0x4E5D};
    for (int i = 0; i < 10; i++)
        if (digits[i] == c) return i;
    return c == 0x3007 ? 0 : c == 0x4E24 ? 2 : -1; /* 〇 两 */
}

static double han_power(uint32_t c)
{
    return c == 0x5341 ? 10 : c == 0x767E ? 100 : c == 0x5343 ? 1000 : c == 0x4E07 ? 10000 : 0; /* 十百千万 */
}

/* 三十九, 一百八, 一百零五, 两百二, 三七 (digits read one by one). */
static bool han_number(const struct row *r, size_t at, double *x, size_t *end)
{
    double total = 0;
    double digit = -1;
    double last_power = 0;
    size_t i = at;
    bool zero = false;
    for (; i < r->n && i - at < 9; i++) {
        double power = han_power(r->cp[i]);
        int d = han_digit(r->cp[i]);
        if (power > 0) {
            total += (digit < 0 ? 1 : digit) * power;
            digit = -1;
            last_power = power;
        } else if (d >= 0) {
            zero = zero || (d == 0 && last_power > 0);
            digit = digit < 0 ? d : digit * 10 + d;
        } else {
            break;
        }
    }
    if (i == at) return false;
    if (digit >= 0) total += last_power >= 100 && !zero ? digit * last_power / 10 : digit;
    *x = total;
    *end = i;
    return true;
}

static bool digits(const struct row *r, size_t at, double *x, size_t *end)
{
    size_t i = at;
    double v = 0;
    while (i < r->n && r->cp[i] >= '0' && r->cp[i] <= '9' && i - at < 9) v = v * 10 + (r->cp[i++] - '0');
    if (i == at) return false;
    *x = v;
    *end = i;
    return true;
}

/* A whole number with its fraction: 39.5, 39点5, 三十八点二, 半. */
static bool number_at(const struct row *r, size_t at, double *x, size_t *end)
{
    double fraction;
    size_t after;
    if (r->cp[at] == 0x534A) { /* 半 */
        *x = 0.5;
        *end = at + 1;
        return true;
    }
    bool han = !digits(r, at, x, end);
    if (han && !han_number(r, at, x, end)) return false;
    if (*end < r->n && (r->cp[*end] == '.' || r->cp[*end] == 0x70B9)) {
        bool got = digits(r, *end + 1, &fraction, &after) || han_number(r, *end + 1, &fraction, &after);
        if (got && fraction < 1000) {
            double scale = fraction < 10 && after - *end == 2 ? 10 : fraction < 100 ? 100 : 1000;
            *x += fraction / scale;
            *end = after;
        }
    }
    return true;
}

static int label_before(const struct row *r, size_t at)
{
    for (size_t i = at + 1; i-- > 0 && at - i <= LABEL_REACH;) {
        if (r->label[i]) return r->label[i] - 1;
        if (i == 0 || triage_ends_sentence(r->cp[i - 1]) || (r->cp[i - 1] >= '0' && r->cp[i - 1] <= '9')) return -1;
    }
    return -1;
}

static void keep(struct row *r, int value, double x, size_t start, size_t end)
{
    if (value == TRIAGE_VALUE_temp && x > 93 && x < 112) x = (x - 32) / 1.8;
    if (value == TRIAGE_VALUE_glucose && x > 40) x /= 18;
    if (value == TRIAGE_VALUE_haemoglobin && x < 25) x *= 10;
    if (value == TRIAGE_VALUE_platelets && x >= 1000) x /= 1000;
    triage_numbers_add(r->out, value, x);
    if (value == TRIAGE_VALUE_age) triage_numbers_add(r->out, TRIAGE_VALUE_age_days, x * 365.25);
    if (value == TRIAGE_VALUE_age_days) triage_numbers_add(r->out, TRIAGE_VALUE_age, x / 365.25);
    r->out->start[value] = (uint32_t)start;
    r->out->end[value] = (uint32_t)end;
}

static const struct unit *unit_at(const struct row *r, size_t at, size_t *end)
{
    const struct unit *best = NULL;
    size_t best_end = at;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t after;
        if (!text_at(r, at, units[i].text, &after) || after <= best_end) continue;
        best = &units[i];
        best_end = after;
    }
    *end = best_end;
    return best;
}

/* "180/110", "180 over 110", "一百八比一百一". */
static bool pressure_at(struct row *r, size_t start, double upper, size_t end, int label)
{
    double lower;
    size_t at;
    size_t after;
    bool joined = text_at(r, end, "/", &at) || text_at(r, end, " over ", &at) || text_at(r, end, "比", &at) ||
                  (label == TRIAGE_VALUE_sbp && (text_at(r, end, ",", &at) || text_at(r, end, "-", &at)));
    if (!joined || at >= r->n || !number_at(r, at, &lower, &after)) return false;
    if (upper < 50 || upper > 300 || lower < 20 || lower > 200 || lower >= upper) return false;
    keep(r, TRIAGE_VALUE_sbp, upper, start, after);
    keep(r, TRIAGE_VALUE_dbp, lower, start, after);
    return true;
}

static void half_behind(const struct row *r, size_t end, double *x)
{
    double tenth;
    size_t after;
    size_t at;
    if (text_at(r, end, "半", &at))
        *x += 0.5;
    else if (end < r->n && number_at(r, end, &tenth, &after) && after == end + 1 && tenth >= 1 && tenth < 10)
        *x += tenth / 10; /* 39度5 */
}

static void classify(struct row *r, size_t start, double x, size_t end)
{
    size_t unit_end;
    int label = label_before(r, start);
    const struct unit *u = unit_at(r, end, &unit_end);
    if (pressure_at(r, start, x, end, label)) return;
    if (u && u->value == TRIAGE_VALUE_temp) {
        if (u->factor > 0) half_behind(r, unit_end, &x);
        bool celsius = u->factor > 0 && u->text[0] != ' ' && strcmp(u->text, "°") != 0;
        if (x >= 34 && !(celsius && x > 44)) keep(r, TRIAGE_VALUE_temp, x, start, unit_end);
    } else if (u && u->value == TRIAGE_VALUE_minutes) {
        if (label == TRIAGE_VALUE_weeks_pregnant && u->factor >= 10080 && u->factor < 50000)
            keep(r, label, x * u->factor / 10080, start, unit_end);
        else if (label == TRIAGE_VALUE_age && u->factor <= 50000)
            keep(r, TRIAGE_VALUE_age_days, x * u->factor / 1440, start, unit_end);
        else
            keep(r, TRIAGE_VALUE_minutes, x * u->factor, start, unit_end);
    } else if (u && u->value == TRIAGE_VALUE_pulse && label == TRIAGE_VALUE_breaths) {
        keep(r, TRIAGE_VALUE_breaths, x, start, unit_end);
    } else if (u) {
        bool days = u->value == TRIAGE_VALUE_age_days;
        keep(r, u->value, days ? x * u->factor : x, start, unit_end);
    } else if (label >= 0) {
        keep(r, label, x, start, end);
    }
}

int triage_numbers_read(struct triage_numbers *n, const struct lex *l, const struct triage_text *t,
                        const struct lex_hits *hits)
{
    struct row r = {t->cp, t->n, calloc(t->n + 2, 1), n};
    int concepts[sizeof labels / sizeof *labels];
    if (!r.label) return ERR_NOMEM;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        concepts[i] = lex_concept(l, labels[i].concept, strlen(labels[i].concept));
    for (size_t i = 0; i < hits->n; i++) {
        if (lex_kind(l, hits->items[i].concept) != LEX_CUE) continue;
        for (size_t k = 0; k < sizeof labels / sizeof *labels; k++)
            if (concepts[k] == hits->items[i].concept) r.label[hits->items[i].end] = (uint8_t)(labels[k].value + 1);
    }
    for (size_t i = 0; i < t->n;) {
        double x;
        size_t end;
        if (!number_at(&r, i, &x, &end)) {
            i++;
            continue;
        }
        classify(&r, i, x, end);
        i = end;
    }
    free(r.label);
    return OK;
}
