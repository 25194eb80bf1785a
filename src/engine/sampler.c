/* sampler.c - see sampler.h.
 *
 * The vocabulary has 152k entries and a step is a few milliseconds, so nothing sorts it whole: candidates are the
 * entries within reach of the maximum (a threshold on the logit), gathered in one pass and then sorted. With top_k the
 * threshold rises until few enough remain; with top_p the tail below e^-20 of the best cannot matter to the last bit
 * that is drawn.
 */
#include "engine/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* Logits further below the best than this have a probability ratio under 2e-9 each. */
static const float reach = 20.0f;

struct candidate {
    float logit;
    int32_t id;
};

struct sampler {
    struct sampling s;
    struct logit_bias *bias; /* owned */
    int vocab_size, usable;
    uint64_t random[4];
    uint16_t *answer_count; /* [vocab_size] times each token was chosen; saturates */
    bool *seen;             /* [vocab_size] in prompt or answer */
    int32_t *seen_list;     /* [seen_count] each once */
    int seen_count;
    struct candidate *candidates; /* [vocab_size] */
    double *weights;              /* [vocab_size] */
};

void sampling_defaults(struct sampling *s)
{
    *s = (struct sampling){.temperature = 1, .top_p = 1, .repetition_penalty = 1};
}

static int check_range(const char *name, float value, float low, float high, struct error *e)
{
    if (value >= low && value <= high) return OK; /* false for NaN */
    return error_set(e, ERR_INVALID, "%s must be from %g to %g", name, (double)low, (double)high);
}

int sampling_validate(const struct sampling *s, int vocab_size, struct error *e)
{
    int rc = check_range("temperature", s->temperature, 0, LIMIT_TEMPERATURE, e);
    if (!rc)
        rc = s->top_p > 0 ? check_range("top_p", s->top_p, 0, 1, e)
                          : error_set(e, ERR_INVALID, "top_p must be above 0, up to 1");
    if (!rc && (s->top_k < 0 || s->top_k > LIMIT_TOP_K))
        rc = error_set(e, ERR_INVALID, "top_k must be from 0 (off) to %d", LIMIT_TOP_K);
    if (!rc) rc = check_range("min_p", s->min_p, 0, 1, e);
    if (!rc)
        rc = check_range("repetition_penalty", s->repetition_penalty, LIMIT_REPETITION_LOWEST, LIMIT_REPETITION, e);
    if (!rc) rc = check_range("presence_penalty", s->presence_penalty, -2, 2, e);
    if (!rc) rc = check_range("frequency_penalty", s->frequency_penalty, -2, 2, e);
    if (!rc && (s->bias_count < 0 || s->bias_count > LIMIT_LOGIT_BIAS))
        rc = error_set(e, ERR_INVALID, "logit_bias has more than %d entries", LIMIT_LOGIT_BIAS);
    for (int i = 0; !rc && i < s->bias_count; i++) {
        if (s->bias[i].token < 0 || s->bias[i].token >= vocab_size)
            rc = error_set(e, ERR_INVALID, "logit_bias names token %d, outside the vocabulary of %d", s->bias[i].token,
                           vocab_size);
        else
            rc = check_range("logit_bias", s->bias[i].bias, -100, 100, e);
    }
    return rc;
}

/* --- random numbers: xoshiro256++ (Blackman and Vigna 2019), seeded by splitmix64
 * ------------------------------------------ */

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static double next_uniform(uint64_t r[4]) /* [0, 1) with 53 bits */
{
    uint64_t result = rotate_left(r[0] + r[3], 23) + r[0];
    uint64_t t = r[1] << 17;
    r[2] ^= r[0];
    r[3] ^= r[1];
    r[1] ^= r[2];
    r[0] ^= r[3];
    r[2] ^= t;
    r[3] = rotate_left(r[3], 45);
    return (double)(result >> 11) * 0x1p-53;
}

/* --- life
 * ---------------------------------------------------------------------------------------------------------------- */

