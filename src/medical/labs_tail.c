/* labs_tail.c - see labs_tail.h.
 *
 * One walk over the text: each place is a date, a unit, a number or a range, a mark, an answer in words, or is passed
 * over. What is the result and what the range is decided at the end: a pair is a range, a bare number is the result, of
 * two with a comparison sign the first. */
#include "medical/labs_tail.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 24, COMPARED_MAX = 4 };

struct compared {
    char sign;
    bool or_equal;
    double x;
};

struct tail {
    const struct lab_tables *t;
    struct lab_row *row;
    const char *s;
    size_t n, at;
    bool list, has_plain;
    char sex; /* of the ranges that follow: 男:130-175 女:115-150 */
    struct compared compared[COMPARED_MAX];
    size_t n_compared;
};

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static char ahead(const struct tail *k, size_t i)
{
    return i < k->n ? k->s[i] : '\0';
}

static bool starts(const struct tail *k, size_t at, const char *word)
{
    size_t n = strlen(word);
    return k->n - at >= n && memcmp(k->s + at, word, n) == 0;
}

/* OCR takes l and i for 1 and o for 0: only inside a number. */
static char as_digit(char c)
{
    return c == 'o' ? '0' : c == 'l' || c == 'i' ? '1' : c;
}

static bool point(const struct tail *k, size_t i, size_t *n)
{
    *n = starts(k, i, "。") ? 3 : starts(k, i, "·") ? 2 : ahead(k, i) == '.' ? 1 : 0;
    if (!*n && ahead(k, i) == ',' && !k->list && digit(ahead(k, i + 1)) &&
        !(digit(ahead(k, i + 2)) && digit(ahead(k, i + 3))))
        *n = 1; /* a decimal comma */
    return *n > 0;
}

static bool thousands(const struct tail *k, size_t i)
{
    return ahead(k, i) == ',' && !k->list && digit(ahead(k, i + 1)) && digit(ahead(k, i + 2)) &&
           digit(ahead(k, i + 3)) && !digit(ahead(k, i + 4));
}

static bool numeral(const struct tail *k, size_t i)
{
    char c = ahead(k, i);
    if (digit(c)) return true;
    if (c != 'o' && c != 'l' && c != 'i') return false;
    char next = ahead(k, i + 1);
    if (digit(next) || (next == '.' && digit(ahead(k, i + 2)))) return true;
    return c == 'o' && i > 0 && (digit(k->s[i - 1]) || k->s[i - 1] == '.') && !letter(next);
}

/* A number without sign at `at`; its length, 0 if there is none. A second point ends it. */
static size_t read_number(const struct tail *k, size_t at, double *x)
{
    char text[NUMBER_MAX + 1];
    size_t used = 0, i = at, n = 0;
    bool fraction = false;
    if (!numeral(k, at) || (at && letter(k->s[at - 1]) && !digit(k->s[at]))) return 0;
    for (; i < k->n;) {
        if (numeral(k, i)) {
            if (used == NUMBER_MAX) return 0;
            text[used++] = as_digit(k->s[i++]);
        } else if (!fraction && thousands(k, i)) {
            i++;
        } else if (!fraction && used && point(k, i, &n)) {
            size_t behind = i + n;
            if (ahead(k, behind) == ' ' && digit(ahead(k, behind + 1)) && !letter(ahead(k, behind + 2))) behind++;
            if (!numeral(k, behind) && !(ahead(k, behind) == 'o')) break;
            if (used == NUMBER_MAX) return 0;
            text[used++] = '.';
            fraction = true;
            i = behind;
        } else {
            break;
        }
    }
    text[used] = '\0';
    *x = strtod(text, NULL);
    return i - at;
}

static size_t spaces(const struct tail *k, size_t i)
{
    size_t n = 0;
    while (ahead(k, i + n) == ' ') n++;
    return n;
}

/* What stands between the ends of a range; its length with the spaces around it. */
static size_t range_sign(const struct tail *k, size_t at)
{
    static const char *const signs[] = {"---", "--", "-", "~", "——", "—", "至", "到", "to "};
    size_t i = at + spaces(k, at);
    for (size_t s = 0; s < sizeof signs / sizeof *signs; s++)
        if (starts(k, i, signs[s])) {
            i += strlen(signs[s]);
            return i + spaces(k, i) - at;
        }
    return 0;
}

