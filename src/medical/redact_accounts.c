/* redact_accounts.c - record numbers, e-mail addresses, WeChat accounts and number plates. */
#include <string.h>

#include "medical/redact_parts.h"

static bool is_alnum(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* Past ":", "是", "号", "为", "#", "No." and brackets between a label and its value. */
static size_t past_glue(const struct redact_text *t, size_t i)
{
    size_t limit = i + 16;
    while (i < t->n && i < limit) {
        uint32_t c = t->c[i];
        if (c == 'n' && t->c[i + 1] == 'o' && (t->c[i + 2] == '.' || t->c[i + 2] == ':' || t->c[i + 2] == ' '))
            i += 3;
        else if (c == 'i' && t->c[i + 1] == 's' && t->c[i + 2] == ' ')
            i += 3;
        else if (c == 'i' && t->c[i + 1] == 'd' && !is_alnum(t->c[i + 2]))
            i += 2;
        else if (c == ' ' || c == ':' || c == '#' || c == '\n' || c == '|' || c == '*' || c == '\'' || c == '.' ||
                 c == '<' || c == 0x7B2C || c == 0x300A || c == '(' || c == '[' || c == '"' || c == '=' ||
                 c == 0x662F || c == 0x53F7 || c == 0x4E3A || c == 0x7801 || c == 0x300C ||
                 c == 0x3010) /* 是 号 为 码 「 【 */
            i++;
        else
            break;
    }
    return i;
}

/* Without 号 before it: a letter or two and four digits, or six digits that are no date. */
static bool bare_value(const struct redact_text *t, size_t i)
{
    size_t letters = 0;
    size_t digits = 0;
    while (letters < 4 && t->c[i] >= 'a' && t->c[i] <= 'z') {
        letters++;
        i++;
    }
    if (letters && t->c[i] == '-') i++;
    while (t->c[i + digits] >= '0' && t->c[i + digits] <= '9') digits++;
    uint32_t after = t->c[i + digits];
    if ((redact_is_han(after) && after != 0x53F7) || redact_is_latin(after) || after == '.' || after == '/')
        return false;
    return digits <= 12 && (letters ? digits >= 4 : digits >= 6 && digits != 8 && digits != 11);
}

/* 0023456是我的住院号, B7788（病案号）: the number stands before the label at i. */
static void before_label(struct redact_text *t, size_t i)
{
    size_t end = i;
    size_t limit = i > 7 ? i - 7 : 0;
    while (end > limit && !is_alnum(t->c[end - 1]) && t->c[end - 1] != '\n' && t->c[end - 1] != ',') end--;
    if (end == limit) return;
    size_t start = end;
    size_t digits = 0;
    while (start > 0 && end - start < 20 && (is_alnum(t->c[start - 1]) || t->c[start - 1] == '-'))
        digits += redact_digit(t->c[--start]) >= 0;
    if (digits >= 5) redact_add(t, start, end, REDACT_MRN);
}

/* 病历号（MRN）：a remark in brackets without digits goes with the label. */
static size_t past_remark(const struct redact_text *t, size_t i)
{
    size_t at = redact_skip(t, i, " ");
    if (t->c[at] != '(') return i;
    for (size_t k = at + 1; k < at + 12 && k < t->n && redact_digit(t->c[k]) < 0; k++)
        if (t->c[k] == ')') return k + 1;
    return i;
}

/* Adds the number after the label; returns where one more may stand (、 和), or 0. */
static size_t one_mrn(struct redact_text *t, size_t label, size_t i)
{
    size_t start = past_glue(t, past_remark(t, i));
    size_t digits = 0;
    /* 住院号好像是… */
    for (size_t k = 0; k < 6 && redact_is_han(t->c[start]) && redact_digit(t->c[start]) < 0; k++)
        start = past_glue(t, start + 1);
    if (t->c[start] == ',' && bare_value(t, redact_skip(t, start, ", "))) start = redact_skip(t, start, ", ");
    size_t end = start;
    for (; end < t->n && end < start + 28; end++) {
        uint32_t c = t->c[end];
        int d = redact_digit(c);
        digits += d >= 0;
        bool joint = (c == '-' || c == '/' || c == '_' || c == ' ' || c == '.') && end > start &&
                     (is_alnum(t->c[end + 1]) || redact_digit(t->c[end + 1]) >= 0);
        if (c == ' ' && joint && redact_digit(t->c[end + 1]) < 0) break;
        if (d < 0 && !is_alnum(c) && !joint) break;
    }
    if (digits < 3 && !(digits == 2 && end >= start + 4)) {
        before_label(t, label);
        return 0;
    }
    redact_add(t, start, end, REDACT_MRN);
    size_t next = redact_skip(t, end, " ,/;");
    if (t->c[next] == 0x3001 || t->c[next] == 0x548C) next = redact_skip(t, next + 1, " "); /* 、 和 */
    return next > end && next < t->n && bare_value(t, next) ? next : 0;
}

static void add_mrn(struct redact_text *t, size_t label, size_t i)
{
    for (size_t k = 0; i && k < 32; k++) i = one_mrn(t, k ? i : label, i);
}

/* 住院病人号, 病历本编码: words for record numbers that no list has whole. Returns the end of the label, or i. */
static size_t mrn_label(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t n = redact_word_at(w, t, i, WORD_MRN_STEM);
    if (!n) return i;
    for (size_t k = i + n; k < i + n + 6; k++) {
        if (t->c[k] == 0x53F7 || t->c[k] == 0x7801) return k + 1; /* 号 码 */
        if (k == i + n && (t->c[k] == ':' || t->c[k] == '#' || t->c[k] == ' ') &&
            redact_word_at(w, t, i, WORD_MRN_LABEL) == 0)
            return bare_value(t, redact_skip(t, k, " :#")) ? k : i;
        if (k == i + n && bare_value(t, k)) return k;
        if (!redact_is_han(t->c[k])) break;
    }
    return i;
}

static bool is_local(uint32_t c)
{
    return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '%';
}

/* The length of "@" in its disguises at i, with the spaces around it; 0 if there is none. */
static size_t at_sign(const struct redact_text *t, size_t i, bool *word)
{
    static const char *const forms[] = {"(at)", "[at]", "#at#", "@", " at "};
    size_t skipped = redact_skip(t, i, " ");
    if (skipped > i + 1) return 0;
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        size_t n = strlen(forms[k]);
        size_t from = forms[k][0] == ' ' ? i : skipped;
        size_t m = 0;
        while (m < n && t->c[from + m] == (uint32_t)forms[k][m]) m++;
        *word = forms[k][0] == ' ';
        if (m == n) return redact_skip(t, from + n, " ") - i;
    }
    return 0;
}

