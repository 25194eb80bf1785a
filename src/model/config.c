/* config.c - see config.h. Defaults are those of transformers' Qwen2Config and GenerationConfig. */
#include "model/config.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

enum { YARN_REACH = 4 }; /* the model card's factor: 32768 to 131072 */

void config_init(struct model_config *c)
{
    *c = (struct model_config){.rms_eps = 1e-6f,
                               .rope_theta = 10000.0f,
                               .max_position = 32768,
                               .bos = -1,
                               .pad = -1,
                               .temperature = 1.0f,
                               .top_p = 1.0f,
                               .top_k = 50,
                               .repetition_penalty = 1.0f};
    c->yarn = (struct rope_yarn){.factor = 1, .beta_fast = 32, .beta_slow = 1, .truncate = true};
}

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value) && !json_is_false(value);
}

/* Absent or null leaves *out alone; a wrong type or a value outside [low, high] is an error that names the key. */
static int read_int(const json_t *object, const char *key, int low, int high, int *out, struct error *e)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return OK;
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < low || number > high)
        return error_set(e, ERR_FORMAT, "\"%s\" must be a whole number from %d to %d", key, low, high);
    *out = (int)number;
    return OK;
}

static int read_float(const json_t *object, const char *key, float *out, struct error *e)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return OK;
    double number = json_number_value(value);
    if (!json_is_number(value) || !isfinite(number) || fabs(number) > 1e12)
        return error_set(e, ERR_FORMAT, "\"%s\" must be a number", key);
    *out = (float)number;
    return OK;
}

static int read_bool(const json_t *object, const char *key, bool *out, struct error *e)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return OK;
    if (!json_is_boolean(value)) return error_set(e, ERR_FORMAT, "\"%s\" must be true or false", key);
    *out = json_is_true(value);
    return OK;
}

/* eos_token_id: one id or a list of them. */
static int read_eos(struct model_config *c, const json_t *object, struct error *e)
{
    const json_t *value = json_object_get(object, "eos_token_id");
    if (!value || json_is_null(value)) return OK;
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n > CONFIG_MAX_EOS)
        return error_set(e, ERR_FORMAT, "\"eos_token_id\" lists more than %d tokens", CONFIG_MAX_EOS);
    c->eos_count = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        json_int_t id = json_integer_value(item);
        if (!json_is_integer(item) || id < 0 || id >= LIMIT_VOCAB)
            return error_set(e, ERR_FORMAT, "\"eos_token_id\" is not a token id");
        c->eos[c->eos_count++] = (int)id;
    }
    return OK;
}

/* Its rope_type, or type as it was called before; *kind is NULL if there is none. */
static int rope_kind(const json_t *rope, const char **kind, struct error *e)
{
    const json_t *value = json_object_get(rope, "rope_type");
    if (!value || json_is_null(value)) value = json_object_get(rope, "type");
    *kind = json_string_value(value);
    if (value && !json_is_null(value) && !*kind) return error_set(e, ERR_FORMAT, "the rope type must be text");
    return OK;
}

