/* config_gguf.c - the metadata of a GGUF file (qwen2.*, tokenizer.ggml.*_token_id) as a model_config. What would change
 * the mathematics and is not honoured is refused by its key. */
#include <math.h>
#include <string.h>

#include "model/gguf.h"
#include "model/model_file_parts.h"

static int need_integer(const struct gguf *g, const char *key, int low, int high, int *out, struct error *e)
{
    int64_t value;
    if (!gguf_get_integer(g, key, &value))
        return error_set(e, ERR_FORMAT, "the metadata has no %s; the file is damaged", key);
    if (value < low || value > high)
        return error_set(e, ERR_FORMAT, "%s is %lld, outside %d to %d; the file is damaged", key, (long long)value, low,
                         high);
    *out = (int)value;
    return OK;
}

static bool text_is(struct gguf_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* Absent leaves *out alone; present, it must be a finite number. */
static int read_number(const struct gguf *g, const char *key, float *out, struct error *e)
{
    double number;
    int64_t whole;
    if (!gguf_find(g, key)) return OK;
    if (gguf_get_integer(g, key, &whole))
        number = (double)whole;
    else if (!gguf_get_float(g, key, &number) || !isfinite(number) || fabs(number) > 1e12)
        return error_set(e, ERR_FORMAT, "%s is not a number; the file is damaged", key);
    *out = (float)number;
    return OK;
}

static int read_integer(const struct gguf *g, const char *key, int low, int high, int *out, struct error *e)
{
    return gguf_find(g, key) ? need_integer(g, key, low, high, out, e) : OK;
}

/* Settings that would change the mathematics and that no Qwen2.5 uses: each may only have the value that changes
 * nothing. Some writers give 0 for a factor that is not applied. */
static int refuse_foreign(const struct model_file *f, const struct gguf *g, struct error *e)
{
    static const struct {
        const char *key;
        float neutral, unused;
    } settings[] = {{"qwen2.rope.scaling.attn_factor", 1, 1},
                    {"qwen2.rope.scaling.yarn_attn_factor", 1, 1},
                    {"qwen2.rope.scaling.yarn_ext_factor", 1, 1},
                    {"qwen2.attention.causal", 1, 1},
                    {"qwen2.attention.sliding_window", 0, 0},
                    {"qwen2.attention.scale", 0, 0},
                    {"qwen2.attention.max_alibi_bias", 0, 0},
                    {"qwen2.attention.clamp_kqv", 0, 0},
                    {"qwen2.attn_logit_softcapping", 0, 0},
                    {"qwen2.final_logit_softcapping", 0, 0},
                    {"qwen2.logit_scale", 1, 0},
                    {"qwen2.residual_scale", 1, 0},
                    {"qwen2.embedding_scale", 1, 0},
                    {"qwen2.expert_count", 0, 0}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        float value = settings[i].neutral;
        int rc = read_number(g, settings[i].key, &value, e);
        if (rc) return rc;
        if (value != settings[i].neutral && value != settings[i].unused)
            return error_set(e, ERR_UNSUPPORTED, "%s = %g is not supported, only %g", settings[i].key, (double)value,
                             (double)settings[i].neutral);
    }
    if (gguf_find(g, "qwen2.rope.scaling.yarn_log_multiplier"))
        return error_set(e, ERR_UNSUPPORTED, "qwen2.rope.scaling.yarn_log_multiplier is not supported");
    if (gguf_find(g, "qwen2.rope.scale_linear"))
        return error_set(e, ERR_UNSUPPORTED,
                         "linear rope scaling (qwen2.rope.scale_linear) is not supported, only yarn");
    if (model_file_find(f, "rope_freqs.weight"))
        return error_set(e, ERR_UNSUPPORTED, "own rope frequencies (rope_freqs.weight) are not supported");
    return OK;
}

/* A file that names no type of scaling must not scale: other programs take such a factor as linear. */
static int check_unscaled(const struct gguf *g, struct error *e)
{
    float factor = 1;
    int rc = read_number(g, "qwen2.rope.scaling.factor", &factor, e);
    if (rc || factor == 1.0f || factor == 0.0f) return rc;
    return error_set(e, ERR_UNSUPPORTED, "qwen2.rope.scaling.factor = %g without a qwen2.rope.scaling.type",
                     (double)factor);
}

static int read_rope(struct model_file *f, const struct gguf *g, struct error *e)
{
    struct model_config *c = &f->config;
    struct gguf_text kind;
    int rc = refuse_foreign(f, g, e);
    if (!rc) rc = read_number(g, "qwen2.rope.freq_base", &c->rope_theta, e);
    if (rc) return rc;
    if (!gguf_find(g, "qwen2.rope.scaling.type")) return check_unscaled(g, e);
    if (!gguf_get_text(g, "qwen2.rope.scaling.type", &kind))
        return error_set(e, ERR_FORMAT, "qwen2.rope.scaling.type is not text; the file is damaged");
    if (text_is(kind, "none")) return OK;
    if (!text_is(kind, "yarn"))
        return error_set(e, ERR_UNSUPPORTED, "the rope scaling of this file is not supported, only yarn");
    c->yarn.enabled = true;
    c->yarn.original_context = c->max_position;
    rc = read_number(g, "qwen2.rope.scaling.factor", &c->yarn.factor, e);
    if (!rc) rc = read_number(g, "qwen2.rope.scaling.yarn_beta_fast", &c->yarn.beta_fast, e);
    if (!rc) rc = read_number(g, "qwen2.rope.scaling.yarn_beta_slow", &c->yarn.beta_slow, e);
    if (!rc)
        rc = read_integer(g, "qwen2.rope.scaling.original_context_length", 1, LIMIT_CONTEXT, &c->yarn.original_context,
                          e);
    return rc;
}

static int read_heads(struct model_config *c, const struct gguf *g, struct error *e)
{
    int rc = need_integer(g, "qwen2.attention.head_count", 1, LIMIT_HEADS, &c->heads, e);
    c->kv_heads = c->heads;
    if (!rc) rc = read_integer(g, "qwen2.attention.head_count_kv", 1, LIMIT_HEADS, &c->kv_heads, e);
    if (rc) return rc;
    c->head_size = c->hidden_size / c->heads;
    rc = read_integer(g, "qwen2.attention.key_length", 1, LIMIT_HEAD_SIZE, &c->head_size, e);
    int values = c->head_size;
    int turned = c->head_size;
    if (!rc) rc = read_integer(g, "qwen2.attention.value_length", 1, LIMIT_HEAD_SIZE, &values, e);
    if (!rc) rc = read_integer(g, "qwen2.rope.dimension_count", 1, LIMIT_HEAD_SIZE, &turned, e);
    if (!rc && (values != c->head_size || turned != c->head_size))
        rc = error_set(e, ERR_UNSUPPORTED,
                       "keys of %d, values of %d and rope over %d numbers differ, which is not "
                       "supported",
                       c->head_size, values, turned);
    return rc;
}

/* At most n - 1 printable characters, for a sentence. */
static const char *short_text(struct gguf_text text, char *out, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < text.len && used + 1 < n; i++)
        out[used++] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
    out[used] = '\0';
    return out;
}