/* 2024-01-05, 2024/1/5, 2024年1月5日, 08:30 are no results. */
static size_t date_length(const struct tail *k, size_t at)
{
    size_t i = at;
    while (i < k->n && digit(k->s[i])) i++;
    size_t n = i - at;
    if (n == 4 && (starts(k, at, "19") || starts(k, at, "20")) && (strchr("-/.", ahead(k, i)) || starts(k, i, "年"))) {
        size_t parts = 1;
        while (i < k->n && (digit(k->s[i]) || strchr("-/.", k->s[i]) || starts(k, i, "年") || starts(k, i, "月") ||
                            starts(k, i, "日"))) {
            if (!digit(k->s[i])) parts++;
            i += (unsigned char)k->s[i] < 0x80 ? 1 : 3;
        }
        return parts >= 3 || starts(k, at + 4, "年") ? i - at : 0;
    }
    if ((n == 1 || n == 2) && ahead(k, i) == ':' && digit(ahead(k, i + 1)) && digit(ahead(k, i + 2)) &&
        !digit(ahead(k, i + 3)))
        return i + 3 - at;
    return 0;
}

static void add_printed(struct tail *k, double low, double high, bool open_low, bool open_high)
{
    if (k->row->n_printed == LAB_PRINTED_MAX) return;
    k->row->printed[k->row->n_printed++] = (struct lab_printed){k->sex ? k->sex : '*', low, high, open_low, open_high};
}

static void add_plain(struct tail *k, double x)
{
    if (k->has_plain) return;
    k->has_plain = true;
    k->row->answer = 'x';
    k->row->x = x;
}

/* 5.63.5-9.5: a result run together with its range. Only a cut that gives two numbers with as many decimals each and a
 * range that rises is taken. */
static bool split_glued(struct tail *k, size_t at, size_t *used)
{
    size_t i = at;
    while (i < k->n && (digit(k->s[i]) || k->s[i] == '.')) i++;
    const char *first = memchr(k->s + at, '.', i - at);
    const char *second = first ? memchr(first + 1, '.', (size_t)(k->s + i - first - 1)) : NULL;
    double low, high;
    if (!second) return false;
    size_t decimals = (size_t)(k->s + i - second - 1);
    size_t cut = (size_t)(first + 1 - k->s) + decimals;
    size_t n = 0, sign = 0, m = 0;
    if (!decimals || k->s + cut >= second) return false;
    n = read_number(k, cut, &low);
    sign = n ? range_sign(k, cut + n) : 0;
    m = sign ? read_number(k, cut + n + sign, &high) : 0;
    if (!m || high <= low) return false;
    struct tail left = *k;
    left.n = cut;
    double x;
    if (read_number(&left, at, &x) != cut - at) return false;
    add_plain(k, x);
    add_printed(k, low, high, false, false);
    *used = cut + n + sign + m - at;
    return true;
}

/* A number, or a range, at the place where the walk stands; its length. */
static size_t read_figure(struct tail *k)
{
    size_t at = k->at;
    bool negative = ahead(k, at) == '-' && (at == 0 || strchr(" |:=([,", k->s[at - 1])) && numeral(k, at + 1);
    size_t minus = negative ? 1 : 0;
    double a, b, c;
    size_t n = date_length(k, at);
    if (n) return n;
    if (!minus && split_glued(k, at, &n)) return n;
    n = read_number(k, at + minus, &a);
    if (!n) return 0;
    n += minus;
    if (negative) a = -a;
    size_t sign = range_sign(k, at + n);
    bool signed_next = sign == 2 && ahead(k, at + n) == ' ' && ahead(k, at + n + 1) == '-'; /* "-1 -3-3" */
    size_t high_minus = sign && ahead(k, at + n + sign) == '-' ? 1 : 0;
    size_t m = sign ? read_number(k, at + n + sign + high_minus, &b) : 0;
    size_t third = m ? range_sign(k, at + n + sign + high_minus + m) : 0;
    bool three = third && read_number(k, at + n + sign + high_minus + m + third, &c) && c > (signed_next ? -b : b);
    if (m && high_minus) b = -b;
    if (!m || b <= a || three) {
        bool wan = starts(k, at + n, "万"), qian = starts(k, at + n, "千"); /* 血小板2万: per microlitre */
        if ((wan || qian) && !k->has_plain) {
            a *= wan ? 10000 : 1000;
            k->row->unit = labs_unit_find(k->t, "/uL");
        }
        add_plain(k, a);
        return m && !signed_next && (three || b <= a) ? n + sign : n;
    }
    add_printed(k, a, b, false, false);
    return n + sign + high_minus + m;
}

