/* redact_names_en.c - names in Latin letters, by what stands before them. */
#include "medical/redact_parts.h"

static bool is_upper(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE);
}

static size_t word_end(const struct redact_text *t, size_t i)
{
    while (redact_is_latin(t->raw[i]) || ((t->raw[i] == '\'' || t->raw[i] == '-') && redact_is_latin(t->raw[i + 1]) &&
                                          !(t->c[i + 1] == 's' && !redact_is_latin(t->c[i + 2]))))
        i++;
    return i;
}

/* The end of up to four capitalised words at i ("Mary-Ann O'Neil", "J. Smith", "LEE, Anna"); *words of them. */
static size_t name_end(const struct redact_words *w, const struct redact_text *t, size_t i, bool lower, size_t *words)
{
    size_t end = i;
    *words = 0;
    while (*words < 4) {
        size_t next = word_end(t, i);
        if (next == i || (!is_upper(t->raw[i]) && !lower)) break;
        if (redact_word_at(w, t, i, WORD_EN_NOT_NAME) || redact_word_at(w, t, i, WORD_EN_TITLE) ||
            redact_word_at(w, t, i, WORD_EN_LABEL) || redact_word_at(w, t, i, WORD_PHONE_LABEL) ||
            redact_word_at(w, t, i, WORD_ID_LABEL) || redact_word_at(w, t, i, WORD_MRN_LABEL) ||
            redact_word_at(w, t, i, WORD_WECHAT_LABEL))
            break;
        ++*words;
        end = next;
        if (t->raw[next] == '.' && next == i + 1) next++;
        if (t->raw[next] != ' ' && next == end) break;
        i = redact_skip(t, next, " ");
    }
    return end;
}

static void after_intro(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t words;
    size_t n = redact_word_at(w, t, i, WORD_EN_INTRO);
    if (!n) return;
    bool named = n >= 7 && t->c[i + n - 1] == 's' && t->c[i] != 't'; /* "my name is": the case does not matter */
    size_t at = redact_skip(t, i + n, " ,:");
    size_t end = name_end(w, t, at, named, &words);
    bool first_person = t->c[i] == 'i';
    if (words && (!first_person || words > 1 || !redact_is_latin(t->c[redact_skip(t, end, " ")])))
        redact_add(t, at, end, REDACT_NAME);
}

static void after_label(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t words;
    size_t n = redact_word_at(w, t, i, WORD_EN_LABEL);
    if (!n) return;
    size_t at = redact_skip(t, i + n, " ,:\n-");
    bool colon = redact_skip(t, i + n, " ") < at;
    size_t title = redact_word_at(w, t, at, WORD_EN_TITLE);
    if (title) return;
    size_t end = name_end(w, t, at, false, &words);
    if (words > 1 || (words && colon)) redact_add(t, at, end, REDACT_NAME);
}

static void after_title(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t words;
    size_t n = redact_word_at(w, t, i, WORD_EN_TITLE);
    if (!n || !is_upper(t->raw[i])) return;
    size_t at = redact_skip(t, i + n, " .");
    size_t end = name_end(w, t, at, false, &words);
    if (words > 1 || (words == 1 && t->c[i] == 'm')) redact_add(t, at, end, REDACT_NAME);
}

/* Anna Petrova: a first name and what looks like a surname. */
static void after_first(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t words;
    if (!is_upper(t->raw[i]) || !redact_word_at(w, t, i, WORD_EN_FIRST)) return;
    size_t end = name_end(w, t, i, false, &words);
    if (words > 1 && t->c[end] != '\'') redact_add(t, i, end, REDACT_NAME);
}

/* Two or three capitalised words before a person's data: "Li Na, 45F", "Jo Park (DOB". */
static void before_data(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t words;
    size_t end = name_end(w, t, i, false, &words);
    size_t at = redact_skip(t, end, " ,(:");
    if (words < 2 || at == end) return;
    bool data = redact_word_at(w, t, at, WORD_MRN_LABEL) || redact_word_at(w, t, at, WORD_EN_DATA);
    size_t digits = 0;
    while (t->c[at + digits] >= '0' && t->c[at + digits] <= '9') digits++;
    if (digits && digits < 4) {
        size_t unit = redact_skip(t, at + digits, " -/");
        data |= redact_word_at(w, t, unit, WORD_EN_DATA) > 0;
    }
    if (data) redact_add(t, i, end, REDACT_NAME);
}

/* 姓名：John Smith, 我叫Anna */
static void after_chinese(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t words;
    size_t at = i;
    while (at > 0 && (t->c[at - 1] == ' ' || t->c[at - 1] == ':')) at--;
    if (!redact_word_before(w, t, at, WORD_NAME_LABEL) && !redact_word_before(w, t, at, WORD_NAME_INTRO) &&
        !redact_word_before(w, t, at, WORD_NAME_ROLE))
        return;
    size_t end = name_end(w, t, i, false, &words);
    if (words > 1 || (words && end > i + 2 && !redact_word_before(w, t, at, WORD_NAME_ROLE)))
        redact_add(t, i, end, REDACT_NAME);
}

void redact_names_en(const struct redact_words *w, struct redact_text *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!redact_is_latin(t->c[i]) || (i > 0 && redact_is_latin(t->c[i - 1]))) continue;
        after_intro(w, t, i);
        after_label(w, t, i);
        after_title(w, t, i);
        after_first(w, t, i);
        if (is_upper(t->raw[i])) before_data(w, t, i);
        if (is_upper(t->raw[i])) after_chinese(w, t, i);
    }
}
