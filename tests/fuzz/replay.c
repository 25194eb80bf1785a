/* replay.c - run a fuzz target over files, as ordinary tests do: every file of every directory named on the command
 * line. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    struct buf text = BUF_INIT(64 * MIB);
    struct error e = {0};
    int rc = file_read(&text, path, &e);
    if (rc)
        fprintf(stderr, "%s\n", e.text);
    else
        LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&text), text.len);
    buf_free(&text);
    return rc;
}

static int replay(const char *path, int *count)
{
    DIR *dir = opendir(path);
    if (!dir) {
        (*count)++;
        return replay_file(path);
    }
    int rc = 0;
    for (struct dirent *d; (d = readdir(dir));) {
        char below[LIMIT_PATH];
        if (d->d_name[0] == '.' || path_join(below, sizeof below, path, d->d_name)) continue;
        rc |= replay(below, count);
    }
    closedir(dir);
    return rc;
}

int main(int argc, char **argv)
{
    int rc = 0;
    int count = 0;
    for (int i = 1; i < argc; i++) rc |= replay(argv[i], &count);
    printf("%d inputs\n", count);
    return rc || count == 0;
}
