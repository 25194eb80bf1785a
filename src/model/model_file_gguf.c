/* model_file_gguf.c - a GGUF file, or all splits of a set, as a model_file. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "model/gguf.h"
#include "model/gguf_names.h"
#include "model/model_file_parts.h"

/* Unknown names are kept: nobody will ask for them. */
static void canonical_name(struct gguf_text name, char *out, size_t n)
{
    char text[LIMIT_TENSOR_NAME + 1];
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    gguf_name_to_canonical(text, out, n);
}

static int add_tensors(struct model_file *f, const struct gguf *g, struct error *e)
{
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        char name[LIMIT_TENSOR_NAME + 64];
        canonical_name(t->name, name, sizeof name);
        struct tensor_view view = {
            .type = t->type, .rows = t->rows, .cols = t->cols, .data = t->data, .bytes = t->bytes};
        int rc = model_file_add(f, name, &view, e);
        if (rc) return rc;
    }
    return OK;
}

/* general.name if it is clean text, else the file's name. */
static void read_name(struct model_file *f, const struct gguf *g)
{
    struct gguf_text name;
    bool clean = gguf_get_text(g, "general.name", &name) && name.len > 0 && name.len < sizeof f->name &&
                 utf8_is_valid(name.data, name.len);
    for (size_t i = 0; clean && i < name.len; i++) clean = (uint8_t)name.data[i] >= ' ' && name.data[i] != 0x7F;
    if (clean) {
        memcpy(f->name, name.data, name.len);
        f->name[name.len] = '\0';
    } else {
        snprintf(f->name, sizeof f->name, "%.200s", file_base_name(f->path));
    }
}

static bool five_digits(const char *at, int *out)
{
    *out = 0;
    for (int i = 0; i < 5; i++) {
        if (at[i] < '0' || at[i] > '9') return false;
        *out = *out * 10 + (at[i] - '0');
    }
    return true;
}

/* "x-00002-of-00003.gguf" is one of a set of *count; the name of part `index` (from 1) goes to out. */
static bool split_path(const char *path, int index, int *count, char *out, size_t n)
{
    enum { SUFFIX = 20 }; /* -00002-of-00003.gguf */
    size_t len = strlen(path);
    const char *at = path + len - SUFFIX;
    int number;
    if (len < SUFFIX || at[0] != '-' || !five_digits(at + 1, &number) || strncmp(at + 6, "-of-", 4) != 0 ||
        !five_digits(at + 10, count) || strcmp(at + 15, ".gguf") != 0)
        return false;
    if (number < 1 || number > *count || *count > (int)LIMIT_MODEL_SHARDS) return false;
    int written = snprintf(out, n, "%.*s-%05d-of-%05d.gguf", (int)(len - SUFFIX), path, index, *count);
    return written > 0 && (size_t)written < n;
}

/* Does part `index` of `count` say so itself? A file that is in no set says nothing (count 1). */
static int check_split(const struct gguf *g, int index, int count, struct error *e)
{
    int64_t said_count = 1;
    int64_t said_index = index - 1;
    gguf_get_integer(g, "split.count", &said_count);
    gguf_get_integer(g, "split.no", &said_index);
    if (said_count == count && said_index == index - 1) return OK;
    if (count == 1 && said_count > 1)
        return error_set(e, ERR_FORMAT,
                         "it is part %lld of %lld but not named so; give the published name "
                         "(...-00001-of-%05lld.gguf) and keep all parts beside it",
                         (long long)said_index + 1, (long long)said_count, (long long)said_count);
    return error_set(
        e, ERR_FORMAT,
        "it is named part %d of %d but says it is part %lld of %lld; the parts are mixed up, pull the model "
        "again",
        index, count, (long long)said_index + 1, (long long)said_count);
}

static int read_part(struct model_file *f, const char *path, int index, int count, struct gguf *g, struct error *e)
{
    struct file_map *map = NULL;
    if (count > 1 && !file_exists(path))
        return error_set(e, ERR_FORMAT, "part %d of %d, %s, is missing beside the others; pull the model again", index,
                         count, file_base_name(path));
    int rc = model_file_map(f, path, &map, e);
    if (!rc) rc = gguf_parse(g, map->data, map->size, e);
    if (!rc) rc = check_split(g, index, count, e);
    if (!rc) rc = add_tensors(f, g, e);
    if (rc && count > 1) error_context(e, "part %d of %d", index, count);
    return rc;
}

/* Every part after the first; then the set must hold as many tensors as the first part announced. */
static int read_other_parts(struct model_file *f, const char *path, int count, const struct gguf *first,
                            struct error *e)
{
    char part[LIMIT_PATH];
    for (int i = 2; i <= count; i++) {
        struct gguf g = {0};
        int rc = split_path(path, i, &count, part, sizeof part) ? OK : ERR_TOO_LONG;
        rc = rc ? error_set(e, rc, "a part's name is too long") : read_part(f, part, i, count, &g, e);
        gguf_free(&g);
        if (rc) return rc;
    }
    int64_t tensors;
    if (gguf_get_integer(first, "split.tensors.count", &tensors) && tensors != (int64_t)f->tensor_count)
        return error_set(e, ERR_FORMAT, "the set announces %lld tensors but its parts hold %zu; pull the model again",
                         (long long)tensors, f->tensor_count);
    return OK;
}

int model_file_read_gguf(struct model_file *f, const char *path, struct error *e)
{
    f->container = "gguf";
    char part[LIMIT_PATH];
    int count = 1;
    struct gguf first = {0};
    if (!split_path(path, 1, &count, part, sizeof part)) {
        count = 1;
        memcpy(part, path, strlen(path) + 1); /* model_file_open checked its length */
    }
    int rc = read_part(f, part, 1, count, &first, e);
    if (!rc) rc = read_other_parts(f, path, count, &first, e);
    if (!rc) rc = config_read_gguf(f, &first, e);
    if (!rc) rc = tokenizer_store_read_gguf(&f->tokenizer, &first, e);
    if (!rc) rc = config_read_gguf_generation(f, &first, e);
    if (!rc) read_name(f, &first);
    gguf_free(&first);
    return rc;
}
