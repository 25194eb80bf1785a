/* config.h - the architecture of a Qwen2-family decoder and its generation defaults.
 *
 * Sources: Hugging Face config.json / generation_config.json (Qwen2Config) and the GGUF qwen2.* keys. YaRN: Peng et al.
 * 2023, "YaRN: Efficient Context Window Extension of Large Language Models", with transformers' parameters and
 * defaults. config_validate is called by both readers, so that a config that exists is consistent and inside limits.h.
 */
#ifndef XIAOBEI_MODEL_CONFIG_H
#define XIAOBEI_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { CONFIG_MAX_EOS = 16 };

struct rope_yarn {
    bool enabled;
    float factor;
    int original_context;       /* original_max_position_embeddings */
    float beta_fast, beta_slow; /* 32, 1 */
    float attention_factor;     /* 0 = derive: 0.1 ln(factor) + 1 */
    bool truncate;              /* transformers' default true: floor/ceil the correction range */
};

struct model_config {
    int vocab_size; /* rows of the embedding, padding included: logits have this width */
    int hidden_size;
    int intermediate_size;
    int layers;
    int heads, kv_heads; /* query heads, key/value heads; heads % kv_heads == 0 */
    int head_size;       /* hidden_size / heads unless stated */
    int max_position;    /* native context */
    float rms_eps;
    float rope_theta;
    struct rope_yarn yarn;
    bool tied_embeddings; /* lm_head is the embedding */

    int eos[CONFIG_MAX_EOS]; /* tokens that end generation */
    int eos_count;
    int bos, pad; /* -1 if absent */

    /* generation_config.json; a value that was absent holds the library default (temperature 1, top_p 1, top_k 50 as in
     * transformers when do_sample, repetition_penalty 1). */
    bool do_sample;
    float temperature, top_p, repetition_penalty;
    int top_k;
};

void config_init(struct model_config *c); /* library defaults, no shape */

/* Parse config.json text (data, length) into c. generation_config.json likewise; both leave fields they do not mention.
 */
int config_parse_hf(struct model_config *c, const char *json, size_t n, struct error *e) MUST_USE;
int config_parse_generation(struct model_config *c, const char *json, size_t n, struct error *e) MUST_USE;

/* The generation defaults are what the sampler takes; names: what the container calls temperature, top_p, top_k and
 * repetition_penalty. */
int config_check_sampling(const struct model_config *c, const char *const names[4], struct error *e) MUST_USE;

int config_validate(const struct model_config *c, struct error *e) MUST_USE;

/* Positions the model handles as configured: YaRN's factor * original_context, else max_position. */
int config_native_context(const struct model_config *c);

/* Long context asked for beyond the native one turns YaRN on as the model card says (factor = context / original), up
 * to 4 times the original. ERR_TOO_LONG beyond. */
int config_extend_context(struct model_config *c, int context, struct error *e) MUST_USE;

/* Inverse frequencies [head_size / 2] and the factor that scales cos and sin (1 without YaRN). */
void config_rope_frequencies(const struct model_config *c, float *inv_freq, float *attention_factor);

#endif
