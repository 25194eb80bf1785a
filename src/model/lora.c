/* lora.c - see lora.h. */
#include "model/lora.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "kernels/half.h"
#include "model/safetensors.h"

static const char *const target_names[LORA_TARGETS] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                       "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                                       "mlp.down_proj"};

/* Settings that would change the mathematics and that we do not honour, with the value that means "off". */
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
                                              "arrow_config"};
    const char *kind = json_string_value(json_object_get(root, "peft_type"));
    if (!kind || strcmp(kind, "LORA") != 0)
        return error_set(e, ERR_UNSUPPORTED, "its peft_type is \"%.32s\", only LORA is supported", kind ? kind : "");
    for (size_t i = 0; i < sizeof must_be_off / sizeof *must_be_off; i++) {
        const json_t *value = json_object_get(root, must_be_off[i]);
        bool empty =
            (json_is_array(value) || json_is_object(value)) && !json_array_size(value) && !json_object_size(value);
        if (value && !json_is_null(value) && !json_is_false(value) && !empty)
            return error_set(e, ERR_UNSUPPORTED, "it uses %s, which is not supported", must_be_off[i]);
    }
    const char *bias = json_string_value(json_object_get(root, "bias"));
    if (bias && strcmp(bias, "none") != 0)
        return error_set(e, ERR_UNSUPPORTED, "it trains biases (bias = \"%.20s\"), which is not supported", bias);
    return OK;
}

/* rank_pattern / alpha_pattern: the value of the key that the module's name is or ends with, after a dot. PEFT reads
 * keys as regular expressions; one that uses more than names and dots is refused. */
static int pattern_value(const json_t *root, const char *pattern, const char *module, double *out, struct error *e)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(root, pattern), key, value)
    {
        size_t k = strlen(key);
        size_t m = strlen(module);
        if (strpbrk(key, "^$*+?()[]{}|\\"))
            return error_set(e, ERR_UNSUPPORTED, "the regular expression \"%.100s\" in %s is not supported", key,
                             pattern);
        if (!json_is_number(value)) return error_set(e, ERR_FORMAT, "%s holds something that is no number", pattern);
        bool ends = k > 0 && k <= m && strcmp(module + m - k, key) == 0 && (k == m || module[m - k - 1] == '.');
        if (!ends) continue;
        *out = json_number_value(value);
        return OK;
    }
    return OK;
}

static float *widen(const struct safetensor *t)
{
    size_t n = (size_t)t->rows * (size_t)t->cols;
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; x && i < n; i++) {
        uint16_t half;
        if (t->type == DTYPE_F32) {
            memcpy(x + i, t->data + 4 * i, 4);
            continue;
        }
        memcpy(&half, t->data + 2 * i, 2);
        x[i] = t->type == DTYPE_F16 ? f16_to_f32(half) : bf16_to_f32(half);
    }
    return x;
}

static void target_shape(const struct model_config *c, enum lora_target target, int *in, int *out)
{
    int q = c->heads * c->head_size;
    int kv = c->kv_heads * c->head_size;
    *in = target == LORA_DOWN ? c->intermediate_size : target == LORA_O ? q : c->hidden_size;
    *out = target == LORA_Q                           ? q
           : target == LORA_K || target == LORA_V     ? kv
           : target == LORA_GATE || target == LORA_UP ? c->intermediate_size
                                                      : c->hidden_size;
}

