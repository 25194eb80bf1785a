/* tables.h - the tables that exist in this build; only kernels.c asks. */
#ifndef XIAOBEI_KERNELS_TABLES_H
#define XIAOBEI_KERNELS_TABLES_H

#include "kernels/kernels.h"

extern const struct kernel_table kernel_table_scalar;
#if defined(__x86_64__)
extern const struct kernel_table kernel_table_avx2;
extern const struct kernel_table kernel_table_avx512;
#endif

#endif
