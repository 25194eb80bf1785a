/* model_ref.h - what `--model M` may be: a GGUF file, a Hugging Face directory, or the id of a model that was pulled;
 * and the table of ids that `pull` knows. Thread: any (reads the environment for the models directory). */
#ifndef XIAOBEI_MODEL_MODEL_REF_H
#define XIAOBEI_MODEL_MODEL_REF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A model that `pull` can bring by id. */
struct model_entry {
    const char *id;
    const char *repo;    /* ORG/NAME on the hubs; NULL: package index only */
    const char *file;    /* the file to take; NULL: the whole published directory */
    int64_t bytes;       /* about, for plans and progress; exact for stand-ins */
    const char *sha256;  /* of the whole file where known, else NULL: the hub's listing decides */
    const char *package; /* stand-ins: name before the part number; else NULL */
    const char *version;
    int parts;
    const char *standin; /* id of the stand-in that takes its place where no hub is reached, or NULL */
};

const struct model_entry *model_entries(void);              /* ends with id NULL */
const struct model_entry *model_entry_find(const char *id); /* NULL if unknown */

/* ref NULL: the default model among those that are there. Writes the path to open. ERR_NOT_FOUND says how to bring it.
 */
int model_resolve(const char *ref, char *path, size_t n, struct error *e) MUST_USE;

/* The default for this machine and, in why, one sentence that says so. Borrowed from the table. */
const struct model_entry *model_default(char *why, size_t n);

/* Directory of an id inside the models directory: MODELS/ID. */
int model_directory(const char *id, char *path, size_t n, struct error *e) MUST_USE;

/* Is it a model for demonstration only? By its file's name, and by what it calls itself (model_file_name): a copy under
 * another name stays one. */
bool model_is_standin(const char *path, const char *name);

#endif
