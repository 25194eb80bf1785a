/* redact_address.c - Chinese addresses: region, town, road and number, houses, building, floor, room in a row. */
#include "medical/redact_parts.h"

enum { NAME_MAX = 12 }; /* characters of one part's name */

/* What an address has so far. */
struct parts {
    size_t regions, towns, roads, estates, doors;
};

static bool is_name_char(const struct redact_text *t, size_t i)
{
    uint32_t c = t->c[i];
    return redact_is_han(c) || redact_is_latin(c) || (c >= '0' && c <= '9') || c == 0xB7;
}

static bool digit_like(uint32_t c)
{
    return redact_digit(c) >= 0 || c == 0x5341 || c == 0x767E; /* 十 百 */
}

/* 12号, 3-2-501, A座, 甲8号, 十二楼, 501: the end, or i. */
static size_t door(const struct redact_words *w, const struct redact_text *t, size_t i, bool inside, bool *named)
{
    size_t at = i;
    *named = false;
    if (t->c[at] == 0x9644 || t->c[at] == 0x7532 || t->c[at] == 0x4E59 || t->c[at] == 0x4E19) at++; /* 附 甲 乙 丙 */
    if (t->c[at] == 'n' && t->c[at + 1] == 'o' && t->c[at + 2] == '.') at += 3;
    if (t->c[at] == '#') at++;
    size_t first = at;
    size_t limit = at + 14;
    size_t digits = 0;
    while (at < limit && at < t->n) {
        uint32_t c = t->c[at];
        bool joint = (c == '-' || c == 0x4E4B || c == 0x2014 || c == '/' || c == '#') && at > first;
        bool latin = c >= 'a' && c <= 'z' && at < first + 8 && !(redact_is_latin(t->c[at + 1]));
        if (digit_like(c))
            digits++;
        else if (!latin && !joint)
            break;
        at++;
    }
    if (at == first) { /* 甲单元 */
        size_t word = at > i ? redact_word_at(w, t, at, WORD_DOOR) : 0;
        *named = word > 0;
        return word ? at + word : i;
    }
    size_t n = redact_word_at(w, t, redact_skip(t, at, " "), WORD_DOOR);
    if (n) {
        at = redact_skip(t, at, " ") + n;
        *named = true;
        return at;
    }
    if (t->c[at - 1] == '#') *named = true;
    return inside && digits ? at : i;
}

/* The nearest word of the kind that ends a name beginning at i: its end, or i. */
static size_t named(const struct redact_words *w, const struct redact_text *t, size_t i, enum redact_word kind,
                    size_t least)
{
    for (size_t at = i; at < i + NAME_MAX && at < t->n && is_name_char(t, at); at++) {
        if (at > i && redact_word_at(w, t, at, WORD_BREAK)) return i;
        size_t n = at >= i + least ? redact_word_at(w, t, at, kind) : 0;
        if (!n) continue;
        bool denied = false;
        for (size_t k = at > i + 4 ? at - 4 : i; k <= at && !denied; k++) {
            size_t m = redact_word_at(w, t, k, WORD_NOT_PLACE);
            denied = m > 1 && k + m >= at + 1 && k + m <= at + n;
        }
        if (!denied) return at + n;
    }
    return i;
}

static size_t joints(const struct redact_text *t, size_t i)
{
    size_t at = i;
    while (at < i + 2 && (t->c[at] == ' ' || t->c[at] == ',' || t->c[at] == 0xB7 || t->c[at] == '(')) at++;
    return at;
}

/* 科技园|路, 李庄|村, 幸福里|小区: a word that ends a name right after another one. */
static size_t extended(const struct redact_words *w, const struct redact_text *t, size_t i)
{
    size_t n = redact_word_at(w, t, i, WORD_ROAD);
    if (!n) n = redact_word_at(w, t, i, WORD_ESTATE);
    if (!n) n = redact_word_at(w, t, i, WORD_TOWN);
    return i + n;
}