/* '<', '<=', '>', '>=', '≤', '≥' and a number. */
static size_t read_compared(struct tail *k)
{
    size_t i = k->at;
    struct compared c = {0};
    if (starts(k, i, "≤") || starts(k, i, "≥") || starts(k, i, "≦") || starts(k, i, "≧")) {
        c.sign = starts(k, i, "≤") || starts(k, i, "≦") ? '<' : '>';
        c.or_equal = true;
        i += 3;
    } else if (ahead(k, i) == '<' || ahead(k, i) == '>') {
        c.sign = k->s[i++];
        if (ahead(k, i) == '=') c.or_equal = true, i++;
    } else if (starts(k, i, "小于") || starts(k, i, "大于")) {
        c.sign = starts(k, i, "小于") ? '<' : '>';
        i += 6;
    } else {
        return 0;
    }
    i += spaces(k, i);
    size_t n = read_number(k, i, &c.x);
    if (!n) return 0;
    if (k->n_compared < COMPARED_MAX) k->compared[k->n_compared++] = c;
    return i + n - k->at;
}

static size_t read_mark(struct tail *k)
{
    static const struct {
        const char *word;
        char mark;
    } words[] = {{"↑", 'h'},    {"↓", 'l'},    {"▲", 'h'},    {"▼", 'l'},    {"偏高", 'h'},
                 {"偏低", 'l'}, {"升高", 'h'}, {"降低", 'l'}, {"增高", 'h'}, {"减低", 'l'},
                 {"减少", 'l'}, {"高", 'h'},   {"低", 'l'},   {"high", 'h'}, {"low", 'l'},
                 {"hh", 'h'},   {"ll", 'l'},   {"h", 'h'},    {"l", 'l'}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if (!starts(k, k->at, words[i].word)) continue;
        if (letter(*words[i].word)) {
            char next = ahead(k, k->at + n);
            if ((k->at && letter(k->s[k->at - 1])) || letter(next) || next == '/' || digit(next)) continue;
        }
        if (!k->row->mark) k->row->mark = words[i].mark;
        return n;
    }
    return 0;
}

/* An answer in words or signs; the second one is what the report expects. */
static size_t read_answer(struct tail *k)
{
    static const struct {
        const char *word;
        char answer;
    } words[] = {{"弱阳性", '+'},   {"阳性", '+'},     {"阴性", '-'}, {"未检出", '-'}, {"未见", '-'}, {"检出", '+'},
                 {"negative", '-'}, {"positive", '+'}, {"neg", '-'},  {"pos", '+'},    {"(+-)", '?'}, {"(±)", '?'},
                 {"+-", '?'},       {"±", '?'},        {"可疑", '?'}, {"(-)", '-'},    {"1+", '+'},   {"2+", '+'},
                 {"3+", '+'},       {"4+", '+'},       {"+", '+'}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if (!starts(k, k->at, words[i].word)) continue;
        if (letter(*words[i].word) && ((k->at && letter(k->s[k->at - 1])) || letter(ahead(k, k->at + n)))) continue;
        while (words[i].answer == '+' && (ahead(k, k->at + n) == '+' || digit(ahead(k, k->at + n)))) n++;
        if (starts(k, k->at + n, "(+)") || starts(k, k->at + n, "(-)")) n += 3; /* 阳性(+): said once */
        if (!k->row->answer)
            k->row->answer = words[i].answer;
        else if (!k->row->printed_answer && k->row->answer != 'x')
            k->row->printed_answer = words[i].answer;
        return n;
    }
    return 0;
}

