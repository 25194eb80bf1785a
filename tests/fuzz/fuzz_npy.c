/* fuzz_npy.c - any bytes as an .npy file; all elements it claims must lie inside the data. */
#include <stdint.h>
#include <stdlib.h>

#include "model/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile unsigned sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct npy_view v;
    struct error e = {0};
    if (npy_parse(&v, data, n, &e)) return 0;
    const uint8_t *at = v.data;
    size_t bytes = v.count * (size_t)v.item_bytes;
    if (at < data || bytes > (size_t)(data + n - at)) abort();
    if (bytes) sink = at[0] + at[bytes - 1];
    return 0;
}
