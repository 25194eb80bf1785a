/* paths.c - see paths.h. */
#include "base/paths.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

static const struct {
    const char *below_home;   /* under XIAOBEI_HOME */
    const char *xdg_variable; /* else under this... */
    const char *xdg_default;  /* ...or under HOME at this */
    const char *below_xdg;
} kinds[] = {
    [PATH_MODELS] = {"models", "XDG_DATA_HOME", ".local/share", "xiaobei/models"},
    [PATH_DATA] = {"data", "XDG_DATA_HOME", ".local/share", "xiaobei"},
    [PATH_LOGS] = {"logs", "XDG_STATE_HOME", ".local/state", "xiaobei/logs"},
    [PATH_STATE] = {"state", "XDG_STATE_HOME", ".local/state", "xiaobei"},
    [PATH_CONFIG] = {"config", "XDG_CONFIG_HOME", ".config", "xiaobei"},
};

static const char *nonempty_env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int paths_get(enum path_kind kind, char *out, size_t n, struct error *e)
{
    const char *own = nonempty_env("XIAOBEI_HOME");
    const char *xdg = nonempty_env(kinds[kind].xdg_variable);
    const char *home = nonempty_env("HOME");
    int len;
    if (own)
        len = snprintf(out, n, "%s/%s", own, kinds[kind].below_home);
    else if (xdg && xdg[0] == '/') /* the specification: ignore relative paths */
        len = snprintf(out, n, "%s/%s", xdg, kinds[kind].below_xdg);
    else if (home)
        len = snprintf(out, n, "%s/%s/%s", home, kinds[kind].xdg_default, kinds[kind].below_xdg);
    else
        return error_set(e, ERR_CONFIG, "set XIAOBEI_HOME (or HOME) to say where models and data may be kept");
    if (len < 0 || (size_t)len >= n) return error_set(e, ERR_TOO_LONG, "the state directory's path is too long");
    return OK;
}

int paths_ensure(enum path_kind kind, char *out, size_t n, struct error *e)
{
    int rc = paths_get(kind, out, n, e);
    return rc ? rc : file_make_directories(out, 0700, e);
}