/* rope_scaling (published 7B) or rope_parameters (newer transformers); both may hold rope_theta. */
static int read_rope(struct model_config *c, const json_t *root, struct error *e)
{
    int rc = read_float(root, "rope_theta", &c->rope_theta, e);
    const char *key = is_set(json_object_get(root, "rope_parameters")) ? "rope_parameters" : "rope_scaling";
    const json_t *rope = json_object_get(root, key);
    if (rc || !is_set(rope)) return rc;
    if (!json_is_object(rope)) return error_set(e, ERR_FORMAT, "\"%s\" must be an object", key);
    const char *kind;
    float factor = 1;
    rc = rope_kind(rope, &kind, e);
    if (!rc) rc = read_float(rope, "rope_theta", &c->rope_theta, e);
    if (!rc && !kind) rc = read_float(rope, "factor", &factor, e);
    if (!rc && factor != 1.0f)
        rc = error_set(e, ERR_UNSUPPORTED, "\"%s\" has a factor of %g without a type", key, (double)factor);
    if (rc || !kind || strcmp(kind, "default") == 0) return rc;
    if (strcmp(kind, "yarn") != 0)
        return error_set(e, ERR_UNSUPPORTED, "the rope type \"%.32s\" is not supported, only default and yarn", kind);
    static const char *const foreign[] = {"mscale", "mscale_all_dim", "long_factor", "short_factor"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (is_set(json_object_get(rope, foreign[i])))
            return error_set(e, ERR_UNSUPPORTED, "YaRN with %s is not supported", foreign[i]);
    c->yarn.enabled = true;
    c->yarn.factor = 0;
    c->yarn.original_context = c->max_position;
    rc = read_float(rope, "factor", &c->yarn.factor, e);
    if (!rc) rc = read_int(rope, "original_max_position_embeddings", 1, LIMIT_CONTEXT, &c->yarn.original_context, e);
    if (!rc) rc = read_float(rope, "beta_fast", &c->yarn.beta_fast, e);
    if (!rc) rc = read_float(rope, "beta_slow", &c->yarn.beta_slow, e);
    if (!rc) rc = read_float(rope, "attention_factor", &c->yarn.attention_factor, e);
    if (!rc) rc = read_bool(rope, "truncate", &c->yarn.truncate, e);
    if (!rc && !is_set(json_object_get(rope, "factor"))) /* as transformers does */
        c->yarn.factor = (float)c->max_position / (float)c->yarn.original_context;
    return rc;
}

static int check_kind(const json_t *root, struct error *e)
{
    const char *kind = json_string_value(json_object_get(root, "model_type"));
    if (!kind || strcmp(kind, "qwen2") != 0)
        return error_set(e, ERR_UNSUPPORTED, "the model type \"%.32s\" is not supported, only qwen2 (Qwen2.5)",
                         kind ? kind : "");
    const json_t *activation = json_object_get(root, "hidden_act");
    const char *act = json_string_value(activation);
    if (activation && !json_is_null(activation) && (!act || strcmp(act, "silu") != 0))
        return error_set(e, ERR_UNSUPPORTED, "the activation (hidden_act) \"%.32s\" is not supported, only silu",
                         act ? act : "");
    if (is_set(json_object_get(root, "use_sliding_window")))
        return error_set(e, ERR_UNSUPPORTED, "sliding window attention (use_sliding_window) is not supported");
    const json_t *layers = json_object_get(root, "layer_types");
    if (layers && !json_is_null(layers) && !json_is_array(layers))
        return error_set(e, ERR_FORMAT, "\"layer_types\" must be a list");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const char *layer = json_string_value(json_array_get(layers, i));
        if (!layer || strcmp(layer, "full_attention") != 0)
            return error_set(e, ERR_UNSUPPORTED, "the layer type \"%.32s\" is not supported, only full_attention",
                             layer ? layer : "");
    }
    const json_t *quantization = json_object_get(root, "quantization_config");
    if (is_set(quantization)) {
        const char *method = json_string_value(json_object_get(quantization, "quant_method"));
        return error_set(e, ERR_UNSUPPORTED,
                         "weights quantised with %.32s are not supported; take the bf16 model or a GGUF file",
                         method ? method : "quantization_config");
    }
    return OK;
}

static int read_shape(struct model_config *c, const json_t *root, struct error *e)
{
    int rc = read_int(root, "vocab_size", 1, LIMIT_VOCAB, &c->vocab_size, e);
    if (!rc) rc = read_int(root, "hidden_size", 1, LIMIT_HIDDEN, &c->hidden_size, e);
    if (!rc) rc = read_int(root, "intermediate_size", 1, LIMIT_HIDDEN, &c->intermediate_size, e);
    if (!rc) rc = read_int(root, "num_hidden_layers", 1, LIMIT_LAYERS, &c->layers, e);
    if (!rc) rc = read_int(root, "num_attention_heads", 1, LIMIT_HEADS, &c->heads, e);
    c->kv_heads = c->heads;
    if (!rc) rc = read_int(root, "num_key_value_heads", 1, LIMIT_HEADS, &c->kv_heads, e);
    if (!rc && c->heads > 0) c->head_size = c->hidden_size / c->heads;
    if (!rc) rc = read_int(root, "head_dim", 1, LIMIT_HEAD_SIZE, &c->head_size, e);
    if (!rc) rc = read_int(root, "max_position_embeddings", 1, LIMIT_CONTEXT, &c->max_position, e);
    if (!rc) rc = read_float(root, "rms_norm_eps", &c->rms_eps, e);
    if (!rc) rc = read_bool(root, "tie_word_embeddings", &c->tied_embeddings, e);
    return rc;
}

