/* pull_select.c - see pull_select.h. */
#include "hub/pull_select.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

enum { OPEN_BYTES = 1025, LIST_BYTES = 360, REPO_BYTES = 198 /* so that ORG--REPO is a safe name too */ };

static int parse_hub_ref(struct pull_target *t, const char *ref, struct error *e)
{
    const char *repo = ref + 3;
    const char *colon = strchr(repo, ':');
    size_t length = colon ? (size_t)(colon - repo) : strlen(repo);
    const char *slash = memchr(repo, '/', length);
    size_t org = slash ? (size_t)(slash - repo) : 0;
    if (!slash || length > REPO_BYTES || !hub_name_is_safe(repo, org) || !hub_name_is_safe(slash + 1, length - org - 1))
        return error_set(e, ERR_INVALID, "\"%.100s\" is not hf:ORG/REPO[:FILE] or ms:ORG/REPO[:FILE]", ref);
    t->huggingface = ref[0] == 'h';
    t->modelscope = !t->huggingface;
    snprintf(t->repo, sizeof t->repo, "%.*s", (int)length, repo);
    snprintf(t->id, sizeof t->id, "%.*s--%.*s", (int)org, repo, (int)(length - org - 1), slash + 1);
    if (!colon) return OK;
    if (!hub_path_is_safe(colon + 1, strlen(colon + 1)))
        return error_set(e, ERR_INVALID, "the file's name in \"%.100s\" is empty or unsafe", ref);
    snprintf(t->file, sizeof t->file, "%s", colon + 1);
    return OK;
}

int pull_target_parse(struct pull_target *t, const char *ref, const struct model_entry *entries, struct error *e)
{
    *t = (struct pull_target){0};
    if (strncmp(ref, "hf:", 3) == 0 || strncmp(ref, "ms:", 3) == 0) return parse_hub_ref(t, ref, e);
    for (const struct model_entry *m = entries; m->id; m++) {
        if (strcmp(m->id, ref) != 0) continue;
        t->entry = m;
        t->huggingface = t->modelscope = m->repo != NULL;
        snprintf(t->id, sizeof t->id, "%s", m->id);
        snprintf(t->repo, sizeof t->repo, "%s", m->repo ? m->repo : "");
        snprintf(t->file, sizeof t->file, "%s", m->file ? m->file : "");
        return OK;
    }
    struct buf known = BUF_INIT(LIST_BYTES);
    for (const struct model_entry *m = entries; m->id; m++) buf_printf(&known, "%s%s", known.len ? ", " : "", m->id);
    int rc = error_set(e, ERR_NOT_FOUND, "no model is called \"%.80s\"; there are %s, and hf:ORG/REPO or ms:ORG/REPO",
                       ref, buf_text(&known));
    buf_free(&known);
    return rc;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* NAME-00001-of-0000N.gguf: length of NAME and N; 0 if it is not split. */
static int split_parts(const char *path, size_t *stem)
{
    int first = 0, count = 0, used = 0;
    size_t n = strlen(path);
    const size_t tail = strlen("-00001-of-00002.gguf");
    if (n <= tail || sscanf(path + n - tail, "-%5d-of-%5d.gguf%n", &first, &count, &used) != 2 || used != (int)tail)
        return 0;
    *stem = n - tail;
    return count > 0 ? count : 0;
}

bool pull_part_name(const char *file, int number, char *name)
{
    size_t stem = 0;
    int parts = split_parts(file, &stem);
    if (number > (parts ? parts : 1)) return false;
    int n = parts ? snprintf(name, OPEN_BYTES, "%.*s-%05d-of-%05d.gguf", (int)stem, file, number, parts)
                  : snprintf(name, OPEN_BYTES, "%s", file);
    return n >= 0 && n < OPEN_BYTES;
}

/* A file by name, with its siblings if it is one of several. */
static int select_file(const char *file, const struct hub_listing *listing, struct hub_listing *out, char *open,
                       struct error *e)
{
    char name[OPEN_BYTES];
    size_t stem = 0;
    if ((unsigned)split_parts(file, &stem) > LIMIT_MODEL_SHARDS)
        return error_set(e, ERR_LIMIT, "%.100s has too many parts", file);
    for (int i = 1; pull_part_name(file, i, name); i++) {
        const struct hub_file *f = hub_listing_find(listing, name);
        if (!f) return error_set(e, ERR_NOT_FOUND, "the repository has no file %.200s", name);
        if (i == 1) snprintf(open, OPEN_BYTES, "%s", name);
        int rc = hub_listing_copy(out, f, e);
        if (rc) return rc;
    }
    return OK;
}

/* What the loader reads of a Hugging Face directory; only files beside config.json, no subdirectories. */
static bool loader_needs(const char *path)
{
    static const char *const names[] = {"config.json", "generation_config.json",       "vocab.json",
                                        "merges.txt",  "model.safetensors.index.json", "adapter_config.json"};
    if (strchr(path, '/')) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(path, names[i]) == 0) return true;
    return ends_with(path, ".safetensors") || (strncmp(path, "tokenizer", 9) == 0 && ends_with(path, ".json"));
}

static int select_directory(const struct hub_listing *listing, struct hub_listing *out, char *open, struct error *e)
{
    int rc = OK;
    open[0] = '\0';
    for (size_t i = 0; i < listing->count && !rc; i++)
        if (loader_needs(listing->files[i].path)) rc = hub_listing_copy(out, &listing->files[i], e);
    return rc;
}

/* A GGUF repository without a file named: fine if there is only one model in it. */
static int select_only_gguf(const struct pull_target *t, const struct hub_listing *listing, struct hub_listing *out,
                            char *open, struct error *e)
{
    struct buf names = BUF_INIT(LIST_BYTES);
    const char *only = NULL;
    size_t found = 0, stem;
    for (const struct model_entry *m = model_entries(); m->id; m++)
        if (m->repo && m->file && strcmp(m->repo, t->repo) == 0) return select_file(m->file, listing, out, open, e);
    for (size_t i = 0; i < listing->count; i++) {
        const char *path = listing->files[i].path;
        if (!ends_with(path, ".gguf")) continue;
        if (split_parts(path, &stem) && !strstr(path + stem, "-00001-of-")) continue;
        only = path;
        found++;
        buf_printf(&names, "%s%s", names.len ? ", " : "", path);
    }
    int rc;
    if (found == 0)
        rc = error_set(e, ERR_UNSUPPORTED, "%s holds neither safetensors with a config.json nor GGUF files", t->repo);
    else if (found > 1)
        rc = error_set(e, ERR_INVALID, "%s holds several models; name one as :FILE of %s%s", t->repo, buf_text(&names),
                       buf_error(&names) ? ", ..." : "");
    else
        rc = select_file(only, listing, out, open, e);
    buf_free(&names);
    return rc;
}

int pull_select(const struct pull_target *t, const struct hub_listing *listing, struct hub_listing *out, char *open,
                struct error *e)
{
    if (t->file[0]) return select_file(t->file, listing, out, open, e);
    bool weights = false;
    for (size_t i = 0; i < listing->count; i++)
        if (!strchr(listing->files[i].path, '/') && ends_with(listing->files[i].path, ".safetensors")) weights = true;
    if (weights && (hub_listing_find(listing, "config.json") || hub_listing_find(listing, "adapter_config.json")))
        return select_directory(listing, out, open, e);
    return select_only_gguf(t, listing, out, open, e);
}
