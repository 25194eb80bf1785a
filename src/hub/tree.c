/* tree.c - see tree.h. */
#include "hub/tree.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static FTS *walk(const char *path)
{
    char *roots[] = {(char *)(uintptr_t)path, NULL};
    struct stat st;
    if (lstat(path, &st)) return NULL;
    return fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
}

int tree_remove(const char *path, struct error *e)
{
    FTS *fts = walk(path);
    int rc = OK;
    for (FTSENT *entry; fts && (entry = fts_read(fts)) != NULL;) {
        int failed = 0;
        if (entry->fts_info == FTS_D) continue;
        failed = entry->fts_info == FTS_DP ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath);
        if (failed && errno != ENOENT && !rc)
            rc = error_set(e, ERR_IO, "cannot remove %s: %s", entry->fts_name, strerror(errno));
    }
    if (fts) fts_close(fts);
    return rc;
}

int64_t tree_bytes(const char *path)
{
    FTS *fts = walk(path);
    int64_t bytes = 0;
    for (FTSENT *entry; fts && (entry = fts_read(fts)) != NULL;)
        if (entry->fts_info == FTS_F) bytes += entry->fts_statp->st_size;
    if (fts) fts_close(fts);
    return bytes;
}
