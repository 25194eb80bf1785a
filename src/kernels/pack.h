/* pack.h - weight matrices as the kernels stream them.
 *
 * A matrix W[rows][cols] is stored in groups of 16 rows (the last one padded with zero rows). Inside a group everything
 * is interleaved so that one SIMD lane is one row: for 32 columns, eight 64-byte vectors of unsigned quants (lane =
 * row, its 4 bytes = 4 neighbouring columns), at the file's own bit width (4-bit: two vectors share 64 bytes as low and
 * high nibbles; 5- and 6-bit: nibbles plus high-bit planes), beside the group's scales. Quants are stored with their
 * offset added, so that they are unsigned; the kernels repair it with the activation block's sum. Float types are
 * interleaved [col][16 rows]. The packed copy replaces the file's bytes: nothing is held twice. Rejected: dot products
 * over the file's row-major blocks (a horizontal add and a broken load per row), one uniform 8-bit format (twice the
 * bytes in decode).
 *
 * Because a lane is a row, every output is one chain of fused multiply-adds in column order, in every ISA table, in
 * matrix-vector and matrix-matrix form alike: results are bit-equal across tables, batch sizes and thread counts.
 */
#ifndef XIAOBEI_KERNELS_PACK_H
#define XIAOBEI_KERNELS_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/dtype.h"

enum { PACK_ROWS = 16 };

struct packed_matrix {
    enum dtype type;    /* the stored format; says how a group is laid out */
    int rows, cols;     /* logical shape: out features, in features */
    int groups;         /* ceil(rows / 16) */
    size_t group_bytes; /* a multiple of 64 */
    uint8_t *data;      /* groups * group_bytes, 64-byte aligned; owned by pack_new, else borrowed */
};

/* Bytes the packed form takes; for memory plans, nothing is allocated. ERR_FORMAT if cols does not fit type's blocks.
 */
int pack_size(enum dtype type, int rows, int cols, size_t *bytes, struct error *e) MUST_USE;

/* Everything of *m but its data, which the caller will provide: *bytes, 64-byte aligned. Such a matrix is not freed. */
int pack_shape(struct packed_matrix *m, enum dtype type, int rows, int cols, size_t *bytes, struct error *e) MUST_USE;

/* Allocate for the shape. The content is undefined until every group is packed. */
int pack_new(struct packed_matrix *m, enum dtype type, int rows, int cols, struct error *e) MUST_USE;
void pack_free(struct packed_matrix *m);

/* Pack group g from row-major blocks of m->type: src points at row 0 of the matrix. Any thread, groups independently.
 */
void pack_group(struct packed_matrix *m, int group, const void *src);

/* Quantise 16 rows of a float type (F32, F16, BF16) into m->type (Q8_0 or Q4_K) and pack them as group g. scratch: at
 * least pack_quantize_scratch(cols) bytes. */
size_t pack_quantize_scratch(int cols);
void pack_group_quantized(struct packed_matrix *m, int group, const void *src, enum dtype src_type, void *scratch);

/* Row r back as float32 (dequantised), out[cols]. Used for embedding look-up in tied models and for tests. */
void pack_get_row(const struct packed_matrix *m, int row, float *out);

#endif
