/* model_store.c - see model_store.h. */
#include "hub/model_store.h"

#include <dirent.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "hub/journal.h"
#include "hub/manifest.h"
#include "hub/pull_lock.h"
#include "hub/tree.h"

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* What a journal says of the .part beside it; 0 for one whose file is finished. */
static int64_t journal_bytes(const char *path)
{
    char part[LIMIT_PATH];
    int64_t size = 0;
    int n = snprintf(part, sizeof part, "%.*s", (int)(strlen(path) - strlen(".journal")), path);
    return n > 0 && (size_t)n < sizeof part && file_exists(part) ? journal_peek(path, NULL, &size) : 0;
}

/* Bytes of an unfinished model: finished files by size, .part files (sparse) by their journals. */
static int64_t partial_bytes(const char *directory)
{
    char *roots[] = {(char *)(uintptr_t)directory, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    int64_t bytes = 0;
    for (FTSENT *f; fts && (f = fts_read(fts)) != NULL;) {
        if (f->fts_info != FTS_F || ends_with(f->fts_name, ".part")) continue;
        bytes += ends_with(f->fts_name, ".part.journal") ? journal_bytes(f->fts_path) : f->fts_statp->st_size;
    }
    if (fts) fts_close(fts);
    return bytes;
}

static int describe(struct stored_model *s, const char *models, const char *id, struct error *e)
{
    char directory[LIMIT_PATH];
    struct manifest m;
    struct error ignored = {0};
    *s = (struct stored_model){0};
    snprintf(s->id, sizeof s->id, "%s", id);
    if (path_join(directory, sizeof directory, models, id))
        return error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    s->broken = manifest_read(&m, directory, &ignored) != ERR_NOT_FOUND;
    s->complete = s->broken && manifest_is_complete(&m, directory);
    if (s->complete) s->broken = false;
    if (s->complete) {
        for (size_t i = 0; i < m.files.count; i++) s->bytes += m.files.files[i].size;
        s->standin = m.standin;
        snprintf(s->source, sizeof s->source, "%s", m.source);
        snprintf(s->type, sizeof s->type, "%s", ends_with(m.open, ".gguf") ? "gguf" : "safetensors");
    } else {
        s->bytes = partial_bytes(directory);
        snprintf(s->type, sizeof s->type, "partial");
    }
    int rc = s->complete && m.open[0] ? path_join(s->path, sizeof s->path, directory, m.open)
                                      : path_join(s->path, sizeof s->path, models, id);
    manifest_free(&m);
    return rc ? error_set(e, rc, "the models directory's path is too long") : OK;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct stored_model *)a)->id, ((const struct stored_model *)b)->id);
}

static int grow(struct stored_models *list, struct error *e)
{
    if (list->count == LIMIT_MODELS_LISTED)
        return error_set(e, ERR_LIMIT, "the models directory holds more than %u entries", LIMIT_MODELS_LISTED);
    if (list->count < list->cap) return OK;
    size_t cap = list->cap ? list->cap * 2 : 8;
    struct stored_model *grown = realloc(list->models, cap * sizeof *grown);
    if (!grown) return error_set(e, ERR_NOMEM, "no memory to list the models");
    list->models = grown;
    list->cap = cap;
    return OK;
}

int model_store_list(struct stored_models *out, const char *models, struct error *e)
{
    *out = (struct stored_models){0};
    DIR *dir = opendir(models);
    int rc = OK;
    for (struct dirent *d; dir && !rc && (d = readdir(dir)) != NULL;) {
        char path[LIMIT_PATH];
        if (d->d_name[0] == '.' || !hub_path_is_safe(d->d_name, strlen(d->d_name)) ||
            path_join(path, sizeof path, models, d->d_name) || !file_is_directory(path))
            continue;
        rc = grow(out, e);
        if (!rc) rc = describe(&out->models[out->count], models, d->d_name, e);
        if (!rc) out->count++;
    }
    if (dir) closedir(dir);
    if (out->count) qsort(out->models, out->count, sizeof *out->models, by_id);
    if (rc) model_store_free(out);
    return rc;
}

