/* matmul_impl.h - matrix products over packed weights, compiled once per instruction set (include a v16_*.h first).
 *
 * The contract that makes every table, batch size and thread count give the same bits: an output element is one chain,
 *   acc = 0; for each cell of 32 columns in order:
 *     acc = fma(dw * da, (float)idot, acc)           idot exact in 32 bits, the weights' offset repaired in it
 *     acc = fma(mw, da * sum, acc)                   only for types with minima
 * where dw = d or d * scale, mw = m or -(dmin * minimum), each product rounded once; Q6_K's two scales of a cell are
 * multiplied in integers. Float weights: acc = fma(w, x, acc) column by column. The bias is added last.
 *
 * Three shapes: a few tokens (decode): weights are unpacked into registers and used for all tokens at once, streaming
 * through memory once; many tokens (prefill): a block of 8 cells of a strip of groups is unpacked into scratch that
 * stays in L1, all tokens pass over it in register tiles, their accumulators waiting in the output between blocks;
 * float weights and precise mode: the same with a float block.
 */
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"
#include "kernels/pack_layout.h"

/* A function that must be compiled for each constant type and tile, and a loop of constant length over a register tile
 * (rolled up, the tile would live in memory). Not for the scalar table, where it buys nothing, and not under a
 * sanitizer, where it costs minutes of compiling: there one generic copy does. */
#if !V16_UNROLL || defined(KERNELS_ROLLED)
#define ALWAYS_INLINE static inline
#define UNROLLED
#elif defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop of one round has nothing to unroll */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLLED      _Pragma("clang loop unroll(full)")
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLLED      _Pragma("GCC unroll 16")
#endif
#define EACH(i, n) UNROLLED for (int i = 0; i < (n); i++)

/* A strip is what shares its activations: 128 tokens x 48 cells of them (200 KB) stay in the second cache while up to 8
 * groups pass over them. Sizes are those of Zen 3 and up: 32 KB, 512 KB. */
enum { BLOCK_CELLS = 8, STRIP_TOKENS = 128, STRIP_GROUPS = 8, STRIP_CELLS = 48 };
enum { FLOAT_BLOCK_COLS = 64, FLOAT_TOKENS = 512, PREFETCH_AHEAD = 2048 };
_Static_assert(STRIP_GROUPS % V16_TILE_GROUPS == 0 && STRIP_CELLS % BLOCK_CELLS == 0, "tiles must fill a strip");

typedef float tile_row[V16_TILE_GROUPS][16]; /* the accumulators of one token in a tile */

/* Scratch of a worker for the many-token shape; fits KERNELS_SCRATCH. */
struct block_scratch {
    tile_row acc[STRIP_GROUPS / V16_TILE_GROUPS][STRIP_TOKENS]; /* between blocks */
    uint8_t w[V16_TILE_GROUPS][BLOCK_CELLS][8][VECTOR_BYTES];
    float dw[V16_TILE_GROUPS][BLOCK_CELLS][16];
    float mw[V16_TILE_GROUPS][BLOCK_CELLS][16];
    int8_t sc[V16_TILE_GROUPS][BLOCK_CELLS][2][16]; /* Q6_K */
};
struct float_scratch {
    tile_row acc[FLOAT_TOKENS];
    float w[FLOAT_BLOCK_COLS][V16_TILE_GROUPS][16];
};
_Static_assert(sizeof(struct block_scratch) <= KERNELS_SCRATCH && sizeof(struct float_scratch) <= KERNELS_SCRATCH,
               "scratch too small");

ALWAYS_INLINE int type_has_minima(enum dtype type)
{
    return type == DTYPE_Q4_1 || type == DTYPE_Q5_1 || type == DTYPE_Q4_K || type == DTYPE_Q5_K;
}

/* What was added to the quants to make them unsigned; per sum of activations it is taken off again. */
ALWAYS_INLINE int type_offset(enum dtype type)
{
    switch (type) {
    case DTYPE_Q4_0: return 8;
    case DTYPE_Q5_0: return 16;
    case DTYPE_Q6_K: return 32;
    case DTYPE_Q8_0: return V16_WIDE_DOT_IS_SIGNED ? 0 : 128;
    default: return 0;
    }
}

