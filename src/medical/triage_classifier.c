/* triage_classifier.c - see triage_classifier.h. */
#include "medical/triage_classifier.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "medical/triage_text.h"

enum { HEADER = 20 };

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float read_f32(const uint8_t *p)
{
    uint32_t bits = read_u32(p);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

int triage_classifier_open(struct triage_classifier *c, const void *data, size_t n, struct error *e)
{
    const uint8_t *p = data;
    memset(c, 0, sizeof *c);
    if (n < HEADER || memcmp(p, "XBTC", 4) != 0) return error_set(e, ERR_FORMAT, "is not a triage classifier");
    if (read_u32(p + 4) != 1 || read_u32(p + 8) != TRIAGE_ROWS)
        return error_set(e, ERR_FORMAT, "is a triage classifier of another version: train it again");
    c->classes = read_u32(p + 12);
    c->threshold = read_f32(p + 16);
    if (c->classes < 2 || c->classes > TRIAGE_CLASSES_MAX || !(c->threshold > 0 && c->threshold <= 1))
        return error_set(e, ERR_FORMAT, "holds an impossible number of classes or threshold");
    size_t ids = HEADER + TRIAGE_NOTICE;
    size_t numbers = ids + (size_t)c->classes * TRIAGE_CLASS_ID;
    size_t weights = numbers + (size_t)c->classes * 8;
    if (n != weights + (size_t)TRIAGE_ROWS * c->classes) return error_set(e, ERR_FORMAT, "is cut short or too long");
    c->ids = (const char(*)[TRIAGE_CLASS_ID])(p + ids);
    for (uint32_t i = 0; i < c->classes; i++) {
        if (!memchr(c->ids[i], 0, TRIAGE_CLASS_ID)) return error_set(e, ERR_FORMAT, "holds a class id without an end");
        c->scale[i] = read_f32(p + numbers + 8 * i);
        c->bias[i] = read_f32(p + numbers + 8 * i + 4);
        if (!isfinite(c->scale[i]) || !isfinite(c->bias[i]))
            return error_set(e, ERR_FORMAT, "holds numbers that are none");
    }
    c->weights = (const int8_t *)(p + weights);
    return OK;
}

static int by_value(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static bool skipped(uint32_t c)
{
    return c == ',' || c == '"' || c == ':' || c == '(' || c == ')' || c == '\n' || c == 0x3002 || c == 0x3001;
}

static uint16_t row_of(uint32_t h, uint32_t salt)
{
    return (uint16_t)((h * 2654435761u + salt * 40503u) >> (32 - TRIAGE_HASH_BITS));
}

static size_t add_concepts(const struct triage_sentence *x, uint16_t rows[TRIAGE_GRAMS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < x->hits->n && count < TRIAGE_GRAMS_MAX / 2; i++) {
        const struct lex_hit *h = &x->hits->items[i];
        if (h->start >= x->end) break; /* by start */
        if (h->start < x->start || h->off != LEX_ON) continue;
        uint32_t hash = 2166136261u;
        for (const char *s = lex_name(x->l, h->concept); *s; s++) hash = (hash ^ (uint8_t)*s) * 16777619u;
        rows[count++] = row_of(hash, 77);
    }
    return count;
}

size_t triage_features(const struct triage_sentence *x, uint16_t rows[TRIAGE_GRAMS_MAX])
{
    size_t count = add_concepts(x, rows);
    for (size_t i = x->start; i < x->end; i++) {
        if (skipped(x->cp[i])) continue;
        bool han = triage_is_han(x->cp[i]);
        size_t shortest = han ? 1 : 3;
        uint32_t h = 2166136261u;
        for (size_t len = 1; len <= (han ? 3u : 5u) && i + len <= x->end; len++) {
            uint32_t c = x->cp[i + len - 1];
            if (skipped(c)) break;
            h = (h ^ (c >= '0' && c <= '9' ? '0' : c)) * 16777619u;
            if (len >= shortest && count < TRIAGE_GRAMS_MAX) rows[count++] = row_of(h, (uint32_t)len);
        }
    }
    qsort(rows, count, sizeof *rows, by_value);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || rows[kept - 1] != rows[i]) rows[kept++] = rows[i];
    return kept;
}

uint32_t triage_classify(const struct triage_classifier *c, const struct triage_sentence *x,
                         float p[TRIAGE_CLASSES_MAX])
{
    uint16_t rows[TRIAGE_GRAMS_MAX];
    int32_t sums[TRIAGE_CLASSES_MAX] = {0};
    size_t count = triage_features(x, rows);
    for (size_t i = 0; i < count; i++) {
        const int8_t *w = c->weights + (size_t)rows[i] * c->classes;
        for (uint32_t k = 0; k < c->classes; k++) sums[k] += w[k];
    }
    float norm = count ? 1.0f / sqrtf((float)count) : 0;
    uint32_t best = 1;
    float top = -INFINITY;
    float total = 0;
    for (uint32_t k = 0; k < c->classes; k++) {
        p[k] = (float)sums[k] * c->scale[k] * norm + c->bias[k];
        if (p[k] > top) top = p[k];
        if (k > 1 && p[k] > p[best]) best = k;
    }
    for (uint32_t k = 0; k < c->classes; k++) total += p[k] = expf(p[k] - top);
    for (uint32_t k = 0; k < c->classes; k++) p[k] /= total;
    return best;
}
