/* nfc.c - see nfc.h. Only the stretches around unusual characters are taken apart; the rest is copied. Decompositions
 * and pairs come from utf8proc, order and composition are done here. */
#include "model/nfc.h"

#include <stdint.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/checked.h"
#include "base/utf8.h"

enum { MAX_DECOMPOSED = 8, SHORT_RUN = 16 };

/* Marks whose class is younger than the reference's tables: it takes them for starters. Found by comparing every code
 * point. */
static const struct {
    uint32_t first, last;
} young_marks[] = {
    {0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},     {0xC3C, 0xC3C},
    {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},   {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},
    {0xA82C, 0xA82C},   {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50},
    {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
    {0x1193D, 0x1193E}, {0x11943, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47},
    {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42},
    {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF},
    {0x1E4EC, 0x1E4EF},
};
static const uint32_t young_composition = 0x11938; /* U+11935 U+11930 since Unicode 13 */

/* ASCII and the common CJK blocks: starters without decomposition, that no starter before them takes in. */
static bool is_plain(uint32_t c)
{
    return c < 0x300 || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3000 && c <= 0x3029) || (c >= 0x2010 && c <= 0x2027) ||
           (c >= 0xFF00 && c <= 0xFFEF);
}

bool nfc_is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t len = utf8_decode(s + i, n - i, &c);
        if (!is_plain(c) || (c == 0xFFFD && len == 1)) return false;
        i += len;
    }
    return true;
}

static uint8_t class_of(uint32_t c)
{
    if (c < 0x300 || (c >= 0x3100 && c < 0xA000)) return 0;
    uint8_t combining = (uint8_t)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
    for (size_t i = 0; combining && i < sizeof young_marks / sizeof *young_marks; i++)
        if (c >= young_marks[i].first && c <= young_marks[i].last) return 0;
    return combining;
}

static size_t decompose(uint32_t c, utf8proc_int32_t out[MAX_DECOMPOSED])
{
    int boundary = 0;
    utf8proc_ssize_t n = c == young_composition ? 0
                                                : utf8proc_decompose_char((utf8proc_int32_t)c, out, MAX_DECOMPOSED,
                                                                          UTF8PROC_DECOMPOSE, &boundary);
    if (n > 0 && n <= MAX_DECOMPOSED) return (size_t)n;
    out[0] = (utf8proc_int32_t)c;
    return 1;
}

/* The composition of two characters, or 0. */
static uint32_t compose(uint32_t first, uint32_t second)
{
    if (second == 0x11A7) return 0; /* utf8proc 2.8 swallows it after a syllable; it is no final consonant */
    if (second < 0x300 || (second >= 0x309B && second < 0xA000)) return 0;
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)first, (utf8proc_int32_t)second};
    if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) != 1) return 0;
    return (uint32_t)pair[0] == young_composition ? 0 : (uint32_t)pair[0];
}

/* A character with its class above and its place between, so that sorting by value is stable. */
static uint64_t pack(uint32_t c, uint8_t combining, size_t place)
{
    return (uint64_t)combining << 56 | (uint64_t)(place & 0x7FFFFFFFF) << 21 | c;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort_run(uint64_t *run, size_t n)
{
    if (n > SHORT_RUN) {
        qsort(run, n, sizeof *run, by_value);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint64_t moved = run[i];
        size_t k = i;
        for (; k > 0 && run[k - 1] > moved; k--) run[k] = run[k - 1];
        run[k] = moved;
    }
}

/* UAX #15, D117: a character joins the last starter unless something of its class or above stands between. Returns the
 * number left. */
static size_t compose_all(uint64_t *chars, size_t n)
{
    size_t kept = 0;
    size_t starter = n; /* n: none yet */
    int between = -1;   /* class of the last character kept behind the starter, -1 if none */
    for (size_t i = 0; i < n; i++) {
        uint32_t c = chars[i] & 0x1FFFFF;
        int combining = (int)(chars[i] >> 56);
        uint32_t whole = starter < n && between < combining ? compose(chars[starter] & 0x1FFFFF, c) : 0;
        if (whole) {
            chars[starter] = whole;
            continue;
        }
        between = combining;
        if (combining == 0) {
            starter = kept;
            between = -1;
        }
        chars[kept++] = chars[i];
    }
    return kept;
}

/* Normalise one stretch; room has space for it decomposed. */
static int append_stretch(struct buf *out, const char *s, size_t n, uint64_t *room)
{
    size_t count = 0;
    size_t run = 0; /* start of the marks at the end */
    for (size_t i = 0; i < n;) {
        uint32_t c;
        utf8proc_int32_t parts[MAX_DECOMPOSED];
        i += utf8_decode(s + i, n - i, &c);
        size_t number = decompose(c, parts);
        for (size_t k = 0; k < number; k++) {
            uint8_t combining = class_of((uint32_t)parts[k]);
            if (combining == 0) {
                sort_run(room + run, count - run);
                run = count + 1;
            }
            room[count] = pack((uint32_t)parts[k], combining, count);
            count++;
        }
    }
    if (count > run) sort_run(room + run, count - run);
    count = compose_all(room, count);
    for (size_t i = 0; i < count; i++) {
        char encoded[4];
        int rc = buf_append(out, encoded, utf8_encode(room[i] & 0x1FFFFF, encoded));
        if (rc) return rc;
    }
    return OK;
}

/* End of the stretch that starts at s with the last plain character before an unusual one: up to the next plain one. */
static size_t stretch_end(const char *s, size_t n)
{
    uint32_t c;
    size_t at = utf8_decode(s, n, &c);
    while (at < n) {
        size_t len = utf8_decode(s + at, n - at, &c);
        if (is_plain(c)) break;
        at += len;
    }
    return at;
}

int nfc_append(struct buf *out, const char *s, size_t n)
{
    uint64_t *room = NULL;
    size_t capacity = 0;
    size_t start = 0; /* of the plain text not yet copied */
    size_t last = 0;  /* of the last plain character */
    int rc = OK;
    for (size_t i = 0; !rc && i < n;) {
        uint32_t c;
        size_t len = utf8_decode(s + i, n - i, &c);
        if (is_plain(c)) {
            last = i;
            i += len;
            continue;
        }
        rc = buf_append(out, s + start, last - start);
        size_t end = last + stretch_end(s + last, n - last);
        if (!rc && end - last > capacity) {
            size_t bytes;
            free(room); /* no character of b bytes decomposes into more than 2 b */
            capacity = (end - last) * 2;
            room = checked_mul(capacity * 2, sizeof *room, &bytes) ? malloc(bytes) : NULL;
            if (!room) rc = ERR_NOMEM;
        }
        if (!rc) rc = append_stretch(out, s + last, end - last, room);
        i = start = last = end;
    }
    if (!rc && start < n) rc = buf_append(out, s + start, n - start);
    free(room);
    return rc;
}
