/* tokenizer.c - see tokenizer.h: the tables, the way of a text through them, and back. */
#include "model/tokenizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "model/bpe.h"
#include "model/model_file_parts.h"
#include "model/nfc.h"
#include "model/pretokenize.h"

enum { MAX_ADDED = 1024, CACHE_SIZE = 4096, CACHED_WORD = 24, CACHED_IDS = 6 };

struct text_slot { /* a token's text -> id, open addressing */
    int32_t id;    /* -1 empty */
};

struct tokenizer {
    int size;              /* ids are [0, size) */
    char **bytes;          /* [size] decoded bytes of each token, NULL for gaps; owned */
    uint32_t *lengths;     /* [size] */
    uint8_t *kinds;        /* [size] */
    int32_t byte_ids[256]; /* token of each single byte */
    struct bpe bpe;
    struct text_slot *index; /* bytes -> id */
    size_t index_mask;
    int32_t added[MAX_ADDED]; /* special and user-defined tokens, longest first */
    int added_count;
    bool added_first[256]; /* first bytes of added tokens */
};

/* --- GPT-2's byte alphabet: printable bytes stand for themselves, the rest for U+0100 and up
 * ------------------------------- */

static bool byte_is_printable(int b)
{
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
}

static void fill_alphabet(int16_t byte_of[512])
{
    memset(byte_of, 0xFF, 512 * sizeof *byte_of);
    int next = 256;
    for (int b = 0; b < 256; b++) byte_of[byte_is_printable(b) ? b : next++] = (int16_t)b;
}

/* The bytes that an alphabet text stands for; -1 if a character is not of the alphabet. out has strlen(text) bytes. */
static long decode_alphabet(const int16_t byte_of[512], const char *text, size_t n, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += utf8_decode(text + i, n - i, &c);
        if (c >= 512 || byte_of[c] < 0) return -1;
        out[len++] = (char)byte_of[c];
    }
    return (long)len;
}

/* --- building
 * ---------------------------------------------------------------------------------------------------------------- */

static size_t text_hash(const char *s, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 0x100000001B3u;
    return (size_t)(h ^ h >> 32);
}

static int32_t find_text(const struct tokenizer *t, const char *s, size_t n)
{
    for (size_t i = text_hash(s, n) & t->index_mask; t->index[i].id >= 0; i = (i + 1) & t->index_mask) {
        int32_t id = t->index[i].id;
        if (t->lengths[id] == n && memcmp(t->bytes[id], s, n) == 0) return id;
    }
    return -1;
}

static void index_text(struct tokenizer *t, int32_t id)
{
    if (find_text(t, t->bytes[id], t->lengths[id]) >= 0) return; /* the lower id keeps the text */
    size_t i = text_hash(t->bytes[id], t->lengths[id]) & t->index_mask;
    while (t->index[i].id >= 0) i = (i + 1) & t->index_mask;
    t->index[i].id = id;
}

static int add_token(struct tokenizer *t, const struct tokenizer_data *d, int32_t id, const int16_t byte_of[512],
                     struct error *e)
{
    const char *text = d->tokens[id];
    if (!text) return OK;
    size_t n = strlen(text);
    t->bytes[id] = malloc(n + 1);
    if (!t->bytes[id]) return error_set(e, ERR_NOMEM, "no memory for the vocabulary");
    t->kinds[id] = d->kinds[id];
    if (d->kinds[id]) {
        memcpy(t->bytes[id], text, n + 1);
        t->lengths[id] = (uint32_t)n;
        if (n == 0 || t->added_count == MAX_ADDED)
            return error_set(e, ERR_FORMAT, "the tokenizer has an empty or too many added tokens");
        t->added[t->added_count++] = id;
        t->added_first[(uint8_t)text[0]] = true;
        return OK;
    }
    long len = decode_alphabet(byte_of, text, n, t->bytes[id]);
    if (len <= 0)
        return error_set(e, ERR_FORMAT,
                         "token %d is not written in the byte-level alphabet; the tokenizer is not Qwen's", id);
    t->bytes[id][len] = '\0';
    t->lengths[id] = (uint32_t)len;
    index_text(t, id);
    return OK;
}

static int add_merge(struct tokenizer *t, const char *text, size_t rank, const int16_t byte_of[512], bool *made,
                     struct error *e)
{
    char bytes[2048];
    const char *space = strchr(text, ' ');
    size_t n = strlen(text);
    if (!space || n >= sizeof bytes)
        return error_set(e, ERR_FORMAT, "merge %zu is malformed; pull the model again", rank);
    long left_len = decode_alphabet(byte_of, text, (size_t)(space - text), bytes);
    long right_len =
        left_len < 0 ? -1 : decode_alphabet(byte_of, space + 1, n - (size_t)(space - text) - 1, bytes + left_len);
    if (left_len <= 0 || right_len <= 0)
        return error_set(e, ERR_FORMAT, "merge %zu is malformed; pull the model again", rank);
    int32_t left = find_text(t, bytes, (size_t)left_len);
    int32_t right = find_text(t, bytes + left_len, (size_t)right_len);
    int32_t result = find_text(t, bytes, (size_t)(left_len + right_len));
    if (left < 0 || right < 0 || result < 0)
        return error_set(
            e, ERR_FORMAT,
            "merge %zu makes a token that the vocabulary lacks; vocabulary and merges do not belong together", rank);
    bpe_add(&t->bpe, left, right, (int32_t)rank, result);
    made[result] = true;
    return OK;
}

