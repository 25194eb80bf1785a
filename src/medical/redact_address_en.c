/* redact_address_en.c - addresses in Latin letters: "Apt 4B, 221 Baker Street, London NW1 6XE", "No. 88 Jianguo Road".
 */
#include "medical/redact_parts.h"

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE);
}

static size_t word_end(const struct redact_text *t, size_t i)
{
    while (redact_is_latin(t->c[i]) || is_digit(t->c[i]) || t->c[i] == '\'' ||
           (t->c[i] == '-' && redact_is_latin(t->c[i + 1])))
        i++;
    return i;
}

/* "221B Baker Street", "No. 88 Jianguo East Road": the end, or i. */
static size_t street(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t at = i;
    if (t->c[at] == 'n' && t->c[at + 1] == 'o' && (t->c[at + 2] == '.' || t->c[at + 2] == ' '))
        at = redact_skip(t, at + 3, " ");
    size_t number = at;
    while (is_digit(t->c[at]) || (at > number && t->c[at] == '-' && is_digit(t->c[at + 1]))) at++;
    if (at == number || at > number + 6) return i;
    if (redact_is_latin(t->c[at]) && !redact_is_latin(t->c[at + 1])) at++;
    if (t->c[at] == ',') at++;
    if (t->c[at] != ' ') return i;
    at = redact_skip(t, at, " ");
    for (size_t words = 0; words < 6; words++) {
        size_t n = words ? redact_word_at(w, t, at, WORD_EN_ROAD) : 0;
        if (n && !(words == 1 && !is_upper(t->raw[at]))) {
            size_t more = redact_skip(t, at + n, " ");
            size_t next = redact_word_at(w, t, more, WORD_EN_ROAD);
            return next && is_upper(t->raw[more]) ? more + next : at + n;
        }
        size_t end = word_end(t, at);
        if (end == at || !(is_upper(t->raw[at]) || is_digit(t->raw[at]))) return i;
        at = redact_skip(t, t->c[end] == '.' ? end + 1 : end, " ");
    }
    return i;
}

/* "Apt 4B", "Room 501", "Building 3": the end, or i. */
static size_t unit(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t n = redact_word_at(w, t, i, WORD_EN_UNIT);
    if (!n) return i;
    size_t at = redact_skip(t, i + n, " #.");
    size_t end = at;
    while (is_digit(t->c[end]) || (redact_is_latin(t->c[end]) && end < at + 5) ||
           (t->c[end] == '-' && is_digit(t->c[end + 1])))
        end++;
    bool digits = false;
    for (size_t k = at; k < end; k++) digits |= is_digit(t->c[k]);
    return digits || end == at + 1 ? end : i;
}

/* After a street: ", Springfield", ", IL 62704", ", London NW1 6XE", ", Chaoyang District". */
static size_t place(const struct redact_text *t, size_t i)
{
    size_t at = i;
    size_t end = i;
    for (size_t words = 0; words < 5; words++) {
        size_t next = word_end(t, at);
        bool digits = is_digit(t->c[at]);
        if (next == at || (!is_upper(t->raw[at]) && !digits) || (digits && next > at + 8)) break;
        end = next;
        at = redact_skip(t, next, " ");
        if (at > next + 1) break;
    }
    return end;
}

static void from(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t end = i;
    bool has_street = false;
    for (size_t at = i, parts = 0; parts < 9; parts++) {
        size_t next = street(w, t, at);
        if (next > at)
            has_street = true;
        else
            next = unit(w, t, at);
        if (next == at && has_street && parts) next = place(t, at);
        if (next == at) break;
        end = next;
        at = redact_skip(t, t->c[next] == '.' ? next + 1 : next, " ");
        if (t->c[at] == ',' || (t->c[at] == '\n' && has_street))
            at = redact_skip(t, at + 1, " ");
        else if (redact_word_at(w, t, at, WORD_EN_UNIT) == 0)
            break;
    }
    if (has_street) redact_add(t, i, end, REDACT_ADDRESS);
}

void redact_addresses_en(const struct redact_words *w, struct redact_text *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (i > 0 && (redact_is_latin(t->c[i - 1]) || is_digit(t->c[i - 1]))) continue;
        if (is_digit(t->c[i]) || redact_word_at(w, t, i, WORD_EN_UNIT)) from(w, t, i);
    }
}
