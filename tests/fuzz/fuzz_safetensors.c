/* fuzz_safetensors.c - any bytes as a safetensors file; every tensor that is handed out is touched. */
#include <stdint.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile unsigned sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct safetensors s;
    struct error e = {0};
    if (safetensors_parse(&s, data, n, &e)) return 0;
    for (size_t i = 0; i < s.count; i++) sink += s.tensors[i].data[0] + s.tensors[i].data[s.tensors[i].bytes - 1];
    safetensors_free(&s);
    return 0;
}
