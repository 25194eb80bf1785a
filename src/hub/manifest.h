/* manifest.h - manifest.json in a model's directory, written last: it is what makes a model complete.
 *
 * {"id","source","repo","revision","open","standin","files":[{"path","size","sha256","git"?}]}. git: the id by which
 * the hub published a file (digest.h). open: what to load, relative to the directory; "" for the directory itself. Read
 * as untrusted: unsafe paths are refused. Any thread.
 */
#ifndef XIAOBEI_HUB_MANIFEST_H
#define XIAOBEI_HUB_MANIFEST_H

#include <stdbool.h>

#include "base/error.h"
#include "hub/hub_listing.h"

#define MANIFEST_NAME "manifest.json"

struct manifest {
    char id[256], source[64], repo[256], revision[64];
    char open[1025];
    bool standin;
    struct hub_listing files; /* sha256 always there after a pull */
};

/* ERR_NOT_FOUND if the directory has none; ERR_FORMAT if it is broken. *m is zeroed first; free it with manifest_free.
 */
int manifest_read(struct manifest *m, const char *directory, struct error *e) MUST_USE;
int manifest_write(const struct manifest *m, const char *directory, struct error *e) MUST_USE;
void manifest_free(struct manifest *m);
int manifest_parse(struct manifest *m, const char *data, size_t n, struct error *e) MUST_USE;

/* Are all files of the manifest there with their sizes? */
bool manifest_is_complete(const struct manifest *m, const char *directory);

#endif
