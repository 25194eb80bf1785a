/* manifest.c - see manifest.h. */
#include "hub/manifest.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

static void copy_text(char *out, size_t n, const json_t *value)
{
    const char *text = json_string_value(value);
    snprintf(out, n, "%s", text ? text : "");
}

int manifest_parse(struct manifest *m, const char *data, size_t n, struct error *e)
{
    json_t *root = NULL;
    *m = (struct manifest){0};
    int rc = json_read(&root, data, n, e);
    if (rc) return rc;
    const json_t *files = json_object_get(root, "files");
    copy_text(m->id, sizeof m->id, json_object_get(root, "id"));
    copy_text(m->source, sizeof m->source, json_object_get(root, "source"));
    copy_text(m->repo, sizeof m->repo, json_object_get(root, "repo"));
    copy_text(m->revision, sizeof m->revision, json_object_get(root, "revision"));
    copy_text(m->open, sizeof m->open, json_object_get(root, "open"));
    m->standin = json_is_true(json_object_get(root, "standin"));
    if (!json_is_array(files)) rc = error_set(e, ERR_FORMAT, "it has no list of files");
    if (!rc && m->open[0] && !hub_path_is_safe(m->open, strlen(m->open)))
        rc = error_set(e, ERR_FORMAT, "it names an unsafe file");
    for (size_t i = 0; i < json_array_size(files) && !rc; i++) {
        const json_t *f = json_array_get(files, i);
        const json_t *path = json_object_get(f, "path");
        const json_t *size = json_object_get(f, "size");
        if (!json_is_string(path) || !hub_path_is_safe(json_string_value(path), json_string_length(path)) ||
            !json_is_integer(size) || json_integer_value(size) < 0)
            rc = error_set(e, ERR_FORMAT, "it names an unsafe file or an impossible size");
        else
            rc = hub_listing_add(&m->files, json_string_value(path), json_integer_value(size),
                                 json_string_value(json_object_get(f, "sha256")), e);
        const char *git = json_string_value(json_object_get(f, "git"));
        if (!rc && digest_is_git_hex(git)) digest_copy_git(m->files.files[m->files.count - 1].git, git);
    }
    json_decref(root);
    return rc;
}

int manifest_read(struct manifest *m, const char *directory, struct error *e)
{
    char path[LIMIT_PATH];
    struct buf text = BUF_INIT(LIMIT_PULL_MANIFEST);
    *m = (struct manifest){0};
    if (path_join(path, sizeof path, directory, MANIFEST_NAME))
        return error_set(e, ERR_TOO_LONG, "the model directory's path is too long");
    if (!file_exists(path)) return error_set(e, ERR_NOT_FOUND, "%s is missing", MANIFEST_NAME);
    int rc = file_read(&text, path, e);
    if (!rc && manifest_parse(m, buf_text(&text), text.len, e)) {
        error_context(e, "%s is broken", MANIFEST_NAME);
        rc = ERR_FORMAT;
    }
    buf_free(&text);
    return rc;
}

int manifest_write(const struct manifest *m, const char *directory, struct error *e)
{
    char path[LIMIT_PATH];
    json_t *files = json_array();
    for (size_t i = 0; i < m->files.count; i++) {
        const struct hub_file *f = &m->files.files[i];
        json_array_append_new(files, json_pack("{s:s, s:I, s:s, s:s*}", "path", f->path, "size", (json_int_t)f->size,
                                               "sha256", f->sha256, "git", f->git[0] ? f->git : NULL));
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "id", m->id, "source", m->source, "repo", m->repo,
                             "revision", m->revision, "open", m->open, "standin", m->standin, "files", files);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    int rc = text ? OK : error_set(e, ERR_NOMEM, "no memory to write %s", MANIFEST_NAME);
    if (!rc && path_join(path, sizeof path, directory, MANIFEST_NAME))
        rc = error_set(e, ERR_TOO_LONG, "the model directory's path is too long");
    if (!rc) rc = file_write_atomic(path, text, strlen(text), 0644, e);
    free(text);
    json_decref(root);
    return rc;
}

void manifest_free(struct manifest *m)
{
    hub_listing_free(&m->files);
}

bool manifest_is_complete(const struct manifest *m, const char *directory)
{
    char path[LIMIT_PATH];
    for (size_t i = 0; i < m->files.count; i++)
        if (path_join(path, sizeof path, directory, m->files.files[i].path) ||
            file_size(path) != m->files.files[i].size)
            return false;
    return m->files.count > 0;
}
