/* gguf_names.c - see gguf_names.h. */
#include "model/gguf_names.h"

#include <stdio.h>
#include <string.h>

struct name_pair {
    const char *gguf, *canonical;
};

static const struct name_pair whole[] = {{"token_embd.weight", "model.embed_tokens.weight"},
                                         {"output_norm.weight", "model.norm.weight"},
                                         {"output.weight", "lm_head.weight"}};

static const struct name_pair parts[] = {
    {"attn_norm.weight", "input_layernorm.weight"},    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},      {"attn_q.bias", "self_attn.q_proj.bias"},
    {"attn_k.weight", "self_attn.k_proj.weight"},      {"attn_k.bias", "self_attn.k_proj.bias"},
    {"attn_v.weight", "self_attn.v_proj.weight"},      {"attn_v.bias", "self_attn.v_proj.bias"},
    {"attn_output.weight", "self_attn.o_proj.weight"}, {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},           {"ffn_down.weight", "mlp.down_proj.weight"}};

void gguf_name_to_canonical(const char *name, char *out, size_t n)
{
    int layer;
    int used = 0;
    if (sscanf(name, "blk.%9d.%n", &layer, &used) == 1 && used > 0)
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (strcmp(name + used, parts[i].gguf) == 0) {
                snprintf(out, n, "model.layers.%d.%s", layer, parts[i].canonical);
                return;
            }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(name, whole[i].gguf) == 0) name = whole[i].canonical;
    snprintf(out, n, "%s", name);
}

void gguf_name_from_canonical(const char *name, char *out, size_t n)
{
    int layer;
    int used = 0;
    if (sscanf(name, "model.layers.%9d.%n", &layer, &used) == 1 && used > 0)
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (strcmp(name + used, parts[i].canonical) == 0) {
                snprintf(out, n, "blk.%d.%s", layer, parts[i].gguf);
                return;
            }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(name, whole[i].canonical) == 0) name = whole[i].gguf;
    snprintf(out, n, "%s", name);
}
