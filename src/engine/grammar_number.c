/* grammar_number.c - numbers within bounds. A bound becomes a whole number of units 10^-decimals; the automaton reads
 * digits from the left and knows whether it is still level with the lower and with the upper bound.
 *
 * A number has at most NUMBER_DIGITS digits, what a double keeps exactly: otherwise a decimal just inside an exclusive
 * bound could be read as the bound itself. */
#include "engine/grammar_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_DECIMALS = 6, MOST_DECIMALS = 9 };

static const int64_t powers[] = {
    1,         10,         100,         1000,         10000,         100000,         1000000,         10000000,
    100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000};

/* --- without bounds
 * --------------------------------------------------------------------------------------------------- */

/* From `from`, count times a digit; `to` may come behind any of them. */
static int32_t up_to_digits(struct grammar_nfa *a, int32_t from, int count, int32_t to)
{
    for (int i = 0; i < count; i++) {
        int32_t next = nfa_node(a);
        nfa_bytes(a, from, '0', '9', next);
        nfa_empty(a, next, to);
        from = next;
    }
    return from;
}

void nfa_number_any(struct grammar_nfa *a, int32_t from, int32_t to)
{
    int32_t first = nfa_node(a);
    int32_t whole = nfa_node(a);
    int32_t point = nfa_node(a);
    int32_t fraction = nfa_node(a);
    int32_t exponent = nfa_node(a);
    int32_t more = nfa_node(a);
    nfa_empty(a, from, first);
    nfa_bytes(a, from, '-', '-', first);
    nfa_bytes(a, first, '0', '0', whole);
    nfa_bytes(a, first, '1', '9', more);
    nfa_empty(a, more, whole);
    up_to_digits(a, more, NUMBER_DIGITS - 1, whole);
    nfa_empty(a, whole, to);
    nfa_bytes(a, whole, '.', '.', point);
    up_to_digits(a, point, NUMBER_DIGITS, fraction);
    nfa_empty(a, fraction, to);
    nfa_empty(a, whole, exponent);
    nfa_empty(a, fraction, exponent);
    int32_t e = nfa_node(a);
    int32_t power = nfa_node(a);
    nfa_bytes(a, exponent, 'e', 'e', e);
    nfa_bytes(a, exponent, 'E', 'E', e);
    nfa_empty(a, e, power);
    nfa_bytes(a, e, '+', '+', power);
    nfa_bytes(a, e, '-', '-', power);
    up_to_digits(a, power, 2, to);
}

/* --- within bounds
 * ---------------------------------------------------------------------------------------------------- */

struct digits {
    struct grammar_nfa *a;
    char low[24], high[24]; /* the same number of digits */
    int whole, total;       /* digits before the point, in all */
    int32_t to;
    int32_t made[24][4]; /* [position][level with low, level with high], -1: not yet */
};

static bool zeros_from(const char *s, int at)
{
    return s[at + (int)strspn(s + at, "0")] == '\0';
}

/* What may follow when `at` digits stand there, `from` being the node behind them (and behind the point, if any). */
static void write_digits(struct digits *d, int32_t from, int at, bool on_low, bool on_high);

static int32_t digits_node(struct digits *d, int at, bool on_low, bool on_high)
{
    int32_t *made = &d->made[at][(on_low ? 1 : 0) + (on_high ? 2 : 0)];
    if (*made >= 0) return *made;
    *made = nfa_node(d->a);
    int32_t node = *made;
    if (at >= d->whole && (!on_low || zeros_from(d->low, at))) nfa_empty(d->a, node, d->to); /* zeros may be left out */
    if (at < d->total) {
        if (at == d->whole) { /* a point, and then at least one digit */
            int32_t behind = nfa_node(d->a);
            nfa_bytes(d->a, node, '.', '.', behind);
            write_digits(d, behind, at, on_low, on_high);
        } else {
            write_digits(d, node, at, on_low, on_high);
        }
    }
    return node;
}

static void write_digits(struct digits *d, int32_t from, int at, bool on_low, bool on_high)
{
    char least = on_low ? d->low[at] : '0';
    char most = on_high ? d->high[at] : '9';
    for (char c = least; c <= most && !d->a->rc; c++) {
        bool low = on_low && c == least;
        bool high = on_high && c == most;
        char last = c; /* digits strictly between the bounds lead to the same place */
        while (!low && !high && last < most && !(on_high && last + 1 == most)) last++;
        nfa_bytes(d->a, from, (uint8_t)c, (uint8_t)last, digits_node(d, at + 1, low, high));
        c = last;
    }
}

