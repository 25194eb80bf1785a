/* tokenizer_store.c - a tokenizer's tables, grown while they are read (tokenizer_store_hf.c, tokenizer_store_gguf.c).
 */
#include <stdlib.h>
#include <string.h>

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
