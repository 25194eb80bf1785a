/* hub_listing.c - see hub_listing.h. */
#include "hub/hub_listing.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

enum { COMPONENT_MAX = 255, NAME_MAX_BYTES = 200 };

bool hub_path_is_safe(const char *path, size_t n)
{
    size_t start = 0;
    if (n == 0 || n > LIMIT_HUB_NAME || !utf8_is_valid(path, n)) return false;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && ((unsigned char)path[i] < 0x20 || path[i] == 0x7f || path[i] == '\\')) return false;
        if (i < n && path[i] != '/') continue;
        size_t length = i - start;
        if (length == 0 || length > COMPONENT_MAX) return false;
        if (path[start] == '.' && (length == 1 || (length == 2 && path[start + 1] == '.'))) return false;
        start = i + 1;
    }
    return true;
}

bool hub_name_is_safe(const char *name, size_t n)
{
    if (n == 0 || n > NAME_MAX_BYTES || name[0] == '.' || name[0] == '-') return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-') return false;
    }
    return true;
}

void hub_listing_free(struct hub_listing *l)
{
    for (size_t i = 0; i < l->count; i++) free(l->files[i].path);
    free(l->files);
    *l = (struct hub_listing){0};
}

const struct hub_file *hub_listing_find(const struct hub_listing *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->files[i].path, path) == 0) return &l->files[i];
    return NULL;
}

int hub_listing_add(struct hub_listing *l, const char *path, int64_t size, const char *sha256, struct error *e)
{
    if (l->count == LIMIT_HUB_FILES)
        return error_set(e, ERR_LIMIT, "the repository lists more than %u files", LIMIT_HUB_FILES);
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        struct hub_file *grown = realloc(l->files, cap * sizeof *grown);
        if (!grown) return error_set(e, ERR_NOMEM, "no memory for the hub's listing");
        l->files = grown;
        l->cap = cap;
    }
    struct hub_file *f = &l->files[l->count];
    *f = (struct hub_file){.path = strdup(path), .size = size};
    if (!f->path) return error_set(e, ERR_NOMEM, "no memory for the hub's listing");
    if (digest_is_hex(sha256)) digest_copy(f->sha256, sha256);
    l->count++;
    return OK;
}

int hub_listing_copy(struct hub_listing *l, const struct hub_file *f, struct error *e)
{
    int rc = hub_listing_add(l, f->path, f->size, f->sha256, e);
    if (rc) return rc;
    struct hub_file *copy = &l->files[l->count - 1];
    memcpy(copy->git, f->git, sizeof copy->git);
    memcpy(copy->version, f->version, sizeof copy->version);
    return OK;
}

static int add_checked(struct hub_listing *l, const json_t *path, const json_t *size, const json_t *sha256,
                       struct error *e)
{
    if (!json_is_string(path) || !hub_path_is_safe(json_string_value(path), json_string_length(path)))
        return error_set(e, ERR_FORMAT, "the hub lists a file with an unsafe name; nothing of it is taken");
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > LIMIT_HUB_FILE_BYTES)
        return error_set(e, ERR_FORMAT, "the hub's listing has an impossible size for %.80s", json_string_value(path));
    return hub_listing_add(l, json_string_value(path), json_integer_value(size), json_string_value(sha256), e);
}

int hub_listing_parse_huggingface(struct hub_listing *l, const char *data, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, data, n, e);
    if (rc) {
        error_context(e, "the hub's listing");
        return rc;
    }
    if (!json_is_array(root)) rc = error_set(e, ERR_FORMAT, "the hub's listing is not a list of files");
    size_t count = json_array_size(root);
    for (size_t i = 0; i < count && !rc; i++) {
        const json_t *entry = json_array_get(root, i);
        const json_t *lfs = json_object_get(entry, "lfs");
        const char *type = json_string_value(json_object_get(entry, "type"));
        if (!type) rc = error_set(e, ERR_FORMAT, "the hub's listing has an entry without a type");
        if (!type || strcmp(type, "file") != 0) continue;
        const json_t *size = json_object_get(json_is_object(lfs) ? lfs : entry, "size");
        rc = add_checked(l, json_object_get(entry, "path"), size ? size : json_object_get(entry, "size"),
                         json_object_get(lfs, "oid"), e);
        const char *oid = !lfs || json_is_null(lfs) ? json_string_value(json_object_get(entry, "oid")) : NULL;
        if (!rc && digest_is_git_hex(oid)) digest_copy_git(l->files[l->count - 1].git, oid);
    }
    json_decref(root);
    return rc;
}

int hub_listing_parse_modelscope(struct hub_listing *l, const char *data, size_t n, struct error *e)
{
    json_t *root = NULL;
    int rc = json_read(&root, data, n, e);
    if (rc) {
        error_context(e, "the hub's listing");
        return rc;
    }
    const json_t *files = json_object_get(json_object_get(root, "Data"), "Files");
    if (!json_is_array(files)) rc = error_set(e, ERR_FORMAT, "the hub's listing has no list of files");
    size_t count = json_array_size(files);
    for (size_t i = 0; i < count && !rc; i++) {
        const json_t *entry = json_array_get(files, i);
        const char *type = json_string_value(json_object_get(entry, "Type"));
        if (type && strcmp(type, "tree") == 0) continue;
        rc = add_checked(l, json_object_get(entry, "Path"), json_object_get(entry, "Size"),
                         json_object_get(entry, "Sha256"), e);
    }
    json_decref(root);
    return rc;
}