ALWAYS_INLINE v16i dot_quad(enum dtype type, v16i part, v16b w, const int8_t *a)
{
    return type == DTYPE_Q8_0 ? v16_dot_wide(part, w, a) : v16_dot(part, w, a);
}

/* acc + the dot product of four byte vectors: half a cell. */
ALWAYS_INLINE v16i dot_half(enum dtype type, v16i acc, const v16b w[4], const int8_t *a)
{
    const int run = V16_DOT_RUN(pack_bits(type)) < 4 ? V16_DOT_RUN(pack_bits(type)) : 4;
    v16i part = acc;
    EACH (j, 4) {
        if (j % run == 0) part = v16_part_begin(acc);
        part = dot_quad(type, part, w[j], a + 4 * j);
        if (j % run == run - 1) acc = v16_part_end(acc, part);
    }
    return acc;
}

/* The eight byte vectors of one cell. */
ALWAYS_INLINE void unpack_cell(enum dtype type, const uint8_t *quants, v16b w[8])
{
    if (type == DTYPE_Q8_0) {
        EACH (j, 8) w[j] = v16_load_bytes(quants + j * VECTOR_BYTES);
        return;
    }
    EACH (j, 4) {
        v16b v = v16_load_bytes(quants + j * VECTOR_BYTES);
        w[j] = v16_and_bytes(v, 0x0F);
        w[j + 4] = v16_and_bytes(v16_shift_right(v, 4), 0x0F);
    }
    if (pack_bits(type) == 5) {
        v16b high = v16_load_bytes(quants + 4 * VECTOR_BYTES);
        EACH (j, 8) {
            v16b bit = j <= 4 ? v16_shift_left(high, 4 - j) : v16_shift_right(high, j - 4);
            w[j] = v16_or_bytes(w[j], v16_and_bytes(bit, 0x10));
        }
    }
    if (pack_bits(type) == 6) {
        EACH (j, 8) {
            v16b high = v16_load_bytes(quants + (4 + j / 4) * VECTOR_BYTES);
            int k = j % 4;
            v16b pair = k < 2 ? v16_shift_left(high, 4 - 2 * k) : v16_shift_right(high, 2 * k - 4);
            w[j] = v16_or_bytes(w[j], v16_and_bytes(pair, 0x30));
        }
    }
}

/* The 16 rows' factors common to 8 cells (K formats): d and -dmin. */
struct super_scales {
    v16f d, m;
};

ALWAYS_INLINE struct super_scales load_super(enum dtype type, const uint8_t *group, const struct pack_layout *l,
                                             int cell)
{
    struct super_scales s = {v16_set1(0), v16_set1(0)};
    const uint16_t *super = (const uint16_t *)(const void *)(group + pack_super_at(l, cell));
    if (type == DTYPE_Q4_K || type == DTYPE_Q5_K || type == DTYPE_Q6_K) s.d = v16_load_f16(super);
    if (type == DTYPE_Q4_K || type == DTYPE_Q5_K) s.m = v16_negate(v16_load_f16(super + 16));
    return s;
}

/* dw and mw of one cell for 16 rows. */
ALWAYS_INLINE void cell_scales(enum dtype type, const uint8_t *group, const struct pack_layout *l, int cell,
                               struct super_scales super, v16f *dw, v16f *mw)
{
    const uint8_t *scale = group + pack_scale_at(l, cell);
    const uint16_t *half = (const uint16_t *)(const void *)scale;
    *mw = v16_set1(0);
    switch (type) {
    case DTYPE_Q4_1:
    case DTYPE_Q5_1:
        *dw = v16_load_f16(half);
        *mw = v16_load_f16(half + 16);
        return;
    case DTYPE_Q4_K:
    case DTYPE_Q5_K:
        *dw = v16_mul(super.d, v16_load_u8(scale));
        *mw = v16_mul(super.m, v16_load_u8(scale + 16));
        return;
    case DTYPE_Q6_K: *dw = super.d; return;
    default: *dw = v16_load_f16(half); return;
    }
}

