/* pull_select.h - what was asked for, and which of a repository's files that means. Pure; any thread. */
#ifndef XIAOBEI_HUB_PULL_SELECT_H
#define XIAOBEI_HUB_PULL_SELECT_H

#include <stdbool.h>

#include "base/error.h"
#include "hub/hub_listing.h"
#include "model/model_ref.h"

struct pull_target {
    char id[256];                    /* directory in the models directory: the id, or ORG--REPO */
    char repo[256];                  /* ORG/REPO; "" if no hub has it */
    char file[1025];                 /* the file to take, "" for what the loader needs */
    bool huggingface, modelscope;    /* which hubs to ask */
    const struct model_entry *entry; /* the registry's row, NULL for hf: and ms: */
};

/* ref: ID, hf:ORG/REPO[:FILE] or ms:ORG/REPO[:FILE]. entries: the registry, ending with id NULL. */
int pull_target_parse(struct pull_target *t, const char *ref, const struct model_entry *entries,
                      struct error *e) MUST_USE;

/* Part number (from 1) of file, if it is split, else file itself; false beyond the last. name: 1025 bytes. */
bool pull_part_name(const char *file, int number, char *name);

/* Choose from listing into out (empty before): the named file and, if it is split (-00001-of-0000N), all its siblings;
 * or a safetensors directory's files; or the only GGUF. open (1025 bytes): what to load, "" for the directory. */
int pull_select(const struct pull_target *t, const struct hub_listing *listing, struct hub_listing *out, char *open,
                struct error *e) MUST_USE;

#endif
