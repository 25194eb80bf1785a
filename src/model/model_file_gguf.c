/* model_file_gguf.c - a GGUF file, or all splits of a set, as a model_file. */
#include <stdio.h>
#include <string.h>

#include "model/gguf.h"
#include "model/model_file_parts.h"

/* GGUF's token types; 5 (unused) is padding and stays a gap. */
enum { TOKEN_CONTROL = 3, TOKEN_USER_DEFINED = 4, TOKEN_UNUSED = 5 };

/* "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight". Unknown names are kept: nobody will ask for them.
 */
static int canonical_name(struct gguf_text name, char *out, size_t n)
{
    static const char *const whole[][2] = {{"token_embd.weight", "model.embed_tokens.weight"},
                                           {"output_norm.weight", "model.norm.weight"},
                                           {"output.weight", "lm_head.weight"}};
    static const char *const parts[][2] = {
        {"attn_norm.weight", "input_layernorm.weight"},    {"ffn_norm.weight", "post_attention_layernorm.weight"},
        {"attn_q.weight", "self_attn.q_proj.weight"},      {"attn_q.bias", "self_attn.q_proj.bias"},
        {"attn_k.weight", "self_attn.k_proj.weight"},      {"attn_k.bias", "self_attn.k_proj.bias"},
        {"attn_v.weight", "self_attn.v_proj.weight"},      {"attn_v.bias", "self_attn.v_proj.bias"},
        {"attn_output.weight", "self_attn.o_proj.weight"}, {"ffn_gate.weight", "mlp.gate_proj.weight"},
        {"ffn_up.weight", "mlp.up_proj.weight"},           {"ffn_down.weight", "mlp.down_proj.weight"}};
    char text[LIMIT_TENSOR_NAME + 1];
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    int layer;
    int used = 0;
    if (sscanf(text, "blk.%9d.%n", &layer, &used) == 1 && used > 0)
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (strcmp(text + used, parts[i][0]) == 0)
                return snprintf(out, n, "model.layers.%d.%s", layer, parts[i][1]);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(text, whole[i][0]) == 0) return snprintf(out, n, "%s", whole[i][1]);
    return snprintf(out, n, "%s", text);
}

static int add_tensors(struct model_file *f, const struct gguf *g, struct error *e)
{
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        char name[LIMIT_TENSOR_NAME + 64];
        canonical_name(t->name, name, sizeof name);
        struct tensor_view view = {
            .type = t->type, .rows = t->rows, .cols = t->cols, .data = t->data, .bytes = t->bytes};
        int rc = model_file_add(f, name, &view, e);
        if (rc) return rc;
    }
    return OK;
}

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

static int read_rope(struct model_config *c, const struct gguf *g, struct error *e)
{
    double number;
    if (gguf_get_float(g, "qwen2.rope.freq_base", &number)) c->rope_theta = (float)number;
    struct gguf_text kind;
    if (!gguf_get_text(g, "qwen2.rope.scaling.type", &kind) || (kind.len == 4 && memcmp(kind.data, "none", 4) == 0))
        return OK;
    if (kind.len != 4 || memcmp(kind.data, "yarn", 4) != 0)
        return error_set(e, ERR_UNSUPPORTED, "the rope scaling \"%.*s\" is not supported, only yarn", (int)kind.len,
                         kind.data);
    c->yarn.enabled = true;
    c->yarn.original_context = c->max_position;
    if (gguf_get_float(g, "qwen2.rope.scaling.factor", &number)) c->yarn.factor = (float)number;
    int64_t original;
    if (gguf_get_integer(g, "qwen2.rope.scaling.original_context_length", &original) && original > 0 &&
        original <= LIMIT_CONTEXT)
        c->yarn.original_context = (int)original;
    return OK;
}

