/* redact_names.c - Chinese names: a surname, one or two characters more, and something around them that says so. */
#include <string.h>

#include "medical/redact_parts.h"

enum evidence {
    CERTAIN, /* a label and a colon: 姓名：X */
    NAMED,   /* 我叫X */
    STRONG,  /* 我是X */
    FAIR,    /* 患者X, 妈妈X */
    NONE,
};

static bool is_end(uint32_t c)
{
    return !redact_is_han(c) && c != 0xB7;
}

static bool ends_name(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    return is_end(t->c[i]) || redact_word_at(w, t, i, WORD_AFTER_NAME);
}

static size_t surname_at(const struct redact_words *w, const struct redact_text *t, size_t i, bool *weak)
{
    size_t n = redact_word_at(w, t, i, WORD_SURNAME_LONG);
    *weak = false;
    if (!n) n = redact_word_at(w, t, i, WORD_SURNAME);
    if (!n) {
        n = redact_word_at(w, t, i, WORD_SURNAME_WEAK);
        *weak = n > 0;
    }
    return n;
}

static bool denied(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    return redact_word_at(w, t, i, WORD_NOT_NAME) > 0 || (i > 0 && redact_word_at(w, t, i - 1, WORD_NOT_NAME) == 2);
}

static bool is_famous(const struct redact_words *w, const struct redact_text *t, size_t i, size_t n)
{
    return n && redact_word_at(w, t, i, WORD_FAMOUS) == n;
}

static bool is_given(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    return redact_word_at(w, t, i, WORD_GIVEN) > 0;
}

/* How many characters after the surname belong to the name; `first` is the one after it. */
static size_t given_length(const struct redact_words *w, const struct redact_text *t, size_t first, bool weak,
                           enum evidence evidence)
{
    bool second = redact_is_han(t->c[first + 1]);
    bool one = ends_name(w, t, first + 1);
    bool two = second && ends_name(w, t, first + 2);
    bool given_one = is_given(w, t, first);
    bool given_second = second && is_given(w, t, first + 1);
    bool closed_one = !second;
    bool closed_two = two && is_end(t->c[first + 2]);
    if (evidence <= NAMED || (evidence == STRONG && !weak)) {
        if (closed_one || closed_two) return closed_one ? 1 : 2;
        if (two && given_second) return 2;
        if (one) return 1;
        return evidence <= NAMED || given_one || given_second ? 2 : 0;
    }
    if (closed_two && (!weak || given_one || given_second)) return 2;
    if (closed_one && (!weak || given_one)) return 1;
    if (two && given_second && (!weak || given_one)) return 2;
    if (one && given_one) return 1;
    return given_one && given_second ? 2 : 0;
}

/* Length of the name at i, 0 if there is none. A title after the surname alone is none: 王医生. */
static size_t name_length(const struct redact_words *w, const struct redact_text *t, size_t i, enum evidence evidence)
{
    bool weak;
    size_t s = surname_at(w, t, i, &weak);
    size_t first = i + s;
    if (!s || (evidence != CERTAIN && denied(w, t, i))) return 0;
    if (evidence <= NAMED) first = redact_skip(t, first, " "); /* 姓名：张 三 */
    if (!redact_is_han(t->c[first]) || redact_word_at(w, t, first, WORD_TITLE)) return 0;
    size_t g = given_length(w, t, first, weak, evidence);
    if (evidence <= NAMED && t->c[first + 1] == ' ' && redact_is_han(t->c[first + 2]) &&
        !redact_is_han(t->c[first + 3]) && (first > i + s || is_given(w, t, first + 2)))
        return first + 3 - i; /* 张 小 红 */
    if (!g || (evidence >= FAIR && is_famous(w, t, i, first + g - i))) return 0;
    return first + g - i;
}

/* Names with a dot: 阿依古丽·买买提. A label before it leaves the first part open, else its characters must be ones
 * that write foreign names. */
