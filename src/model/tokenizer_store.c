/* tokenizer_store.c - a tokenizer's tables, grown while they are read; and tokenizer.json's reader. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/model_file_parts.h"

static int grow(void **array, size_t *cap, size_t need, size_t size, struct error *e)
{
    if (need <= *cap) return OK;
    size_t wanted = *cap ? *cap * 2 : 4096;
    if (wanted < need) wanted = need;
    void *bigger = realloc(*array, wanted * size);
    if (!bigger) return error_set(e, ERR_NOMEM, "no memory for the tokenizer");
    memset((char *)bigger + *cap * size, 0, (wanted - *cap) * size);
    *array = bigger;
    *cap = wanted;
    return OK;
}

int tokenizer_store_set(struct tokenizer_store *s, size_t id, const char *text, size_t n, uint8_t kind, struct error *e)
{
    if (id >= LIMIT_VOCAB)
        return error_set(e, ERR_FORMAT, "token id %zu is over the limit; the tokenizer is damaged", id);
    size_t cap = s->token_cap;
    size_t kinds_cap = s->token_cap;
    int rc = grow((void **)&s->tokens, &cap, id + 1, sizeof *s->tokens, e);
    if (!rc) rc = grow((void **)&s->kinds, &kinds_cap, id + 1, sizeof *s->kinds, e);
    if (rc) return rc;
    s->token_cap = cap;
    free(s->tokens[id]);
    s->tokens[id] = strndup(text, n);
    s->kinds[id] = kind;
    if (!s->tokens[id]) return error_set(e, ERR_NOMEM, "no memory for the tokenizer");
    if (id + 1 > s->data.vocab_size) s->data.vocab_size = id + 1;
    return OK;
}

int tokenizer_store_add_merge(struct tokenizer_store *s, const char *text, size_t n, struct error *e)
{
    if (s->data.merge_count >= LIMIT_VOCAB)
        return error_set(e, ERR_FORMAT, "too many merges; the tokenizer is damaged");
    int rc = grow((void **)&s->merges, &s->merge_cap, s->data.merge_count + 1, sizeof *s->merges, e);
    if (rc) return rc;
    char *copy = strndup(text, n);
    if (!copy) return error_set(e, ERR_NOMEM, "no memory for the tokenizer");
    s->merges[s->data.merge_count++] = copy;
    return OK;
}

void tokenizer_store_finish(struct tokenizer_store *s)
{
    s->data.present = true;
    s->data.tokens = (const char *const *)s->tokens;
    s->data.kinds = s->kinds;
    s->data.merges = (const char *const *)s->merges;
    s->data.chat_template = s->chat_template;
}

void tokenizer_store_free(struct tokenizer_store *s)
{
    for (size_t i = 0; i < s->token_cap; i++) free(s->tokens[i]);
    for (size_t i = 0; i < s->data.merge_count; i++) free(s->merges[i]);
    free(s->tokens);
    free(s->kinds);
    free(s->merges);
    free(s->chat_template);
    *s = (struct tokenizer_store){0};
}

static int bad(struct error *e, const char *what)
{
    return error_set(e, ERR_FORMAT, "tokenizer.json %s; pull the model again", what);
}

static int read_vocabulary(struct tokenizer_store *s, const json_t *model, struct error *e)
{
    json_t *vocabulary = json_object_get(model, "vocab");
    if (!json_is_object(vocabulary)) return bad(e, "has no vocabulary");
    const char *text;
    json_t *id;
    json_object_foreach(vocabulary, text, id)
    {
        json_int_t number = json_integer_value(id);
        if (!json_is_integer(id) || number < 0) return bad(e, "has a token without an id");
        int rc = tokenizer_store_set(s, (size_t)number, text, strlen(text), 0, e);
        if (rc) return rc;
    }
    return OK;
}

/* A merge is "left right" or ["left", "right"]. */
static int read_merges(struct tokenizer_store *s, const json_t *model, struct error *e)
{
    const json_t *merges = json_object_get(model, "merges");
    if (!json_is_array(merges)) return bad(e, "has no merges");
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        const char *whole = json_string_value(merge);
        const char *left = json_string_value(json_array_get(merge, 0));
        const char *right = json_string_value(json_array_get(merge, 1));
        struct buf pair = BUF_INIT(LIMIT_TENSOR_NAME * 16);
        if (!whole && left && right && json_array_size(merge) == 2) {
            buf_printf(&pair, "%s %s", left, right);
            whole = buf_error(&pair) ? NULL : buf_text(&pair);
        }
        int rc = whole ? tokenizer_store_add_merge(s, whole, strlen(whole), e) : bad(e, "has a malformed merge");
        buf_free(&pair);
        if (rc) return rc;
    }
    return OK;
}

static int read_added(struct tokenizer_store *s, const json_t *root, struct error *e)
{
    const json_t *added = json_object_get(root, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        const char *text = json_string_value(json_object_get(token, "content"));
        const json_t *id = json_object_get(token, "id");
        if (!text || !json_is_integer(id) || json_integer_value(id) < 0) return bad(e, "has a malformed added token");
        uint8_t kind = json_is_true(json_object_get(token, "special")) ? 1 : 2;
        int rc = tokenizer_store_set(s, (size_t)json_integer_value(id), text, strlen(text), kind, e);
        if (rc) return rc;
    }
    return OK;
}

int tokenizer_store_parse_json(struct tokenizer_store *s, const char *text, size_t n, struct error *e)
{
    if (n > LIMIT_TOKENIZER_JSON) return bad(e, "is over the size limit");
    json_t *root = NULL;
    int rc = json_read(&root, text, n, e);
    const json_t *model = json_object_get(root, "model");
    const char *kind = json_string_value(json_object_get(model, "type"));
    if (!rc && kind && strcmp(kind, "BPE") != 0)
        rc = error_set(e, ERR_UNSUPPORTED, "the tokenizer type \"%.32s\" is not supported, only BPE", kind);
    if (!rc) rc = read_vocabulary(s, model, e);
    if (!rc) rc = read_merges(s, model, e);
    if (!rc) rc = read_added(s, root, e);
    json_decref(root);
    if (!rc) tokenizer_store_finish(s);
    return rc;
}
