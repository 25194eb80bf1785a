/* sampler.h - from logits to a token. Order as in transformers and documented in docs/architecture.md:
 * logit_bias, repetition (Keskar et al. 2019), presence and frequency penalty, then greedy if temperature is 0; else
 * temperature, top_k, top_p (Holtzman et al. 2020), min_p (Nguyen et al. 2024), then one draw from a seeded
 * generator (xoshiro256++ seeded by splitmix64): the same seed gives the same tokens on every machine.
 * Ties are broken towards the lower id. Thread: one owner.
 */
#ifndef XIAOBEI_ENGINE_SAMPLER_H
#define XIAOBEI_ENGINE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct logit_bias {
    int32_t token;
    float bias;
};

struct sampling {
    float temperature;        /* 0: greedy */
    float top_p;              /* (0, 1]; 1: off */
    int top_k;                /* 0: off */
    float min_p;              /* [0, 1]; 0: off */
    float repetition_penalty; /* > 0; 1: off; over prompt and answer */
    float presence_penalty;   /* -2..2; over the answer */
    float frequency_penalty;  /* -2..2; over the answer */
    uint64_t seed;
    const struct logit_bias *bias; /* borrowed until sampler_new returns */
    int bias_count;
};

struct sampler; /* opaque */

void sampling_defaults(struct sampling *s); /* greedy off: temperature 1, everything else off */
int sampling_validate(const struct sampling *s, int vocab_size, struct error *e) MUST_USE; /* names the bad field */

/* vocab_size: width of the logits; usable: ids the tokenizer knows, the rest is masked. */
int sampler_new(struct sampler **out, const struct sampling *s, int vocab_size, int usable, struct error *e) MUST_USE;
void sampler_free(struct sampler *s);
void sampler_accept_prompt(struct sampler *s, const int32_t *ids, int n); /* for the repetition penalty */

/* Before sampler_next: what is not in the mask (bit i: token i) cannot be chosen and has probability 0; words: its
 * length in 64-bit words, ids beyond are masked too. logits[vocab_size] are modified. */
void sampler_allow(const struct sampler *s, float *logits, const uint64_t *mask, size_t words);

struct sampled_logprob {
    int32_t token;
    float logprob;
};

/* Choose from logits[vocab_size] (modified in place) and record the choice. top (may be NULL, n_top 0) gets the n_top
 * most likely tokens of the unmodified distribution, sorted; *logprob that of the chosen one. Returns the token, or -1
 * if every logit is masked or not finite. */
int32_t sampler_next(struct sampler *s, float *logits, float *logprob, struct sampled_logprob *top, int n_top);

#endif
