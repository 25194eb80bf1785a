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
    static const char *const must_be_false[] = {"use_dora", "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora"};
    for (size_t i = 0; i < sizeof must_be_false / sizeof *must_be_false; i++)
        if (json_is_true(json_object_get(root, must_be_false[i])))
            return error_set(e, ERR_UNSUPPORTED, "the adapter uses %s, which is not supported", must_be_false[i]);
    const char *kind = json_string_value(json_object_get(root, "peft_type"));
    if (!kind || strcmp(kind, "LORA") != 0) return error_set(e, ERR_UNSUPPORTED, "the adapter's peft_type is not LORA");
    const char *bias = json_string_value(json_object_get(root, "bias"));
    if (bias && strcmp(bias, "none") != 0)
        return error_set(e, ERR_UNSUPPORTED, "the adapter trains biases, which is not supported");
    if (json_array_size(json_object_get(root, "modules_to_save")))
        return error_set(e, ERR_UNSUPPORTED,
                         "the adapter replaces whole modules (modules_to_save), which is not supported");
    return OK;
}

/* rank_pattern / alpha_pattern: the value of the key that the module's name ends with. */
static double pattern_value(const json_t *patterns, const char *module, double otherwise)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)patterns, key, value)
    {
        size_t k = strlen(key);
        size_t m = strlen(module);
        bool ends = k <= m && strcmp(module + m - k, key) == 0 && (k == m || module[m - k - 1] == '.');
        if (ends && json_is_number(value)) return json_number_value(value);
    }
    return otherwise;
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
    const char *at = strstr(t->name, "model.layers.");
    if (!at || sscanf(at, "model.layers.%9d.%n", &layer, &used) != 1 || !used || layer < 0 || layer >= l->layers)
        return error_set(e, ERR_FORMAT, "the adapter's tensor %s has no place in this model", t->name);
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

static int finish(struct lora *l, const json_t *root, struct error *e)
{
    double rank = json_number_value(json_object_get(root, "r"));
    double alpha = json_number_value(json_object_get(root, "lora_alpha"));
    bool rslora = json_is_true(json_object_get(root, "use_rslora"));
    if (!(rank >= 1 && rank <= LIMIT_LORA_RANK) || !isfinite(alpha))
        return error_set(e, ERR_FORMAT, "adapter_config.json has no valid r and lora_alpha");
    for (int i = 0; i < l->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++) {
            struct lora_pair *p = &l->pairs[i][k];
            if (!p->rank) continue;
            char module[96];
            snprintf(module, sizeof module, "model.layers.%d.%s", i, target_names[k]);
            double r = pattern_value(json_object_get(root, "rank_pattern"), module, rank);
            double a = pattern_value(json_object_get(root, "alpha_pattern"), module, alpha);
            if (!p->a || !p->b || (double)p->rank != r)
                return error_set(e, ERR_FORMAT, "the adapter's %s is incomplete or not of rank %g as its config says",
                                 module, r);
            p->scale = (float)(a / (rslora ? sqrt(r) : r));
        }
    return OK;
}

static int load(struct lora *l, const char *directory, const struct model_config *c, struct error *e)
{
    char path[LIMIT_PATH];
    struct buf text = BUF_INIT(LIMIT_CONFIG_JSON);
    struct file_map map = {0};
    struct safetensors s = {0};
    json_t *root = NULL;
    int rc = path_join(path, sizeof path, directory, "adapter_config.json");
    if (!rc) rc = file_read(&text, path, e);
    if (!rc) rc = json_read(&root, buf_text(&text), text.len, e);
    if (!rc) rc = refuse_unsupported(root, e);
    if (!rc) rc = path_join(path, sizeof path, directory, "adapter_model.safetensors");
    if (!rc) rc = file_map_open(&map, path, e);
    if (!rc) rc = safetensors_parse(&s, map.data, map.size, e);
    for (size_t i = 0; !rc && i < s.count; i++) rc = place(l, &s.tensors[i], c, e);
    if (!rc) rc = finish(l, root, e);
    safetensors_free(&s);
    file_map_close(&map);
    json_decref(root);
    buf_free(&text);
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
