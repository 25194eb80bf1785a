/* tree.h - a directory with all that is in it. Links are never followed. Any thread. */
#ifndef XIAOBEI_HUB_TREE_H
#define XIAOBEI_HUB_TREE_H

#include <stdint.h>

#include "base/error.h"

int tree_remove(const char *path, struct error *e) MUST_USE; /* a missing one is fine */
int64_t tree_bytes(const char *path);                        /* sizes of the regular files; 0 if missing */

#endif