static void put_digits(char *out, int n, int64_t value)
{
    out[n] = '\0';
    for (; n > 0; value /= 10) out[--n] = (char)('0' + value % 10);
}

/* 0 <= low <= high. */
static void write_magnitudes(struct grammar_nfa *a, int32_t from, int64_t low, int64_t high, int64_t units, int32_t to)

{
    int decimals = (int)units;
    for (int whole = 1; whole + decimals <= NUMBER_DIGITS; whole++) {
        int64_t least = whole == 1 ? 0 : powers[whole - 1 + decimals];
        int64_t most = powers[whole + decimals] - 1;
        struct digits d = {.a = a, .whole = whole, .total = whole + decimals, .to = to};
        if (low > most || high < least || a->rc) continue;
        memset(d.made, 0xFF, sizeof d.made);
        put_digits(d.low, d.total, low > least ? low : least);
        put_digits(d.high, d.total, high < most ? high : most);
        write_digits(&d, from, 0, true, true);
    }
}

void nfa_number(struct grammar_nfa *a, int32_t from, const struct number_range *r, int32_t to)
{
    if (r->high >= 0) write_magnitudes(a, from, r->low > 0 ? r->low : 0, r->high, r->decimals, to);
    if (r->low < 0) {
        int32_t behind = nfa_node(a);
        nfa_bytes(a, from, '-', '-', behind);
        write_magnitudes(a, behind, r->high < 0 ? -r->high : 1, -r->low, r->decimals, to);
    }
}

/* --- a schema's bounds
 * ------------------------------------------------------------------------------------------------- */

/* Decimals of the shortest text that reads as x, or -1 if there are too many. */
static int decimals_of(double x)
{
    for (int n = 0; n <= MOST_DECIMALS; n++) {
        char text[64];
        snprintf(text, sizeof text, "%.*f", n, x);
        if (strtod(text, NULL) == x) return n;
    }
    return -1;
}

/* One bound in units, rounded inwards. */
static int64_t in_units(double x, int decimals, bool is_low, bool exclusive)
{
    double scaled = x * (double)powers[decimals];
    double nearest = round(scaled);
    double limit = (double)(powers[NUMBER_DIGITS] - 1);
    if (scaled < -limit) return -(powers[NUMBER_DIGITS] - 1);
    if (scaled > limit) return powers[NUMBER_DIGITS] - 1;
    bool on_unit = nearest / (double)powers[decimals] == x;
    if (!on_unit) return (int64_t)(is_low ? ceil(scaled) : floor(scaled));
    return (int64_t)nearest + (exclusive ? (is_low ? 1 : -1) : 0);
}

int number_range_read(struct number_range *r, const json_t *schema, bool whole, const char **bad, const char **why)
{
    static const char *const names[] = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"};
    double largest = 0;
    *r = (struct number_range){.decimals = 0};
    *why = "must be a number";
    for (int i = 0; i < 4; i++) {
        const json_t *bound = json_object_get(schema, *bad = names[i]);
        double x = json_number_value(bound);
        if (!bound) continue;
        if (!json_is_number(bound)) return ERR_INVALID;
        bool far = fabs(x) >= (double)powers[NUMBER_DIGITS];
        int decimals = whole || far ? 0 : decimals_of(x);
        if (decimals < 0 || (far && (x > 0) == (i < 2))) {
            *why = "has more digits than can be kept";
            return ERR_UNSUPPORTED;
        }
        if (decimals > r->decimals) r->decimals = decimals;
        if (!far && fabs(x) > largest) largest = fabs(x);
    }
    int digits = 1;
    while (digits < NUMBER_DIGITS && largest >= (double)powers[digits]) digits++;
    *why = "has more digits than can be kept";
    *bad = "minimum";
    if (digits + r->decimals > NUMBER_DIGITS) return ERR_UNSUPPORTED;
    while (!whole && r->decimals < DEFAULT_DECIMALS && digits + r->decimals < NUMBER_DIGITS) r->decimals++;
    r->low = -(powers[NUMBER_DIGITS] - 1);
    r->high = powers[NUMBER_DIGITS] - 1;
    for (int i = 0; i < 4; i++) {
        const json_t *bound = json_object_get(schema, names[i]);
        int64_t units = in_units(json_number_value(bound), (int)r->decimals, i < 2, i % 2 == 1);
        if (bound && i < 2 && units > r->low) r->low = units;
        if (bound && i >= 2 && units < r->high) r->high = units;
    }
    *bad = json_object_get(schema, "minimum") ? "minimum" : "exclusiveMinimum";
    *why = "leaves no number";
    return r->low <= r->high ? OK : ERR_INVALID;
}