int sampler_new(struct sampler **out, const struct sampling *s, int vocab_size, int usable, struct error *e)
{
    *out = NULL;
    int rc = sampling_validate(s, vocab_size, e);
    if (rc) return rc;
    size_t n = (size_t)vocab_size;
    struct sampler *p = calloc(1, sizeof *p);
    if (!p) return error_set(e, ERR_NOMEM, "no memory for sampling");
    p->s = *s;
    p->vocab_size = vocab_size;
    p->usable = usable < vocab_size ? usable : vocab_size;
    p->bias = malloc(((size_t)s->bias_count + 1) * sizeof *p->bias);
    p->answer_count = calloc(n, sizeof *p->answer_count);
    p->seen = calloc(n, sizeof *p->seen);
    p->seen_list = malloc(n * sizeof *p->seen_list);
    p->candidates = malloc(n * sizeof *p->candidates);
    p->weights = malloc(n * sizeof *p->weights);
    if (!p->bias || !p->answer_count || !p->seen || !p->seen_list || !p->candidates || !p->weights) {
        sampler_free(p);
        return error_set(e, ERR_NOMEM, "no memory for sampling");
    }
    if (s->bias_count) memcpy(p->bias, s->bias, (size_t)s->bias_count * sizeof *p->bias);
    p->s.bias = p->bias;
    uint64_t seed = s->seed;
    for (int i = 0; i < 4; i++) p->random[i] = splitmix(&seed);
    *out = p;
    return OK;
}

void sampler_free(struct sampler *p)
{
    if (!p) return;
    free(p->bias);
    free(p->answer_count);
    free(p->seen);
    free(p->seen_list);
    free(p->candidates);
    free(p->weights);
    free(p);
}

static void mark_seen(struct sampler *p, int32_t id)
{
    if (id < 0 || id >= p->vocab_size || p->seen[id]) return;
    p->seen[id] = true;
    p->seen_list[p->seen_count++] = id;
}

void sampler_accept_prompt(struct sampler *p, const int32_t *ids, int n)
{
    for (int i = 0; i < n; i++) mark_seen(p, ids[i]);
}

/* --- choosing
 * ------------------------------------------------------------------------------------------------------------ */

/* transformers' order of the penalties: a positive logit is divided, a negative one multiplied. */
static void apply_penalties(const struct sampler *p, float *logits)
{
    const struct sampling *s = &p->s;
    for (int i = 0; i < s->bias_count; i++) logits[s->bias[i].token] += s->bias[i].bias;
    if (s->repetition_penalty == 1 && s->presence_penalty == 0 && s->frequency_penalty == 0) return;
    for (int i = 0; i < p->seen_count; i++) {
        int32_t id = p->seen_list[i];
        float *l = &logits[id];
        *l = *l > 0 ? *l / s->repetition_penalty : *l * s->repetition_penalty;
        if (p->answer_count[id]) *l -= s->presence_penalty + s->frequency_penalty * (float)p->answer_count[id];
    }
}

void sampler_allow(const struct sampler *p, float *logits, const uint64_t *mask, size_t words)
{
    for (size_t w = 0; w * 64 < (size_t)p->vocab_size; w++) {
        uint64_t bits = w < words ? mask[w] : 0;
        size_t end = w * 64 + 64 < (size_t)p->vocab_size ? w * 64 + 64 : (size_t)p->vocab_size;
        if (bits == UINT64_MAX) continue;
        for (size_t i = w * 64; i < end; i++)
            if (!(bits >> (i % 64) & 1)) logits[i] = -INFINITY;
    }
}

static int32_t argmax(const float *logits, int n)
{
    int32_t best = -1;
    float top = -INFINITY;
    for (int i = 0; i < n; i++)
        if (logits[i] > top) {
            top = logits[i];
            best = i;
        }
    return best;
}

static int by_logit(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int gather(struct candidate *out, const float *logits, int n, float threshold)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        if (logits[i] >= threshold) out[count++] = (struct candidate){logits[i], i};
    return count;
}

