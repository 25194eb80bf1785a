/* paths.h - where state lives. XIAOBEI_HOME holds everything; without it the XDG base directories do
 * (https://specifications.freedesktop.org/basedir-spec): data for models and the database, state for logs and locks,
 * config for keys. Thread: reads the environment, so before other threads start or with it left alone. */
#ifndef XIAOBEI_BASE_PATHS_H
#define XIAOBEI_BASE_PATHS_H

#include <stddef.h>

#include "base/error.h"

enum path_kind {
    PATH_MODELS, /* XIAOBEI_HOME/models  or XDG_DATA_HOME/xiaobei/models   (~/.local/share) */
    PATH_DATA,   /* XIAOBEI_HOME/data    or XDG_DATA_HOME/xiaobei */
    PATH_LOGS,   /* XIAOBEI_HOME/logs    or XDG_STATE_HOME/xiaobei/logs    (~/.local/state) */
    PATH_STATE,  /* XIAOBEI_HOME/state   or XDG_STATE_HOME/xiaobei */
    PATH_CONFIG, /* XIAOBEI_HOME/config  or XDG_CONFIG_HOME/xiaobei        (~/.config) */
};

/* Write the directory's path into out. ERR_CONFIG if neither XIAOBEI_HOME nor HOME is set. Does not create it. */
int paths_get(enum path_kind kind, char *out, size_t n, struct error *e) MUST_USE;

/* The same, and make sure that it exists (mode 0700: it may hold health data). */
int paths_ensure(enum path_kind kind, char *out, size_t n, struct error *e) MUST_USE;

#endif
