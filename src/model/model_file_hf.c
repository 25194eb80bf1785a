/* model_file_hf.c - a Hugging Face directory as a model_file: config.json, generation_config.json, tokenizer.json (or
 * vocab.json with merges.txt and tokenizer_config.json), model.safetensors or its shards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/model_file_parts.h"
#include "model/safetensors.h"

/* Read directory/name into text. ERR_NOT_FOUND is left to the caller, without a sentence. */
static int read_part(const char *directory, const char *name, struct buf *text, struct error *e)
{
    char path[LIMIT_PATH];
    if (path_join(path, sizeof path, directory, name))
        return error_set(e, ERR_TOO_LONG, "the model's path is too long");
    if (!file_exists(path)) return ERR_NOT_FOUND;
    return file_read(text, path, e);
}

static int read_configs(struct model_file *f, const char *directory, struct error *e)
{
    struct buf text = BUF_INIT(LIMIT_CONFIG_JSON);
    int rc = read_part(directory, "config.json", &text, e);
    if (rc == ERR_NOT_FOUND)
        rc = error_set(e, ERR_NOT_FOUND,
                       "it has no config.json: give a GGUF file, or a directory as published on Hugging Face");
    else if (!rc) {
        rc = config_parse_hf(&f->config, buf_text(&text), text.len, e);
        if (rc) error_context(e, "config.json");
    }
    buf_clear(&text);
    if (!rc) {
        int found = read_part(directory, "generation_config.json", &text, e);
        if (found == OK) {
            rc = config_parse_generation(&f->config, buf_text(&text), text.len, e);
            if (rc) error_context(e, "generation_config.json");
        } else if (found != ERR_NOT_FOUND) {
            rc = found;
        }
    }
    buf_free(&text);
    return rc;
}

static int read_shard(struct model_file *f, const char *directory, const char *name, struct error *e)
{
    char path[LIMIT_PATH];
    struct file_map *map = NULL;
    struct safetensors s = {0};
    if (path_join(path, sizeof path, directory, name))
        return error_set(e, ERR_TOO_LONG, "the model's path is too long");
    int rc = model_file_map(f, path, &map, e);
    if (!rc) rc = safetensors_parse(&s, map->data, map->size, e);
    for (size_t i = 0; !rc && i < s.count; i++) {
        const struct safetensor *t = &s.tensors[i];
        struct tensor_view view = {
            .type = t->type, .rows = t->rows, .cols = t->cols, .data = t->data, .bytes = t->bytes};
        rc = model_file_add(f, t->name, &view, e);
    }
    safetensors_free(&s);
    if (rc) error_context(e, "%s", name);
    return rc;
}

static bool is_plain_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, "..") != 0;
}

/* The index maps tensors to files; each file is read once, and every tensor must then be there. */
static int read_shards(struct model_file *f, const char *directory, const char *index, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, index, n, e);
    json_t *map = json_object_get(root, "weight_map");
    json_t *done = json_object();
    const char *tensor;
    json_t *file;
    if (!rc && (!json_is_object(map) || !done))
        rc = error_set(e, ERR_FORMAT, "model.safetensors.index.json has no weight_map");
    if (!rc) {
        json_object_foreach(map, tensor, file)
        {
            const char *name = json_string_value(file);
            if (!name || !is_plain_name(name)) {
                rc = error_set(e, ERR_FORMAT, "model.safetensors.index.json names no file for %.200s", tensor);
                break;
            }
            if (json_object_get(done, name)) continue;
            rc = read_shard(f, directory, name, e);
            if (rc || json_object_set_new(done, name, json_true())) break;
        }
    }
    if (!rc) {
        json_object_foreach(map, tensor, file)
        {
            if (model_file_find(f, tensor)) continue;
            rc = error_set(e, ERR_FORMAT, "the tensor %.200s is not in %.200s as the index says; pull the model again",
                           tensor, json_string_value(file));
            break;
        }
    }
    json_decref(done);
    json_decref(root);
    return rc;
}

