/* digest.c - see digest.h. */
#include "hub/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha1.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

struct hashes {
    crypto_hash_sha256_state sha256;
    struct sha1_ctx sha1;
    bool git;
};

static void hashes_begin(struct hashes *h, bool git, int64_t size)
{
    char head[32];
    h->git = git;
    crypto_hash_sha256_init(&h->sha256);
    sha1_init(&h->sha1);
    int n = snprintf(head, sizeof head, "blob %" PRId64, size);
    sha1_update(&h->sha1, (size_t)n + 1, (const uint8_t *)head); /* with its NUL */
}

static void hashes_end(struct hashes *h, struct digest *out)
{
    unsigned char raw[crypto_hash_sha256_BYTES], id[SHA1_DIGEST_SIZE];
    *out = (struct digest){0};
    crypto_hash_sha256_final(&h->sha256, raw);
    sodium_bin2hex(out->sha256, sizeof out->sha256, raw, sizeof raw);
    if (!h->git) return;
    sha1_digest(&h->sha1, sizeof id, id);
    sodium_bin2hex(out->git, sizeof out->git, id, sizeof id);
}

static int hash_descriptor(int fd, struct hashes *h, digest_progress progress, void *user)
{
    unsigned char *chunk = malloc(MIB);
    int64_t done = 0;
    int rc = chunk ? OK : ERR_NOMEM;
    while (!rc) {
        ssize_t n = read(fd, chunk, MIB);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = ERR_IO;
        if (n <= 0) break;
        crypto_hash_sha256_update(&h->sha256, chunk, (unsigned long long)n);
        if (h->git) sha1_update(&h->sha1, (size_t)n, chunk);
        done += n;
        if (progress) progress(user, done);
    }
    free(chunk);
    return rc;
}

int digest_file(const char *path, bool git, struct digest *out, digest_progress progress, void *user, struct error *e)
{
    struct hashes h;
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe of that name must not hold us up */
    if (fd < 0) return error_set(e, ERR_IO, "cannot open %s: %s", file_base_name(path), strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(e, ERR_FORMAT, "%s is not a regular file", file_base_name(path));
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    hashes_begin(&h, git, st.st_size);
    int rc = hash_descriptor(fd, &h, progress, user);
    if (rc) error_set(e, rc, "cannot read %s: %s", file_base_name(path), strerror(errno));
    close(fd);
    if (!rc) hashes_end(&h, out);
    return rc;
}

void digest_text(const char *text, char hex[DIGEST_HEX])
{
    unsigned char raw[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(raw, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(hex, DIGEST_HEX, raw, sizeof raw);
}

static bool is_hex(const char *text, size_t digits)
{
    return text && strlen(text) == digits && strspn(text, "0123456789abcdefABCDEF") == digits;
}

static void copy_lower(char *out, const char *hex, int digits)
{
    for (int i = 0; i < digits; i++) out[i] = (char)(hex[i] >= 'A' && hex[i] <= 'F' ? hex[i] - 'A' + 'a' : hex[i]);
    out[digits] = '\0';
}

bool digest_is_hex(const char *text)
{
    return is_hex(text, DIGEST_HEX - 1);
}

bool digest_is_git_hex(const char *text)
{
    return is_hex(text, DIGEST_GIT_HEX - 1);
}

void digest_copy(char out[DIGEST_HEX], const char *hex)
{
    copy_lower(out, hex, DIGEST_HEX - 1);
}

void digest_copy_git(char out[DIGEST_GIT_HEX], const char *hex)
{
    copy_lower(out, hex, DIGEST_GIT_HEX - 1);
}
