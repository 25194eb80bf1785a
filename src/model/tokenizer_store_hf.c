/* tokenizer_store_hf.c - the tokenizer files of a Hugging Face directory as tokenizer data: tokenizer.json, or
 * vocab.json with merges.txt and tokenizer_config.json. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/model_file_parts.h"

static int bad(struct error *e, const char *what)
{
    return error_set(e, ERR_FORMAT, "the tokenizer %s; pull the model again", what);
}

/* The text of a JSON string without zero bytes, else NULL. */
static const char *clean_text(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool is_taken(const struct tokenizer_store *s, size_t id)
{
    return id < s->data.vocab_size && s->tokens[id];
}

static int read_vocabulary(struct tokenizer_store *s, const json_t *vocabulary, struct error *e)
{
    if (!json_is_object(vocabulary)) return bad(e, "has no vocabulary");
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)vocabulary, text, id)
    {
        json_int_t number = json_integer_value(id);
        if (!json_is_integer(id) || number < 0 || number >= LIMIT_VOCAB)
            return bad(e, "has a token without a possible id");
        if (is_taken(s, (size_t)number)) return bad(e, "has two tokens of one id");
        int rc = tokenizer_store_set(s, (size_t)number, text, strlen(text), 0, e);
        if (rc) return rc;
    }
    return OK;
}

/* A merge is "left right" or, in newer files, ["left", "right"]. */
static int read_merge(struct tokenizer_store *s, const json_t *merge, struct error *e)
{
    const char *whole = clean_text(merge);
    if (whole) return tokenizer_store_add_merge(s, whole, strlen(whole), e);
    const char *left = clean_text(json_array_get(merge, 0));
    const char *right = clean_text(json_array_get(merge, 1));
    if (!left || !right || json_array_size(merge) != 2 || strchr(left, ' ')) return bad(e, "has a malformed merge");
    struct buf pair = BUF_INIT(LIMIT_TOKENIZER_JSON);
    int rc = buf_printf(&pair, "%s %s", left, right);
    rc = rc ? error_set(e, rc, "no memory for the tokenizer")
            : tokenizer_store_add_merge(s, buf_text(&pair), pair.len, e);
    buf_free(&pair);
    return rc;
}

static int read_merges(struct tokenizer_store *s, const json_t *merges, struct error *e)
{
    if (!json_is_array(merges)) return bad(e, "has no merges");
    for (size_t i = 0; i < json_array_size(merges); i++) {
        int rc = read_merge(s, json_array_get(merges, i), e);
        if (rc) return rc;
    }
    return OK;
}

static bool is_off(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    bool nothing = (json_is_string(value) && json_string_length(value) == 0) ||
                   (json_is_number(value) && !(json_number_value(value) > 0));
    return !value || json_is_null(value) || json_is_false(value) || nothing;
}

/* The first of the keys (NULL ends them) that is not off, or NULL. */
static const char *first_on(const json_t *object, const char *const *keys)
{
    while (*keys && is_off(object, *keys)) keys++;
    return *keys;
}

/* {"content", "special"}: its text may also be in the vocabulary, under the same id. */
static int add_token(struct tokenizer_store *s, json_int_t id, const json_t *token, struct error *e)
{
    static const char *const must_be_off[] = {"lstrip", "rstrip", "single_word", NULL};
    const char *text = clean_text(json_object_get(token, "content"));
    const char *on = first_on(token, must_be_off);
    if (on)
        return error_set(e, ERR_UNSUPPORTED, "the tokenizer's added token %lld uses %s, which is not supported",
                         (long long)id, on);
    if (!text || !*text || id < 0 || id >= LIMIT_VOCAB) return bad(e, "has a malformed added token");
    if (is_taken(s, (size_t)id) && strcmp(s->tokens[id], text) != 0) return bad(e, "has two tokens of one id");
    uint8_t kind = json_is_true(json_object_get(token, "special")) ? 1 : 2;
    return tokenizer_store_set(s, (size_t)id, text, strlen(text), kind, e);
}

static bool has_type(const json_t *object, const char *type)
{
    const char *text = json_string_value(json_object_get(object, "type"));
    return text && strcmp(text, type) == 0;
}