/* The exact integer dot product of one cell with one token. w may live in registers or in memory. */
ALWAYS_INLINE v16i cell_dot(enum dtype type, const v16b w[8], v16i sc0, v16i sc1, const int8_t *q, const int32_t *sum16)
{
    int off = type_offset(type);
    if (type == DTYPE_Q6_K) {
        v16i a = dot_half(type, v16_set1_int(-off * sum16[0]), w, q);
        v16i b = dot_half(type, v16_set1_int(-off * sum16[1]), w + 4, q + 16);
        return v16_add_int(v16_mul_int(a, sc0), v16_mul_int(b, sc1));
    }
    v16i a = dot_half(type, v16_set1_int(off ? -off * (sum16[0] + sum16[1]) : 0), w, q);
    return v16_add_int(a, dot_half(type, v16_set1_int(0), w + 4, q + 16));
}

ALWAYS_INLINE v16f cell_step(enum dtype type, v16f acc, v16i idot, v16f dw, v16f mw, float da, float dsum)
{
    acc = v16_fma(v16_mul(dw, v16_set1(da)), v16_from_int(idot), acc);
    return type_has_minima(type) ? v16_fma(mw, v16_set1(dsum), acc) : acc;
}

ALWAYS_INLINE void store_rows(const struct matmul_job *job, int token, int group, v16f acc)
{
    int row = group * PACK_ROWS;
    int n = job->w->rows - row < PACK_ROWS ? job->w->rows - row : PACK_ROWS;
    float *out = job->out + (size_t)token * job->ld + row;
    if (n == PACK_ROWS) {
        v16_store(out, job->bias ? v16_add(acc, v16_load(job->bias + row)) : acc);
    } else {
        v16_store_part(out, job->bias ? v16_add(acc, v16_load_part(job->bias + row, n)) : acc, n);
    }
}

/* --- a few tokens ------------------------------------------------------------------------------------------------ */

/* Decoding streams the groups one after another: ask for what comes PREFETCH_AHEAD bytes later. */
ALWAYS_INLINE void prefetch_lines(const uint8_t *at, size_t bytes)
{
    const int lines = (int)(bytes / VECTOR_BYTES);
    EACH (i, lines) __builtin_prefetch(at + PREFETCH_AHEAD + i * VECTOR_BYTES, 0, 3);
}

/* One group, n tokens from t0 on, of which only `real` exist: the rest repeat the last one and are not stored. */
ALWAYS_INLINE void group_few(enum dtype type, const struct matmul_job *job, const struct pack_layout *l, int group,
                             int t0, int n, int real)
{
    const struct activations *x = job->x;
    const uint8_t *base = job->w->data + (size_t)group * job->w->group_bytes;
    v16f acc[V16_SMALL_BATCH];
    size_t row[V16_SMALL_BATCH];
    EACH (t, n) {
        acc[t] = v16_set1(0);
        row[t] = (size_t)(t0 + (t < real ? t : real - 1)) * (size_t)l->cells;
    }
    struct super_scales super = load_super(type, base, l, 0);
    for (int c = 0; c < l->cells; c++) {
        v16b w[8];
        v16f dw;
        v16f mw;
        v16i sc0 = v16_set1_int(0);
        v16i sc1 = v16_set1_int(0);
        if (c % l->block_cells == 0) prefetch_lines(base + pack_super_at(l, c), l->head_bytes);
        prefetch_lines(base + pack_quant_at(l, c), l->quant_bytes);
        if (c % SUPER_CELLS == 0) super = load_super(type, base, l, c);
        unpack_cell(type, base + pack_quant_at(l, c), w);
        cell_scales(type, base, l, c, super, &dw, &mw);
        if (type == DTYPE_Q6_K) {
            const int8_t *sc = (const int8_t *)base + pack_scale_at(l, c);
            sc0 = v16_load_i8(sc);
            sc1 = v16_load_i8(sc + 16);
        }
        EACH (t, n) {
            size_t at = row[t] + (size_t)c;
            v16i idot = cell_dot(type, w, sc0, sc1, x->q + at * CELL_COLS, x->sum16 + at * 2);
            acc[t] = cell_step(type, acc[t], idot, dw, mw, x->scale[at], x->dsum[at]);
        }
    }
    EACH (t, n)
        if (t < real) store_rows(job, t0 + t, group, acc[t]);
}

/* --- many tokens ------------------------------------------------------------------------------------------------- */

