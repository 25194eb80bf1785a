/* guard_number.c - numbers in every spelling a dose is written in: 0.5, 1,000, 1/2, 半, 两, 三百五十, 壹,
 * "twenty-five". */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "medical/guard_lex.h"

static const struct {
    const char *word;
    double value;
} english[] = {
    {"a couple of", 2},
    {"a couple", 2},
    {"couple of", 2},
    {"couple", 2},
    {"a few", 3},
    {"few", 3},
    {"several", 3},
    {"dozen", 12},
    {"one and a half", 1.5},
    {"two and a half", 2.5},
    {"half a", .5},
    {"half an", .5},
    {"half", .5},
    {"a half", .5},
    {"quarter", .25},
    {"zero", 0},
    {"one", 1},
    {"two", 2},
    {"three", 3},
    {"four", 4},
    {"five", 5},
    {"six", 6},
    {"seven", 7},
    {"eight", 8},
    {"nine", 9},
    {"ten", 10},
    {"eleven", 11},
    {"twelve", 12},
    {"thirteen", 13},
    {"fourteen", 14},
    {"fifteen", 15},
    {"sixteen", 16},
    {"eighteen", 18},
    {"twenty", 20},
    {"thirty", 30},
    {"forty", 40},
    {"fifty", 50},
    {"sixty", 60},
    {"seventy", 70},
    {"eighty", 80},
    {"ninety", 90},
    {"hundred", 100},
    {"thousand", 1000},
    {"million", 1e6},
    {"twofold", 2},
    {"another", 1},
    {"seventeen", 17},
    {"nineteen", 19},
    {"hundreds of", 100},
    {"single", 1},
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The letter o for the digit, up to the end of the word or a unit. */
static bool zeros(const char *s, size_t n)
{
    static const char *const units[] = {"mg", "ml", "ug", "mcg", "iu", "g"};
    size_t i = 0;
    while (i < n && s[i] == 'o') i++;
    if (i == 0) return false;
    if (i == n || !(is_letter(s[i]) || is_digit(s[i]))) return true;
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        size_t len = strlen(units[k]);
        if (i + len <= n && memcmp(s + i, units[k], len) == 0 && !(i + len < n && is_letter(s[i + len]))) return true;
    }
    return false;
}

static size_t digits(const char *s, size_t n, double *value)
{
    size_t i = 0;
    double whole = 0;
    double scale = 0;
    while (i < n) {
        if (is_digit(s[i])) {
            whole = scale > 0 ? whole + (s[i] - '0') * scale : whole * 10 + (s[i] - '0');
            scale /= 10;
            i++;
        } else if (i > 0 && zeros(s + i, n - i)) { /* 5OO */
            whole *= 10;
            i++;
        } else if (i + 1 < n && is_digit(s[i + 1]) && s[i] == '.' && scale == 0) {
            scale = .1;
            i++;
        } else if (i + 3 < n && s[i] == ',' && is_digit(s[i + 1]) && is_digit(s[i + 2]) && is_digit(s[i + 3]) &&
                   !(i + 4 < n && is_digit(s[i + 4]))) {
            i++;
        } else {
            break;
        }
    }
    if (i + 1 < n && s[i] == '/' && is_digit(s[i + 1]) && whole < 10) { /* 1/2 */
        double below = 0;
        size_t k = i + 1;
        while (k < n && is_digit(s[k])) below = below * 10 + (s[k++] - '0');
        if (below > 0 && below <= 8 && !(k < n && s[k] == '/')) {
            *value = whole / below;
            return k;
        }
    }
    *value = whole;
    return i;
}

/* The value of a Chinese numeral, its unit (10 for 十) in *unit; -1 if it is none. */
static double chinese_digit(uint32_t c, double *unit)
{
    static const struct {
        uint32_t c;
        double value;
    } table[] = {
        {0x96F6, 0}, {0x3007, 0}, {0x4E00, 1},  {0x4E8C, 2}, {0x4E24, 2}, {0x4FE9, 2}, {0x4E09, 3},
        {0x4EE8, 3}, {0x56DB, 4}, {0x4E94, 5},  {0x516D, 6}, {0x4E03, 7}, {0x516B, 8}, {0x4E5D, 9},
        {0x58F9, 1}, {0x8D30, 2}, {0x53C1, 3},  {0x8086, 4}, {0x4F0D, 5}, {0x9646, 6}, {0x67D2, 7},
        {0x634C, 8}, {0x7396, 9}, {0x534A, .5}, {0x5F0C, 1}, {0x5F0D, 2}, {0x30CB, 2}}; /* the last: katakana ni */
    static const struct {
        uint32_t c;
        double value;
    } units[] = {{0x5341, 10},   {0x62FE, 10},   {0x767E, 100}, {0x4F70, 100},
                 {0x5343, 1000}, {0x4EDF, 1000}, {0x4E07, 1e4}, {0x5EFF, 20}};
    *unit = 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].c == c) {
            *unit = units[i].value;
            return 0;
        }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].c == c) return table[i].value;
    return -1;
}

