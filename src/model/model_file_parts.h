/* model_file_parts.h - the inside of a model_file, shared by its two readers (GGUF and Hugging Face); nobody else's. */
#ifndef XIAOBEI_MODEL_MODEL_FILE_PARTS_H
#define XIAOBEI_MODEL_MODEL_FILE_PARTS_H

#include "base/limits.h"
#include "model/model_file.h"

/* tokenizer_data whose arrays are owned here. */
struct tokenizer_store {
    struct tokenizer_data data; /* the public view */
    char **tokens;              /* [token_cap] owned strings or NULL */
    uint8_t *kinds;             /* [token_cap] */
    size_t token_cap;
    char **merges;
    size_t merge_cap;
    char *chat_template;
};

struct model_file {
    char path[LIMIT_PATH];
    char name[256];
    const char *container;
    struct model_config config;
    struct file_map *maps; /* [map_count]: the files tensors lie in */
    size_t map_count;
    struct tensor_view *tensors;
    char **tensor_names; /* owned, same order */
    size_t tensor_count, tensor_cap;
    uint32_t *index; /* [index_mask + 1]: hash table of names; position + 1 in tensors, 0 = free */
    size_t index_mask;
    struct tokenizer_store tokenizer;
};

int model_file_read_gguf(struct model_file *f, const char *path, struct error *e) MUST_USE;
int model_file_read_hf(struct model_file *f, const char *directory, struct error *e) MUST_USE;

/* Add a tensor under its canonical name (copied). ERR_FORMAT if the name is already taken. */
int model_file_add(struct model_file *f, const char *name, const struct tensor_view *t, struct error *e) MUST_USE;
int model_file_map(struct model_file *f, const char *path, struct file_map **out, struct error *e) MUST_USE;

/* Set token id's text (n bytes, copied); grows the arrays. ERR_FORMAT beyond LIMIT_VOCAB. */
int tokenizer_store_set(struct tokenizer_store *s, size_t id, const char *text, size_t n, uint8_t kind,
                        struct error *e) MUST_USE;
int tokenizer_store_add_merge(struct tokenizer_store *s, const char *text, size_t n, struct error *e) MUST_USE;
void tokenizer_store_finish(struct tokenizer_store *s); /* publish the arrays in data; may be called again */
void tokenizer_store_free(struct tokenizer_store *s);

/* The three readings of a GGUF's metadata, in this order, tensors first. */
struct gguf;
int config_read_gguf(struct model_file *f, const struct gguf *g, struct error *e) MUST_USE;
int tokenizer_store_read_gguf(struct tokenizer_store *s, const struct gguf *g, struct error *e) MUST_USE;
int config_read_gguf_generation(struct model_file *f, const struct gguf *g, struct error *e) MUST_USE;

/* vocab.json, merges.txt and tokenizer_config.json (data, length) into s, as tokenizer.json would be. */
int tokenizer_store_parse_vocab(struct tokenizer_store *s, const char *json, size_t n, struct error *e) MUST_USE;
int tokenizer_store_parse_merges(struct tokenizer_store *s, const char *text, size_t n, struct error *e) MUST_USE;
int tokenizer_store_parse_added(struct tokenizer_store *s, const char *json, size_t n, struct error *e) MUST_USE;

/* chat_template of a tokenizer_config.json, if it has one. */
int tokenizer_store_parse_template(struct tokenizer_store *s, const char *json, size_t n, struct error *e) MUST_USE;

/* Parse tokenizer.json (data, length) into s. */
int tokenizer_store_parse_json(struct tokenizer_store *s, const char *json, size_t n, struct error *e) MUST_USE;

#endif