ALWAYS_INLINE void unpack_block(enum dtype type, struct block_scratch *s, const struct matmul_job *job,
                                const struct pack_layout *l, int group, int groups, int cell, int cells)
{
    EACH (g, groups) {
        const uint8_t *base = job->w->data + (size_t)(group + g) * job->w->group_bytes;
        for (int c = 0; c < cells; c++) {
            v16b w[8];
            v16f dw;
            v16f mw;
            unpack_cell(type, base + pack_quant_at(l, cell + c), w);
            EACH (j, 8) v16_store_bytes(s->w[g][c][j], w[j]);
            cell_scales(type, base, l, cell + c, load_super(type, base, l, cell + c), &dw, &mw);
            v16_store(s->dw[g][c], dw);
            v16_store(s->mw[g][c], mw);
            if (type == DTYPE_Q6_K) memcpy(s->sc[g][c], base + pack_scale_at(l, cell + c), 32);
        }
    }
}

#if !V16_HAS_PAIRS /* never called then */
ALWAYS_INLINE v16i v16_part_end_scaled(v16i acc, v16i part, v16i pairs)
{
    (void)part;
    (void)pairs;
    return acc;
}
#endif

/* dot += the products of byte vectors [from, to) of cell c with the tokens from x on, times scale [groups] unless NULL.
 */
ALWAYS_INLINE void tile_dots(enum dtype type, const struct block_scratch *s, int c, int from, int to, const int8_t *x,
                             size_t row_bytes, int groups, int tokens, const v16i *scale,
                             v16i dot[V16_TILE_GROUPS][V16_TILE_TOKENS])
{
    const int run = V16_DOT_RUN(pack_bits(type));
    UNROLLED for (int j = from; j < to; j += run)
    {
        v16i part[V16_TILE_GROUPS][V16_TILE_TOKENS];
        EACH (g, groups)
            EACH (t, tokens) part[g][t] = v16_part_begin(dot[g][t]);
        UNROLLED for (int k = j; k < j + run; k++)
        {
            v16b w[V16_TILE_GROUPS];
            EACH (g, groups) w[g] = v16_load_bytes(s->w[g][c][k]);
            EACH (t, tokens) {
                const int8_t *q = x + (size_t)t * row_bytes + 4 * k;
                EACH (g, groups) part[g][t] = dot_quad(type, part[g][t], w[g], q);
            }
        }
        EACH (g, groups)
            EACH (t, tokens)
                dot[g][t] =
                    scale ? v16_part_end_scaled(dot[g][t], part[g][t], scale[g]) : v16_part_end(dot[g][t], part[g][t]);
    }
}

/* The integer dot products of a tile's cell. q and sum16: of its first token. */
ALWAYS_INLINE void tile_cell(enum dtype type, const struct block_scratch *s, int c, const int8_t *q,
                             const int32_t *sum16, size_t row_cells, int groups, int tokens,
                             v16i dot[V16_TILE_GROUPS][V16_TILE_TOKENS])
{
    const int off = type_offset(type);
    size_t row_bytes = row_cells * CELL_COLS;
    EACH (t, tokens) {
        const int32_t *sum = sum16 + (size_t)t * row_cells * 2;
        v16i start = v16_set1_int(off == 0 ? 0 : -off * (type == DTYPE_Q6_K ? sum[0] : sum[0] + sum[1]));
        EACH (g, groups) dot[g][t] = start;
    }
    if (type != DTYPE_Q6_K) {
        tile_dots(type, s, c, 0, 8, q, row_bytes, groups, tokens, NULL, dot);
        return;
    }
#if V16_HAS_PAIRS
    v16i sc0[V16_TILE_GROUPS];
    v16i sc1[V16_TILE_GROUPS];
    EACH (g, groups) {
        v16i both = v16_load_pairs(s->sc[g][c][0], s->sc[g][c][1]);
        sc0[g] = v16_load_pairs(s->sc[g][c][0], s->sc[g][c][0]);
        sc1[g] = v16_load_pairs(s->sc[g][c][1], s->sc[g][c][1]);
        EACH (t, tokens) { /* the offset is 32 */
            const int32_t *sum = sum16 + (size_t)t * row_cells * 2;
            dot[g][t] = v16_pairs_dot_32(both, -sum[0], -sum[1]);
        }
    }
    tile_dots(type, s, c, 0, 4, q, row_bytes, groups, tokens, sc0, dot);
    tile_dots(type, s, c, 4, 8, q, row_bytes, groups, tokens, sc1, dot);
#else
    v16i half[V16_TILE_GROUPS][V16_TILE_TOKENS];
    tile_dots(type, s, c, 0, 4, q, row_bytes, groups, tokens, NULL, dot);
    EACH (g, groups) {
        v16i sc0 = v16_load_i8(s->sc[g][c][0]);
        EACH (t, tokens) {
            half[g][t] = v16_mul_int(dot[g][t], sc0);
            dot[g][t] = v16_set1_int(-off * sum16[(size_t)t * row_cells * 2 + 1]);
        }
    }
    tile_dots(type, s, c, 4, 8, q, row_bytes, groups, tokens, NULL, dot);
    EACH (g, groups) {
        v16i sc1 = v16_load_i8(s->sc[g][c][1]);
        EACH (t, tokens) dot[g][t] = v16_add_int(half[g][t], v16_mul_int(dot[g][t], sc1));
    }
#endif
}

