/* weights.c - see weights.h. One list says which tensors a model has and what shape each must be; planning and loading
 * both walk it, so that a plan refuses exactly what the load would. */
#include "model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/pages.h"
#include "model/weights_parts.h"

static int visit(const struct walk *w, enum role role, int rows, int cols, struct packed_matrix *matrix, float **vector,
                 const char *name)
{
    struct slot s = {.role = role, .rows = rows, .cols = cols, .matrix = matrix, .vector = vector};
    snprintf(s.name, sizeof s.name, "%s", name);
    return w->visit(w->user, &s, w->e);
}

static int walk_layer(const struct walk *w, const struct model_config *c, struct layer_weights *l, int index)
{
    static struct layer_weights none; /* planning needs addresses, nobody writes to them */
    if (!l) l = &none;
    int q = c->heads * c->head_size;
    int kv = c->kv_heads * c->head_size;
    const struct {
        const char *name;
        enum role role;
        int rows, cols;
        struct packed_matrix *matrix;
        float **vector;
    } parts[] = {
        {"input_layernorm.weight", ROLE_VECTOR, 1, c->hidden_size, NULL, &l->attn_norm},
        {"post_attention_layernorm.weight", ROLE_VECTOR, 1, c->hidden_size, NULL, &l->ffn_norm},
        {"self_attn.q_proj.weight", ROLE_MATRIX, q, c->hidden_size, &l->q, NULL},
        {"self_attn.k_proj.weight", ROLE_MATRIX, kv, c->hidden_size, &l->k, NULL},
        {"self_attn.v_proj.weight", ROLE_MATRIX, kv, c->hidden_size, &l->v, NULL},
        {"self_attn.q_proj.bias", ROLE_VECTOR, 1, q, NULL, &l->q_bias},
        {"self_attn.k_proj.bias", ROLE_VECTOR, 1, kv, NULL, &l->k_bias},
        {"self_attn.v_proj.bias", ROLE_VECTOR, 1, kv, NULL, &l->v_bias},
        {"self_attn.o_proj.weight", ROLE_MATRIX, c->hidden_size, q, &l->o, NULL},
        {"mlp.gate_proj.weight", ROLE_MATRIX, c->intermediate_size, c->hidden_size, &l->gate, NULL},
        {"mlp.up_proj.weight", ROLE_MATRIX, c->intermediate_size, c->hidden_size, &l->up, NULL},
        {"mlp.down_proj.weight", ROLE_MATRIX, c->hidden_size, c->intermediate_size, &l->down, NULL},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[96];
        snprintf(name, sizeof name, "model.layers.%d.%s", index, parts[i].name);
        int rc = visit(w, parts[i].role, parts[i].rows, parts[i].cols, parts[i].matrix, parts[i].vector, name);
        if (rc) return rc;
    }
    return OK;
}

int weights_walk(const struct walk *w, const struct model_config *c, struct model_weights *m)
{
    static struct model_weights none;
    struct model_weights *target = m ? m : &none;
    int rc =
        visit(w, ROLE_EMBEDDING, c->vocab_size, c->hidden_size, &target->embedding, NULL, "model.embed_tokens.weight");
    for (int i = 0; !rc && i < c->layers; i++) rc = walk_layer(w, c, m ? &m->layers[i] : NULL, i);
    if (!rc) rc = visit(w, ROLE_VECTOR, 1, c->hidden_size, NULL, &target->final_norm, "model.norm.weight");
    if (!rc && !c->tied_embeddings)
        rc = visit(w, ROLE_EMBEDDING, c->vocab_size, c->hidden_size, &target->lm_head, NULL, "lm_head.weight");
    return rc;
}

int weights_find(const struct model_file *f, const struct slot *s, const struct tensor_view **out, struct error *e)
{
    const struct tensor_view *t = *out = model_file_find(f, s->name);
    if (!t)
        return error_set(e, ERR_FORMAT, "the tensor %s is missing; pull the model again, with all its parts", s->name);
    if (t->rows != s->rows || t->cols != s->cols)
        return error_set(e, ERR_FORMAT,
                         "the tensor %s is %d x %d where the config says %d x %d; its files do not belong together",
                         s->name, t->rows, t->cols, s->rows, s->cols);
    if (s->role == ROLE_VECTOR && !dtype_is_float(t->type))
        return error_set(e, ERR_UNSUPPORTED, "the vector %s is quantised (%s), which is not supported", s->name,
                         dtype_info(t->type).name);
    return OK;
}

/* --- strangers
 * ---------------------------------------------------------------------------------------------------------- */

