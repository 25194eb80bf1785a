/* registry.c - see registry.h. */
#include "hub/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "hub/hub_listing.h"

enum { ROWS_MAX = 1000 };

/* A package's name or version: goes into pip's arguments, so nothing that could be read as something else. */
static bool word_is_safe(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+!";
    size_t n = strlen(text);
    return n > 0 && n < 80 && text[0] != '-' && strspn(text, allowed) == n;
}

static bool repo_is_safe(const char *repo)
{
    const char *slash = strchr(repo, '/');
    return slash && hub_name_is_safe(repo, (size_t)(slash - repo)) && hub_name_is_safe(slash + 1, strlen(slash + 1));
}

static int read_row(struct model_entry *m, const json_t *row, struct error *e)
{
    json_int_t bytes = 0;
    json_error_t why;
    const char *id = NULL;
    int rc = json_unpack_ex((json_t *)(uintptr_t)row, &why, 0, "{s:s, s?s, s?s, s?I, s?s, s?s, s?s, s?i, s?s !}", "id",
                            &id, "repo", &m->repo, "file", &m->file, "bytes", &bytes, "sha256", &m->sha256, "package",
                            &m->package, "version", &m->version, "parts", &m->parts, "standin", &m->standin);
    if (rc) return error_set(e, ERR_FORMAT, "a row of the registry file is wrong: %.200s", why.text);
    m->id = id;
    m->bytes = bytes;
    const char *wrong = NULL;
    if (!hub_name_is_safe(id, strlen(id)))
        wrong = "id";
    else if (m->repo && !repo_is_safe(m->repo))
        wrong = "repo";
    else if (m->file && !hub_path_is_safe(m->file, strlen(m->file)))
        wrong = "file";
    else if (bytes < 0 || bytes > LIMIT_HUB_FILE_BYTES)
        wrong = "bytes";
    else if (m->sha256 && !digest_is_hex(m->sha256))
        wrong = "sha256";
    else if (m->package && !word_is_safe(m->package))
        wrong = "package";
    else if (m->package && (!m->version || !word_is_safe(m->version)))
        wrong = "version";
    else if (m->package && (m->parts < 1 || m->parts > LIMIT_PULL_PARTS))
        wrong = "parts";
    else if (m->package && (!m->sha256 || !m->file || strchr(m->file, '/') || bytes == 0))
        wrong = "sha256, file or bytes (packages need all three)";
    else if (!m->repo && !m->package)
        wrong = "repo or package (one must be there)";
    if (wrong) return error_set(e, ERR_FORMAT, "the registry file's row %.100s has an unusable %s", id, wrong);
    return OK;
}

static size_t built_in_count(void)
{
    size_t n = 0;
    while (model_entries()[n].id) n++;
    return n;
}

static int fill(struct registry *r, const json_t *rows, struct error *e)
{
    size_t own = json_array_size(rows);
    size_t known = built_in_count();
    if (own > ROWS_MAX) return error_set(e, ERR_LIMIT, "the registry file has more than %d rows", ROWS_MAX);
    r->entries = calloc(own + known + 1, sizeof *r->entries);
    if (!r->entries) return error_set(e, ERR_NOMEM, "no memory for the registry");
    for (size_t i = 0; i < own; i++) {
        int rc = read_row(&r->entries[i], json_array_get(rows, i), e);
        if (rc) return rc;
    }
    memcpy(r->entries + own, model_entries(), known * sizeof *r->entries);
    return OK;
}

int registry_parse(struct registry *r, const char *data, size_t n, struct error *e)
{
    *r = (struct registry){0};
    int rc = json_read(&r->strings, data, n, e);
    if (!rc && !json_is_array(r->strings)) rc = error_set(e, ERR_FORMAT, "the registry file is not a list of models");
    if (!rc) rc = fill(r, r->strings, e);
    if (rc) registry_close(r);
    return rc;
}

int registry_open(struct registry *r, const char *path, struct error *e)
{
    *r = (struct registry){0};
    if (!path) return fill(r, NULL, e);
    struct buf text = BUF_INIT(LIMIT_PULL_MANIFEST);
    int rc = file_read(&text, path, e);
    if (!rc) rc = registry_parse(r, buf_text(&text), text.len, e);
    buf_free(&text);
    return rc;
}

void registry_close(struct registry *r)
{
    free(r->entries);
    json_decref(r->strings);
    *r = (struct registry){0};
}

const struct model_entry *registry_find(const struct registry *r, const char *id)
{
    for (const struct model_entry *m = r->entries; m->id; m++)
        if (strcmp(m->id, id) == 0) return m;
    return NULL;
}