int config_parse_hf(struct model_config *c, const char *text, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, text, n, e);
    if (!rc && !json_is_object(root)) rc = error_set(e, ERR_FORMAT, "it is not a JSON object; pull the model again");
    if (!rc) rc = check_kind(root, e);
    if (!rc) rc = read_shape(c, root, e);
    if (!rc) rc = read_rope(c, root, e);
    if (!rc) rc = read_int(root, "bos_token_id", 0, LIMIT_VOCAB, &c->bos, e);
    if (!rc) rc = read_int(root, "pad_token_id", -1, LIMIT_VOCAB, &c->pad, e);
    if (!rc) rc = read_eos(c, root, e);
    json_decref(root);
    return rc;
}

int config_check_sampling(const struct model_config *c, const char *const names[4], struct error *e)
{
    if (!(c->temperature >= 0 && c->temperature <= LIMIT_TEMPERATURE))
        return error_set(e, ERR_FORMAT, "\"%s\" must be from 0 to %g, not %g", names[0], (double)LIMIT_TEMPERATURE,
                         (double)c->temperature);
    if (!(c->top_p > 0 && c->top_p <= 1))
        return error_set(e, ERR_FORMAT, "\"%s\" must be above 0, up to 1, not %g", names[1], (double)c->top_p);
    if (c->top_k < 0 || c->top_k > LIMIT_TOP_K)
        return error_set(e, ERR_FORMAT, "\"%s\" must be from 0 to %d, not %d", names[2], LIMIT_TOP_K, c->top_k);
    if (!(c->repetition_penalty >= LIMIT_REPETITION_LOWEST && c->repetition_penalty <= LIMIT_REPETITION))
        return error_set(e, ERR_FORMAT, "\"%s\" must be from %g to %g, not %g", names[3],
                         (double)LIMIT_REPETITION_LOWEST, (double)LIMIT_REPETITION, (double)c->repetition_penalty);
    return OK;
}

int config_parse_generation(struct model_config *c, const char *text, size_t n, struct error *e)
{
    static const char *const names[] = {"temperature", "top_p", "top_k", "repetition_penalty"};
    json_t *root = NULL;
    int rc = json_read(&root, text, n, e);
    if (!rc && !json_is_object(root)) rc = error_set(e, ERR_FORMAT, "it is not a JSON object; pull the model again");
    if (!rc) rc = read_bool(root, "do_sample", &c->do_sample, e);
    if (!rc) rc = read_float(root, names[0], &c->temperature, e);
    if (!rc) rc = read_float(root, names[1], &c->top_p, e);
    if (!rc) rc = read_int(root, names[2], 0, LIMIT_TOP_K, &c->top_k, e);
    if (!rc) rc = read_float(root, names[3], &c->repetition_penalty, e);
    if (!rc) rc = config_check_sampling(c, names, e);
    if (!rc) rc = read_eos(c, root, e);
    json_decref(root);
    return rc;
}

