/* model_file.c - see model_file.h: opening, looking up, closing. The two containers are read in model_file_gguf.c and
 * model_file_hf.c. Names are found through an open-addressing table: a hostile file may hold 16384 of them. */
#include "model/model_file.h"

#include <stdlib.h>
#include <string.h>

#include "model/model_file_parts.h"

/* A model that ends its answers with a token its tokenizer lacks has lost its added tokens on the way. */
static int check_end_tokens(const struct model_file *f, struct error *e)
{
    for (int i = 0; i < f->config.eos_count; i++) {
        int id = f->config.eos[i];
        if ((size_t)id < f->tokenizer.data.vocab_size && f->tokenizer.tokens[id]) continue;
        return error_set(
            e, ERR_FORMAT,
            "the tokenizer lacks the model's end token %d; its added tokens are missing, pull the model again", id);
    }
    return OK;
}

int model_file_open(struct model_file **out, const char *path, struct error *e)
{
    *out = NULL;
    if (strlen(path) >= LIMIT_PATH) return error_set(e, ERR_TOO_LONG, "the model's path is too long");
    if (!file_exists(path))
        return error_set(e, ERR_NOT_FOUND, "there is no model %s; `xiaobei ls` shows what is here",
                         file_base_name(path));
    struct model_file *f = calloc(1, sizeof *f);
    if (!f) return error_set(e, ERR_NOMEM, "no memory to open the model");
    memcpy(f->path, path, strlen(path) + 1);
    config_init(&f->config);
    int rc = file_is_directory(path) ? model_file_read_hf(f, path, e) : model_file_read_gguf(f, path, e);
    if (!rc) rc = config_validate(&f->config, e);
    if (!rc && f->tokenizer.data.present && f->tokenizer.data.vocab_size > (size_t)f->config.vocab_size)
        rc = error_set(
            e, ERR_FORMAT,
            "the tokenizer has %zu tokens but the weights only %d: they do not belong together; pull the model again",
            f->tokenizer.data.vocab_size, f->config.vocab_size);
    if (!rc && f->tokenizer.data.present) rc = check_end_tokens(f, e);
    if (rc) {
        error_context(e, "%s", file_base_name(path));
        model_file_close(f);
        return rc;
    }
    *out = f;
    return OK;
}

void model_file_close(struct model_file *f)
{
    if (!f) return;
    for (size_t i = 0; i < f->map_count; i++) file_map_close(&f->maps[i]);
    for (size_t i = 0; i < f->tensor_count; i++) free(f->tensor_names[i]);
    free(f->maps);
    free(f->tensors);
    free(f->tensor_names);
    free(f->index);
    tokenizer_store_free(&f->tokenizer);
    free(f);
}

int model_file_map(struct model_file *f, const char *path, struct file_map **out, struct error *e)
{
    if (f->map_count >= LIMIT_MODEL_SHARDS)
        return error_set(e, ERR_FORMAT, "the model has more than %u files", LIMIT_MODEL_SHARDS);
    struct file_map *maps = realloc(f->maps, (f->map_count + 1) * sizeof *maps);
    if (!maps) return error_set(e, ERR_NOMEM, "no memory to open the model");
    f->maps = maps;
    int rc = file_map_open(&maps[f->map_count], path, e);
    if (rc) return rc;
    *out = &maps[f->map_count++];
    return OK;
}

/* FNV-1a */
static size_t name_hash(const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *name; name++) h = (h ^ (uint8_t)*name) * 0x100000001B3u;
    return (size_t)(h ^ h >> 32);
}

/* Where name is, or the free place where it belongs. The table is never full. */
static uint32_t *index_place(const struct model_file *f, const char *name)
{
    size_t at = name_hash(name) & f->index_mask;
    while (f->index[at] && strcmp(f->tensor_names[f->index[at] - 1], name) != 0) at = (at + 1) & f->index_mask;
    return &f->index[at];
}

static int grow(struct model_file *f, struct error *e)
{
    size_t cap = f->tensor_cap ? 2 * f->tensor_cap : 512; /* a power of two */
    if (cap > 2 * LIMIT_TENSORS) return error_set(e, ERR_FORMAT, "the model has too many tensors; it is damaged");
    struct tensor_view *tensors = realloc(f->tensors, cap * sizeof *tensors);
    if (tensors) f->tensors = tensors;
    char **names = realloc(f->tensor_names, cap * sizeof *names);
    if (names) f->tensor_names = names;
    uint32_t *index = calloc(2 * cap, sizeof *index);
    if (!tensors || !names || !index) {
        free(index);
        return error_set(e, ERR_NOMEM, "no memory for the tensor table");
    }
    free(f->index);
    f->index = index;
    f->index_mask = 2 * cap - 1;
    f->tensor_cap = cap;
    for (size_t i = 0; i < f->tensor_count; i++) *index_place(f, f->tensor_names[i]) = (uint32_t)i + 1;
    return OK;
}

int model_file_add(struct model_file *f, const char *name, const struct tensor_view *t, struct error *e)
{
    if (model_file_find(f, name))
        return error_set(e, ERR_FORMAT, "the tensor %s is there twice; pull the model again", name);
    int rc = f->tensor_count == f->tensor_cap ? grow(f, e) : OK;
    if (rc) return rc;
    char *copy = strdup(name);
    if (!copy) return error_set(e, ERR_NOMEM, "no memory for the tensor table");
    *index_place(f, name) = (uint32_t)f->tensor_count + 1;
    f->tensor_names[f->tensor_count] = copy;
    f->tensors[f->tensor_count] = *t;
    f->tensors[f->tensor_count++].name = copy;
    return OK;
}

const struct model_config *model_file_config(const struct model_file *f)
{
    return &f->config;
}

const char *model_file_container(const struct model_file *f)
{
    return f->container;
}

const char *model_file_name(const struct model_file *f)
{
    return f->name;
}

const char *model_file_path(const struct model_file *f)
{
    return f->path;
}

size_t model_file_tensor_count(const struct model_file *f)
{
    return f->tensor_count;
}

const struct tensor_view *model_file_tensor(const struct model_file *f, size_t index)
{
    return &f->tensors[index];
}

const struct tensor_view *model_file_find(const struct model_file *f, const char *name)
{
    uint32_t at = f->index ? *index_place(f, name) : 0;
    return at ? &f->tensors[at - 1] : NULL;
}

typedef void (*map_advice)(const struct file_map *map, size_t offset, size_t length);

static void advise(const struct model_file *f, const uint8_t *at, size_t bytes, map_advice advice)
{
    for (size_t i = 0; i < f->map_count; i++) {
        const struct file_map *m = &f->maps[i];
        if (at >= m->data && at < m->data + m->size) advice(m, (size_t)(at - m->data), bytes);
    }
}

void model_file_expect(const struct model_file *f, const void *data, size_t bytes)
{
    advise(f, data, bytes, file_map_expect);
}

void model_file_forget(const struct model_file *f, const void *data, size_t bytes)
{
    advise(f, data, bytes, file_map_forget);
}

const struct tokenizer_data *model_file_tokenizer(const struct model_file *f)
{
    return &f->tokenizer.data;
}