static int read_config(struct model_file *f, const struct gguf *g, struct error *e)
{
    struct model_config *c = &f->config;
    struct gguf_text architecture = {"", 0};
    gguf_get_text(g, "general.architecture", &architecture);
    if (architecture.len != 5 || memcmp(architecture.data, "qwen2", 5) != 0)
        return error_set(e, ERR_UNSUPPORTED, "the architecture \"%.*s\" is not supported, only qwen2 (Qwen2.5)",
                         architecture.len > 32 ? 32 : (int)architecture.len, architecture.data);
    int rc = need_integer(g, "qwen2.embedding_length", 1, LIMIT_HIDDEN, &c->hidden_size, e);
    if (!rc) rc = need_integer(g, "qwen2.feed_forward_length", 1, LIMIT_HIDDEN, &c->intermediate_size, e);
    if (!rc) rc = need_integer(g, "qwen2.block_count", 1, LIMIT_LAYERS, &c->layers, e);
    if (!rc) rc = need_integer(g, "qwen2.attention.head_count", 1, LIMIT_HEADS, &c->heads, e);
    if (!rc) rc = need_integer(g, "qwen2.attention.head_count_kv", 1, LIMIT_HEADS, &c->kv_heads, e);
    if (!rc) rc = need_integer(g, "qwen2.context_length", 1, LIMIT_CONTEXT, &c->max_position, e);
    if (!rc) rc = read_rope(c, g, e);
    if (rc) return rc;
    double number;
    if (gguf_get_float(g, "qwen2.attention.layer_norm_rms_epsilon", &number)) c->rms_eps = (float)number;
    c->head_size = c->hidden_size / c->heads;
    int64_t key_length;
    if (gguf_get_integer(g, "qwen2.attention.key_length", &key_length) && key_length > 0 &&
        key_length <= LIMIT_HEAD_SIZE)
        c->head_size = (int)key_length;
    const struct tensor_view *embedding = model_file_find(f, "model.embed_tokens.weight");
    if (!embedding) return error_set(e, ERR_FORMAT, "the embedding is missing; pull the model again");
    c->vocab_size = embedding->rows;
    c->tied_embeddings = !model_file_find(f, "lm_head.weight");
    return OK;
}

/* A GGUF has no generation_config.json: the values Qwen publishes for Qwen2.5-Instruct stand in, and both end tokens.
 */
static void read_generation(struct model_config *c, const struct gguf *g)
{
    c->do_sample = true;
    c->temperature = 0.7f;
    c->top_p = 0.8f;
    c->top_k = 20;
    c->repetition_penalty = c->hidden_size >= 2048 ? 1.05f : 1.1f; /* 3B and up: 1.05; 0.5B and 1.5B: 1.1 */
    int64_t id;
    if (gguf_get_integer(g, "tokenizer.ggml.bos_token_id", &id) && id >= 0 && id < c->vocab_size) c->bos = (int)id;
    if (gguf_get_integer(g, "tokenizer.ggml.padding_token_id", &id) && id >= 0 && id < c->vocab_size) c->pad = (int)id;
    if (gguf_get_integer(g, "tokenizer.ggml.eos_token_id", &id) && id >= 0 && id < c->vocab_size)
        c->eos[c->eos_count++] = (int)id;
}

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

