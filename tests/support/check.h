/* check.h - what several unit tests share: cmocka in the right order, results with their sentences, a directory of
 * their own for files. */
#ifndef XIAOBEI_TESTS_CHECK_H
#define XIAOBEI_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"

static inline void check_ok(int rc, const struct error *e)
{
    if (rc) fail_msg("%s: %s", error_code_name(rc), e->text);
}

/* It failed with this code and its sentence holds these words. */
static inline void check_refused(int rc, const struct error *e, int code, const char *words)
{
    if (rc != code || e->code != code || !strstr(e->text, words))
        fail_msg("wanted %s with \"%s\", got %s: %s", error_code_name(code), words,
                 rc ? error_code_name(rc) : "success", e->text);
}

/* A fresh directory; check_directory_remove takes it away with what is in it (files only). */
static inline void check_directory_make(char *path, size_t n)
{
    const char *base = getenv("TMPDIR");
    snprintf(path, n, "%s/xiaobei-test-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static inline void check_directory_remove(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        char file[LIMIT_PATH];
        if (entry->d_name[0] == '.') continue;
        if (path_join(file, sizeof file, path, entry->d_name) == OK) unlink(file);
    }
    if (d) closedir(d);
    rmdir(path);
}

/* Write directory/name and give its path (valid until the next call). */
static inline const char *check_file(const char *directory, const char *name, const void *data, size_t n)
{
    static char path[LIMIT_PATH];
    assert_int_equal(path_join(path, sizeof path, directory, name), OK);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline void check_copy(const char *from, const char *directory, const char *name)
{
    char path[LIMIT_PATH];
    struct error e = {0};
    struct file_map map;
    assert_int_equal(path_join(path, sizeof path, from, name), OK);
    check_ok(file_map_open(&map, path, &e), &e);
    check_file(directory, name, map.data, map.size);
    file_map_close(&map);
}

/* Every single-byte change of data[0..n) to a few values and every cut, each given to `use`, which must survive it. The
 * copy is exactly as long as what it holds, so that a sanitizer sees a read beyond it. */
typedef void (*check_mutant)(const uint8_t *data, size_t n);

static inline void check_mutants(const uint8_t *data, size_t n, size_t first_bytes, check_mutant use)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xFF};
    for (size_t i = 0; i < n && i < first_bytes; i++)
        for (size_t k = 0; k < sizeof flips; k++) {
            uint8_t *copy = malloc(n);
            assert_non_null(copy);
            memcpy(copy, data, n);
            copy[i] ^= flips[k];
            use(copy, n);
            free(copy);
        }
    for (size_t cut = 0; cut < n; cut += cut < first_bytes ? 1 : 97) {
        uint8_t *copy = malloc(cut ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, data, cut);
        use(copy, cut);
        free(copy);
    }
}

#endif