/* One register tile: groups x tokens over the cells of a block. The accumulators come from sums and go back. first + t0
 * is the token, t0 its place in sums. */
ALWAYS_INLINE void tile_block(enum dtype type, const struct block_scratch *s, tile_row *sums,
                              const struct activations *x, size_t row_cells, int cell, int cells, int first, int t0,
                              int groups, int tokens)
{
    v16f acc[V16_TILE_GROUPS][V16_TILE_TOKENS];
    EACH (g, groups)
        EACH (t, tokens) acc[g][t] = v16_load(sums[t0 + t][g]);
    for (int c = 0; c < cells; c++) {
        v16i dot[V16_TILE_GROUPS][V16_TILE_TOKENS];
        size_t at = (size_t)(first + t0) * row_cells + (size_t)(cell + c);
        tile_cell(type, s, c, x->q + at * CELL_COLS, x->sum16 + at * 2, row_cells, groups, tokens, dot);
        EACH (g, groups) {
            v16f dw = v16_load(s->dw[g][c]);
            v16f mw = v16_load(s->mw[g][c]);
            EACH (t, tokens) {
                size_t i = at + (size_t)t * row_cells;
                acc[g][t] = cell_step(type, acc[g][t], dot[g][t], dw, mw, x->scale[i], x->dsum[i]);
            }
        }
    }
    EACH (g, groups)
        EACH (t, tokens) v16_store(sums[t0 + t][g], acc[g][t]);
}

/* All tokens of a strip over one block of cells: full tiles, then smaller ones. groups is a constant here. */
ALWAYS_INLINE void tiles_block(enum dtype type, const struct block_scratch *s, tile_row *sums,
                               const struct activations *x, size_t row_cells, int cell, int cells, int first, int n,
                               int groups)
{
    int t = 0;
    for (; t + V16_TILE_TOKENS <= n; t += V16_TILE_TOKENS)
        tile_block(type, s, sums, x, row_cells, cell, cells, first, t, groups, V16_TILE_TOKENS);
    for (; V16_TILE_TOKENS > 3 && t + 3 <= n; t += 3)
        tile_block(type, s, sums, x, row_cells, cell, cells, first, t, groups, V16_TILE_TOKENS > 3 ? 3 : 1);
    for (; t < n; t++) tile_block(type, s, sums, x, row_cells, cell, cells, first, t, groups, 1);
}

/* One tile's width of groups over the cells [from, to) for the tokens of a strip. */
ALWAYS_INLINE void strip_groups(enum dtype type, const struct matmul_job *job, const struct pack_layout *l,
                                tile_row *sums, int group, int groups, int from, int to, int first, int n)
{
    struct block_scratch *s = job->scratch;
    size_t row_cells = (size_t)l->cells;
    for (int cell = from; cell < to; cell += BLOCK_CELLS) {
        int cells = to - cell < BLOCK_CELLS ? to - cell : BLOCK_CELLS;
        unpack_block(type, s, job, l, group, groups, cell, cells);
        if (groups == V16_TILE_GROUPS)
            tiles_block(type, s, sums, job->x, row_cells, cell, cells, first, n, V16_TILE_GROUPS);
        else
            tiles_block(type, s, sums, job->x, row_cells, cell, cells, first, n, 1);
    }
}

