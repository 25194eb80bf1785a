/* pack.c - see pack.h and pack_layout.h. Works on 32-bit words: four columns of a row at a time. */
#include "kernels/pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "kernels/block_read_impl.h"
#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/pack_layout.h"

int pack_size(enum dtype type, int rows, int cols, size_t *bytes, struct error *e)
{
    size_t unit = dtype_info(type).block_elems;
    if (rows <= 0 || cols <= 0) return error_set(e, ERR_FORMAT, "a matrix of %d x %d has no weights", rows, cols);
    if ((size_t)cols % unit)
        return error_set(e, ERR_FORMAT, "%d columns do not fill blocks of %zu (%s)", cols, unit, dtype_info(type).name);
    size_t groups = ((size_t)rows + PACK_ROWS - 1) / PACK_ROWS;
    if (!checked_mul(groups, pack_layout_of(type, cols).group_bytes, bytes))
        return error_set(e, ERR_FORMAT, "a matrix of %d x %d is larger than the address space", rows, cols);
    return OK;
}

int pack_shape(struct packed_matrix *m, enum dtype type, int rows, int cols, size_t *bytes, struct error *e)
{
    int rc = pack_size(type, rows, cols, bytes, e);
    if (rc) return rc;
    *m = (struct packed_matrix){.type = type,
                                .rows = rows,
                                .cols = cols,
                                .groups = (rows + PACK_ROWS - 1) / PACK_ROWS,
                                .group_bytes = pack_layout_of(type, cols).group_bytes};
    return OK;
}

int pack_new(struct packed_matrix *m, enum dtype type, int rows, int cols, struct error *e)
{
    size_t bytes = 0;
    void *data = NULL;
    int rc = pack_shape(m, type, rows, cols, &bytes, e);
    if (rc) return rc;
    if (posix_memalign(&data, VECTOR_BYTES, bytes))
        return error_set(e, ERR_NOMEM, "no memory for %zu bytes of weights", bytes);
    m->data = data;
    return OK;
}

void pack_free(struct packed_matrix *m)
{
    free(m->data);
    *m = (struct packed_matrix){0};
}

static void put_u32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Row r's 32 quants into a cell. Bytes of a word do not interact: every shift stays inside its byte. */
static inline void put_quants(int bits, uint8_t *cell, int r, const uint32_t w[8])
{
    uint8_t *at = cell + 4 * r;
    if (bits == 8) {
        for (int j = 0; j < 8; j++) put_u32(at + j * VECTOR_BYTES, w[j]);
        return;
    }
    for (int j = 0; j < 4; j++) put_u32(at + j * VECTOR_BYTES, (w[j] & 0x0F0F0F0Fu) | (w[j + 4] & 0x0F0F0F0Fu) << 4);
    if (bits == 5) {
        uint32_t high = 0;
        for (int j = 0; j < 8; j++) high |= (w[j] >> 4 & 0x01010101u) << j;
        put_u32(at + 4 * VECTOR_BYTES, high);
    }
    if (bits == 6) {
        for (int half = 0; half < 2; half++) {
            uint32_t high = 0;
            for (int k = 0; k < 4; k++) high |= (w[4 * half + k] >> 4 & 0x03030303u) << 2 * k;
            put_u32(at + (4 + half) * VECTOR_BYTES, high);
        }
    }
}

static void put_half(uint8_t *base, int index, uint16_t v)
{
    memcpy(base + 2 * index, &v, sizeof v);
}

/* Everything of one stored block of row r: scales and quants of its cells. */
static inline void put_block(enum dtype type, uint8_t *group, const struct pack_layout *l, int first_cell, int r,
                             const struct block_values *b)
{
    int cells = (int)dtype_info(type).block_elems / CELL_COLS;
    if (l->super_bytes) {
        uint8_t *super = group + pack_super_at(l, first_cell);
        put_half(super, r, b->d);
        if (l->super_bytes == 64) put_half(super, 16 + r, b->m);
    }
    for (int c = 0; c < cells; c++) {
        uint8_t *scale = group + pack_scale_at(l, first_cell + c);
        if (type == DTYPE_Q6_K) {
            scale[r] = b->scales[2 * c];
            scale[16 + r] = b->scales[2 * c + 1];
        } else if (l->super_bytes) {
            scale[r] = b->scales[c];
            scale[16 + r] = b->mins[c];
        } else {
            put_half(scale, r, b->d);
            if (l->scale_bytes == 64) put_half(scale, 16 + r, b->m);
        }
        put_quants(pack_bits(type), group + pack_quant_at(l, first_cell + c), r, b->quants + 8 * c);
    }
}

/* The blocks of `count` rows, a column of blocks at a time so that what is written stays in the first cache; rows
 * behind them are zeros. src: row-major, consecutive rows. */
static inline __attribute__((always_inline)) void put_rows(enum dtype type, uint8_t *group, int cols, int first_row,
                                                           int count, int rows, const uint8_t *src)
{
    struct pack_layout l = pack_layout_of(type, cols);
    struct dtype_info info = dtype_info(type);
    if (dtype_is_float(type)) {
        for (int r = 0; r < rows; r++)
            for (size_t c = 0; c < (size_t)cols; c++) {
                uint8_t *to = group + (c * PACK_ROWS + (size_t)(first_row + r)) * info.block_bytes;
                if (r < count)
                    memcpy(to, src + ((size_t)r * (size_t)cols + c) * info.block_bytes, info.block_bytes);
                else
                    memset(to, 0, info.block_bytes);
            }
        return;
    }
    int cells = (int)info.block_elems / CELL_COLS;
    size_t stride = (size_t)(l.cells / cells) * info.block_bytes;
    for (int c = 0; c < l.cells; c += cells)
        for (int r = 0; r < rows; r++) {
            struct block_values b;
            if (r < count)
                block_read(type, src + (size_t)r * stride + (size_t)(c / cells) * info.block_bytes, &b);
            else
                memset(&b, 0, sizeof b);
            put_block(type, group, &l, c, first_row + r, &b);
        }
}

