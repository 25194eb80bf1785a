/* kernels_avx512.c - the avx512 table: the shared sources over its sixteen-lane vector. */
#include "kernels/tables.h"
#if defined(__x86_64__)
#include "kernels/v16_avx512.h"

#include "kernels/matmul_impl.h"
#include "kernels/ops_impl.h"

#include "kernels/attend_impl.h"

const struct kernel_table kernel_table_avx512 = KERNEL_TABLE;
#endif