/* A strip: groups [group, group + groups), at most STRIP_GROUPS; tokens [first, first + n), n <= STRIP_TOKENS. */
ALWAYS_INLINE void strip_many(enum dtype type, const struct matmul_job *job, const struct pack_layout *l, int group,
                              int groups, int first, int n)
{
    struct block_scratch *s = job->scratch;
    const int wide = V16_TILE_GROUPS;
    for (int g = 0; g < groups; g += wide) memset(s->acc[g / wide], 0, sizeof s->acc[0][0] * (size_t)n);
    for (int from = 0; from < l->cells; from += STRIP_CELLS) {
        int to = l->cells - from < STRIP_CELLS ? l->cells : from + STRIP_CELLS;
        for (int g = 0; g < groups; g += wide)
            strip_groups(type, job, l, s->acc[g / wide], group + g, groups - g < wide ? groups - g : wide, from, to,
                         first, n);
    }
    for (int g = 0; g < groups; g++)
        for (int t = 0; t < n; t++) store_rows(job, first + t, group + g, v16_load(s->acc[g / wide][t][g % wide]));
}

#include "kernels/matmul_float_impl.h"

/* --- the table's entry
 * ------------------------------------------------------------------------------------------------ */

ALWAYS_INLINE void some_few(enum dtype type, const struct matmul_job *job, const struct pack_layout *l, int g, int t0,
                            int n, int real)
{
    if (dtype_is_float(type))
        float_group_few(type, job, g, t0, n, real);
    else
        group_few(type, job, l, g, t0, n, real);
}

/* n <= V16_SMALL_BATCH; a loop of its own for each number of tokens, so that everything stays in registers. */
ALWAYS_INLINE void matmul_few(enum dtype type, const struct matmul_job *job, const struct pack_layout *l, int begin,
                              int end)
{
    int n = job->x->n;
    for (int g = begin; g < end; g++) {
        if (n == 1)
            some_few(type, job, l, g, 0, 1, 1);
        else if (n == 2)
            some_few(type, job, l, g, 0, 2, 2);
        else if (n <= 4 || V16_SMALL_BATCH == 4)
            some_few(type, job, l, g, 0, 4, n);
        else if (n <= 6)
            some_few(type, job, l, g, 0, V16_SMALL_BATCH < 6 ? 4 : 6, n);
        else
            some_few(type, job, l, g, 0, V16_SMALL_BATCH, n);
    }
}

ALWAYS_INLINE void matmul_typed(enum dtype type, const struct matmul_job *job, int begin, int end)
{
    struct pack_layout l = pack_layout_of(type, job->w->cols);
    int as_float = dtype_is_float(type) || job->precise;
    if (job->x->n <= V16_SMALL_BATCH && (dtype_is_float(type) || !job->precise)) {
        matmul_few(type, job, &l, begin, end);
        return;
    }
    const int tokens = as_float ? FLOAT_TOKENS : STRIP_TOKENS;
    const int wide = as_float ? V16_TILE_GROUPS : STRIP_GROUPS;
    for (int g = begin; g < end; g += wide) {
        int groups = end - g < wide ? end - g : wide;
        for (int first = 0; first < job->x->n; first += tokens) {
            int n = job->x->n - first < tokens ? job->x->n - first : tokens;
            if (as_float)
                float_strip(type, job, &l, g, groups, first, n);
            else
                strip_many(type, job, &l, g, groups, first, n);
        }
    }
}

/* One function per type, so that the compiler sees the type as a constant. */
#define MATMUL_OF(name, text, elems, bytes)                                                                            \
    static void matmul_##name(const struct matmul_job *job, int begin, int end)                                        \
    {                                                                                                                  \
        matmul_typed(DTYPE_##name, job, begin, end);                                                                   \
    }
DTYPES(MATMUL_OF)
#undef MATMUL_OF

static void matmul(const struct matmul_job *job, int begin, int end)
{
    static void (*const of_type[])(const struct matmul_job *, int, int) = {
#define ENTRY(name, text, elems, bytes) matmul_##name,
        DTYPES(ENTRY)
#undef ENTRY
    };
    of_type[job->w->type](job, begin, end);
}
