/* redact_numbers.c - telephones, identity numbers and bank cards: runs of digits, however they are written. */
#include <string.h>

#include "medical/redact_parts.h"

enum { MAX_GROUPS = 24, MAX_DIGITS = 24, REACH = 16 };

/* Digits without anything between them. */
struct group {
    size_t start, end;
    bool spelled; /* in Chinese */
};

struct run {
    struct group groups[MAX_GROUPS];
    size_t count;
};

/* Some groups of a run in a row. */
struct window {
    char digits[MAX_DIGITS + 1];
    size_t n, start, end;
    size_t groups;
    enum redact_word label;
    bool bank_after;  /* (工商银行卡) */
    size_t distance;  /* from the label */
    char first_break; /* what stands between the first two groups; 0 */
    size_t first_digits;
};

bool redact_id_check(const char id[18])
{
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (size_t i = 0; i < 17; i++) {
        if (id[i] < '0' || id[i] > '9') return false;
        sum += (id[i] - '0') * weights[i];
    }
    char last = "10X98765432"[sum % 11];
    return id[17] == last || (last == 'X' && id[17] == 'x');
}

bool redact_luhn_check(const char *digits, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digits[n - 1 - i] - '0';
        if (i % 2) d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return n > 1 && sum % 10 == 0;
}

static int value(const char *s, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++) v = 10 * v + (s[i] - '0');
    return v;
}

/* Do the digits hold a province and a birthday where an identity number has them? */
static bool plausible(const char *d, size_t n)
{
    int province = value(d, 2);
    const char *date = n == 18 ? d + 8 : d + 6;
    int century = n == 18 ? value(d + 6, 2) : 19;
    int month = value(date + (n == 18 ? 2 : 2), 2);
    int day = value(date + (n == 18 ? 4 : 4), 2);
    return province >= 11 && province <= 82 && (century == 19 || century == 20 || century == 18) && month >= 1 &&
           month <= 12 && day >= 1 && day <= 31;
}

static bool is_id(const struct window *v)
{
    bool context = v->label == WORD_ID_LABEL;
    if (v->n == 18 && redact_id_check(v->digits) && plausible(v->digits, 18)) return true;
    if (context && v->distance < 8 && v->n >= 15 && v->n <= 20) return true;
    if (v->n == 18 || v->n == 15) {
        if (context && plausible(v->digits, v->n)) return true;
        if (v->n == 15 && v->label == WORD_KINDS) return plausible(v->digits, 15);
    }
    return false;
}

static size_t mobile_prefix(const char *d, size_t n)
{
    if (n == 13 && strncmp(d, "86", 2) == 0) return 2;
    if (n == 15 && strncmp(d, "0086", 4) == 0) return 4;
    if (n == 12 && d[0] == '0') return 1;
    return 0;
}

static bool is_mobile(const struct window *v)
{
    size_t p = mobile_prefix(v->digits, v->n);
    const char *d = v->digits + p;
    if (v->n - p != 11 || d[0] != '1' || d[1] < '3') return false;
    return v->label != WORD_ORDER_LABEL;
}

/* Area code and number: 0571-87654321, (010)12345678; seven or eight digits after a label. */
static bool is_landline(const struct window *v)
{
    const char *d = v->digits;
    if (v->label == WORD_HOTLINE || v->label == WORD_ORDER_LABEL) return false;
    if (v->n == 10 && (strncmp(d, "400", 3) == 0 || strncmp(d, "800", 3) == 0)) return false;
    if (d[0] == '0' && d[1] > '0' && v->n >= 10 && v->n <= 12)
        return v->label == WORD_PHONE_LABEL || (v->first_break && (v->first_digits == 3 || v->first_digits == 4));
    if (v->n >= 12 && v->n <= 14 && strncmp(d, "86", 2) == 0 && v->groups > 1)
        return v->label == WORD_PHONE_LABEL && v->distance < 6;
    if (v->label != WORD_PHONE_LABEL || v->distance > 6) return false;
    return v->n == 7 || v->n == 8 || (v->n >= 10 && v->n <= 13 && v->groups > 1);
}

static bool is_bank(const struct window *v)
{
    if (v->bank_after && v->n >= 15 && v->n <= 19) return true;
    if (v->label == WORD_BANK_LABEL && v->distance < 12) return v->n >= 12 && v->n <= 21;
    if (v->n < 16 || v->n > 19 || v->label == WORD_ORDER_LABEL || v->label == WORD_MRN_LABEL) return false;
    return v->digits[0] >= '3' && v->digits[0] <= '6' && redact_luhn_check(v->digits, v->n);
}

static bool is_break(uint32_t c)
{
    return c == ' ' || c == '-' || c == '.' || c == 0xB7 || c == '(' || c == ')' || c == 0x2014 || c == '_';
}

static bool read_run(const struct redact_text *t, size_t *at, struct run *r)
{
    size_t i = *at;
    r->count = 0;
    while (i < t->n && r->count < MAX_GROUPS) {
        struct group *g = &r->groups[r->count];
        *g = (struct group){.start = i, .end = i};
        while (g->end < t->n && redact_digit(t->c[g->end]) >= 0) g->spelled |= t->c[g->end++] > 0x7F;
        if (g->end == g->start) break;
        r->count++;
        i = g->end;
        size_t breaks = 0;
        while (breaks < 3 && is_break(t->c[i])) {
            i++;
            breaks++;
        }
        if (breaks > 3 || !breaks) break;
    }
    *at = r->count ? r->groups[r->count - 1].end : i;
    return r->count > 0;
}