static size_t chinese(const char *s, size_t n, double *value)
{
    size_t i = 0;
    double total = 0;
    double last = 0;
    bool any = false;
    while (i < n) {
        uint32_t c;
        double unit;
        size_t len = utf8_decode(s + i, n - i, &c);
        double d = c == 0x70B9 && any ? 0 : chinese_digit(c, &unit); /* 零点五 */
        if (c == 0x70B9 && any) {
            double below;
            size_t rest = chinese(s + i + len, n - i - len, &below);
            if (!rest || below >= 10) break;
            *value = total + last + below / 10;
            return i + len + rest;
        }
        if (d < 0) break;
        if (c == 0x4E24 && any && last != 0) break; /* 三两: the second is the old ounce */
        if (unit > 0) {
            total += (last > 0 ? last : 1) * unit;
            last = 0;
        } else if (d > 0 && d < 1) {
            last += d;
        } else {
            last = any && last >= 1 && total == 0 && last < 10 && d > last ? d : last * (last >= 1 ? 10 : 0) + d;
        }
        any = true;
        i += len;
    }
    *value = total + last;
    return any ? i : 0;
}

/* yi pian, liang ci: the numerals of pinyin, only before a measure word. */
static size_t pinyin(const char *s, size_t n, double *value)
{
    static const struct {
        const char *word;
        double value;
    } table[] = {{"yi", 1},  {"er", 2}, {"liang", 2}, {"san", 3}, {"si", 4},   {"wu", 5},
                 {"liu", 6}, {"qi", 7}, {"ba", 8},    {"jiu", 9}, {"shi", 10}, {"ban", .5},
                 {"i", 1},   {"ii", 2}, {"iii", 3},   {"iv", 4},  {"vi", 6},   {"viii", 8}};
    static const char *const measures[] = {"pian",     "li",  "ci", "tian",     "bao", "haoke", "hao ke", "ke",
                                           "jiaonang", "dai", "ge", "haosheng", "di",  "bai",   "shi",    "ban",
                                           "片",       "粒",  "次", "颗",       "丸",  "袋",    "天",     "毫克"};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].word[0] != s[0]) continue;
        size_t len = strlen(table[i].word);
        if (len + 1 >= n || memcmp(s, table[i].word, len) || is_letter(s[len])) continue;
        size_t at = len + (s[len] == ' ');
        for (size_t k = 0; k < sizeof measures / sizeof *measures; k++) {
            size_t m = strlen(measures[k]);
            if (at + m <= n && memcmp(s + at, measures[k], m) == 0 &&
                !(is_letter(measures[k][0]) && at + m < n && is_letter(s[at + m]))) {
                *value = table[i].value;
                return len;
            }
        }
    }
    return 0;
}

static size_t english_word(const char *s, size_t n, double *value)
{
    size_t best = 0;
    for (size_t i = 0; i < sizeof english / sizeof *english; i++) {
        if (english[i].word[0] != s[0]) continue;
        size_t len = strlen(english[i].word);
        if (len > best && len <= n && memcmp(s, english[i].word, len) == 0 && !(len < n && is_letter(s[len]))) {
            best = len;
            *value = english[i].value;
        }
    }
    return best;
}

size_t guard_number(const char *s, size_t n, double *value)
{
    if (n == 0) return 0;
    if (is_digit(s[0])) {
        size_t len = digits(s, n, value);
        double more;
        size_t rest = len < n ? chinese(s + len, n - len, &more) : 0; /* 5万, 3十 */
        if (rest == 3 && more >= 10) {
            *value *= more;
            return len + rest;
        }
        return len;
    }
    if ((uint8_t)s[0] >= 0x80) return chinese(s, n, value);
    if (!is_letter(s[0])) return 0;
    size_t len = english_word(s, n, value);
    if (!len) return pinyin(s, n, value);
    double more;
    while (len && len + 1 < n && (s[len] == ' ' || s[len] == '-')) { /* twenty-five, five hundred */
        size_t next = english_word(s + len + 1, n - len - 1, &more);
        if (!next || (*value < 20 && more < 100)) break;
        *value = more >= 100 ? *value * more : *value + more;
        len += 1 + next;
    }
    return len;
}
