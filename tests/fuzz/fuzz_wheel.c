/* fuzz_wheel.c - any bytes as the wheel that should hold part 1; what is unpacked never passes the maximum and stays in
 * its place in the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "hub/wheel.h"

enum { OFFSET = 100, MAX_UNPACKED = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    int64_t written = 0;
    struct stat st;
    struct error e = {0};
    int in = memfd_create("wheel", MFD_CLOEXEC);
    int out = memfd_create("part", MFD_CLOEXEC);
    if (in < 0 || out < 0 || write(in, data, n) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", in);
    int rc = wheel_extract_part(path, 1, out, OFFSET, MAX_UNPACKED, &written, &e);
    if ((rc == OK) != !e.text[0] || fstat(out, &st)) abort();
    if (written < 0 || written > MAX_UNPACKED || st.st_size > OFFSET + MAX_UNPACKED) abort();
    if (!rc && written > 0 && st.st_size != OFFSET + written) abort();
    close(in);
    close(out);
    return 0;
}
