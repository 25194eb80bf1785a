/* kernels_scalar.c - the scalar table: the shared sources over its sixteen-lane vector. */
#include "kernels/tables.h"

#include "kernels/v16_scalar.h"

#include "kernels/matmul_impl.h"
#include "kernels/ops_impl.h"

#include "kernels/attend_impl.h"

const struct kernel_table kernel_table_scalar = KERNEL_TABLE;
