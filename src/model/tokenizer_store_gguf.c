/* tokenizer_store_gguf.c - tokenizer.ggml.* and tokenizer.chat_template of a GGUF file as tokenizer data. */
#include <stdlib.h>
#include <string.h>

#include "model/gguf.h"
#include "model/model_file_parts.h"

/* GGUF's token types; 5 (unused) is padding and stays a gap. */
enum { TYPE_NORMAL = 1, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5 };

static bool text_is(struct gguf_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static bool is_array(const struct gguf_pair *p, enum gguf_type type)
{
    return p && p->is_array && p->type == type;
}

/* The conversion marks these as control tokens; the published tokenizer.json says "special": false. That decides, so
 * that both containers of a model give the same tokenizer. */
static bool is_plain_added(struct gguf_text text)
{
    static const char *const names[] = {"<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
                                        "<|fim_pad|>",    "<|repo_name|>",  "<|file_sep|>"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(text, names[i])) return true;
    return false;
}

static int check_kind(const struct gguf *g, struct error *e)
{
    struct gguf_text model = {"", 0};
    struct gguf_text pre = {"", 0};
    gguf_get_text(g, "tokenizer.ggml.model", &model);
    gguf_get_text(g, "tokenizer.ggml.pre", &pre);
    if (!text_is(model, "gpt2"))
        return error_set(e, ERR_UNSUPPORTED,
                         "tokenizer.ggml.model is not \"gpt2\": only Qwen2.5's byte-level BPE is supported");
    if (!text_is(pre, "qwen2"))
        return error_set(e, ERR_UNSUPPORTED,
                         "tokenizer.ggml.pre is not \"qwen2\": only Qwen2.5's tokenizer is supported; take a newer "
                         "conversion");
    return OK;
}

static int read_tokens(struct tokenizer_store *s, const struct gguf_pair *tokens, const struct gguf_pair *types,
                       struct error *e)
{
    const uint8_t *at = tokens->value;
    for (uint64_t i = 0; i < tokens->count; i++) {
        struct gguf_text text = gguf_next_text(&at);
        int32_t type = TYPE_NORMAL;
        if (types) memcpy(&type, types->value + 4 * i, sizeof type);
        if (type == TYPE_UNUSED) continue;
        if (memchr(text.data, '\0', text.len))
            return error_set(e, ERR_FORMAT, "token %llu holds a zero byte; the file is damaged", (unsigned long long)i);
        uint8_t kind = type == TYPE_CONTROL && !is_plain_added(text)       ? 1
                       : type == TYPE_CONTROL || type == TYPE_USER_DEFINED ? 2
                                                                           : 0;
        int rc = tokenizer_store_set(s, (size_t)i, text.data, text.len, kind, e);
        if (rc) return rc;
    }
    return OK;
}

static int read_merges(struct tokenizer_store *s, const struct gguf_pair *merges, struct error *e)
{
    const uint8_t *at = merges->value;
    for (uint64_t i = 0; i < merges->count; i++) {
        struct gguf_text text = gguf_next_text(&at);
        if (memchr(text.data, '\0', text.len))
            return error_set(e, ERR_FORMAT, "merge %llu holds a zero byte; the file is damaged", (unsigned long long)i);
        int rc = tokenizer_store_add_merge(s, text.data, text.len, e);
        if (rc) return rc;
    }
    return OK;
}

int tokenizer_store_read_gguf(struct tokenizer_store *s, const struct gguf *g, struct error *e)
{
    const struct gguf_pair *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    const struct gguf_pair *types = gguf_find(g, "tokenizer.ggml.token_type");
    const struct gguf_pair *merges = gguf_find(g, "tokenizer.ggml.merges");
    if (!tokens) return OK; /* weights alone: `logits` and `generate --ids` still work */
    int rc = check_kind(g, e);
    if (rc) return rc;
    if (!is_array(tokens, GGUF_STRING) || !is_array(merges, GGUF_STRING))
        return error_set(e, ERR_FORMAT, "the tokenizer's tokens or merges are missing; pull the model again");
    if (types && (!is_array(types, GGUF_I32) || types->count != tokens->count))
        return error_set(e, ERR_FORMAT, "the tokenizer's types do not fit its tokens; pull the model again");
    rc = read_tokens(s, tokens, types, e);
    if (!rc) rc = read_merges(s, merges, e);
    struct gguf_text template;
    if (!rc && gguf_get_text(g, "tokenizer.chat_template", &template)) {
        s->chat_template = strndup(template.data, template.len);
        if (!s->chat_template) rc = error_set(e, ERR_NOMEM, "no memory for the tokenizer");
    }
    if (!rc) tokenizer_store_finish(s);
    return rc;
}
