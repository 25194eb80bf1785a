/* export_metadata.c - see export_metadata.h. Keys: github.com/ggml-org/ggml docs/gguf.md. */
#include "model/export_metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Numbers of the format's general.file_type. */
static const uint32_t file_types[EXPORT_KIND_COUNT] = {
    [EXPORT_Q8_0] = 7, [EXPORT_Q4_0] = 2, [EXPORT_Q4_K_M] = 15, [EXPORT_F16] = 1, [EXPORT_BF16] = 32};

enum { TYPE_NORMAL = 1, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5, QUANTIZATION_VERSION = 2 };

static int put_rope(struct gguf_writer *w, const struct model_config *c, struct error *e)
{
    gguf_put_f32(w, "qwen2.rope.freq_base", c->rope_theta);
    if (!c->yarn.enabled) return OK;
    if (c->yarn.attention_factor != 0 || !c->yarn.truncate)
        return error_set(e, ERR_UNSUPPORTED, "a YaRN attention_factor or truncate of its own has no place in GGUF");
    gguf_put_text(w, "qwen2.rope.scaling.type", "yarn");
    gguf_put_f32(w, "qwen2.rope.scaling.factor", c->yarn.factor);
    gguf_put_u32(w, "qwen2.rope.scaling.original_context_length", (uint32_t)c->yarn.original_context);
    gguf_put_f32(w, "qwen2.rope.scaling.yarn_beta_fast", c->yarn.beta_fast);
    gguf_put_f32(w, "qwen2.rope.scaling.yarn_beta_slow", c->yarn.beta_slow);
    return OK;
}

static void put_shape(struct gguf_writer *w, const struct model_config *c)
{
    gguf_put_u32(w, "qwen2.block_count", (uint32_t)c->layers);
    gguf_put_u32(w, "qwen2.context_length", (uint32_t)c->max_position);
    gguf_put_u32(w, "qwen2.embedding_length", (uint32_t)c->hidden_size);
    gguf_put_u32(w, "qwen2.feed_forward_length", (uint32_t)c->intermediate_size);
    gguf_put_u32(w, "qwen2.attention.head_count", (uint32_t)c->heads);
    gguf_put_u32(w, "qwen2.attention.head_count_kv", (uint32_t)c->kv_heads);
    gguf_put_f32(w, "qwen2.attention.layer_norm_rms_epsilon", c->rms_eps);
    gguf_put_u32(w, "qwen2.vocab_size", (uint32_t)c->vocab_size);
    if (c->head_size * c->heads == c->hidden_size) return;
    gguf_put_u32(w, "qwen2.attention.key_length", (uint32_t)c->head_size);
    gguf_put_u32(w, "qwen2.attention.value_length", (uint32_t)c->head_size);
    gguf_put_u32(w, "qwen2.rope.dimension_count", (uint32_t)c->head_size);
}

static void put_generation(struct gguf_writer *w, const struct model_config *c)
{
    gguf_put_f32(w, "general.sampling.temp", c->temperature);
    gguf_put_f32(w, "general.sampling.top_p", c->top_p);
    gguf_put_u32(w, "general.sampling.top_k", (uint32_t)c->top_k);
    gguf_put_f32(w, "general.sampling.penalty_repeat", c->repetition_penalty);
    if (c->eos_count > 0) gguf_put_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)c->eos[0]);
    if (c->pad >= 0) gguf_put_u32(w, "tokenizer.ggml.padding_token_id", (uint32_t)c->pad);
    if (c->bos >= 0) gguf_put_u32(w, "tokenizer.ggml.bos_token_id", (uint32_t)c->bos);
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", 0);
}

