/* digest.h - SHA-256 of files, by libsodium (FIPS 180-4). Reads once, front to back, in 1 MiB steps. Any thread. */
#ifndef XIAOBEI_HUB_DIGEST_H
#define XIAOBEI_HUB_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { DIGEST_HEX = 65 }; /* 64 lower-case digits and NUL */

/* Called with the bytes hashed so far; may be NULL. */
typedef void (*digest_progress)(void *user, int64_t done);

int digest_file(const char *path, char hex[DIGEST_HEX], digest_progress progress, void *user, struct error *e) MUST_USE;
bool digest_is_hex(const char *text);                    /* exactly 64 hexadecimal digits, either case */
void digest_copy(char out[DIGEST_HEX], const char *hex); /* lower-cased; hex must satisfy digest_is_hex */

#endif