static size_t read_sex(struct tail *k)
{
    static const struct {
        const char *word;
        char sex;
    } words[] = {{"男性", 'm'},   {"女性", 'f'}, {"男", 'm'}, {"女", 'f'},
                 {"female", 'f'}, {"male", 'm'}, {"m:", 'm'}, {"f:", 'f'}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (starts(k, k->at, words[i].word) && !(letter(*words[i].word) && k->at && letter(k->s[k->at - 1]))) {
            k->sex = words[i].sex;
            return strlen(words[i].word);
        }
    return 0;
}

/* One character of a spelling at s: u for the Greek mu too; a printed 1 may be an l, a 0 an o. Its length or 0. */
static size_t unit_char(char want, const char *s, size_t n)
{
    if (!n) return 0;
    if (want == 'u' && n > 1 && memcmp(s, "\xce\xbc", 2) == 0) return 2;
    if (*s == want || (want == 'l' && (*s == '1' || *s == 'i')) || (want == 'o' && *s == '0') ||
        (want == '0' && *s == 'o') || (want == '1' && (*s == 'l' || *s == 'i')))
        return 1;
    return 0;
}

size_t labs_tail_unit(const struct lab_tables *t, const char *s, size_t n, int *unit)
{
    size_t best = 0;
    size_t lead = n && (*s == '*' || *s == 'x') ? 1 : n > 1 && memcmp(s, "×", 2) == 0 ? 2 : 0;
    if (lead && lead < n && s[lead] == ' ') lead++;
    for (size_t k = 0; k < t->n_spellings; k++) {
        const char *w = t->spellings[k].text;
        bool bare = digit(*w) && !strchr(w, '^') && !strchr(w, '*') && !strchr(w, 'e');
        size_t at = lead, got = 1;
        if (bare && !lead) continue; /* 109/L is 10^9/L only behind a sign of multiplication */
        for (; *w && got; w++, at += got) {
            if (*w != ' ' && at < n && s[at] == ' ' && (*w == '/' || (at && s[at - 1] == '/'))) at++;
            got = unit_char(*w, s + at, n - at);
        }
        if (!got || at <= best || (at < n && letter(s[at]) && letter(s[at - 1]))) continue;
        best = at;
        *unit = t->spellings[k].unit;
    }
    return best;
}

static size_t read_unit(struct tail *k)
{
    int unit = -1;
    if (k->at && letter(k->s[k->at - 1])) return 0;
    size_t n = labs_tail_unit(k->t, k->s + k->at, k->n - k->at, &unit);
    if (n && k->row->unit < 0) k->row->unit = unit;
    return n;
}

/* a/b in letters that no spelling fits: the result cannot be compared with what we know. */
static size_t strange_unit(struct tail *k)
{
    size_t i = k->at;
    bool slash = false;
    if ((i && letter(k->s[i - 1])) || !letter(ahead(k, i))) return 0;
    while (i < k->n && (letter(k->s[i]) || digit(k->s[i]) || k->s[i] == '/' || k->s[i] == '^'))
        slash |= k->s[i++] == '/';
    if (slash && k->row->unit < 0) k->row->strange_unit = true;
    return slash ? i - k->at : 0;
}

static void decide(struct tail *k)
{
    size_t first = 0;
    if (!k->has_plain && k->n_compared) {
        k->row->answer = 'x';
        k->row->x = k->compared[0].x;
        k->row->compare = k->compared[0].sign;
        first = 1;
    }
    for (size_t i = first; i < k->n_compared; i++) {
        const struct compared *c = &k->compared[i];
        if (c->sign == '<')
            add_printed(k, -INFINITY, c->x, false, !c->or_equal);
        else
            add_printed(k, c->x, INFINITY, !c->or_equal, false);
    }
}

void labs_tail_read(struct lab_row *row, const struct lab_tables *t, const char *s, size_t n, bool list)
{
    struct tail k = {.t = t, .row = row, .s = s, .n = n, .list = list};
    row->unit = -1;
    while (k.at < n) {
        size_t used = s[k.at] == ' ' ? 1 : 0;
        if (!used) used = read_unit(&k);
        if (!used) used = read_compared(&k);
        if (!used) used = read_answer(&k);
        if (!used) used = read_figure(&k);
        if (!used) used = read_sex(&k);
        if (!used) used = read_mark(&k);
        if (!used) used = strange_unit(&k);
        k.at += used ? used : 1;
    }
    decide(&k);
}