/* The vocabulary is filled up to the embedding's rows, as published files do. */
static int put_vocabulary(struct gguf_writer *w, const struct model_config *c, const struct tokenizer_data *t,
                          struct error *e)
{
    enum { PADDING_TEXT = 32 };
    size_t n = (size_t)c->vocab_size;
    const char **tokens = calloc(n, sizeof *tokens);
    int32_t *types = calloc(n, sizeof *types);
    char(*padding)[PADDING_TEXT] = calloc(n, sizeof *padding);
    int rc = tokens && types && padding ? OK : error_set(e, ERR_NOMEM, "no memory for the vocabulary");
    for (size_t i = 0; !rc && i < n; i++) {
        bool there = i < t->vocab_size && t->tokens[i];
        snprintf(padding[i], sizeof padding[i], "[PAD%zu]", i);
        tokens[i] = there ? t->tokens[i] : padding[i];
        types[i] = !there             ? TYPE_UNUSED
                   : t->kinds[i] == 1 ? TYPE_CONTROL
                   : t->kinds[i] == 2 ? TYPE_USER_DEFINED
                                      : TYPE_NORMAL;
    }
    if (!rc) gguf_put_texts(w, "tokenizer.ggml.tokens", tokens, n);
    if (!rc) gguf_put_i32s(w, "tokenizer.ggml.token_type", types, n);
    free(tokens);
    free(types);
    free(padding);
    return rc;
}

int export_metadata(struct gguf_writer *w, const char *name, const struct model_config *c,
                    const struct tokenizer_data *tokenizer, enum export_kind kind, struct error *e)
{
    gguf_put_text(w, "general.architecture", "qwen2");
    gguf_put_text(w, "general.name", name);
    gguf_put_u32(w, "general.file_type", file_types[kind]);
    gguf_put_u32(w, "general.quantization_version", QUANTIZATION_VERSION);
    put_shape(w, c);
    put_generation(w, c);
    int rc = put_rope(w, c, e);
    if (rc) return rc;
    if (!tokenizer || !tokenizer->present) {
        gguf_put_text(w, "tokenizer.ggml.model", "none");
        return OK;
    }
    gguf_put_text(w, "tokenizer.ggml.model", "gpt2");
    gguf_put_text(w, "tokenizer.ggml.pre", "qwen2");
    rc = put_vocabulary(w, c, tokenizer, e);
    gguf_put_texts(w, "tokenizer.ggml.merges", tokenizer->merges, tokenizer->merge_count);
    if (tokenizer->chat_template) gguf_put_text(w, "tokenizer.chat_template", tokenizer->chat_template);
    return rc;
}

/* Qwen2.5 Technical Report, table 1, and the published config.json files: what those have in common stands below. */
int config_like(const char *name, struct model_config *out, struct error *e)
{
    static const struct {
        const char *name;
        int hidden, intermediate, layers, heads, kv_heads, vocab;
        bool tied;
    } sizes[] = {{"0.5b", 896, 4864, 24, 14, 2, 151936, true},   {"1.5b", 1536, 8960, 28, 12, 2, 151936, true},
                 {"3b", 2048, 11008, 36, 16, 2, 151936, true},   {"7b", 3584, 18944, 28, 28, 4, 152064, false},
                 {"14b", 5120, 13824, 48, 40, 8, 152064, false}, {"32b", 5120, 27648, 64, 40, 8, 152064, false},
                 {"72b", 8192, 29568, 80, 64, 8, 152064, false}};
    const char *size = strncasecmp(name, "qwen2.5-", 8) == 0 ? name + 8 : name;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcasecmp(size, sizes[i].name) != 0) continue;
        config_init(out);
        out->hidden_size = sizes[i].hidden;
        out->intermediate_size = sizes[i].intermediate;
        out->layers = sizes[i].layers;
        out->heads = sizes[i].heads;
        out->kv_heads = sizes[i].kv_heads;
        out->head_size = sizes[i].hidden / sizes[i].heads;
        out->vocab_size = sizes[i].vocab;
        out->tied_embeddings = sizes[i].tied;
        out->rope_theta = 1000000.0f;
        out->eos[out->eos_count++] = 151645; /* <|im_end|> */
        return OK;
    }
    return error_set(e, ERR_INVALID,
                     "there is no Qwen2.5 called \"%.32s\": qwen2.5- and 0.5b, 1.5b, 3b, 7b, 14b, 32b or 72b", name);
}