/* The longest chain of parts from i. */
static size_t chain(const struct redact_words *w, const struct redact_text *t, size_t i, struct parts *p)
{
    size_t end = i;
    *p = (struct parts){0};
    for (size_t at = i; at < t->n && end < i + 80;) {
        bool has_door = false;
        bool fine = p->roads || p->estates || p->towns;
        size_t next = fine ? door(w, t, at, p->roads + p->estates + p->doors > 0, &has_door) : at;
        if (next > at) {
            p->doors += 1;
        } else if ((next = at + redact_word_at(w, t, at, WORD_REGION)) > at) {
            size_t n = redact_word_at(w, t, next, WORD_ADMIN);
            size_t longer = p->doors ? at : named(w, t, at, WORD_ROAD, 2);
            if (longer > next && longer < next + 4 && !n) {
                p->roads++; /* 北京路 */
                next = longer;
            } else {
                next += n;
                p->regions++;
            }
        } else {
            size_t road = named(w, t, at, WORD_ROAD, 2);
            size_t town = named(w, t, at, WORD_TOWN, 1);
            size_t estate = named(w, t, at, WORD_ESTATE, 2);
            size_t admin = p->doors ? at : named(w, t, at, WORD_ADMIN, 1);
            next = 0;
            if (admin > at && (!next || admin < next)) next = admin;
            if (town > at && (!next || town < next)) next = town;
            if (road > at && (!next || road < next)) next = road;
            if (estate > at && (!next || estate < next)) next = estate;
            if (!next) break;
            size_t longer = extended(w, t, next);
            if (longer > next) {
                if (next == road)
                    road = longer;
                else if (redact_word_at(w, t, next, WORD_ROAD))
                    road = longer;
                else
                    estate = longer;
                next = longer;
            }
            if (next == road)
                p->roads++;
            else if (next == estate)
                p->estates++;
            else if (next == town)
                p->towns++;
            else
                p->regions++;
        }
        end = next;
        at = joints(t, next);
    }
    return end;
}

/* An address after a word like 家住 needs less than one in the middle of a sentence. */
static bool enough(const struct parts *p, bool label)
{
    size_t places = p->roads + p->estates + p->towns;
    if (p->doors && places) return true;
    if (label) return p->roads || p->estates || (p->towns && p->regions);
    return p->regions && places && (p->regions + places > 2 || p->roads);
}

static bool try_chain(const struct redact_words *w, struct redact_text *t, size_t i, bool label)
{
    struct parts p;
    size_t end = chain(w, t, i, &p);
    if (end == i || !enough(&p, label)) return false;
    redact_add(t, i, end, REDACT_ADDRESS);
    return true;
}

/* 中山路8号 in the middle of a sentence: back from the road's word over its name. */
static void around_road(const struct redact_words *w, struct redact_text *t, size_t i)
{
    size_t n = redact_word_at(w, t, i, WORD_ROAD);
    if (!n) n = redact_word_at(w, t, i, WORD_ESTATE);
    if (!n) return;
    bool has_door;
    size_t at = redact_skip(t, i + n, " ");
    if (door(w, t, at, false, &has_door) == at || !has_door) return;
    size_t start = i;
    while (start > 0 && i - start < 24 && redact_is_han(t->c[start - 1]) &&
           !redact_word_before(w, t, start, WORD_BREAK) && !redact_word_before(w, t, start, WORD_ADDRESS_LABEL))
        start--;
    for (; start + 1 < i; start++)
        if (try_chain(w, t, start, false)) return;
}

void redact_addresses(const struct redact_words *w, struct redact_text *t)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t n = redact_word_at(w, t, i, WORD_ADDRESS_LABEL);
        if (n) {
            size_t at = i + n;
            while (at < i + n + 4 && (t->c[at] == ':' || t->c[at] == ' ' || t->c[at] == 0x662F || t->c[at] == 0x5728 ||
                                      t->c[at] == 0x4E8E || t->c[at] == 0x4E3A)) /* 是 在 于 为 */
                at++;
            try_chain(w, t, at, true);
        }
        if (redact_word_at(w, t, i, WORD_REGION)) try_chain(w, t, i, false);
        around_road(w, t, i);
    }
}
