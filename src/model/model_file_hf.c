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

static bool has_pickle(const char *directory)
{
    char path[LIMIT_PATH];
    static const char *const names[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
    for (size_t i = 0; i < 2; i++)
        if (path_join(path, sizeof path, directory, names[i]) == OK && file_exists(path)) return true;
    return false;
}

static int read_shard(struct model_file *f, const char *directory, const char *name, struct error *e)
{
    char path[LIMIT_PATH];
    struct file_map *map = NULL;
    struct safetensors s = {0};
    if (path_join(path, sizeof path, directory, name))
        return error_set(e, ERR_TOO_LONG, "the model's path is too long");
    if (!file_exists(path))
        return error_set(e, ERR_FORMAT, "%.200s is missing from the model's directory; pull the model again%s", name,
                         has_pickle(directory) ? " (pytorch_model.bin is not read, only safetensors)" : "");
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
    if (strchr(name, '/') || strlen(name) > 255 || *name == '.') return false;
    for (const char *p = name; *p; p++)
        if (*p < ' ' || *p == 0x7F) return false;
    return *name != '\0';
}

static bool is_in_file(const struct model_file *f, const char *tensor, json_int_t map)
{
    const struct tensor_view *t = model_file_find(f, tensor);
    if (!t) return false;
    const struct file_map *m = &f->maps[map];
    return (const uint8_t *)t->data >= m->data && (const uint8_t *)t->data < m->data + m->size;
}

/* The index maps tensors to files; each file is read once, and every tensor must then be there. */
static int read_shards(struct model_file *f, const char *directory, const char *index, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, index, n, e);
    if (rc) error_context(e, "model.safetensors.index.json");
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
            if (!rc && json_object_set_new(done, name, json_integer((json_int_t)f->map_count - 1)))
                rc = error_set(e, ERR_NOMEM, "no memory to open the model");
            if (rc) break;
        }
    }
    if (!rc) {
        json_object_foreach(map, tensor, file)
        {
            if (is_in_file(f, tensor, json_integer_value(json_object_get(done, json_string_value(file))))) continue;
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

/* Read directory/name and give it to parse; *there says whether it exists. */
typedef int (*part_parser)(struct tokenizer_store *s, const char *text, size_t n, struct error *e);

static int parse_part(struct model_file *f, const char *directory, const char *name, part_parser parse, bool *there,
                      struct error *e)
{
    struct buf text = BUF_INIT(LIMIT_TOKENIZER_JSON);
    int rc = read_part(directory, name, &text, e);
    *there = rc != ERR_NOT_FOUND;
    if (!*there) {
        rc = OK;
    } else {
        if (!rc) rc = parse(&f->tokenizer, buf_text(&text), text.len, e);
        if (rc) error_context(e, "%s", name);
    }
    buf_free(&text);
    return rc;
}

/* tokenizer.json, or vocab.json + merges.txt + the added tokens of tokenizer_config.json; neither: weights alone. */
static int read_tokenizer(struct model_file *f, const char *directory, struct error *e)
{
    bool there;
    bool config_there;
    bool merges_there = true;
    int rc = parse_part(f, directory, "tokenizer.json", tokenizer_store_parse_json, &there, e);
    if (!rc && there)
        return parse_part(f, directory, "tokenizer_config.json", tokenizer_store_parse_template, &config_there, e);
    if (!rc) rc = parse_part(f, directory, "vocab.json", tokenizer_store_parse_vocab, &there, e);
    if (rc || !there) return rc;
    rc = parse_part(f, directory, "merges.txt", tokenizer_store_parse_merges, &merges_there, e);
    if (!rc) rc = parse_part(f, directory, "tokenizer_config.json", tokenizer_store_parse_added, &config_there, e);
    if (!rc && (!merges_there || !config_there))
        rc = error_set(e, ERR_FORMAT, "%s is missing beside vocab.json; pull the model again",
                       merges_there ? "tokenizer_config.json" : "merges.txt");
    if (!rc) rc = parse_part(f, directory, "tokenizer_config.json", tokenizer_store_parse_template, &config_there, e);
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