/* The length of " dot ", "[dot]", " [dot] " at i; 0 if there is none. */
static size_t spelled_dot(const struct redact_text *t, size_t i)
{
    size_t at = redact_skip(t, i, " ");
    bool bracket = t->c[at] == '[' || t->c[at] == '(';
    if (at == i && !bracket) return 0;
    at += bracket;
    if (t->c[at] != 'd' || t->c[at + 1] != 'o' || t->c[at + 2] != 't') return 0;
    at += 3;
    if (bracket && t->c[at] != ']' && t->c[at] != ')') return 0;
    at += bracket;
    size_t end = redact_skip(t, at, " ");
    return (bracket || end > at) && is_alnum(t->c[end]) ? end - i : 0;
}

static void email_at(struct redact_text *t, size_t i)
{
    bool word = false;
    size_t n = at_sign(t, i, &word);
    size_t start = i;
    if (!n || !i || !is_local(t->c[i - 1])) return;
    while (start > 0 && is_local(t->c[start - 1]) && i - start < 64) start--;
    while (start < i && !is_alnum(t->c[start])) start++;
    size_t end = i + n;
    size_t dots = 0;
    while (end < t->n && end < i + n + 100) {
        size_t dot = spelled_dot(t, end);
        if (dot) {
            end += dot;
            dots++;
            word = false;
        } else if (t->c[end] == '.' && is_alnum(t->c[end + 1])) {
            end++;
            dots++;
        } else if (is_alnum(t->c[end]) || (t->c[end] == '-' && is_alnum(t->c[end + 1]))) {
            end++;
        } else {
            break;
        }
    }
    if (dots && !word && start < i) redact_add(t, start, end, REDACT_EMAIL);
}

static bool is_app_word(const struct redact_text *t, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        if ((t->c[i] >= '0' && t->c[i] <= '9') || t->c[i] == '_' || t->c[i] == '-') return false;
    return end - start < 6;
}