/* All merges. Every token of more than one byte is made by one; if not, the list was cut short, and texts would come
 * out in other pieces than the model was trained on. */
static int add_merges(struct tokenizer *t, const struct tokenizer_data *d, const int16_t byte_of[512], struct error *e)
{
    bool *made = calloc((size_t)t->size, sizeof *made);
    int rc = made ? OK : error_set(e, ERR_NOMEM, "no memory for the merges");
    for (size_t i = 0; !rc && i < d->merge_count; i++) rc = add_merge(t, d->merges[i], i, byte_of, made, e);
    for (int id = 0; !rc && id < t->size; id++)
        if (t->bytes[id] && !t->kinds[id] && t->lengths[id] > 1 && !made[id])
            rc =
                error_set(e, ERR_FORMAT, "no merge makes token %d; the merges are cut short, pull the model again", id);
    free(made);
    return rc;
}

static int longer_first(const void *a, const void *b, void *context)
{
    const struct tokenizer *t = context;
    uint32_t x = t->lengths[*(const int32_t *)a];
    uint32_t y = t->lengths[*(const int32_t *)b];
    return x > y ? -1 : x < y;
}

static int build(struct tokenizer *t, const struct tokenizer_data *d, struct error *e)
{
    size_t n = d->vocab_size;
    size_t slots = 16;
    while (slots < n * 2) slots *= 2;
    t->bytes = calloc(n, sizeof *t->bytes);
    t->lengths = calloc(n, sizeof *t->lengths);
    t->kinds = calloc(n, 1);
    t->index = malloc(slots * sizeof *t->index);
    t->index_mask = slots - 1;
    if (!t->bytes || !t->lengths || !t->kinds || !t->index)
        return error_set(e, ERR_NOMEM, "no memory for the vocabulary");
    memset(t->index, 0xFF, slots * sizeof *t->index);
    t->size = (int)n;
    int16_t byte_of[512];
    fill_alphabet(byte_of);
    int rc = bpe_init(&t->bpe, d->merge_count, e);
    for (size_t i = 0; !rc && i < n; i++) rc = add_token(t, d, (int32_t)i, byte_of, e);
    for (int b = 0; !rc && b < 256; b++) {
        char byte = (char)b;
        t->byte_ids[b] = find_text(t, &byte, 1);
        if (t->byte_ids[b] < 0)
            rc = error_set(e, ERR_FORMAT, "the vocabulary has no token for byte %d; the tokenizer is not Qwen's", b);
    }
    if (!rc) rc = add_merges(t, d, byte_of, e);
    qsort_r(t->added, (size_t)t->added_count, sizeof *t->added, longer_first, t);
    return rc;
}

int tokenizer_new(struct tokenizer **out, const struct tokenizer_data *data, struct error *e)
{
    *out = NULL;
    if (!data->present || data->vocab_size == 0 || data->vocab_size > LIMIT_VOCAB)
        return error_set(e, ERR_FORMAT, "the model has no tokenizer; take one that carries its vocabulary");
    struct tokenizer *t = calloc(1, sizeof *t);
    if (!t) return error_set(e, ERR_NOMEM, "no memory for the tokenizer");
    int rc = build(t, data, e);
    if (rc) {
        tokenizer_free(t);
        return rc;
    }
    *out = t;
    return OK;
}

int tokenizer_new_from_json(struct tokenizer **out, const char *json, size_t n, struct error *e)
{
    struct tokenizer_store store = {0};
    *out = NULL;
    int rc = tokenizer_store_parse_json(&store, json, n, e);
    if (!rc) rc = tokenizer_new(out, &store.data, e);
    tokenizer_store_free(&store);
    return rc;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t) return;
    for (int i = 0; t->bytes && i < t->size; i++) free(t->bytes[i]);
    free(t->bytes);
    free(t->lengths);
    free(t->kinds);
    free(t->index);
    bpe_fini(&t->bpe);
    free(t);
}

/* --- encoding
 * ---------------------------------------------------------------------------------------------------------------- */

void token_list_free(struct token_list *list)
{
    free(list->ids);
    *list = (struct token_list){0};
}

static int token_list_reserve(struct token_list *list, size_t extra)
{
    if (list->cap - list->len >= extra) return OK;
    size_t cap = list->cap * 2 > list->len + extra ? list->cap * 2 : list->len + extra + 64;
    int32_t *ids = realloc(list->ids, cap * sizeof *ids);
    if (!ids) return ERR_NOMEM;
    list->ids = ids;
    list->cap = cap;
    return OK;
}

int token_list_push(struct token_list *list, int32_t id)
{
    int rc = token_list_reserve(list, 1);
    if (!rc) list->ids[list->len++] = id;
    return rc;
}