/* All candidates that can be drawn, best first. */
static int sorted_candidates(struct sampler *p, const float *logits, float top)
{
    const struct sampling *s = &p->s;
    float width = reach * (s->temperature > 1e-4f ? s->temperature : 1e-4f);
    int count = gather(p->candidates, logits, p->usable, top - width);
    /* With top_k a narrower net that still holds k is enough; halving finds one quickly. */
    for (float narrow = width / 2; s->top_k > 0 && count / 4 >= s->top_k && narrow > 1e-3f; narrow /= 2) {
        int fewer = 0;
        for (int i = 0; i < count; i++) fewer += p->candidates[i].logit >= top - narrow;
        if (fewer < s->top_k) break;
        int kept = 0;
        for (int i = 0; i < count; i++)
            if (p->candidates[i].logit >= top - narrow) p->candidates[kept++] = p->candidates[i];
        count = kept;
    }
    qsort(p->candidates, (size_t)count, sizeof *p->candidates, by_logit);
    return s->top_k > 0 && count > s->top_k ? s->top_k : count;
}

static int32_t draw(struct sampler *p, const float *logits, float top)
{
    const struct sampling *s = &p->s;
    int count = sorted_candidates(p, logits, top);
    double total = 0;
    for (int i = 0; i < count; i++) {
        p->weights[i] = exp(((double)p->candidates[i].logit - (double)top) / (double)s->temperature);
        total += p->weights[i];
    }
    double kept = 0;
    int used = 0;
    while (used < count) { /* top_p: the fewest whose sum reaches it; always one */
        kept += p->weights[used++];
        if (kept >= (double)s->top_p * total) break;
    }
    while (used > 1 && p->weights[used - 1] < (double)s->min_p) kept -= p->weights[--used]; /* the best weighs 1 */
    double at = next_uniform(p->random) * kept;
    for (int i = 0; i < used; i++) {
        at -= p->weights[i];
        if (at < 0) return p->candidates[i].id;
    }
    return p->candidates[used - 1].id;
}

/* log of the sum of exponentials over the usable vocabulary */
static double log_sum(const float *logits, int n, float top)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += exp((double)logits[i] - (double)top);
    return log(sum) + (double)top;
}

static void fill_top(struct sampler *p, const float *logits, double norm, struct sampled_logprob *top, int n_top)
{
    int count = 0; /* insertion into a short sorted list */
    for (int i = 0; i < p->usable; i++) {
        if (logits[i] == -INFINITY) continue; /* it is not allowed: no probability to tell */
        if (count == n_top && !(logits[i] > p->candidates[count - 1].logit)) continue;
        int at = count < n_top ? count++ : n_top - 1;
        while (at > 0 && logits[i] > p->candidates[at - 1].logit) {
            p->candidates[at] = p->candidates[at - 1];
            at--;
        }
        p->candidates[at] = (struct candidate){logits[i], i};
    }
    for (int i = 0; i < n_top; i++)
        top[i] = i < count
                     ? (struct sampled_logprob){p->candidates[i].id, (float)((double)p->candidates[i].logit - norm)}
                     : (struct sampled_logprob){-1, -INFINITY};
}

int32_t sampler_next(struct sampler *p, float *logits, float *logprob, struct sampled_logprob *top_list, int n_top)
{
    double norm = 0;
    float *raw = NULL;
    int32_t raw_best = argmax(logits, p->usable);
    if (raw_best < 0 || !isfinite(logits[raw_best])) return -1;
    if (logprob) {
        norm = log_sum(logits, p->usable, logits[raw_best]);
        if (n_top > 0) fill_top(p, logits, norm, top_list, n_top);
        raw = malloc((size_t)p->usable * sizeof *raw); /* the caller wants the unmodified probability of the choice */
        if (raw) memcpy(raw, logits, (size_t)p->usable * sizeof *raw);
    }
    apply_penalties(p, logits);
    int32_t best = argmax(logits, p->usable);
    int32_t chosen = best;
    if (best >= 0 && p->s.temperature > 0) chosen = draw(p, logits, logits[best]);
    if (logprob) *logprob = chosen >= 0 && raw ? (float)((double)raw[chosen] - norm) : -INFINITY;
    free(raw);
    if (chosen < 0) return -1;
    mark_seen(p, chosen);
    if (p->answer_count[chosen] < UINT16_MAX) p->answer_count[chosen]++;
    return chosen;
}
