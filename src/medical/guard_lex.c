/* guard_lex.c - see guard_lex.h. */
#include "medical/guard_lex.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { FAR_LETTERS = 4, MAX_STEM_REACH = 12 };

struct lexer {
    const struct lexicon *l;
    struct guard_line *line;
    const char *s;
    size_t n;
    size_t last_end; /* of the last token */
    size_t unknown;  /* letters of unknown words since then */
    bool sign;       /* something but blanks, brackets and colons since then */
    bool range;      /* a range sign since then */
    uint16_t clause;
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct guard_token *push(struct lexer *x, size_t start, size_t end)
{
    struct guard_token *t = &x->line->tokens[x->line->count++];
    *t = (struct guard_token){.start = (uint32_t)start, .end = (uint32_t)end, .clause = x->clause};
    t->breaks = x->unknown > FAR_LETTERS;
    t->joined = x->unknown == 0 && !x->sign;
    t->after_end = x->range && x->unknown == 0;
    x->last_end = end;
    x->unknown = 0;
    x->sign = x->range = false;
    return t;
}

/* 0 letter->o: "ibupr0fen" is read once more with letters for digits. */
static bool deciphered(struct lexer *x, size_t at, size_t end)
{
    static const char from[] = "01345@$";
    static const char to[] = "oieasas";
    char word[32];
    size_t letters = 0;
    if (end - at < 6 || end - at >= sizeof word) return false;
    for (size_t i = at; i < end; i++) {
        const char *found = strchr(from, x->s[i]);
        word[i - at] = found ? to[found - from] : x->s[i];
        letters += is_letter(x->s[i]);
    }
    if (letters < 4 || letters == end - at) return false;
    const struct lexicon_word *w = lexicon_find(x->l, word, end - at);
    return (w && w->len == end - at && w->drug) || lexicon_has_drug_stem(x->l, word, end - at);
}

/* para-ceta-mol: the length of it all. */
static size_t joined_drug(const struct lexer *x, size_t at)
{
    char word[40];
    size_t n = 0;
    size_t i = at;
    size_t found = 0;
    while (i < x->n && n < sizeof word) {
        if (is_letter(x->s[i])) {
            word[n++] = x->s[i++];
        } else if ((x->s[i] == '-' || x->s[i] == '/' || x->s[i] == ' ') && i + 1 < x->n && is_letter(x->s[i + 1]) &&
                   x->s[i] != ' ') {
            i++;
        } else {
            break;
        }
        const struct lexicon_word *w = n >= 6 && !(i < x->n && is_letter(x->s[i])) ? lexicon_find(x->l, word, n) : NULL;
        if (w && w->len == n && w->drug & IS_DRUG) found = i - at;
    }
    return found;
}

static size_t latin_word(struct lexer *x, size_t at)
{
    static const char *const small[] = {"of",   "the",     "about",         "around", "only",
                                        "just", "roughly", "approximately", "a",      "an"};
    size_t end = at;
    while (end < x->n && (is_letter(x->s[end]) || is_digit(x->s[end]) ||
                          ((x->s[end] == '@' || x->s[end] == '$') && end + 1 < x->n && is_letter(x->s[end + 1]))))
        end++;
    /* q8h, q6-8h, q12 h */
    if (x->s[at] == 'q' && end > at + 1 && is_digit(x->s[at + 1])) {
        push(x, at, end)->classes = FREQ | ROUTE;
        return end;
    }
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (strlen(small[i]) == end - at && memcmp(x->s + at, small[i], end - at) == 0) return end;
    if (lexicon_has_drug_stem(x->l, x->s + at, end - at) || deciphered(x, at, end)) {
        push(x, at, end)->drug = IS_DRUG | IS_STEM;
        return end;
    }
    size_t joined = joined_drug(x, at);
    if (joined) {
        push(x, at, at + joined)->drug = IS_DRUG;
        return at + joined;
    }
    x->unknown += end - at;
    return end;
}

static bool is_unified(const char *s)
{
    uint32_t c;
    return utf8_decode(s, 3, &c) == 3 && c >= 0x3400 && c <= 0x9FFF;
}

/* A stem joins the unknown characters before it: XX沙坦. */
static size_t stem_start(const struct lexer *x, size_t at)
{
    size_t start = at;
    while (start >= x->last_end + 3 && at - start < MAX_STEM_REACH) {
        if (!is_unified(x->s + start - 3)) break;
        start -= 3;
    }
    return start;
}

/* Only what can be one: 地平 is half of 地平线 unless something unknown stands before it. */
static size_t take_word(struct lexer *x, const struct lexicon_word *w, size_t at)
{
    size_t start = at;
    uint8_t drug = w->drug;
    if (drug & IS_STEM) {
        start = stem_start(x, at);
        if (start == at && !(x->line->count && x->line->tokens[x->line->count - 1].end == at)) drug = 0;
        if (drug == 0 && w->classes == 0) {
            x->unknown += 2;
            return at + w->len;
        }
    }
    size_t end = at + w->len;
    if (w->drug && is_letter(x->s[end - 1]) && end < x->n && x->s[end] == 's') end++;
    struct guard_token *t = push(x, start, end);
    t->classes = w->classes;
    t->drug = drug;
    return end;
}

/* 阿莫希林0.5: what stands before a number may be a name with one wrong character. */
static void take_misspelt(struct lexer *x, size_t at)
{
    size_t end = at;
    while (end > x->last_end && strchr(" :(=", x->s[end - 1])) end--;
    size_t start = end;
    while (start >= x->last_end + 3 && end - start < 18 && is_unified(x->s + start - 3)) start -= 3;
    for (; end - start >= 9; start += 3)
        if (lexicon_is_near_drug(x->l, x->s + start, end - start)) {
            bool sign = x->sign;
            push(x, start, end)->drug = IS_DRUG;
            x->sign = sign;
            return;
        }
}

static size_t take_number(struct lexer *x, size_t at, size_t len, double value, const struct lexicon_word *w)
{
    take_misspelt(x, at);
    struct guard_token *t = push(x, at, at + len);
    t->number = true;
    t->value = value;
    if (w && w->len == len) t->classes = w->classes & EMERGENCY;
    return at + len;
}

static bool after_number(const struct lexer *x, size_t at)
{
    return x->line->count && x->line->tokens[x->line->count - 1].number && at == x->last_end;
}

static size_t adjective(const char *s, size_t n)
{
    static const char *const words[] = {"小", "大", "整", "满", "平", "多", "来", "余", "几", "薄", "厚"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (n > 3 && memcmp(s, words[i], 3) == 0) return 3;
    return 0;
}

/* 布/洛/芬, 布(洛)芬: the name of a drug with signs between its characters; the length of it all. */
static size_t loose_drug(const struct lexer *x, size_t at)
{
    char name[24];
    size_t n = 0;
    size_t i = at;
    size_t end = at;
    size_t found = 0;
    if (at + 7 > x->n || (uint8_t)x->s[at] < 0xE3 || (uint8_t)x->s[at + 3] >= 0x80) return 0;
    while (i + 3 <= x->n && (uint8_t)x->s[i] >= 0xE3 && n + 3 <= sizeof name) {
        memcpy(name + n, x->s + i, 3);
        n += 3;
        end = i += 3;
        const struct lexicon_word *w = n >= 6 ? lexicon_find(x->l, name, n) : NULL;
        if (w && w->len == n && w->drug & (IS_DRUG | IS_KIND) && !(w->drug & IS_STEM)) found = end - at;
        for (size_t signs = 0; signs < 2 && i < x->n && strchr("/|()[]{}+&#@^=\"'.,~ ", x->s[i]) && x->s[i]; signs++)
            i++;
    }
    return found;
}

static bool is_range_sign(const char *s, size_t n, size_t *len)
{
    static const char *const signs[] = {"-", "~", "—", "至", "到", "或", "或者", "to ", "or ", "and ", "、"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        *len = strlen(signs[i]);
        if (*len <= n && memcmp(s, signs[i], *len) == 0) return true;
    }
    return false;
}

static bool is_clause_sign(struct lexer *x, size_t at, size_t *len)
{
    uint32_t c;
    *len = utf8_decode(x->s + at, x->n - at, &c);
    if (c == ',') return !(at && is_digit(x->s[at - 1]) && at + 1 < x->n && is_digit(x->s[at + 1]));
    return c == ';' || c == '\n' || c == 0x3002 || c == '!' || c == '?' ||
           (c == 0x2014 && !(at && is_digit(x->s[at - 1])));
}

/* Signs between words. */
static size_t take_sign(struct lexer *x, size_t at)
{
    size_t len;
    if (is_clause_sign(x, at, &len)) {
        if (x->line->count && x->line->tokens[x->line->count - 1].clause == x->clause)
            x->line->starts[++x->clause] = (uint32_t)(at + len);
        x->sign = true;
        return at + len;
    }
    char c = x->s[at];
    uint32_t code;
    len = utf8_decode(x->s + at, x->n - at, &code);
    bool label = x->line->count && at == x->last_end &&
                 x->line->tokens[x->line->count - 1].classes & (DOSAGE | EACH); /* 数量是二 */
    if (label && (code == 0x662F || code == 0x4E3A))
        x->last_end = at + len;
    else if ((uint8_t)c >= 0x80 && code >= 0x3400 && code <= 0x9FFF)
        x->unknown += 2;
    else if (!strchr(" ():[]\"'=|\t", c) || (uint8_t)c >= 0x80)
        x->sign = true;
    return at + len;
}

static void read_tokens(struct lexer *x)
{
    for (size_t at = 0; at < x->n;) {
        double value = 0;
        size_t sign = 0;
        bool inside = at && (is_letter(x->s[at - 1]) && at != x->last_end);
        bool latin = is_letter(x->s[at]);
        const struct lexicon_word *w =
            inside && (latin || is_digit(x->s[at])) ? NULL : lexicon_find(x->l, x->s + at, x->n - at);
        size_t number = inside && latin ? 0 : guard_number(x->s + at, x->n - at, &value);
        if (number && w && (w->len > number || (w->len == number && w->classes & FRACTION))) number = 0;
        if (number && w && w->len == number && latin && (w->classes || w->drug)) number = 0;
        if (number) {
            at = take_number(x, at, number, value, w);
        } else if (x->line->count && x->line->tokens[x->line->count - 1].number && at <= x->last_end + 3 &&
                   is_range_sign(x->s + at, x->n - at, &sign)) {
            x->range = true;
            at += sign;
        } else if (w) {
            at = take_word(x, w, at);
        } else if (after_number(x, at) && (sign = adjective(x->s + at, x->n - at)) > 0) {
            at += sign; /* 一小袋, 两整片, 十多天 */
        } else if ((sign = loose_drug(x, at)) > 0) {
            push(x, at, at + sign)->drug = IS_DRUG;
            at += sign;
        } else if (latin || is_digit(x->s[at])) {
            at = latin_word(x, at);
        } else {
            at = take_sign(x, at);
        }
    }
}

/* "no need to ask a doctor" leaves nothing to the doctor. */
static void drop_denied(struct guard_line *line)
{
    for (size_t i = 1; i < line->count; i++) {
        struct guard_token *t = &line->tokens[i];
        const struct guard_token *p = &line->tokens[i - 1];
        const char *s = line->text.text + p->start;
        size_t n = p->end - p->start;
        bool useless =
            (p->classes & NEG) && p->clause == t->clause && t->start - p->end <= 6 &&
            (memmem(s, n, "不用", 6) || memmem(s, n, "不需", 6) || memmem(s, n, "不必", 6) || memmem(s, n, "无需", 6) ||
             memmem(s, n, "无须", 6) || memmem(s, n, "用不着", 9) || (n == 2 && memcmp(s, "no", 2) == 0));
        if (useless) t->classes &= ~ASK;
    }
}

/* 您刚刚提到, "you also mentioned": what follows are the user's words. */
static void mark_quotes(struct guard_line *line)
{
    static const char *const verbs[] = {"说",      "提到",  "提及",    "写的",     "写道",   "写着",   "引用",  "转述",
                                        "描述",    "记得",  "发的",    "上传",     "告诉我", "复述",   "贴的",  "said",
                                        "mention", "wrote", "told me", "describe", "say",    "report", "quote", "list"};
    for (size_t i = 0; i < line->count; i++) {
        struct guard_token *t = &line->tokens[i];
        const char *s = line->text.text + t->start;
        size_t n = t->end - t->start;
        bool you =
            (n >= 3 && (memcmp(s, "您", 3) == 0 || memcmp(s, "你", 3) == 0)) || (n == 3 && memcmp(s, "you", 3) == 0);
        size_t left = line->text.len - t->start;
        size_t reach = left < n + 15 ? left : n + 15;
        if (!you) continue;
        for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) {
            const char *found = memmem(s, reach, verbs[k], strlen(verbs[k]));
            if (found && !memchr(s, ',', (size_t)(found - s))) t->classes |= SAID;
        }
    }
}

static void look_at_shape(struct guard_line *line)
{
    const struct normal_text *t = &line->text;
    size_t bars = 0;
    size_t end = t->len;
    line->is_blank = true;
    for (size_t i = 0; i < t->len; i++) {
        bars += t->text[i] == '|' || t->text[i] == '\t';
        if (t->text[i] != ' ' && t->text[i] != '\n') line->is_blank = false;
        if ((uint8_t)t->text[i] >= 0xE3 && (uint8_t)t->text[i] <= 0xE9) line->is_chinese = true;
    }
    while (end && strchr(" \n\"')", t->text[end - 1])) end--;
    line->is_row = bars >= 2 || (bars == 1 && memchr(t->text, '\t', t->len));
    line->is_code = memchr(t->text, '{', t->len) ||
                    (memchr(t->text, '"', t->len) && (strstr(t->text, "\":") || strstr(t->text, "=\""))) ||
                    (memchr(t->text, '=', t->len) && memchr(t->text, ';', t->len));
    line->is_question = end && t->text[end - 1] == '?';
    line->is_heading = end && t->text[end - 1] == ':';
}

int guard_line_init(struct guard_line *line, const struct lexicon *l, const char *text, size_t n, struct error *e)
{
    *line = (struct guard_line){0};
    int rc = normal_text_make(&line->text, text, n, e);
    if (rc) return rc;
    guard_squeeze(&line->text);
    look_at_shape(line);
    line->tokens = malloc((line->text.len + 1) * sizeof *line->tokens);
    line->starts = calloc(line->text.len + 2, sizeof *line->starts);
    line->clause_classes = calloc(line->text.len + 2, sizeof *line->clause_classes);
    line->clause_drugs = calloc(line->text.len + 2, 1);
    if (!line->tokens || !line->starts || !line->clause_classes || !line->clause_drugs) {
        guard_line_fini(line);
        return error_set(e, ERR_NOMEM, "no memory to check a sentence");
    }
    struct lexer x = {.l = l, .line = line, .s = line->text.text, .n = line->text.len};
    read_tokens(&x);
    drop_denied(line);
    mark_quotes(line);
    for (size_t i = 0; i < line->count; i++) {
        line->clause_classes[line->tokens[i].clause] |= line->tokens[i].classes;
        line->clause_drugs[line->tokens[i].clause] |= line->tokens[i].drug;
    }
    line->clauses = (size_t)x.clause + 1;
    line->starts[line->clauses] = (uint32_t)line->text.len;
    return OK;
}

void guard_line_fini(struct guard_line *line)
{
    normal_text_free(&line->text);
    free(line->tokens);
    free(line->starts);
    line->tokens = NULL;
    line->starts = NULL;
    free(line->clause_classes);
    free(line->clause_drugs);
    line->clause_classes = NULL;
    line->clause_drugs = NULL;
}