static int read_tokenizer(struct model_file *f, const struct gguf *g, struct error *e)
{
    const struct gguf_pair *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    const struct gguf_pair *types = gguf_find(g, "tokenizer.ggml.token_type");
    const struct gguf_pair *merges = gguf_find(g, "tokenizer.ggml.merges");
    if (!tokens) return OK; /* weights alone: `logits` and `generate --ids` still work */
    struct gguf_text model = {"", 0};
    gguf_get_text(g, "tokenizer.ggml.model", &model);
    if (model.len != 4 || memcmp(model.data, "gpt2", 4) != 0)
        return error_set(e, ERR_UNSUPPORTED, "the tokenizer \"%.*s\" is not supported, only byte-level BPE (gpt2)",
                         model.len > 32 ? 32 : (int)model.len, model.data);
    if (!tokens->is_array || tokens->type != GGUF_STRING || !merges || !merges->is_array ||
        merges->type != GGUF_STRING ||
        (types && (!types->is_array || types->type != GGUF_I32 || types->count != tokens->count)))
        return error_set(e, ERR_FORMAT, "the tokenizer's tables do not fit one another; pull the model again");
    const uint8_t *at = tokens->value;
    for (uint64_t i = 0; i < tokens->count; i++) {
        struct gguf_text text = gguf_next_text(&at);
        int32_t type = 1;
        if (types) memcpy(&type, types->value + 4 * i, sizeof type);
        if (type == TOKEN_UNUSED) continue;
        uint8_t kind = type == TOKEN_CONTROL ? 1 : type == TOKEN_USER_DEFINED ? 2 : 0;
        int rc = tokenizer_store_set(&f->tokenizer, (size_t)i, text.data, text.len, kind, e);
        if (rc) return rc;
    }
    at = merges->value;
    for (uint64_t i = 0; i < merges->count; i++) {
        struct gguf_text text = gguf_next_text(&at);
        int rc = tokenizer_store_add_merge(&f->tokenizer, text.data, text.len, e);
        if (rc) return rc;
    }
    tokenizer_store_finish(&f->tokenizer);
    return OK;
}

static void read_name(struct model_file *f, const struct gguf *g)
{
    struct gguf_text name;
    if (gguf_get_text(g, "general.name", &name) && name.len > 0 && name.len < sizeof f->name) {
        memcpy(f->name, name.data, name.len);
        f->name[name.len] = '\0';
    } else {
        snprintf(f->name, sizeof f->name, "%.200s", file_base_name(f->path));
    }
}

/* "x-00002-of-00003.gguf": the name of split number `index` (from 1) of the set; false if path is not of a set. */
static bool split_path(const char *path, int index, int *count, char *out, size_t n)
{
    size_t len = strlen(path);
    int number;
    if (len < 20 || sscanf(path + len - 20, "-%5d-of-%5d.gguf", &number, count) != 2) return false;
    if (number < 1 || *count < 1 || number > *count || *count > (int)LIMIT_MODEL_SHARDS) return false;
    int written = snprintf(out, n, "%.*s-%05d-of-%05d.gguf", (int)(len - 20), path, index, *count);
    return written > 0 && (size_t)written < n;
}

static int read_one(struct model_file *f, const char *path, struct gguf *g, struct error *e)
{
    struct file_map *map = NULL;
    int rc = model_file_map(f, path, &map, e);
    if (!rc) rc = gguf_parse(g, map->data, map->size, e);
    if (!rc) rc = add_tensors(f, g, e);
    return rc;
}

int model_file_read_gguf(struct model_file *f, const char *path, struct error *e)
{
    f->container = "gguf";
    char part[LIMIT_PATH];
    int count = 1;
    bool is_set = split_path(path, 1, &count, part, sizeof part);
    struct gguf first;
    int rc = read_one(f, is_set ? part : path, &first, e);
    if (rc) return rc; /* gguf_parse freed it */
    int64_t said = count;
    if (gguf_get_integer(&first, "split.count", &said) && said > 1 && said != count)
        rc = error_set(
            e, ERR_FORMAT,
            "it is one of %lld parts; open it by its published name -00001-of-%05lld.gguf with all parts beside it",
            (long long)said, (long long)said);
    for (int i = 2; !rc && i <= count; i++) {
        struct gguf g = {0};
        if (!split_path(path, i, &count, part, sizeof part)) rc = error_set(e, ERR_FORMAT, "a part's name is too long");
        if (!rc) rc = read_one(f, part, &g, e);
        gguf_free(&g);
    }
    if (!rc) rc = read_config(f, &first, e);
    if (!rc) {
        read_generation(&f->config, &first);
        rc = read_tokenizer(f, &first, e);
    }
    if (!rc) {
        add_known_end_tokens(f);
        read_name(f, &first);
    }
    gguf_free(&first);
    return rc;
}
