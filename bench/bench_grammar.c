/* bench_grammar.c - what a form costs: the vocabulary's tries, compiling, and the mask of each token of an answer, the
 * first time a grammar meets a place (cold) and when it comes back (warm).
 *
 * Usage: bench_grammar MODEL. The answers are written by the masks themselves: at every step a random allowed token,
 * text tokens as likely as others, 400 tokens at most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/grammar.h"
#include "model/model_file.h"

enum { ANSWERS = 20, ANSWER_TOKENS = 400, COMPILES = 20 };

static const struct {
    const char *name, *schema;
} cases[] = {
    {"any object", "{\"type\":\"object\"}"},
    {"intake of 10 fields", "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":20},"
                            "\"age\":{\"type\":\"integer\",\"minimum\":0,"
                            "\"maximum\":120},\"sex\":{\"enum\":[\"男\",\"女\"]},\"complaint\":{\"type\":\"string\","
                            "\"minLength\":2,\"maxLength\":100},"
                            "\"days\":{\"type\":\"number\",\"minimum\":0,\"maximum\":3650},\"symptoms\":{\"type\":"
                            "\"array\",\"items\":{\"type\":\"string\","
                            "\"maxLength\":20},\"maxItems\":8},\"temperature\":{\"type\":[\"number\",\"null\"],"
                            "\"minimum\":34,\"maximum\":43},\"pregnant\":"
                            "{\"type\":\"boolean\"},\"date\":{\"type\":\"string\",\"format\":\"date\"},\"department\":{"
                            "\"type\":\"string\",\"pattern\":"
                            "\"^[一-龥]{2,8}科$\"}},\"required\":[\"name\",\"age\",\"sex\",\"complaint\",\"days\","
                            "\"symptoms\",\"date\",\"department\"]}"},
    {"tree ($ref)",
     "{\"$ref\":\"#/$defs/"
     "n\",\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"string\",\"maxLength\":8},\"kids\":"
     "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/n\"},\"maxItems\":3}},\"required\":[\"v\",\"kids\"]}}}"},
    {"free text field",
     "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]}"},
    {"bounded text field", "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"minLength\":50,"
                           "\"maxLength\":2000}},\"required\":[\"text\"]}"},
    {"pattern of 60 characters", "{\"type\":\"string\",\"pattern\":\"^[一-龥，。]{20,60}$\"}"},
};

struct times {
    double *list;
    size_t n, cap;
};

static void note(struct times *t, double seconds)
{
    if (t->n < t->cap) t->list[t->n++] = seconds;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_times(const char *what, struct times *t)
{
    double sum = 0;
    if (t->n == 0) return;
    for (size_t i = 0; i < t->n; i++) sum += t->list[i];
    qsort(t->list, t->n, sizeof *t->list, by_time);
    printf("  %s %6zu masks: mean %6.1f us, median %6.1f, 99%% %6.1f, most %7.1f\n", what, t->n,
           sum / (double)t->n * 1e6, t->list[t->n / 2] * 1e6, t->list[t->n - 1 - t->n / 100] * 1e6,
           t->list[t->n - 1] * 1e6);
    t->n = 0;
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    return *x ^= *x << 17;
}

static int32_t choose(const uint64_t *mask, size_t words, uint64_t *seed)
{
    size_t count = 0;
    for (size_t w = 0; w < words; w++) count += (size_t)__builtin_popcountll(mask[w]);
    size_t at = count ? next_random(seed) % count : 0;
    for (size_t w = 0; w < words && count; w++) {
        size_t here = (size_t)__builtin_popcountll(mask[w]);
        uint64_t bits = mask[w];
        if (at >= here) {
            at -= here;
            continue;
        }
        while (at-- > 0) bits &= bits - 1;
        return (int32_t)(w * 64) + __builtin_ctzll(bits);
    }
    return -1;
}

/* One answer; seconds of each mask and step to t. */
static int answer(struct grammar *g, size_t words, uint64_t *mask, uint64_t seed, struct times *t, struct error *e)
{
    struct grammar_state *s = NULL;
    int rc = grammar_state_new(&s, g, e);
    for (int i = 0; !rc && i < ANSWER_TOKENS && !grammar_must_end(s); i++) {
        double start = clock_monotonic();
        rc = grammar_mask(s, ANSWER_TOKENS - i, mask, e);
        double masked = clock_monotonic() - start;
        int32_t id = rc ? -1 : choose(mask, words, &seed);
        if (id < 0) break;
        start = clock_monotonic();
        rc = grammar_accept(s, id, e);
        note(t, masked + clock_monotonic() - start);
    }
    grammar_state_free(s);
    return rc;
}

