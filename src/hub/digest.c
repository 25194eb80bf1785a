/* digest.c - see digest.h. */
#include "hub/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

static int hash_descriptor(int fd, crypto_hash_sha256_state *state, digest_progress progress, void *user)
{
    unsigned char *chunk = malloc(MIB);
    int64_t done = 0;
    int rc = chunk ? OK : ERR_NOMEM;
    while (!rc) {
        ssize_t n = read(fd, chunk, MIB);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = ERR_IO;
        if (n <= 0) break;
        crypto_hash_sha256_update(state, chunk, (unsigned long long)n);
        done += n;
        if (progress) progress(user, done);
    }
    free(chunk);
    return rc;
}

int digest_file(const char *path, char hex[DIGEST_HEX], digest_progress progress, void *user, struct error *e)
{
    unsigned char raw[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_set(e, ERR_IO, "cannot open %s: %s", file_base_name(path), strerror(errno));
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    crypto_hash_sha256_init(&state);
    int rc = hash_descriptor(fd, &state, progress, user);
    close(fd);
    if (rc) return error_set(e, rc, "cannot read %s: %s", file_base_name(path), strerror(errno));
    crypto_hash_sha256_final(&state, raw);
    sodium_bin2hex(hex, DIGEST_HEX, raw, sizeof raw);
    return OK;
}

bool digest_is_hex(const char *text)
{
    return text && strlen(text) == DIGEST_HEX - 1 && strspn(text, "0123456789abcdefABCDEF") == DIGEST_HEX - 1;
}

void digest_copy(char out[DIGEST_HEX], const char *hex)
{
    for (int i = 0; i < DIGEST_HEX - 1; i++)
        out[i] = (char)(hex[i] >= 'A' && hex[i] <= 'F' ? hex[i] - 'A' + 'a' : hex[i]);
    out[DIGEST_HEX - 1] = '\0';
}