/* One function per type, so that the compiler sees the type as a constant. */
typedef void (*rows_putter)(uint8_t *group, int cols, int first_row, int count, int rows, const uint8_t *src);
#define PUT_ROWS_OF(name, text, elems, bytes)                                                                          \
    static void put_rows_##name(uint8_t *group, int cols, int first_row, int count, int rows, const uint8_t *src)      \
    {                                                                                                                  \
        put_rows(DTYPE_##name, group, cols, first_row, count, rows, src);                                              \
    }
DTYPES(PUT_ROWS_OF)
#undef PUT_ROWS_OF
static const rows_putter put_rows_of[] = {
#define ENTRY(name, text, elems, bytes) put_rows_##name,
    DTYPES(ENTRY)
#undef ENTRY
};

void pack_group(struct packed_matrix *m, int group, const void *src)
{
    int row = group * PACK_ROWS;
    int count = m->rows - row < PACK_ROWS ? m->rows - row : PACK_ROWS;
    put_rows_of[m->type](m->data + (size_t)group * m->group_bytes, m->cols, 0, count, PACK_ROWS,
                         (const uint8_t *)src + (size_t)row * row_bytes(m->type, m->cols));
}

size_t pack_quantize_scratch(int cols)
{
    return (size_t)cols * sizeof(float) + (size_t)cols * 2; /* a float row and its blocks (at most 34 bytes per 32) */
}

void pack_group_quantized(struct packed_matrix *m, int group, const void *src, enum dtype src_type, void *scratch)
{
    uint8_t *to = m->data + (size_t)group * m->group_bytes;
    float *x = scratch;
    uint8_t *blocks = (uint8_t *)(x + m->cols);
    for (int r = 0; r < PACK_ROWS; r++) {
        int row = group * PACK_ROWS + r;
        if (row >= m->rows) {
            put_rows_of[m->type](to, m->cols, r, 0, 1, NULL);
            continue;
        }
        row_read(src_type, (const uint8_t *)src + (size_t)row * row_bytes(src_type, m->cols), m->cols, x);
        row_write(m->type, x, m->cols, blocks);
        put_rows_of[m->type](to, m->cols, r, 1, 1, blocks);
    }
}

/* --- back to floats
 * ---------------------------------------------------------------------------------------------------- */

static void get_quants(int bits, const uint8_t *cell, int r, uint8_t *quants)
{
    uint32_t w[8];
    const uint8_t *at = cell + 4 * r;
    for (int j = 0; j < 8; j++) {
        if (bits == 8) {
            w[j] = get_u32(at + j * VECTOR_BYTES);
            continue;
        }
        w[j] = get_u32(at + (j & 3) * VECTOR_BYTES) >> (j < 4 ? 0 : 4) & 0x0F0F0F0Fu;
        if (bits == 5) w[j] |= (get_u32(at + 4 * VECTOR_BYTES) >> j & 0x01010101u) << 4;
        if (bits == 6) w[j] |= (get_u32(at + (4 + j / 4) * VECTOR_BYTES) >> 2 * (j % 4) & 0x03030303u) << 4;
    }
    memcpy(quants, w, sizeof w);
}

static float get_half(const uint8_t *base, int index)
{
    uint16_t v;
    memcpy(&v, base + 2 * index, sizeof v);
    return f16_to_f32(v);
}

static void get_cell(const struct packed_matrix *m, const uint8_t *group, const struct pack_layout *l, int c, int r,
                     float *out)
{
    static const int offsets[DTYPE_COUNT] = {
        [DTYPE_Q8_0] = 128, [DTYPE_Q4_0] = 8, [DTYPE_Q5_0] = 16, [DTYPE_Q6_K] = 32};
    const uint8_t *super = group + pack_super_at(l, c);
    const uint8_t *scale = group + pack_scale_at(l, c);
    uint8_t quants[32];
    get_quants(pack_bits(m->type), group + pack_quant_at(l, c), r, quants);
    float d[2];
    float minimum = 0;
    if (m->type == DTYPE_Q6_K) {
        d[0] = get_half(super, r) * (float)(int8_t)scale[r];
        d[1] = get_half(super, r) * (float)(int8_t)scale[16 + r];
    } else if (l->super_bytes) {
        d[0] = d[1] = get_half(super, r) * (float)scale[r];
        minimum = -(get_half(super, 16 + r) * (float)scale[16 + r]);
    } else {
        d[0] = d[1] = get_half(scale, r);
        if (l->scale_bytes == 64) minimum = get_half(scale, 16 + r);
    }
    for (int i = 0; i < 32; i++) out[i] = d[i / 16] * (float)(quants[i] - offsets[m->type]) + minimum;
}

void pack_get_row(const struct packed_matrix *m, int row, float *out)
{
    struct pack_layout l = pack_layout_of(m->type, m->cols);
    const uint8_t *group = m->data + (size_t)(row / PACK_ROWS) * m->group_bytes;
    int r = row % PACK_ROWS;
    if (dtype_is_float(m->type)) {
        size_t width = dtype_info(m->type).block_bytes;
        for (int c = 0; c < m->cols; c++)
            row_read(m->type, group + ((size_t)c * PACK_ROWS + (size_t)r) * width, 1, out + c);
        return;
    }
    for (int c = 0; c < l.cells; c++) get_cell(m, group, &l, c, r, out + 32 * c);
}
