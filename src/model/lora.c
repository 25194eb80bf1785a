/* lora.c - see lora.h. */
#include "model/lora.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "kernels/half.h"
#include "model/lora_parts.h"
#include "model/safetensors.h"

static const char *const target_names[LORA_TARGETS] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                       "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                                       "mlp.down_proj"};

/* An adapter's files, checked against a model; nothing is copied. */
struct adapter {
    struct lora_config config;
    struct file_map map;
    struct safetensors file;
    const struct model_config *model;
    const struct safetensor *(*pairs)[LORA_TARGETS][2]; /* [layers]: A and B */
};

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
static int place(struct adapter *ad, const struct safetensor *t, struct error *e)
{
    int layer;
    int used = 0;
    static const char prefix[] = "base_model.model."; /* PEFT's wrapper; then the base model's own name */
    const char *at = t->name + (strncmp(t->name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0);
    if (sscanf(at, "model.layers.%9d.%n", &layer, &used) != 1 || !used || layer < 0 || layer >= ad->model->layers)
        return error_set(e, ERR_FORMAT, "the adapter's tensor %s has no place in this model, which has %d layers",
                         t->name, ad->model->layers);
    at += used;
    for (int k = 0; k < LORA_TARGETS; k++) {
        size_t n = strlen(target_names[k]);
        if (strncmp(at, target_names[k], n) != 0) continue;
        bool is_a = strcmp(at + n, ".lora_A.weight") == 0;
        if (!is_a && strcmp(at + n, ".lora_B.weight") != 0) break;
        int in;
        int out;
        target_shape(ad->model, (enum lora_target)k, &in, &out);
        int rank = is_a ? t->rows : t->cols;
        if (rank < 1 || rank > LIMIT_LORA_RANK || (is_a ? t->cols != in : t->rows != out))
            return error_set(
                e, ERR_FORMAT,
                "the adapter's tensor %s is %d x %d, which does not fit this model; it was trained for another base",
                t->name, t->rows, t->cols);
        const struct safetensor **slot = &ad->pairs[layer][k][!is_a];
        if (*slot) return error_set(e, ERR_FORMAT, "the adapter's tensor %s is there twice", t->name);
        *slot = t;
        return OK;
    }
    return error_set(e, ERR_UNSUPPORTED, "the adapter's tensor %s is of a kind that is not supported", t->name);
}

static void module_name(char *out, size_t n, int layer, int target)
{
    snprintf(out, n, "model.layers.%d.%s", layer, target_names[target]);
}

/* One projection: both tensors, of the rank its config says, where target_modules wants them and nowhere else. */
static int check_pair(const struct adapter *ad, int layer, int target, struct error *e)
{
    char module[96];
    double rank;
    float scale;
    const struct safetensor *a = ad->pairs[layer][target][0];
    const struct safetensor *b = ad->pairs[layer][target][1];
    module_name(module, sizeof module, layer, target);
    enum lora_listed listed = lora_config_lists(&ad->config, module);
    if (!a && !b) {
        if (listed != LORA_LISTED || ad->config.some_layers) return OK;
        return error_set(e, ERR_FORMAT, "the adapter has no tensors for %s, which its target_modules name", module);
    }
    if (listed == LORA_NOT_LISTED)
        return error_set(e, ERR_FORMAT, "the adapter has tensors for %s, which its target_modules do not name", module);
    int rc = lora_config_module(&ad->config, module, &rank, &scale, e);
    if (rc) return rc;
    if (!a || !b || (double)a->rows != rank || (double)b->cols != rank)
        return error_set(e, ERR_FORMAT, "the adapter's %s is incomplete or not of rank %g as its config says", module,
                         rank);
    if (!isfinite(scale)) return error_set(e, ERR_FORMAT, "the lora_alpha of %s is impossible", module);
    return OK;
}

/* Every target_modules entry must have found tensors: without them it is not the adapter that was trained. */
static int check_target(const struct adapter *ad, const char *target, struct error *e)
{
    char module[96];
    for (int i = 0; i < ad->model->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++) {
            module_name(module, sizeof module, i, k);
            if (ad->pairs[i][k][0] && lora_target_names(target, module)) return OK;
        }
    return error_set(e, ERR_FORMAT, "its target_modules name %.100s, for which it has no tensors", target);
}

static int check(const struct adapter *ad, struct error *e)
{
    const char *target;
    if (!ad->file.count) return error_set(e, ERR_FORMAT, "adapter_model.safetensors is empty");
    for (int i = 0; i < ad->model->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++) {
            int rc = check_pair(ad, i, k, e);
            if (rc) return rc;
        }
    for (size_t i = 0; (target = lora_config_target(&ad->config, i)); i++) {
        int rc = check_target(ad, target, e);
        if (rc) return rc;
    }
    return OK;
}

static void adapter_close(struct adapter *ad)
{
    safetensors_free(&ad->file);
    file_map_close(&ad->map);
    lora_config_free(&ad->config);
    free(ad->pairs);
}

static int adapter_open(struct adapter *ad, const char *directory, const struct model_config *model, struct error *e)
{
    char path[LIMIT_PATH];
    *ad = (struct adapter){.model = model};
    int rc = lora_config_read(&ad->config, directory, e);
    if (!rc && path_join(path, sizeof path, directory, "adapter_model.safetensors"))
        rc = error_set(e, ERR_TOO_LONG, "its path is too long");
    if (!rc && !file_exists(path))
        rc = error_set(e, ERR_FORMAT, "adapter_model.safetensors is missing beside adapter_config.json");
    if (!rc) rc = file_map_open(&ad->map, path, e);
    if (!rc) rc = safetensors_parse(&ad->file, ad->map.data, ad->map.size, e);
    if (!rc && !(ad->pairs = calloc((size_t)model->layers, sizeof *ad->pairs)))
        rc = error_set(e, ERR_NOMEM, "no memory for the adapter");
    for (size_t i = 0; !rc && i < ad->file.count; i++) rc = place(ad, &ad->file.tensors[i], e);
    if (!rc) rc = check(ad, e);
    if (!rc) return OK;
    error_context(e, "LoRA adapter %s", file_base_name(directory));
    adapter_close(ad);
    return rc;
}

static int copy_pair(struct lora_pair *p, const struct adapter *ad, int layer, int target, struct error *e)
{
    char module[96];
    double rank;
    const struct safetensor *const *from = ad->pairs[layer][target];
    if (!from[0]) return OK;
    module_name(module, sizeof module, layer, target);
    int rc = lora_config_module(&ad->config, module, &rank, &p->scale, e);
    if (rc) return rc;
    target_shape(ad->model, (enum lora_target)target, &p->in, &p->out);
    p->rank = from[0]->rows;
    p->a = widen(from[0]);
    p->b = widen(from[1]);
    return p->a && p->b ? OK : error_set(e, ERR_NOMEM, "no memory for the adapter");
}

static int copy(struct lora **out, const struct adapter *ad, struct error *e)
{
    struct lora *l = calloc(1, sizeof *l);
    if (l) l->pairs = calloc((size_t)ad->model->layers, sizeof *l->pairs);
    if (!l || !l->pairs) {
        free(l);
        return error_set(e, ERR_NOMEM, "no memory for the adapter");
    }
    l->layers = ad->model->layers;
    int rc = OK;
    for (int i = 0; !rc && i < l->layers; i++)
        for (int k = 0; !rc && k < LORA_TARGETS; k++) {
            rc = copy_pair(&l->pairs[i][k], ad, i, k, e);
            if (l->pairs[i][k].rank > l->max_rank) l->max_rank = l->pairs[i][k].rank;
        }
    if (rc)
        lora_free(l);
    else
        *out = l;
    return rc;
}

int lora_load(struct lora **out, const char *directory, const struct model_config *model, struct error *e)
{
    struct adapter ad;
    *out = NULL;
    int rc = adapter_open(&ad, directory, model, e);
    if (rc) return rc;
    rc = copy(out, &ad, e);
    adapter_close(&ad);
    return rc;
}

int lora_plan(const char *directory, const struct model_config *model, size_t *bytes, struct error *e)
{
    struct adapter ad;
    *bytes = 0;
    int rc = adapter_open(&ad, directory, model, e);
    if (rc) return rc;
    for (size_t i = 0; i < ad.file.count; i++)
        *bytes += (size_t)ad.file.tensors[i].rows * (size_t)ad.file.tensors[i].cols * sizeof(float);
    adapter_close(&ad);
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