static int bench_case(const struct grammar_vocab *v, const char *name, const char *schema, struct times *t,
                      struct error *e)
{
    json_t *root = NULL;
    struct grammar *g = NULL;
    size_t words = grammar_vocab_words(v);
    uint64_t *mask = calloc(words + 1, sizeof *mask);
    int rc = mask ? json_read(&root, schema, strlen(schema), e) : error_set(e, ERR_NOMEM, "no memory");
    struct grammar_part part = {.schema = root};
    struct grammar_spec spec = {.parts = &part, .n_parts = 1};
    double best = 1e9;
    for (int i = 0; !rc && i < COMPILES; i++) {
        grammar_release(g);
        double start = clock_monotonic();
        rc = grammar_new(&g, v, &spec, e);
        if (clock_monotonic() - start < best) best = clock_monotonic() - start;
    }
    if (!rc) {
        printf("%s: compiled in %.2f ms, at least %d tokens\n", name, best * 1e3, grammar_min_tokens(g));
        for (uint64_t k = 1; !rc && k <= ANSWERS; k++) { /* a grammar of its own for each: nothing is remembered */
            struct grammar *fresh = NULL;
            rc = grammar_new(&fresh, v, &spec, e);
            if (!rc) rc = answer(fresh, words, mask, k * 0x9E3779B97F4A7C15u, t, e);
            grammar_release(fresh);
        }
        print_times("cold", t);
        for (uint64_t k = 1; !rc && k <= 2 * ANSWERS; k++) {
            if (k == ANSWERS + 1) t->n = 0; /* the second time the same ways */
            rc = answer(g, words, mask, (k % ANSWERS + 1) * 0x9E3779B97F4A7C15u, t, e);
        }
        print_times("warm", t);
    }
    grammar_release(g);
    json_decref(root);
    free(mask);
    return rc;
}

int main(int argc, char **argv)
{
    struct model_file *m = NULL;
    struct tokenizer *tokenizer = NULL;
    struct grammar_vocab *v = NULL;
    struct error e = {0};
    struct times t = {.cap = (size_t)2 * ANSWERS * ANSWER_TOKENS};
    t.list = malloc(t.cap * sizeof *t.list);
    int rc = argc == 2 && t.list ? model_file_open(&m, argv[1], &e)
                                 : error_set(&e, ERR_INVALID, "usage: bench_grammar MODEL");
    if (!rc) rc = tokenizer_new(&tokenizer, model_file_tokenizer(m), &e);
    double start = clock_monotonic();
    if (!rc) rc = grammar_vocab_new(&v, tokenizer, &e);
    if (!rc) printf("vocabulary of %d tokens: %.0f ms\n", tokenizer_size(tokenizer), (clock_monotonic() - start) * 1e3);
    for (size_t i = 0; !rc && i < sizeof cases / sizeof *cases; i++)
        rc = bench_case(v, cases[i].name, cases[i].schema, &t, &e);
    if (rc) fprintf(stderr, "%s\n", e.text);
    grammar_vocab_free(v);
    tokenizer_free(tokenizer);
    model_file_close(m);
    free(t.list);
    return rc ? 1 : 0;
}
