/* digest.h - checksums of files: SHA-256 by libsodium (FIPS 180-4) and git's id of a content, by nettle's SHA-1. Reads
 * once, front to back, in 1 MiB steps. Any thread.
 *
 * git's id of a file is sha1("blob SIZE\0" + content). Hugging Face publishes it, and nothing else, for files that are
 * not in LFS. SHA-1 can be forged by who writes both files, not by an accident on the way: that is what it is for here.
 */
#ifndef XIAOBEI_HUB_DIGEST_H
#define XIAOBEI_HUB_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { DIGEST_HEX = 65, DIGEST_GIT_HEX = 41 }; /* 64 and 40 lower-case digits and NUL */

struct digest {
    char sha256[DIGEST_HEX];
    char git[DIGEST_GIT_HEX]; /* "" if it was not asked for */
};

/* Called with the bytes hashed so far; may be NULL. */
typedef void (*digest_progress)(void *user, int64_t done);

/* git: wanted too. Only regular files. */
int digest_file(const char *path, bool git, struct digest *out, digest_progress progress, void *user,
                struct error *e) MUST_USE;
void digest_text(const char *text, char hex[DIGEST_HEX]); /* sha256 of a short text, to keep it by */
bool digest_is_hex(const char *text);                     /* exactly 64 hexadecimal digits, either case */
bool digest_is_git_hex(const char *text);                 /* exactly 40 */
void digest_copy(char out[DIGEST_HEX], const char *hex);  /* lower-cased; hex must satisfy digest_is_hex */
void digest_copy_git(char out[DIGEST_GIT_HEX], const char *hex);

#endif
