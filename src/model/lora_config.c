/* lora_config.c - adapter_config.json: what is honoured is read, what would change the mathematics is refused. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/lora_parts.h"

static bool is_set(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    bool empty = (json_is_array(value) || json_is_object(value)) && !json_array_size(value) && !json_object_size(value);
    return value && !json_is_null(value) && !json_is_false(value) && !empty;
}

/* Some ways of initialising take what they put into A and B off the base model's weights: such an adapter belongs to
 * a base that is not the published one. These leave the base alone. */
static int check_initialisation(const json_t *root, struct error *e)
{
    static const char *const harmless[] = {"gaussian", "orthogonal", "eva"};
    const json_t *value = json_object_get(root, "init_lora_weights");
    if (!value || json_is_null(value) || json_is_boolean(value)) return OK;
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(name, harmless[i]) == 0) return OK;
    return error_set(e, ERR_UNSUPPORTED,
                     "its init_lora_weights is \"%.32s\", which changes the base model's weights or is unknown; "
                     "convert it to a plain LoRA with PEFT",
                     name ? name : "no text");
}

static int check_targets(const json_t *root, struct error *e)
{
    const json_t *targets = json_object_get(root, "target_modules");
    bool fine = !targets || json_is_null(targets) || json_is_string(targets) || json_is_array(targets);
    for (size_t i = 0; fine && i < json_array_size(targets); i++) {
        const char *name = json_string_value(json_array_get(targets, i));
        fine = name && *name;
    }
    return fine ? OK : error_set(e, ERR_FORMAT, "its target_modules must be names");
}

/* Values of another type than PEFT writes: read over, they would be taken as absent. */
static int check_types(const json_t *root, struct error *e)
{
    static const char *const objects[] = {"rank_pattern", "alpha_pattern"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(root, objects[i]);
        if (value && !json_is_null(value) && !json_is_object(value))
            return error_set(e, ERR_FORMAT, "its %s must be an object", objects[i]);
    }
    const json_t *rslora = json_object_get(root, "use_rslora");
    if (rslora && !json_is_null(rslora) && !json_is_boolean(rslora))
        return error_set(e, ERR_FORMAT, "its use_rslora must be true or false");
    const json_t *bias = json_object_get(root, "bias");
    if (bias && !json_is_null(bias) && !json_is_string(bias)) return error_set(e, ERR_FORMAT, "its bias must be text");
    return check_targets(root, e);
}

/* Settings that would change the mathematics and that we do not honour. */
static int refuse_unsupported(const json_t *root, struct error *e)
{
    static const char *const must_be_off[] = {"use_dora",
                                              "fan_in_fan_out",
                                              "lora_bias",
                                              "use_qalora",
                                              "use_bdlora",
                                              "modules_to_save",
                                              "layer_replication",
                                              "target_parameters",
                                              "trainable_token_indices",
                                              "alora_invocation_tokens",
                                              "arrow_config",
                                              "kasa_config",
                                              "monteclora_config"};
    const char *kind = json_string_value(json_object_get(root, "peft_type"));
    if (!kind || strcmp(kind, "LORA") != 0)
        return error_set(e, ERR_UNSUPPORTED, "its peft_type is \"%.32s\", only LORA is supported", kind ? kind : "");
    for (size_t i = 0; i < sizeof must_be_off / sizeof *must_be_off; i++)
        if (is_set(root, must_be_off[i]))
            return error_set(e, ERR_UNSUPPORTED, "it uses %s, which is not supported", must_be_off[i]);
    int rc = check_types(root, e);
    if (!rc) rc = check_initialisation(root, e);
    const char *bias = json_string_value(json_object_get(root, "bias"));
    if (!rc && bias && strcmp(bias, "none") != 0)
        rc = error_set(e, ERR_UNSUPPORTED, "it trains biases (bias = \"%.20s\"), which is not supported", bias);
    return rc;
}