/* Qwen2.5's way of cutting text into words, as its tokenizer.json writes it. */
static bool cuts_like_qwen(const json_t *pre)
{
    static const char regex[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                                "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const json_t *steps = json_object_get(pre, "pretokenizers");
    const json_t *split = json_array_get(steps, 0);
    const json_t *bytes = json_array_get(steps, 1);
    const char *pattern = json_string_value(json_object_get(json_object_get(split, "pattern"), "Regex"));
    const char *behavior = json_string_value(json_object_get(split, "behavior"));
    return has_type(pre, "Sequence") && json_array_size(steps) == 2 && has_type(split, "Split") && pattern &&
           strcmp(pattern, regex) == 0 && behavior && strcmp(behavior, "Isolated") == 0 && is_off(split, "invert") &&
           has_type(bytes, "ByteLevel") && is_off(bytes, "add_prefix_space") && is_off(bytes, "use_regex");
}

/* A template that puts the text where it stands and no token beside it. */
static bool template_adds_nothing(const json_t *post)
{
    const json_t *single = json_object_get(post, "single");
    return json_array_size(single) == 1 && json_object_get(json_array_get(single, 0), "Sequence");
}

static bool adds_nothing(const json_t *post, int depth)
{
    const json_t *steps = json_object_get(post, "processors");
    if (!post || json_is_null(post) || has_type(post, "ByteLevel")) return true;
    if (has_type(post, "TemplateProcessing")) return template_adds_nothing(post);
    if (!has_type(post, "Sequence") || !json_is_array(steps) || depth > 2) return false;
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (!adds_nothing(json_array_get(steps, i), depth + 1)) return false;
    return true;
}

/* Settings of the merges and around them that would give other ids. */
static int refuse_settings(const json_t *root, const json_t *model, struct error *e)
{
    static const char *const must_be_off[] = {"ignore_merges",
                                              "byte_fallback",
                                              "dropout",
                                              "unk_token",
                                              "fuse_unk",
                                              "end_of_word_suffix",
                                              "continuing_subword_prefix",
                                              NULL};
    const char *on = first_on(model, must_be_off);
    if (on) return error_set(e, ERR_UNSUPPORTED, "the tokenizer uses %s, which is not supported", on);
    if (!adds_nothing(json_object_get(root, "post_processor"), 0))
        return error_set(e, ERR_UNSUPPORTED, "the tokenizer's post_processor adds tokens or is not Qwen2.5's");
    return OK;
}

/* The steps around the merges are built in, so a file that asks for others is another model's. One that says nothing of
 * a step is taken at its word that it is Qwen's. */
static int check_steps(const json_t *root, const json_t *model, struct error *e)
{
    const json_t *normalizer = json_object_get(root, "normalizer");
    const json_t *pre = json_object_get(root, "pre_tokenizer");
    const char *kind = json_string_value(json_object_get(model, "type"));
    if (kind && strcmp(kind, "BPE") != 0)
        return error_set(e, ERR_UNSUPPORTED, "the tokenizer type \"%.32s\" is not supported, only BPE", kind);
    if ((normalizer && !has_type(normalizer, "NFC")) || (pre && !cuts_like_qwen(pre)))
        return error_set(e, ERR_UNSUPPORTED,
                         "its normalizer or pre_tokenizer are not Qwen2.5's, and no others are supported");
    return refuse_settings(root, model, e);
}

int tokenizer_store_parse_json(struct tokenizer_store *s, const char *text, size_t n, struct error *e)
{
    if (n > LIMIT_TOKENIZER_JSON) return bad(e, "is over the size limit");
    json_t *root = NULL;
    int rc = json_read(&root, text, n, e);
    const json_t *model = json_object_get(root, "model");
    const json_t *added = json_object_get(root, "added_tokens");
    if (!rc) rc = check_steps(root, model, e);
    if (!rc && added && !json_is_null(added) && !json_is_array(added)) rc = bad(e, "has malformed added tokens");
    if (!rc) rc = read_vocabulary(s, json_object_get(model, "vocab"), e);
    if (!rc) rc = read_merges(s, json_object_get(model, "merges"), e);
    for (size_t i = 0; !rc && i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        const json_t *id = json_object_get(token, "id");
        rc = add_token(s, json_is_integer(id) ? json_integer_value(id) : -1, token, e);
    }
    json_decref(root);
    if (!rc) tokenizer_store_finish(s);
    return rc;
}

int tokenizer_store_parse_vocab(struct tokenizer_store *s, const char *json, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, json, n, e);
    if (!rc) rc = read_vocabulary(s, root, e);
    json_decref(root);
    return rc;
}

int tokenizer_store_parse_merges(struct tokenizer_store *s, const char *text, size_t n, struct error *e)
{
    const char *end = text + n;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) stop = end;
        size_t len = (size_t)(stop - line);
        if (len > 0 && line[len - 1] == '\r') len--;
        bool is_version = line == text && len >= 8 && memcmp(line, "#version", 8) == 0;
        if (len > 0 && !is_version) {
            if (memchr(line, '\0', len)) return bad(e, "has a merge with a zero byte");
            int rc = tokenizer_store_add_merge(s, line, len, e);
            if (rc) return rc;
        }
        line = stop + 1;
    }
    return OK;
}

int tokenizer_store_parse_added(struct tokenizer_store *s, const char *json, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, json, n, e);
    const char *key;
    json_t *token;
    json_object_foreach(json_object_get(root, "added_tokens_decoder"), key, token)
    {
        char *rest = NULL;
        long id = strtol(key, &rest, 10);
        if (!rc) rc = add_token(s, *key && !*rest ? id : -1, token, e);
    }
    json_decref(root);
    if (!rc) tokenizer_store_finish(s);
    return rc;
}

int tokenizer_store_parse_template(struct tokenizer_store *s, const char *json, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, json, n, e);
    const char *text = clean_text(json_object_get(root, "chat_template"));
    if (!rc && text) {
        free(s->chat_template);
        s->chat_template = strdup(text);
        if (!s->chat_template) rc = error_set(e, ERR_NOMEM, "no memory for the tokenizer");
    }
    json_decref(root);
    if (!rc && s->data.present) tokenizer_store_finish(s);
    return rc;
}
