/* grammar_vocab.c - see grammar_vocab.h. Built once: tokens sorted by their bytes, then one pass. */
#include "engine/grammar_vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct spelled {
    const uint8_t *bytes;
    uint32_t n;
    int32_t id;
};

static int by_bytes(const void *a, const void *b)
{
    const struct spelled *x = a;
    const struct spelled *y = b;
    int order = memcmp(x->bytes, y->bytes, x->n < y->n ? x->n : y->n);
    if (order) return order;
    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

/* U+2028 and U+2029, which a pattern's dot leaves out */
static bool is_line_end(const uint8_t *s, size_t n)
{
    return n >= 3 && s[0] == 0xE2 && s[1] == 0x80 && (s[2] == 0xA8 || s[2] == 0xA9);
}

/* Characters of a plain token, 0 if it is not plain. */
static uint32_t plain_chars(const uint8_t *s, size_t n)
{
    if (!utf8_is_valid((const char *)s, n)) return 0;
    for (size_t i = 0; i < n; i++)
        if (s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || is_line_end(s + i, n - i)) return 0;
    size_t count = utf8_count((const char *)s, n);
    return count <= VOCAB_PLAIN_CHARS ? (uint32_t)count : 0;
}

static uint32_t shared_prefix(const struct spelled *a, const struct spelled *b)
{
    uint32_t n = 0;
    while (n < a->n && n < b->n && a->bytes[n] == b->bytes[n]) n++;
    return n;
}

static void close_nodes(struct trie *t, const uint32_t *open, uint32_t depth, uint32_t down_to)
{
    for (uint32_t d = depth; d > down_to; d--) t->nodes[open[d]].skip = t->n;
}

/* list: sorted by bytes. */
static int build_trie(struct trie *t, const struct spelled *list, size_t count)
{
    size_t nodes = 2;
    for (size_t i = 0; i < count; i++) nodes += list[i].n - (i ? shared_prefix(&list[i - 1], &list[i]) : 0);
    t->nodes = calloc(nodes, sizeof *t->nodes);
    t->tokens = malloc((count + 1) * sizeof *t->tokens);
    if (!t->nodes || !t->tokens) return ERR_NOMEM;
    uint32_t open[VOCAB_DEPTH + 1] = {0};
    uint32_t depth = 0;
    t->n = 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t keep = i ? shared_prefix(&list[i - 1], &list[i]) : 0;
        close_nodes(t, open, depth, keep);
        for (depth = keep; depth < list[i].n;) {
            uint8_t byte = list[i].bytes[depth++];
            open[depth] = t->n;
            t->nodes[t->n++] = (struct trie_node){.first = (uint32_t)i, .byte = byte, .depth = (uint8_t)depth};
        }
        t->tokens[i] = list[i].id;
    }
    close_nodes(t, open, depth, 0);
    t->nodes[0].skip = t->n;
    t->nodes[t->n] = (struct trie_node){.skip = t->n, .first = (uint32_t)count};
    return OK;
}

uint32_t trie_child(const struct trie *t, uint32_t node, uint8_t byte)
{
    for (uint32_t i = node + 1; i < t->nodes[node].skip; i = t->nodes[i].skip)
        if (t->nodes[i].byte >= byte) return t->nodes[i].byte == byte ? i : 0;
    return 0;
}

static void mark_plain(struct grammar_vocab *v, const struct spelled *token, uint32_t chars)
{
    for (uint32_t k = chars; k <= VOCAB_PLAIN_CHARS; k++)
        v->plain[k][token->id / 64] |= (uint64_t)1 << (token->id % 64);
}

static int fill(struct grammar_vocab *v, struct spelled *list)
{
    size_t count = 0;
    int size = tokenizer_size(v->t);
    for (int b = 0; b < 256; b++) v->single[b] = -1;
    for (int32_t id = 0; id < size; id++) {
        size_t n = 0;
        const char *bytes = tokenizer_token_bytes(v->t, id, &n);
        if (!bytes || n == 0 || n > VOCAB_DEPTH || tokenizer_is_special(v->t, id)) continue;
        list[count++] = (struct spelled){(const uint8_t *)bytes, (uint32_t)n, id};
        if (n == 1 && v->single[(uint8_t)bytes[0]] < 0) v->single[(uint8_t)bytes[0]] = id;
    }
    qsort(list, count, sizeof *list, by_bytes);
    if (build_trie(&v->all, list, count)) return ERR_NOMEM;
    size_t rough = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t chars = plain_chars(list[i].bytes, list[i].n);
        if (chars)
            mark_plain(v, &list[i], chars);
        else
            list[rough++] = list[i];
    }
    return build_trie(&v->rough, list, rough);
}

int grammar_vocab_new(struct grammar_vocab **out, const struct tokenizer *t, struct error *e)
{
    *out = NULL;
    struct grammar_vocab *v = calloc(1, sizeof *v);
    if (!v) return error_set(e, ERR_NOMEM, "no memory for the vocabulary");
    v->t = t;
    v->words = ((size_t)tokenizer_size(t) + 63) / 64;
    struct spelled *list = malloc(((size_t)tokenizer_size(t) + 1) * sizeof *list);
    int rc = list ? OK : ERR_NOMEM;
    for (int k = 0; !rc && k <= VOCAB_PLAIN_CHARS; k++) {
        v->plain[k] = calloc(v->words + 1, sizeof **v->plain);
        if (!v->plain[k]) rc = ERR_NOMEM;
    }
    if (!rc) rc = fill(v, list);
    free(list);
    if (rc) error_set(e, rc, "no memory for the vocabulary");
    for (int b = 0; !rc && b < 256; b++)
        if (v->single[b] < 0)
            rc = error_set(e, ERR_UNSUPPORTED, "this tokenizer cannot write every byte: no form can be kept with it");
    if (rc) {
        grammar_vocab_free(v);
        return rc;
    }
    *out = v;
    return OK;
}

void grammar_vocab_free(struct grammar_vocab *v)
{
    if (!v) return;
    for (int k = 0; k <= VOCAB_PLAIN_CHARS; k++) free(v->plain[k]);
    free(v->all.nodes);
    free(v->all.tokens);
    free(v->rough.nodes);
    free(v->rough.tokens);
    free(v);
}

size_t grammar_vocab_words(const struct grammar_vocab *v)
{
    return v->words;
}