static int read_weights(struct model_file *f, const char *directory, struct error *e)
{
    struct buf index = BUF_INIT(LIMIT_CONFIG_JSON);
    int rc = read_part(directory, "model.safetensors.index.json", &index, e);
    if (rc == OK)
        rc = read_shards(f, directory, buf_text(&index), index.len, e);
    else if (rc == ERR_NOT_FOUND)
        rc = read_shard(f, directory, "model.safetensors", e);
    buf_free(&index);
    return rc;
}

/* vocab.json + merges.txt + the added tokens of tokenizer_config.json, wrapped as tokenizer.json would hold them. */
static int read_split_tokenizer(struct model_file *f, const char *directory, struct error *e)
{
    struct buf vocab = BUF_INIT(LIMIT_TOKENIZER_JSON);
    struct buf merges = BUF_INIT(LIMIT_TOKENIZER_JSON);
    struct buf settings = BUF_INIT(LIMIT_CONFIG_JSON);
    json_t *tokens = NULL;
    json_t *root = NULL;
    int rc = read_part(directory, "vocab.json", &vocab, e);
    if (rc == ERR_NOT_FOUND) {
        rc = OK; /* no tokenizer at all: weights alone */
        goto out;
    }
    if (!rc) rc = read_part(directory, "merges.txt", &merges, e);
    if (!rc) rc = read_part(directory, "tokenizer_config.json", &settings, e);
    if (rc == ERR_NOT_FOUND)
        rc = error_set(e, ERR_FORMAT, "merges.txt or tokenizer_config.json is missing beside vocab.json");
    if (!rc) rc = json_read(&tokens, buf_text(&vocab), vocab.len, e);
    if (!rc) rc = json_read(&root, buf_text(&settings), settings.len, e);
    if (rc) goto out;
    const char *text;
    json_t *value;
    json_object_foreach(tokens, text, value)
    {
        if (!rc && json_is_integer(value) && json_integer_value(value) >= 0)
            rc = tokenizer_store_set(&f->tokenizer, (size_t)json_integer_value(value), text, strlen(text), 0, e);
    }
    json_object_foreach(json_object_get(root, "added_tokens_decoder"), text, value)
    {
        const char *content = json_string_value(json_object_get(value, "content"));
        uint8_t kind = json_is_true(json_object_get(value, "special")) ? 1 : 2;
        if (!rc && content)
            rc = tokenizer_store_set(&f->tokenizer, (size_t)strtoul(text, NULL, 10), content, strlen(content), kind, e);
    }
    char *rest = NULL;
    for (char *line = merges.data ? strtok_r(merges.data, "\r\n", &rest) : NULL; line && !rc;
         line = strtok_r(NULL, "\r\n", &rest))
        if (strncmp(line, "#version", 8) != 0) rc = tokenizer_store_add_merge(&f->tokenizer, line, strlen(line), e);
    if (!rc) tokenizer_store_finish(&f->tokenizer);
out:
    json_decref(tokens);
    json_decref(root);
    buf_free(&vocab);
    buf_free(&merges);
    buf_free(&settings);
    return rc;
}

static int read_tokenizer(struct model_file *f, const char *directory, struct error *e)
{
    struct buf text = BUF_INIT(LIMIT_TOKENIZER_JSON);
    int rc = read_part(directory, "tokenizer.json", &text, e);
    if (rc == OK)
        rc = tokenizer_store_parse_json(&f->tokenizer, buf_text(&text), text.len, e);
    else if (rc == ERR_NOT_FOUND)
        rc = read_split_tokenizer(f, directory, e);
    buf_free(&text);
    return rc;
}

int model_file_read_hf(struct model_file *f, const char *directory, struct error *e)
{
    f->container = "huggingface";
    int rc = read_configs(f, directory, e);
    if (!rc) rc = read_weights(f, directory, e);
    if (!rc) rc = read_tokenizer(f, directory, e);
    if (rc) return rc;
    char whole[LIMIT_PATH];
    size_t n = strlen(directory);
    memcpy(whole, directory, n + 1);
    while (n > 1 && whole[n - 1] == '/') whole[--n] = '\0';
    snprintf(f->name, sizeof f->name, "%.200s", file_base_name(whole));
    return OK;
}