static void dotted(const struct redact_words *w, struct redact_text *t, size_t dot, size_t floor)
{
    size_t start = dot;
    size_t end = dot;
    if (!dot || !redact_is_han(t->c[dot - 1]) || !redact_is_han(t->c[dot + 1])) return;
    while (start > floor && dot - start < 8 && redact_is_han(t->c[start - 1]) &&
           redact_word_at(w, t, start - 1, WORD_SOUND))
        start--;
    if (dot - start < 2) return;
    while (t->c[end] == 0xB7) {
        size_t part = ++end;
        while (end < part + 6 && redact_is_han(t->c[end]) &&
               (redact_word_at(w, t, end, WORD_SOUND) || (end < part + 1 && !ends_name(w, t, end))))
            end++;
        if (end == part) return;
    }
    for (size_t i = start; i < end; i++)
        if (redact_word_at(w, t, i, WORD_FAMOUS) > 1) return;
    redact_add(t, start, end, REDACT_NAME);
}

/* 巴特尔，男 and 患者玛丽（女: two to six characters before a sex, whatever they are. */
static size_t before_sex(const struct redact_words *w, const struct redact_text *t, size_t i, bool label)
{
    size_t n = 0;
    while (n < 7 && redact_is_han(t->c[i + n])) n++;
    size_t at = redact_skip(t, i + n, " ,(/|");
    bool sex = (t->c[at] == 0x7537 || t->c[at] == 0x5973) && !redact_is_han(t->c[at + 1]); /* 男 女 */
    if (n < 2 || n > 6 || at == i + n || !sex || denied(w, t, i)) return 0;
    for (size_t k = 0; k < n; k++)
        if (redact_word_at(w, t, i + k, WORD_NAME_ROLE) > 1 || redact_word_at(w, t, i + k, WORD_TITLE) ||
            redact_word_at(w, t, i + k, WORD_NAME_LABEL) ||
            (!label && !redact_word_at(w, t, i + k, WORD_SOUND) && !is_given(w, t, i + k)))
            return 0;
    return n;
}

static size_t past_colon(const struct redact_text *t, size_t i, bool *colon)
{
    size_t start = i;
    *colon = false;
    while (i < start + 8 && i < t->n) {
        uint32_t c = t->c[i];
        if (c == ':' || c == '=' || c == 0x3010 || c == 0x300C)
            *colon = true;
        else if (c == '(' && i == start) { /* 家属（签字）： */
            size_t close = i;
            while (close < i + 8 && close < t->n && t->c[close] != ')') close++;
            if (t->c[close] != ')') break;
            i = close;
        } else if (c != ' ' && c != '"' && c != '/' && c != '_' && c != '|' && c != '*' && c != '\n' && c != 0x662F)
            break;
        i++;
    }
    return i;
}

/* "姓名：", "签名:" just before i: a label that ends in 名. */
static bool ends_in_name(const struct redact_text *t, size_t i)
{
    while (i > 0 && (t->c[i - 1] == ':' || t->c[i - 1] == ' ')) i--;
    return i > 0 && t->c[i - 1] == 0x540D;
}

/* 姓名：X, whatever X is, as long as it ends after two to four characters. */
static size_t labelled_length(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t n = 0;
    bool dots = false;
    while (n < 14 && (redact_is_han(t->c[i + n]) || (n && t->c[i + n] == 0xB7))) dots |= t->c[i + n++] == 0xB7;
    if (dots) {
        size_t known = 0;
        for (known = 2; known < n; known++)
            if (redact_word_at(w, t, i + known, WORD_AFTER_NAME) > 1) return known;
        return n;
    }
    bool label = i > 1 && redact_word_before(w, t, i, WORD_NAME_LABEL) == 0;
    bool any = label && ends_in_name(t, i) && n >= 2 && n <= 5 && is_end(t->c[i + n]);
    if (!any || denied(w, t, i) || redact_word_at(w, t, i, WORD_TITLE) || redact_word_at(w, t, i, WORD_NAME_ROLE))
        return 0;
    for (size_t k = 1; k < n; k++)
        if (redact_word_at(w, t, i + k, WORD_TITLE) > 1) return 0;
    return n;
}