int config_validate(const struct model_config *c, struct error *e)
{
    if (c->vocab_size <= 0 || c->hidden_size <= 0 || c->intermediate_size <= 0 || c->layers <= 0 || c->heads <= 0 ||
        c->head_size <= 0)
        return error_set(
            e, ERR_FORMAT,
            "the model's config does not say its vocabulary, hidden, layer or head sizes; pull the model again");
    if (c->kv_heads <= 0 || c->heads % c->kv_heads)
        return error_set(e, ERR_FORMAT, "%d query heads cannot share %d key/value heads", c->heads, c->kv_heads);
    if (c->head_size > LIMIT_HEAD_SIZE)
        return error_set(e, ERR_UNSUPPORTED, "a head size of %d is not supported, only up to %d", c->head_size,
                         LIMIT_HEAD_SIZE);
    if (c->head_size % 16)
        return error_set(e, ERR_UNSUPPORTED, "a head size of %d is not supported, only multiples of 16", c->head_size);
    if (!(c->rms_eps > 0 && c->rms_eps < 1) || !(c->rope_theta > 1))
        return error_set(e, ERR_FORMAT, "the model's config has an impossible rms_norm_eps or rope_theta");
    const struct rope_yarn *y = &c->yarn;
    if (y->enabled && (!(y->factor >= 1 && y->factor <= LIMIT_CONTEXT) || !(y->beta_fast > y->beta_slow) ||
                       !(y->beta_slow > 0) || !(y->attention_factor >= 0) || y->original_context < 1))
        return error_set(e, ERR_FORMAT, "the model's config has impossible YaRN parameters");
    for (int i = 0; i < c->eos_count; i++)
        if (c->eos[i] >= c->vocab_size)
            return error_set(e, ERR_FORMAT,
                             "the end token %d is outside the vocabulary of %d; the model's files do not "
                             "belong together",
                             c->eos[i], c->vocab_size);
    return OK;
}

int config_native_context(const struct model_config *c)
{
    if (!c->yarn.enabled) return c->max_position;
    double reach = floor((double)c->yarn.original_context * (double)c->yarn.factor);
    if (reach > LIMIT_CONTEXT) return LIMIT_CONTEXT;
    return reach > c->max_position ? (int)reach : c->max_position;
}

int config_extend_context(struct model_config *c, int context, struct error *e)
{
    if (context <= config_native_context(c)) return OK;
    int original = c->yarn.enabled ? c->yarn.original_context : c->max_position;
    if (context > (int64_t)YARN_REACH * original)
        return error_set(e, ERR_TOO_LONG,
                         "a context of %d tokens is beyond what YaRN extends this model to (%lld); use a smaller "
                         "--max-length",
                         context, (long long)YARN_REACH * original);
    c->yarn.original_context = original;
    c->yarn.enabled = true;
    c->yarn.factor = (float)context / (float)original;
    return OK;
}

/* The dimension whose wavelength turns `rotations` times over the original context. */
static double yarn_dimension(const struct model_config *c, double rotations)
{
    return c->head_size * log((double)c->yarn.original_context / (rotations * 2.0 * M_PI)) /
           (2.0 * log((double)c->rope_theta));
}

void config_rope_frequencies(const struct model_config *c, float *inv_freq, float *attention_factor)
{
    int half = c->head_size / 2;
    for (int i = 0; i < half; i++) inv_freq[i] = (float)(1.0 / pow((double)c->rope_theta, 2.0 * i / c->head_size));
    *attention_factor = 1;
    if (!c->yarn.enabled) return;
    double low = yarn_dimension(c, (double)c->yarn.beta_fast);
    double high = yarn_dimension(c, (double)c->yarn.beta_slow);
    if (c->yarn.truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, c->head_size - 1);
    if (low == high) high += 0.001; /* transformers: no division by zero */
    for (int i = 0; i < half; i++) {
        double ramp = fmin(fmax((i - low) / (high - low), 0), 1); /* 0: keep (fast), 1: interpolate (slow) */
        double kept = (double)inv_freq[i];
        inv_freq[i] = (float)(kept / (double)c->yarn.factor * ramp + kept * (1 - ramp));
    }
    double factor = (double)c->yarn.factor;
    *attention_factor = c->yarn.attention_factor > 0 ? c->yarn.attention_factor
                        : factor <= 1                ? 1.0f
                                                     : (float)(0.1 * log(factor) + 1.0);
}