/* Buffers that some publishers save beside the weights, and the head of a tied model: computed or shared anyway. */
static bool is_harmless(const char *name, const struct model_config *c)
{
    static const char buffer[] = ".rotary_emb.inv_freq";
    size_t n = strlen(name);
    if (n > sizeof buffer && strcmp(name + n - (sizeof buffer - 1), buffer) == 0) return true;
    return c->tied_embeddings && strcmp(name, "lm_head.weight") == 0;
}

/* A tensor without a place (a bias or a norm that Qwen2.5 does not have, a layer beyond the config's) would change the
 * results if it were honoured: this is another model, or files of two. */
static int refuse_strangers(const struct model_file *f, const bool *placed, struct error *e)
{
    const struct model_config *c = model_file_config(f);
    for (size_t i = 0; i < model_file_tensor_count(f); i++) {
        const char *name = model_file_tensor(f, i)->name;
        if (placed[i] || is_harmless(name, c)) continue;
        return error_set(e, ERR_FORMAT,
                         "the tensor %.200s has no place in a Qwen2.5 model of %d layers; its files do not belong "
                         "together, or it is another kind of model",
                         name, c->layers);
    }
    return OK;
}

enum dtype weights_stored_type(const struct tensor_view *t, enum role role, enum quant_mode quant)
{
    if (quant == QUANT_NONE || !dtype_is_float(t->type)) return t->type;
    if (quant == QUANT_Q4_K && role == ROLE_MATRIX && t->cols % 256 == 0) return DTYPE_Q4_K;
    return t->cols % 32 == 0 ? DTYPE_Q8_0 : t->type;
}

/* --- planning
 * ---------------------------------------------------------------------------------------------------------- */

struct planning {
    const struct model_file *f;
    enum quant_mode quant;
    size_t bytes;
    bool *placed; /* [tensors] */
    int counts[DTYPE_COUNT];
};

static int plan_slot(void *user, const struct slot *s, struct error *e)
{
    struct planning *p = user;
    const struct tensor_view *t;
    int rc = weights_find(p->f, s, &t, e);
    if (rc) return rc;
    p->placed[t - model_file_tensor(p->f, 0)] = true;
    size_t bytes = (size_t)s->cols * sizeof(float);
    enum dtype type = DTYPE_F32;
    if (s->role != ROLE_VECTOR) {
        type = weights_stored_type(t, s->role, p->quant);
        rc = pack_size(type, s->rows, s->cols, &bytes, e);
        if (rc) return rc;
    }
    p->counts[type]++;
    if (!checked_add(p->bytes, bytes, &p->bytes))
        return error_set(e, ERR_FORMAT, "the weights are larger than the address space");
    return OK;
}

int weights_plan(const struct model_file *f, enum quant_mode quant, size_t *bytes, struct buf *summary, struct error *e)
{
    struct planning p = {.f = f, .quant = quant, .placed = calloc(model_file_tensor_count(f) + 1, sizeof *p.placed)};
    struct walk w = {plan_slot, &p, e};
    if (!p.placed) return error_set(e, ERR_NOMEM, "no memory to look at the tensors");
    int rc = weights_walk(&w, model_file_config(f), NULL);
    if (!rc) rc = refuse_strangers(f, p.placed, e);
    free(p.placed);
    if (rc) {
        error_context(e, "%s", file_base_name(model_file_path(f)));
        return rc;
    }
    *bytes = p.bytes;
    const char *separator = "";
    for (enum dtype t = 0; summary && t < DTYPE_COUNT; t++) {
        if (!p.counts[t]) continue;
        buf_printf(summary, "%s%s %d", separator, dtype_info(t).name, p.counts[t]);
        separator = ", ";
    }
    return OK;
}

void weights_free(struct model_weights *m)
{
    for (int i = 0; m->layers && i < m->layer_count; i++) {
        struct layer_weights *l = &m->layers[i];
        float *vectors[] = {l->attn_norm, l->ffn_norm, l->q_bias, l->k_bias, l->v_bias};
        for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++) free(vectors[k]);
    }
    free(m->layers);
    free(m->final_norm);
    pages_unmap(m->memory, m->memory_bytes);
    *m = (struct model_weights){0};
}

int quant_mode_parse(const char *name, enum quant_mode *out, struct error *e)
{
    static const char *const names[] = {"none", "q8_0", "q4_k"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (enum quant_mode)i;
        return OK;
    }
    return error_set(e, ERR_INVALID, "--quant is none, q8_0 or q4_k, not \"%s\"", name);
}
