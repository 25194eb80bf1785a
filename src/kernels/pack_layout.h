/* pack_layout.h - where things are inside a group of 16 packed rows; shared by the packer and every kernel table.
 *
 * A group of a quantised type is a row of blocks, so that a product reads one stream from end to end. A block is 8
 * cells of 32 columns (K formats), 2, or 1 (Q4_1, Q5_1); its parts, each starting at a multiple of 64 bytes: super f16
 * d[16], then f16 dmin[16] (Q4_K, Q5_K); f16 d[16] (Q6_K); nothing for the others scales  per cell: f16 d[16] (Q8_0
 * Q4_0 Q5_0); f16 d[16], f16 m[16] (Q4_1 Q5_1); u8 sc[16], u8 m[16] (Q4_K Q5_K); i8 sc[16] of columns 0-15, i8 sc[16]
 * of columns 16-31 (Q6_K) quants  per cell: w[j] = byte vector of columns 4j..4j+3 for 16 rows (byte 4 * row + column %
 * 4), j = 0..7 4 bits  64-byte vectors v[j], j < 4: low nibble w[j], high nibble w[j + 4] 5 bits  those, then one
 * vector of the fifth bits: bit j belongs to w[j] 6 bits  those, then two vectors of the high pairs: vector j / 4, bits
 * 2 (j % 4) and up belong to w[j] 8 bits  w[0..7] A group of a float type is [columns][16].
 */
#ifndef XIAOBEI_KERNELS_PACK_LAYOUT_H
#define XIAOBEI_KERNELS_PACK_LAYOUT_H

#include <stddef.h>

#include "kernels/dtype.h"

enum { CELL_COLS = 32, SUPER_CELLS = 8, VECTOR_BYTES = 64 };

struct pack_layout {
    int cells;          /* cols / 32; 0 for float types */
    int block_cells;    /* cells of a block; the last block may hold fewer */
    size_t super_bytes; /* per block */
    size_t scale_bytes; /* per cell */
    size_t quant_bytes; /* per cell */
    size_t head_bytes;  /* super and scales of a block */
    size_t block_bytes;
    size_t group_bytes;
};

static inline size_t pack_round_up(size_t n)
{
    return (n + VECTOR_BYTES - 1) / VECTOR_BYTES * VECTOR_BYTES;
}

static inline int pack_bits(enum dtype type)
{
    switch (type) {
    case DTYPE_Q4_0:
    case DTYPE_Q4_1:
    case DTYPE_Q4_K: return 4;
    case DTYPE_Q5_0:
    case DTYPE_Q5_1:
    case DTYPE_Q5_K: return 5;
    case DTYPE_Q6_K: return 6;
    case DTYPE_Q8_0: return 8;
    default: return 0;
    }
}

static inline struct pack_layout pack_layout_of(enum dtype type, int cols)
{
    struct pack_layout l = {0};
    if (dtype_is_float(type)) {
        l.group_bytes = pack_round_up((size_t)cols * 16 * dtype_info(type).block_bytes);
        return l;
    }
    l.cells = cols / CELL_COLS;
    l.quant_bytes = (size_t)pack_bits(type) * VECTOR_BYTES;
    l.super_bytes = type == DTYPE_Q4_K || type == DTYPE_Q5_K ? 64 : type == DTYPE_Q6_K ? 32 : 0;
    l.scale_bytes = type == DTYPE_Q4_1 || type == DTYPE_Q5_1 ? 64 : 32;
    l.block_cells = l.super_bytes ? SUPER_CELLS : l.scale_bytes == 32 ? 2 : 1;
    l.head_bytes = pack_round_up(l.super_bytes) + l.scale_bytes * (size_t)l.block_cells;
    l.block_bytes = l.head_bytes + l.quant_bytes * (size_t)l.block_cells;
    l.group_bytes = (size_t)((l.cells + l.block_cells - 1) / l.block_cells) * l.block_bytes;
    return l;
}

/* Offsets inside the group of a cell's parts. */
static inline size_t pack_super_at(const struct pack_layout *l, int cell)
{
    return (size_t)(cell / l->block_cells) * l->block_bytes;
}

static inline size_t pack_scale_at(const struct pack_layout *l, int cell)
{
    return pack_super_at(l, cell) + pack_round_up(l->super_bytes) + (size_t)(cell % l->block_cells) * l->scale_bytes;
}

static inline size_t pack_quant_at(const struct pack_layout *l, int cell)
{
    return pack_super_at(l, cell) + l->head_bytes + (size_t)(cell % l->block_cells) * l->quant_bytes;
}

#endif