/* Put one tensor into its pair. */
static int place(struct lora *l, const struct safetensor *t, const struct model_config *c, struct error *e)
{
    int layer;
    int used = 0;
    static const char prefix[] = "base_model.model."; /* PEFT's wrapper; then the base model's own name */
    const char *at = t->name + (strncmp(t->name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0);
    if (sscanf(at, "model.layers.%9d.%n", &layer, &used) != 1 || !used || layer < 0 || layer >= l->layers)
        return error_set(e, ERR_FORMAT, "the adapter's tensor %s has no place in this model, which has %d layers",
                         t->name, l->layers);
    at += used;
    for (int k = 0; k < LORA_TARGETS; k++) {
        size_t n = strlen(target_names[k]);
        if (strncmp(at, target_names[k], n) != 0) continue;
        struct lora_pair *p = &l->pairs[layer][k];
        bool is_a = strcmp(at + n, ".lora_A.weight") == 0;
        if (!is_a && strcmp(at + n, ".lora_B.weight") != 0) break;
        target_shape(c, (enum lora_target)k, &p->in, &p->out);
        int rank = is_a ? t->rows : t->cols;
        int side = is_a ? t->cols : t->rows;
        if (rank < 1 || rank > LIMIT_LORA_RANK || side != (is_a ? p->in : p->out) || (p->rank && p->rank != rank))
            return error_set(
                e, ERR_FORMAT,
                "the adapter's tensor %s is %d x %d, which does not fit this model; it was trained for another base",
                t->name, t->rows, t->cols);
        float **slot = is_a ? &p->a : &p->b;
        if (*slot) return error_set(e, ERR_FORMAT, "the adapter's tensor %s is there twice", t->name);
        *slot = widen(t);
        if (!*slot) return error_set(e, ERR_NOMEM, "no memory for the adapter");
        p->rank = rank;
        if (rank > l->max_rank) l->max_rank = rank;
        return OK;
    }
    return error_set(e, ERR_UNSUPPORTED, "the adapter's tensor %s is of a kind that is not supported", t->name);
}

/* PEFT's default for r and lora_alpha is 8; NaN for what is there but no number. */
static double number_or_default(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    return !value ? 8 : json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int finish(struct lora *l, const json_t *root, struct error *e)
{
    double rank = number_or_default(root, "r");
    double alpha = number_or_default(root, "lora_alpha");
    bool rslora = json_is_true(json_object_get(root, "use_rslora"));
    if (!(rank >= 1 && rank <= LIMIT_LORA_RANK) || !isfinite(alpha))
        return error_set(e, ERR_FORMAT, "adapter_config.json has no valid r and lora_alpha");
    for (int i = 0; i < l->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++) {
            struct lora_pair *p = &l->pairs[i][k];
            if (!p->rank) continue;
            char module[96];
            snprintf(module, sizeof module, "model.layers.%d.%s", i, target_names[k]);
            double r = rank;
            double a = alpha;
            int rc = pattern_value(root, "rank_pattern", module, &r, e);
            if (!rc) rc = pattern_value(root, "alpha_pattern", module, &a, e);
            if (rc) return rc;
            if (!p->a || !p->b || (double)p->rank != r)
                return error_set(e, ERR_FORMAT, "the adapter's %s is incomplete or not of rank %g as its config says",
                                 module, r);
            p->scale = (float)(a / (rslora ? sqrt(r) : r));
            if (!isfinite(p->scale)) return error_set(e, ERR_FORMAT, "the lora_alpha of %s is impossible", module);
        }
    if (!l->max_rank) return error_set(e, ERR_FORMAT, "adapter_model.safetensors is empty");
    return OK;
}

static int read_config(json_t **root, const char *directory, struct error *e)
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

static int load(struct lora *l, const char *directory, const struct model_config *c, struct error *e)
{
    char path[LIMIT_PATH];
    struct file_map map = {0};
    struct safetensors s = {0};
    json_t *root = NULL;
    int rc = read_config(&root, directory, e);
    if (!rc) rc = refuse_unsupported(root, e);
    if (!rc && path_join(path, sizeof path, directory, "adapter_model.safetensors"))
        rc = error_set(e, ERR_TOO_LONG, "its path is too long");
    if (!rc && !file_exists(path))
        rc = error_set(e, ERR_FORMAT, "adapter_model.safetensors is missing beside adapter_config.json");
    if (!rc) rc = file_map_open(&map, path, e);
    if (!rc) rc = safetensors_parse(&s, map.data, map.size, e);
    for (size_t i = 0; !rc && i < s.count; i++) rc = place(l, &s.tensors[i], c, e);
    if (!rc) rc = finish(l, root, e);
    safetensors_free(&s);
    file_map_close(&map);
    json_decref(root);
    return rc;
}

int lora_load(struct lora **out, const char *directory, const struct model_config *c, struct error *e)
{
    *out = NULL;
    struct lora *l = calloc(1, sizeof *l);
    if (l) l->pairs = calloc((size_t)c->layers, sizeof *l->pairs);
    if (!l || !l->pairs) {
        free(l);
        return error_set(e, ERR_NOMEM, "no memory for the adapter");
    }
    l->layers = c->layers;
    int rc = load(l, directory, c, e);
    if (rc) {
        error_context(e, "LoRA adapter %s", file_base_name(directory));
        lora_free(l);
        return rc;
    }
    *out = l;
    return OK;
}

void lora_free(struct lora *l)
{
    if (!l) return;
    for (int i = 0; i < l->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++) {
            free(l->pairs[i][k].a);
            free(l->pairs[i][k].b);
        }
    free(l->pairs);
    free(l);
}