static int read_json(json_t **root, const char *directory, struct error *e)
{
    char path[LIMIT_PATH];
    struct buf text = BUF_INIT(LIMIT_CONFIG_JSON);
    int rc = path_join(path, sizeof path, directory, "adapter_config.json");
    if (rc) error_set(e, rc, "its path is too long");
    if (!rc && !file_exists(path))
        rc = error_set(e, ERR_NOT_FOUND, "it has no adapter_config.json; --lora takes a PEFT directory");
    if (!rc) rc = file_read(&text, path, e);
    if (!rc) rc = json_read(root, buf_text(&text), text.len, e);
    if (!rc && !json_is_object(*root)) rc = error_set(e, ERR_FORMAT, "it is not a JSON object");
    if (rc && rc != ERR_NOT_FOUND) error_context(e, "adapter_config.json");
    buf_free(&text);
    return rc;
}

/* PEFT's default for r and lora_alpha is 8; NaN for what is there but no number. */
static double number_or_default(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    return !value ? 8 : json_is_number(value) ? json_number_value(value) : (double)NAN;
}

int lora_config_read(struct lora_config *c, const char *directory, struct error *e)
{
    *c = (struct lora_config){0};
    int rc = read_json(&c->root, directory, e);
    if (!rc) rc = refuse_unsupported(c->root, e);
    if (rc) return rc;
    c->rank = number_or_default(c->root, "r");
    c->alpha = number_or_default(c->root, "lora_alpha");
    c->rslora = json_is_true(json_object_get(c->root, "use_rslora"));
    c->some_layers = is_set(c->root, "layers_to_transform") || is_set(c->root, "exclude_modules");
    if (c->rank >= 1 && c->rank <= LIMIT_LORA_RANK && isfinite(c->alpha)) return OK;
    return error_set(e, ERR_FORMAT, "adapter_config.json has no valid r and lora_alpha");
}

void lora_config_free(struct lora_config *c)
{
    json_decref(c->root);
    c->root = NULL;
}

bool lora_target_names(const char *target, const char *module)
{
    size_t k = strlen(target);
    size_t m = strlen(module);
    return k > 0 && k <= m && strcmp(module + m - k, target) == 0 && (k == m || module[m - k - 1] == '.');
}

/* rank_pattern / alpha_pattern: the value of the key that the module's name is or ends with, after a dot. PEFT reads
 * keys as regular expressions; one that uses more than names and dots is refused. */
static int pattern_value(const json_t *root, const char *pattern, const char *module, double *out, struct error *e)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(root, pattern), key, value)
    {
        if (strpbrk(key, "^$*+?()[]{}|\\"))
            return error_set(e, ERR_UNSUPPORTED, "the regular expression \"%.100s\" in %s is not supported", key,
                             pattern);
        if (!json_is_number(value)) return error_set(e, ERR_FORMAT, "%s holds something that is no number", pattern);
        if (!lora_target_names(key, module)) continue;
        *out = json_number_value(value);
        return OK;
    }
    return OK;
}

int lora_config_module(const struct lora_config *c, const char *module, double *rank, float *scale, struct error *e)
{
    double alpha = c->alpha;
    *rank = c->rank;
    int rc = pattern_value(c->root, "rank_pattern", module, rank, e);
    if (!rc) rc = pattern_value(c->root, "alpha_pattern", module, &alpha, e);
    *scale = (float)(alpha / (c->rslora ? sqrt(*rank) : *rank));
    return rc;
}

const char *lora_config_target(const struct lora_config *c, size_t index)
{
    return json_string_value(json_array_get(json_object_get(c->root, "target_modules"), index));
}

enum lora_listed lora_config_lists(const struct lora_config *c, const char *module)
{
    const json_t *targets = json_object_get(c->root, "target_modules");
    const char *all = json_string_value(targets);
    if (all && strcmp(all, "all-linear") == 0) return LORA_LISTED;
    if (json_array_size(targets) == 0) return LORA_UNKNOWN;
    const char *target;
    for (size_t i = 0; (target = lora_config_target(c, i)); i++)
        if (lora_target_names(target, module)) return LORA_LISTED;
    return LORA_NOT_LISTED;
}
