/* hub_listing.h - what a hub says is in a repository: paths, sizes, checksums. Untrusted bytes.
 *
 * Hugging Face: GET /api/models/ORG/REPO/tree/main?recursive=1 -> [{"type":"file","path","size","lfs":{"oid","size"}}].
 *   lfs.oid is the file's sha256. Small files without lfs have none: their oid is git's id of the content (digest.h).
 *   The oid of a file in LFS is that of its pointer and says nothing.
 * ModelScope: GET /api/v1/models/ORG/REPO/repo/files?Revision=master&Recursive=true
 *   -> {"Code":200,"Data":{"Files":[{"Type":"blob","Path","Size","Sha256"}]}}.
 * A listing with one unsafe path, an impossible size or too many files is refused whole: whoever wrote it is not to be
 * trusted with the rest either. Ownership: hub_listing_free. Any thread.
 */
#ifndef XIAOBEI_HUB_HUB_LISTING_H
#define XIAOBEI_HUB_HUB_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "hub/digest.h"

struct hub_file {
    char *path;               /* relative, '/' between components, checked by hub_path_is_safe */
    int64_t size;             /* bytes */
    char sha256[DIGEST_HEX];  /* "" if the hub does not say */
    char git[DIGEST_GIT_HEX]; /* git's id of the content; "" if the hub does not say */
    char version[DIGEST_HEX]; /* of a mirror without checksums (http_get.h); "" if it does not say */
};

struct hub_listing {
    struct hub_file *files;
    size_t count, cap;
};

void hub_listing_free(struct hub_listing *l); /* safe on a zeroed struct and twice */
int hub_listing_add(struct hub_listing *l, const char *path, int64_t size, const char *sha256,
                    struct error *e) MUST_USE;
int hub_listing_copy(struct hub_listing *l, const struct hub_file *f, struct error *e) MUST_USE; /* all that is known */
const struct hub_file *hub_listing_find(const struct hub_listing *l, const char *path);          /* borrowed, NULL */

/* Append what one answer holds. ERR_FORMAT, ERR_LIMIT, ERR_NOMEM. */
int hub_listing_parse_huggingface(struct hub_listing *l, const char *data, size_t n, struct error *e) MUST_USE;
int hub_listing_parse_modelscope(struct hub_listing *l, const char *data, size_t n, struct error *e) MUST_USE;

/* Relative, no empty, "." or ".." component, no backslash, no control character, valid UTF-8, within the limits. */
bool hub_path_is_safe(const char *path, size_t n);
/* One component of letters, digits, '.', '_' and '-', not starting with '.' or '-', 200 bytes at
 * most: ORG, REPO and model ids. */
bool hub_name_is_safe(const char *name, size_t n);

#endif
