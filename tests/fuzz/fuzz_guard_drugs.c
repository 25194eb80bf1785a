/* fuzz_guard_drugs.c - any bytes as an operator's file of drug names. */
#include <stdint.h>
#include <stdlib.h>

#include "medical/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guard *g;
    struct guard_result r;
    struct error e = {0};
    if (guard_new(&g, (const char *)data, size, &e)) return e.text[0] ? 0 : (abort(), 0);
    if (!guard_check(g, (const char *)data, size, &r, NULL)) guard_result_free(&r);
    guard_free(g);
    return 0;
}