static void add_wechat(struct redact_text *t, size_t i)
{
    size_t start = i;
    size_t limit = i + 10;
    while (start < t->n && start < limit && (redact_is_han(t->c[start]) || past_glue(t, start) > start))
        start = past_glue(t, start) > start ? past_glue(t, start) : start + 1;
    size_t end = start;
    while (end < t->n && (is_alnum(t->c[end]) || t->c[end] == '_' || t->c[end] == '-')) end++;
    while (end > start && t->c[end - 1] == '-') end--;
    if (end < start + 5 || end > start + 32 || t->c[end] == '@') return;
    if (!is_app_word(t, start, end)) redact_add(t, start, end, REDACT_WECHAT);
}

/* 京A·12345, 粤B D12345 (six characters: new energy), 粤Z1234港. */
static void plate_at(struct redact_text *t, size_t i)
{
    static const char provinces[] = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
    char utf8[4] = {(char)(0xE0 | (t->c[i] >> 12)), (char)(0x80 | ((t->c[i] >> 6) & 0x3F)),
                    (char)(0x80 | (t->c[i] & 0x3F)), '\0'};
    if (t->c[i] < 0x4E00 || t->c[i] > 0x9FFF || !strstr(provinces, utf8)) return;
    size_t at = redact_skip(t, i + 1, " ");
    if (t->c[at] < 'a' || t->c[at] > 'z') return;
    at++;
    while (t->c[at] == 0xB7 || t->c[at] == '-' || t->c[at] == ' ' || t->c[at] == '.') at++;
    size_t n = 0;
    size_t digits = 0;
    while (
        at < t->n && n < 8 &&
        (is_alnum(t->c[at]) || redact_digit(t->c[at]) >= 0 || (t->c[at] == ' ' && n > 0 && is_alnum(t->c[at + 1])))) {
        digits += redact_digit(t->c[at]) >= 0;
        n += t->c[at++] != ' ';
    }
    uint32_t last = t->c[at];
    bool special = last == 0x5B66 || last == 0x8B66 || last == 0x6E2F || last == 0x6FB3 || last == 0x6302 ||
                   last == 0x9886 || last == 0x4F7F; /* 学 警 港 澳 挂 领 使 */
    if (special && n == 4) {
        n++;
        at++;
    }
    if ((n == 5 || n == 6) && digits >= 1) redact_add(t, i, at, REDACT_PLATE);
}

/* Passports and other papers after their label: E12345678, A123456(7). */
static void add_paper(struct redact_text *t, size_t i)
{
    size_t start = past_glue(t, i);
    size_t end = start;
    while (end < start + 2 && t->c[end] >= 'a' && t->c[end] <= 'z') end++;
    size_t digits = end;
    while (digits < end + 10 && t->c[digits] >= '0' && t->c[digits] <= '9') digits++;
    if (end == start || digits < end + 6 || is_alnum(t->c[digits])) return;
    if (t->c[digits] == '(' && is_alnum(t->c[digits + 1]) && t->c[digits + 2] == ')') digits += 3;
    redact_add(t, start, digits, REDACT_ID_CARD);
}

/* After the word for a number plate: any plate, of other countries too. */
static void add_plate(struct redact_text *t, size_t i)
{
    size_t start = past_glue(t, i);
    size_t end = start + redact_is_han(t->c[start]);
    size_t digits = 0;
    size_t n = 0;
    for (; end < start + 12; end++) {
        bool joint = (t->c[end] == ' ' || t->c[end] == '-' || t->c[end] == 0xB7) && is_alnum(t->c[end + 1]);
        if (!is_alnum(t->c[end]) && redact_digit(t->c[end]) < 0 && !joint) break;
        n += !joint;
        digits += redact_digit(t->c[end]) >= 0;
    }
    if (n >= 5 && n <= 8 && digits >= 2) redact_add(t, start, end, REDACT_PLATE);
}

void redact_accounts(const struct redact_words *w, struct redact_text *t)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t n = redact_word_at(w, t, i, WORD_MRN_LABEL);
        if (n) add_mrn(t, i, i + n);
        size_t label = mrn_label(w, t, i);
        if (label > i + n) add_mrn(t, i, label);
        n = redact_word_at(w, t, i, WORD_ID_LABEL);
        if (n) add_paper(t, i + n);
        n = redact_word_at(w, t, i, WORD_PLATE_LABEL);
        if (n) add_plate(t, i + n);
        n = redact_word_at(w, t, i, WORD_WECHAT_LABEL);
        if (n) add_wechat(t, i + n);
        if (t->c[i] == '@' || t->c[i] == '(' || t->c[i] == '[' || t->c[i] == ' ' || t->c[i] == '#') email_at(t, i);
        plate_at(t, i);
    }
}