int config_read_gguf(struct model_file *f, const struct gguf *g, struct error *e)
{
    struct model_config *c = &f->config;
    struct gguf_text architecture = {"", 0};
    char shown[40];
    gguf_get_text(g, "general.architecture", &architecture);
    if (!text_is(architecture, "qwen2"))
        return error_set(e, ERR_UNSUPPORTED, "the architecture \"%s\" is not supported, only qwen2 (Qwen2.5)",
                         short_text(architecture, shown, sizeof shown));
    int rc = need_integer(g, "qwen2.embedding_length", 1, LIMIT_HIDDEN, &c->hidden_size, e);
    if (!rc) rc = need_integer(g, "qwen2.feed_forward_length", 1, LIMIT_HIDDEN, &c->intermediate_size, e);
    if (!rc) rc = need_integer(g, "qwen2.block_count", 1, LIMIT_LAYERS, &c->layers, e);
    if (!rc) rc = need_integer(g, "qwen2.context_length", 1, LIMIT_CONTEXT, &c->max_position, e);
    if (!rc) rc = read_number(g, "qwen2.attention.layer_norm_rms_epsilon", &c->rms_eps, e);
    if (!rc) rc = read_heads(c, g, e);
    if (!rc) rc = read_rope(f, g, e);
    if (rc) return rc;
    const struct tensor_view *embedding = model_file_find(f, "model.embed_tokens.weight");
    if (!embedding) return error_set(e, ERR_FORMAT, "the embedding is missing; pull the model again");
    c->vocab_size = embedding->rows;
    int said = c->vocab_size;
    rc = read_integer(g, "qwen2.vocab_size", 1, LIMIT_VOCAB, &said, e);
    if (rc) return rc;
    if (said != c->vocab_size)
        return error_set(e, ERR_FORMAT,
                         "qwen2.vocab_size is %d but the embedding has %d rows; its parts do not belong "
                         "together",
                         said, c->vocab_size);
    c->tied_embeddings = !model_file_find(f, "lm_head.weight");
    return OK;
}