/* X、Y和Z: the names that go on after one. */
static void list(const struct redact_words *w, struct redact_text *t, size_t i)
{
    for (;;) {
        uint32_t c = t->c[i];
        bool joined = c == 0x3001 || c == '/' || c == ',' || c == 0x548C || c == 0x8DDF || c == 0x4E0E || c == 0x53CA ||
                      c == ';' || c == ' ';
        if (!joined) return;
        i = redact_skip(t, i + 1, " ");
        size_t n = name_length(w, t, i, FAIR);
        if (!n) return;
        redact_add(t, i, i + n, REDACT_NAME);
        i += n;
    }
}

static size_t put(const struct redact_words *w, struct redact_text *t, size_t i, size_t n)
{
    if (!n) return 0;
    redact_add(t, i, i + n, REDACT_NAME);
    list(w, t, i + n);
    return n;
}

/* 豆豆, 小美, 阿强: two characters and no more. */
static size_t pet_name(const struct redact_text *t, size_t i)
{
    bool pet = t->c[i] == t->c[i + 1] || t->c[i] == 0x5C0F || t->c[i] == 0x963F;
    return pet && redact_is_han(t->c[i]) && redact_is_han(t->c[i + 1]) && is_end(t->c[i + 2]) ? 2 : 0;
}

static void after_label(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t n = redact_word_at(w, t, i, WORD_NAME_LABEL);
    bool colon = false;
    if (n) {
        size_t at = past_colon(t, i + n, &colon);
        size_t m = colon || at > i + n ? labelled_length(w, t, at) : 0;
        if (!m) m = name_length(w, t, at, colon ? CERTAIN : at > i + n ? STRONG : FAIR);
        put(w, t, at, m);
    }
    n = redact_word_at(w, t, i, WORD_NAME_INTRO);
    if (n) {
        size_t at = past_colon(t, i + n, &colon);
        size_t m = labelled_length(w, t, at);
        bool called = t->c[i + n - 1] == 0x53EB || t->c[i + n - 1] == 0x540D; /* 叫 名 */
        if (!m && called) m = pet_name(t, at);
        put(w, t, at, m ? m : name_length(w, t, at, called ? NAMED : STRONG));
    }
    n = redact_word_at(w, t, i, WORD_EN_LABEL); /* "name": "张小红" */
    if (n && !(i && redact_is_latin(t->c[i - 1]))) {
        size_t at = past_colon(t, i + n, &colon);
        if (colon) put(w, t, at, name_length(w, t, at, STRONG));
    }
    n = redact_word_at(w, t, i, WORD_NAME_ROLE);
    if (n) {
        size_t at = past_colon(t, i + n, &colon);
        size_t m = labelled_length(w, t, at);
        if (!m) m = before_sex(w, t, at, true);
        put(w, t, at, m ? m : name_length(w, t, at, colon ? STRONG : FAIR));
    }
}

/* Does a telephone or identity number begin at i? */
static bool number_at(const struct redact_text *t, size_t i)
{
    size_t low = 0;
    size_t high = t->numbers;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->spans[middle].start < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->numbers && t->spans[low].start == i && t->spans[low].type != REDACT_BANK;
}

/* Does what follows at i say that a person was named before it? "，男，", "（女", "，身份证", a telephone number. */
static bool person_follows(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t at = redact_skip(t, i, " ,(:/|");
    if (t->c[at] == 0x3001 && at == i) at++;
    if (t->c[at] == 0x7537 || t->c[at] == 0x5973) /* 男 女 */
        return at > i && (!redact_is_han(t->c[at + 1]) || t->c[at + 1] == 0x6027);
    if (at > i && (redact_word_at(w, t, at, WORD_PHONE_LABEL) || redact_word_at(w, t, at, WORD_ID_LABEL) ||
                   redact_word_at(w, t, at, WORD_MRN_LABEL)))
        return true;
    if (number_at(t, at)) return true;
    size_t digits = 0;
    while (t->c[at + digits] >= '0' && t->c[at + digits] <= '9') digits++;
    return at > i && digits && digits < 4 && t->c[at + digits] == 0x5C81; /* 岁 */
}

