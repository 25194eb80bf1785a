/* fuzz_normal_text.c - any bytes as the medical rules read them: valid UTF-8, origins that never fall. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "medical/normal_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct normal_text t;
    if (normal_text_make(&t, (const char *)data, size, NULL)) return 0;
    if (!utf8_is_valid(t.text, t.len) || t.text[t.len]) abort();
    for (size_t i = 0; i < t.len; i++)
        if (t.origin[i] > t.origin[i + 1]) abort();
    if (t.origin[t.len] != size) abort();
    normal_text_free(&t);
    return 0;
}