static int read_id(const struct gguf *g, const char *key, int vocab_size, int *out, struct error *e)
{
    int64_t id;
    if (!gguf_find(g, key)) return OK;
    if (!gguf_get_integer(g, key, &id) || id < 0 || id >= vocab_size)
        return error_set(e, ERR_FORMAT,
                         "%s is outside the vocabulary of %d; tokenizer and weights do not belong "
                         "together",
                         key, vocab_size);
    *out = (int)id;
    return OK;
}

/* Chat ends with <|im_end|>, plain text with <|endoftext|>: generation_config.json lists both, a GGUF one. */
static void add_known_end_tokens(struct model_file *f)
{
    static const char *const known[] = {"<|im_end|>", "<|endoftext|>"};
    struct model_config *c = &f->config;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < f->tokenizer.data.vocab_size; i++) {
            const char *text = f->tokenizer.data.tokens[i];
            if (!text || strcmp(text, known[k]) != 0) continue;
            bool there = false;
            for (int j = 0; j < c->eos_count; j++) there = there || c->eos[j] == (int)i;
            if (!there && c->eos_count < CONFIG_MAX_EOS) c->eos[c->eos_count++] = (int)i;
        }
}

/* A GGUF has no generation_config.json. The values that Qwen publishes for Qwen2.5-Instruct stand in, unless the file
 * carries general.sampling.* (newer conversions). */
int config_read_gguf_generation(struct model_file *f, const struct gguf *g, struct error *e)
{
    static const char *const names[] = {"general.sampling.temp", "general.sampling.top_p", "general.sampling.top_k",
                                        "general.sampling.penalty_repeat"};
    struct model_config *c = &f->config;
    c->do_sample = true;
    c->temperature = 0.7f;
    c->top_p = 0.8f;
    c->top_k = 20;
    c->repetition_penalty = c->hidden_size >= 2048 ? 1.05f : 1.1f; /* 3B and up: 1.05; 0.5B and 1.5B: 1.1 */
    int rc = read_number(g, names[0], &c->temperature, e);
    if (!rc) rc = read_number(g, names[1], &c->top_p, e);
    if (!rc) rc = read_integer(g, names[2], 0, LIMIT_TOP_K, &c->top_k, e);
    if (!rc) rc = read_number(g, names[3], &c->repetition_penalty, e);
    if (!rc) rc = config_check_sampling(c, names, e);
    int eos = -1;
    if (!rc) rc = read_id(g, "tokenizer.ggml.bos_token_id", c->vocab_size, &c->bos, e);
    if (!rc) rc = read_id(g, "tokenizer.ggml.padding_token_id", c->vocab_size, &c->pad, e);
    if (!rc) rc = read_id(g, "tokenizer.ggml.eos_token_id", c->vocab_size, &eos, e);
    if (eos >= 0) c->eos[c->eos_count++] = eos;
    if (!rc) add_known_end_tokens(f);
    return rc;
}