static bool line_start(const struct redact_text *t, size_t i)
{
    while (i > 0 && (t->c[i - 1] == ' ' || t->c[i - 1] == 0x2014 || t->c[i - 1] == '-')) i--;
    return i == 0 || t->c[i - 1] == '\n';
}

static bool line_end(const struct redact_text *t, size_t i)
{
    i = redact_skip(t, i, " ");
    return i >= t->n || t->c[i] == '\n';
}

/* A name that nothing introduces: alone on its line, before a person's data, with a title, at the start of a clause. */
static size_t alone(const struct redact_words *w, struct redact_text *t, size_t i)
{
    bool weak;
    size_t s = surname_at(w, t, i, &weak);
    if (!s || denied(w, t, i) || redact_word_at(w, t, i + s, WORD_TITLE)) return 0;
    bool left = i == 0 || (is_end(t->c[i - 1]) && redact_digit(t->c[i - 1]) < 0);
    for (size_t g = 2; g >= 1; g--) {
        size_t end = i + s + g;
        bool han = redact_is_han(t->c[i + s]) && redact_is_han(t->c[end - 1]);
        bool given = han && is_given(w, t, i + s) && is_given(w, t, end - 1);
        if (end > t->n || !han || is_famous(w, t, i, s + g)) continue;
        if (left && (given || (g == 2 && !weak)) && person_follows(w, t, end)) return s + g;
        if (given && t->c[end] == 0x3001 && name_length(w, t, end + 1, FAIR)) return s + g;
        if (given && line_end(t, end) && (line_start(t, i) || (i > 1 && t->c[i - 1] == 0x2014))) return s + g;
        if (given && g == 2 && !weak && (ends_name(w, t, end) || redact_word_at(w, t, end, WORD_TITLE))) return s + g;
        if (given && left && redact_word_at(w, t, end, WORD_TITLE)) return s + g;
        if (given && left && g == 2 && (ends_name(w, t, end) || !weak)) return s + g;
        if (given && left && g == 2 && weak && ends_name(w, t, end)) return s + g;
        size_t next = redact_skip(t, end, " ,!");
        bool greeted = t->c[next] == 0x60A8 || t->c[next] == 0x4F60; /* 您 你 */
        if (given && left && next > end && greeted) return s + g;
        if (given && g == 1 && !weak && ends_name(w, t, end)) return s + g;
        if (g == 2 && !weak && is_end(t->c[end]) && (is_given(w, t, i + s) || is_given(w, t, end - 1))) return s + g;
    }
    return 0;
}

/* What was a name once is one everywhere in the text. */
static void repeat(struct redact_text *t)
{
    size_t known = t->count;
    for (size_t k = 0; k < known && k < 64; k++) {
        struct redact_span s = t->spans[k];
        size_t n = s.end - s.start;
        if (s.type != REDACT_NAME || n < 2) continue;
        for (size_t i = 0; i + n <= t->n; i++)
            if (i != s.start && memcmp(t->c + i, t->c + s.start, n * sizeof *t->c) == 0)
                redact_add(t, i, i + n, s.type);
    }
}

void redact_names(const struct redact_words *w, struct redact_text *t)
{
    size_t floor = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (t->c[i] >= 'a' && t->c[i] <= 'z') after_label(w, t, i);
        if (is_end(t->c[i])) {
            if (t->c[i] != 0xB7) floor = i + 1;
        } else {
            after_label(w, t, i);
            put(w, t, i, alone(w, t, i));
            if (i == floor) put(w, t, i, before_sex(w, t, i, false));
        }
        if (t->c[i] == 0xB7) dotted(w, t, i, floor);
    }
    repeat(t);
}