/* With cut 1: without the last digit of the last group, which begins the next word (…三八零一|直). */
static bool make_window(const struct redact_text *t, const struct run *r, size_t a, size_t b, size_t cut,
                        struct window *v)
{
    v->n = 0;
    v->groups = b - a + 1;
    v->start = r->groups[a].start;
    v->end = r->groups[b].end - cut;
    for (size_t g = a; g <= b; g++)
        for (size_t i = r->groups[g].start; i < r->groups[g].end && i < v->end; i++) {
            if (v->n == MAX_DIGITS) return false;
            v->digits[v->n++] = (char)('0' + redact_digit(t->c[i]));
        }
    v->first_digits = r->groups[a].end - r->groups[a].start;
    v->first_break = a < b ? (char)(t->c[r->groups[a].end] & 0x7F) : 0;
    /* the X at the end of an identity number */
    size_t x = redact_skip(t, v->end, " -");
    if (v->n == 17 && x < v->end + 3 && t->c[x] == 'x' && !redact_is_latin(t->c[x + 1]) &&
        redact_digit(t->c[x + 1]) < 0) {
        v->digits[v->n++] = 'X';
        v->end = x + 1;
    }
    v->digits[v->n] = '\0';
    return true;
}

/* +86, (0571), an extension: what belongs to a telephone number around its digits. */
static void add_phone(struct redact_text *t, const struct window *v)
{
    size_t start = v->start;
    size_t end = v->end;
    if (start > 0 && t->c[start - 1] == '(' && v->first_break) start--;
    if (start > 0 && t->c[start - 1] == '+') start--;
    if (start > 1 && t->c[start - 1] == '(' && t->c[start] == '+') start--;
    size_t i = end;
    if (t->c[i] == ' ') i++;
    if (t->c[i] == '-' || t->c[i] == 0x8F6C) {
        size_t digits = i + 1;
        while (digits < t->n && t->c[digits] >= '0' && t->c[digits] <= '9') digits++;
        if (digits > i + 2 && digits < i + 7 && (t->c[i] != '-' || v->digits[0] == '0')) end = digits;
    } else if (t->c[i] == 0x5206 && t->c[i + 1] == 0x673A) { /* 分机 */
        size_t digits = redact_skip(t, i + 2, " :");
        size_t first = digits;
        while (digits < t->n && t->c[digits] >= '0' && t->c[digits] <= '9') digits++;
        if (digits > first) end = digits;
    }
    redact_add(t, start, end, REDACT_PHONE);
}

static bool glued(const struct redact_text *t, const struct window *v)
{
    bool before = v->start > 0 && (redact_is_latin(t->c[v->start - 1]) || t->c[v->start - 1] == '_');
    return before || redact_is_latin(t->c[v->end]);
}

static bool bank_follows(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t at = redact_skip(t, i, " ");
    if (t->c[at] != '(') return false;
    for (size_t k = at + 1; k < at + 8 && redact_is_han(t->c[k]); k++)
        if (redact_word_at(w, t, k, WORD_BANK_LABEL)) return true;
    return false;
}

static bool try_window(const struct redact_words *w, struct redact_text *t, struct window *v)
{
    v->bank_after = v->n >= 15 && bank_follows(w, t, v->end);
    if (v->n < 7 || (glued(t, v) && v->label != WORD_ID_LABEL)) return false;
    if (is_id(v)) {
        redact_add(t, v->start, v->end, REDACT_ID_CARD);
    } else if (is_mobile(v)) {
        add_phone(t, v);
    } else if (is_bank(v)) {
        redact_add(t, v->start, v->end, REDACT_BANK);
    } else if (is_landline(v)) {
        add_phone(t, v);
    } else {
        return false;
    }
    return true;
}

/* The longest window from group a that is something. Returns the group after it, or a. */
static size_t from_group(const struct redact_words *w, struct redact_text *t, const struct run *r, size_t a)
{
    static const enum redact_word kinds[] = {WORD_PHONE_LABEL, WORD_HOTLINE,     WORD_ID_LABEL,    WORD_BANK_LABEL,
                                             WORD_MRN_LABEL,   WORD_ORDER_LABEL, WORD_WECHAT_LABEL};
    struct window v = {0};
    size_t end = 0;
    size_t start = r->groups[a].start;
    v.label = redact_label_before(w, t, start, REACH, kinds, sizeof kinds / sizeof *kinds, &end);
    static const enum redact_word institution[] = {WORD_HOTLINE};
    if ((v.label == WORD_PHONE_LABEL || v.label == WORD_KINDS) && /* 医院电话, 总台：0571-… */
        redact_label_before(w, t, v.label == WORD_KINDS ? start : end, 12, institution, 1, NULL) == WORD_HOTLINE)
        v.label = WORD_HOTLINE;
    v.distance = v.label == WORD_KINDS ? REACH : start - end;
    for (size_t b = r->count; b-- > a;) {
        if (b - a > 19) continue;
        for (size_t cut = 0; cut <= (r->groups[b].spelled && r->groups[b].end - r->groups[b].start > 1); cut++)
            if (make_window(t, r, a, b, cut, &v) && try_window(w, t, &v)) return b + 1;
    }
    return a;
}

void redact_numbers(const struct redact_words *w, struct redact_text *t)
{
    struct run r;
    for (size_t i = 0; i < t->n;) {
        if (redact_digit(t->c[i]) < 0) {
            i++;
            continue;
        }
        if (!read_run(t, &i, &r)) break;
        for (size_t a = 0; a < r.count;) {
            size_t next = from_group(w, t, &r, a);
            a = next > a ? next : a + 1;
        }
    }
}
