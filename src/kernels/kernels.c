/* kernels.c - see kernels.h. The processor says what it has (cpuid), the operating system what it saves (xgetbv);
 * __builtin_cpu_supports asks both. */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernels/tables.h"

enum { MAX_TABLES = 4 };

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

/* Cheap enough to ask every time; nothing to initialise, nothing to race on. */
static int list(const struct kernel_table *out[MAX_TABLES])
{
    int n = 0;
    out[n++] = &kernel_table_scalar;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (has_avx2()) out[n++] = &kernel_table_avx2;
    if (has_avx512()) out[n++] = &kernel_table_avx512;
#endif
    out[n] = NULL;
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
