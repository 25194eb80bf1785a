/* kernels.c - see kernels.h. The processor says what it has (cpuid), the operating system which registers it saves
 * (xgetbv): both must agree. Rejected: __builtin_cpu_supports, whose names differ between compilers. */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernels/tables.h"

enum { MAX_TABLES = 4 };

#if defined(__x86_64__)
struct features {
    bool avx2, avx512;
};

static bool all_of(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static uint32_t saved_registers(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static struct features features_of_this_machine(void)
{
    enum { OSXSAVE = 1 << 27, AVX = 1 << 28, FMA = 1 << 12, F16C = 1 << 29, AVX2 = 1 << 5 };
    const uint32_t f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const uint32_t vnni = 1u << 11;
    struct features found = {0};
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !all_of(c, OSXSAVE | AVX | FMA | F16C)) return found;
    uint32_t saved = saved_registers();
    if (!all_of(saved, 0x6) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found; /* XMM and YMM */
    found.avx2 = all_of(b, AVX2);
    found.avx512 = found.avx2 && all_of(saved, 0xE6) && all_of(b, f_dq_bw_vl) && all_of(c, vnni);
#ifdef KERNELS_EMULATED /* tests: the avx512 table is compiled over an emulation (tests/support/avx512_emulated.h) */
    found.avx512 = found.avx2;
#endif
    return found;
}
#endif

/* Cheap enough to ask every time; nothing to initialise, nothing to race on. */
static int list(const struct kernel_table *out[MAX_TABLES])
{
    int n = 0;
    out[n++] = &kernel_table_scalar;
#if defined(__x86_64__)
    struct features found = features_of_this_machine();
    if (found.avx2) out[n++] = &kernel_table_avx2;
    if (found.avx512) out[n++] = &kernel_table_avx512;
#endif
    return n;
}

int kernels_list(const struct kernel_table **out, int max)
{
    const struct kernel_table *all[MAX_TABLES];
    int n = list(all);
    for (int i = 0; i < n && i < max; i++) out[i] = all[i];
    return n < max ? n : max;
}

int kernels_select(const struct kernel_table **out, const char *name, struct error *e)
{
    const struct kernel_table *all[MAX_TABLES];
    int n = list(all);
    if (!name) {
        *out = all[n - 1];
        return OK;
    }
    char can[64] = "";
    for (int i = 0; i < n; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            *out = all[i];
            return OK;
        }
        size_t used = strlen(can);
        snprintf(can + used, sizeof can - used, "%s%s", i ? ", " : "", all[i]->name);
    }
    return error_set(e, ERR_UNSUPPORTED, "this machine cannot run the kernels \"%s\"; it can run: %s", name, can);
}
