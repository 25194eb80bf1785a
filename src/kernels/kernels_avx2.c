/* kernels_avx2.c - the avx2 table: the shared sources over its sixteen-lane vector. */
#include "kernels/tables.h"
#if defined(__x86_64__)
#include "kernels/v16_avx2.h"

#include "kernels/matmul_impl.h"
#include "kernels/ops_impl.h"

#include "kernels/attend_impl.h"

const struct kernel_table kernel_table_avx2 = KERNEL_TABLE;
#endif