void model_store_free(struct stored_models *list)
{
    free(list->models);
    *list = (struct stored_models){0};
}

static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int find(const char *models, const char *id, char *directory, size_t n, struct error *e)
{
    if (!hub_name_is_safe(id, strlen(id)))
        return error_set(e, ERR_INVALID, "\"%.100s\" is not a model's id; `xiaobei ls` shows them", id);
    if (path_join(directory, n, models, id))
        return error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    if (!file_is_directory(directory) && !is_link(directory))
        return error_set(e, ERR_NOT_FOUND, "the model %.200s is not here; `xiaobei ls` shows what is", id);
    return OK;
}

int model_store_remove(const char *models, const char *id, struct progress *p, struct error *e)
{
    char directory[LIMIT_PATH], manifest[LIMIT_PATH];
    int lock = -1;
    int rc = find(models, id, directory, sizeof directory, e);
    if (!rc) rc = pull_lock_take(&lock, models, id, false, p, e);
    /* The manifest goes first: killed halfway, what is left counts as partial and not as a model. Of a link only the
     * link goes: what it leads to was put there by somebody else. */
    if (!rc && !is_link(directory) && !path_join(manifest, sizeof manifest, directory, MANIFEST_NAME)) unlink(manifest);
    if (!rc) rc = tree_remove(directory, e);
    pull_lock_release(lock);
    return rc;
}

static void show_hashing(void *user, int64_t done)
{
    progress_set(user, done);
}

static int verify_file(const struct hub_file *f, const char *directory, struct progress *p, struct error *e)
{
    char path[LIMIT_PATH];
    struct digest got;
    if (path_join(path, sizeof path, directory, f->path)) return error_set(e, ERR_TOO_LONG, "its path is too long");
    int64_t size = file_size(path);
    if (size < 0) return error_set(e, ERR_FORMAT, "%.200s is missing", f->path);
    if (size != f->size)
        return error_set(e, ERR_FORMAT, "%.200s has %lld bytes instead of %lld", f->path, (long long)size,
                         (long long)f->size);
    progress_begin(p, f->path, 0, size);
    int rc = digest_file(path, f->git[0], &got, show_hashing, p, e);
    progress_end(p);
    if (!rc && strcmp(got.sha256, f->sha256) != 0)
        rc = error_set(e, ERR_FORMAT, "%.200s is damaged (sha256 differs)", f->path);
    if (!rc && strcmp(got.git, f->git) != 0)
        rc = error_set(e, ERR_FORMAT, "%.200s is not what the hub published (git's id differs)", f->path);
    return rc;
}

int model_store_verify(const char *models, const char *id, struct progress *p, struct error *e)
{
    char directory[LIMIT_PATH];
    struct manifest m;
    int rc = find(models, id, directory, sizeof directory, e);
    if (rc) return rc;
    struct error why = {0};
    if (manifest_read(&m, directory, &why)) {
        manifest_free(&m);
        return error_set(e, ERR_FORMAT, "%.200s is not complete (%.100s); `xiaobei pull` brings the rest", id,
                         why.text);
    }
    for (size_t i = 0; i < m.files.count; i++) {
        struct error broken = {0};
        int code = verify_file(&m.files.files[i], directory, p, &broken);
        if (!code) continue;
        progress_say(p, "%s: %s", id, broken.text);
        progress_event(p, json_pack("{s:s, s:s, s:s}", "event", "broken", "id", id, "file", m.files.files[i].path));
        if (!rc)
            rc = error_set(e, code, "%.200s: %.200s; `xiaobei rm %.100s` and `xiaobei pull` bring it anew", id,
                           broken.text, id);
    }
    manifest_free(&m);
    return rc;
}