/* Words seen in this call: medical text repeats itself. */
struct cached_word {
    uint8_t len, count;
    char word[CACHED_WORD];
    int32_t ids[CACHED_IDS];
};

struct encoder {
    const struct tokenizer *t;
    struct token_list *out;
    struct bpe_scratch scratch;
    struct cached_word *cache; /* [CACHE_SIZE] or NULL */
};

static int encode_word(struct encoder *c, const char *s, size_t n)
{
    const struct tokenizer *t = c->t;
    struct cached_word *slot = NULL;
    if (token_list_reserve(c->out, n)) return ERR_NOMEM;
    int32_t *ids = c->out->ids + c->out->len;
    if (c->cache && n > 1 && n <= CACHED_WORD) {
        slot = &c->cache[text_hash(s, n) % CACHE_SIZE];
        if (slot->len == n && memcmp(slot->word, s, n) == 0) {
            memcpy(ids, slot->ids, sizeof *ids * slot->count);
            c->out->len += slot->count;
            return OK;
        }
    }
    for (size_t i = 0; i < n; i++) ids[i] = t->byte_ids[(uint8_t)s[i]];
    long count = bpe_apply(&t->bpe, ids, n, &c->scratch);
    if (count < 0) return (int)count;
    c->out->len += (size_t)count;
    if (slot && count <= CACHED_IDS) {
        slot->len = (uint8_t)n;
        slot->count = (uint8_t)count;
        memcpy(slot->word, s, n);
        memcpy(slot->ids, ids, sizeof *ids * (size_t)count);
    }
    return OK;
}

static int encode_pieces(struct encoder *c, const char *s, size_t n)
{
    while (n > 0) {
        size_t len = pretokenize_next(s, n);
        int rc = encode_word(c, s, len);
        if (rc) return rc;
        s += len;
        n -= len;
    }
    return OK;
}

/* Replace invalid bytes, normalise to NFC, encode. */
static int encode_stretch(struct encoder *c, const char *s, size_t n, struct error *e)
{
    if (nfc_is_plain(s, n)) return encode_pieces(c, s, n);
    struct buf normal = BUF_INIT(4 * LIMIT_TOKENIZE_BYTES);
    int rc = nfc_append(&normal, s, n);
    rc = rc ? error_set(e, rc, "no memory to normalise the text") : encode_pieces(c, buf_text(&normal), normal.len);
    buf_free(&normal);
    return rc;
}

/* The added token that starts at s, or -1. */
static int32_t match_added(const struct tokenizer *t, const char *s, size_t n)
{
    if (!t->added_first[(uint8_t)s[0]]) return -1;
    for (int i = 0; i < t->added_count; i++) {
        int32_t id = t->added[i];
        if (t->lengths[id] <= n && memcmp(t->bytes[id], s, t->lengths[id]) == 0) return id;
    }
    return -1;
}

static int encode_special(struct encoder *c, const char *s, size_t n, struct error *e)
{
    size_t start = 0;
    for (size_t i = 0; i < n;) {
        int32_t id = match_added(c->t, s + i, n - i);
        if (id < 0) {
            i++;
            continue;
        }
        int rc = i > start ? encode_stretch(c, s + start, i - start, e) : OK;
        if (!rc) rc = token_list_push(c->out, id);
        if (rc) return rc;
        i += c->t->lengths[id];
        start = i;
    }
    return n > start ? encode_stretch(c, s + start, n - start, e) : OK;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, enum tokenize_mode mode,
                     struct token_list *out, struct error *e)
{
    if (n > LIMIT_TOKENIZE_BYTES)
        return error_set(e, ERR_LIMIT, "a text of %zu bytes is over the limit of %zu", n, (size_t)LIMIT_TOKENIZE_BYTES);
    struct encoder c = {.t = t, .out = out};
    if (n > 256) c.cache = calloc(CACHE_SIZE, sizeof *c.cache); /* without it only slower */
    int rc = mode == TOKENIZE_SPECIAL ? encode_special(&c, text, n, e) : n ? encode_stretch(&c, text, n, e) : OK;
    bpe_scratch_free(&c.scratch);
    free(c.cache);
    return rc ? error_set(e, rc, "no memory to tokenise %zu bytes", n) : OK;
}

/* --- back to text
 * ------------------------------------------------------------------------------------------------------------ */

const char *tokenizer_token_bytes(const struct tokenizer *t, int32_t id, size_t *n)
{
    *n = 0;
    if (id < 0 || id >= t->size || !t->bytes[id]) return NULL;
    *n = t->lengths[id];
    return t->bytes[id];
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, int skip_special, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(t, ids[i], &len);
        if (bytes && !(skip_special && tokenizer_is_special(t, ids[i]))) buf_append(out, bytes, len);
    }
    return buf_error(out);
}

int32_t tokenizer_special_id(const struct tokenizer *t, const char *token)
{
    for (int i = 0; i < t->added_count; i++)
        if (strcmp(t->bytes[t->added[i]], token) == 0) return t->added[i];
    return -1;
}

int tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->size && t->kinds[id] == 1;
}

int tokenizer_size(const struct tokenizer *t)
{
    return t->size;
}
