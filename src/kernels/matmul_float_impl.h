/* matmul_float_impl.h - products with float weights, and with quantised ones in precise mode: the float half of
 * matmul_impl.h, which includes it and holds the contract. */

ALWAYS_INLINE v16f load_float(enum dtype type, const uint8_t *p)
{
    if (type == DTYPE_F32) return v16_load((const float *)(const void *)p);
    const uint16_t *half = (const uint16_t *)(const void *)p;
    return type == DTYPE_F16 ? v16_load_f16(half) : v16_load_bf16(half);
}

ALWAYS_INLINE void float_group_few(enum dtype type, const struct matmul_job *job, int group, int t0, int n, int real)
{
    const struct activations *x = job->x;
    size_t step = dtype_info(type).block_bytes * 16;
    const uint8_t *base = job->w->data + (size_t)group * job->w->group_bytes;
    v16f acc[V16_SMALL_BATCH];
    const float *row[V16_SMALL_BATCH];
    EACH (t, n) {
        acc[t] = v16_set1(0);
        row[t] = x->x + (size_t)(t0 + (t < real ? t : real - 1)) * (size_t)x->cols;
    }
    for (int c = 0; c < x->cols; c++) {
        const uint8_t *at = base + (size_t)c * step;
        if (t0 == 0) __builtin_prefetch(at + PREFETCH_AHEAD, 0, 3);
        v16f w = load_float(type, at);
        EACH (t, n) acc[t] = v16_fma(w, v16_set1(row[t][c]), acc[t]);
    }
    EACH (t, n)
        if (t < real) store_rows(job, t0 + t, group, acc[t]);
}

/* Quantised weights as floats: dw * q + mw, as any dequantiser does, so that precise mode is the textbook product. */
ALWAYS_INLINE void unpack_float_cell(enum dtype type, struct float_scratch *s, const uint8_t *base,
                                     const struct pack_layout *l, int g, int cell, int at)
{
    v16b w[8];
    v16f dw;
    v16f mw;
    uint8_t bytes[8][VECTOR_BYTES];
    unpack_cell(type, base + pack_quant_at(l, cell), w);
    for (int j = 0; j < 8; j++) v16_store_bytes(bytes[j], w[j]);
    cell_scales(type, base, l, cell, load_super(type, base, l, cell), &dw, &mw);
    int off = type == DTYPE_Q8_0 ? 128 : type_offset(type);
    for (int c = 0; c < CELL_COLS; c++) {
        float q[16];
        for (int r = 0; r < 16; r++) q[r] = (float)(bytes[c / 4][4 * r + c % 4] - off);
        v16f scale = dw;
        if (type == DTYPE_Q6_K) {
            const int8_t *sc = (const int8_t *)base + pack_scale_at(l, cell);
            scale = v16_mul(dw, v16_from_int(v16_load_i8(sc + (c < 16 ? 0 : 16))));
        }
        v16f value = v16_mul(scale, v16_load(q));
        v16_store(s->w[at + c][g], type_has_minima(type) ? v16_add(value, mw) : value);
    }
}

ALWAYS_INLINE void unpack_float_block(enum dtype type, struct float_scratch *s, const struct matmul_job *job,
                                      const struct pack_layout *l, int group, int groups, int col, int cols)
{
    for (int g = 0; g < groups; g++) {
        const uint8_t *base = job->w->data + (size_t)(group + g) * job->w->group_bytes;
        if (dtype_is_float(type)) {
            size_t step = dtype_info(type).block_bytes * 16;
            for (int c = 0; c < cols; c++) v16_store(s->w[c][g], load_float(type, base + (size_t)(col + c) * step));
        } else {
            for (int c = 0; c < cols; c += CELL_COLS) unpack_float_cell(type, s, base, l, g, (col + c) / CELL_COLS, c);
        }
    }
}

ALWAYS_INLINE void float_tile(struct float_scratch *s, const struct activations *x, int col, int cols, int first,
                              int t0, int groups, int tokens)
{
    v16f acc[V16_TILE_GROUPS][V16_TILE_TOKENS];
    EACH (g, groups)
        EACH (t, tokens) acc[g][t] = v16_load(s->acc[t0 + t][g]);
    const float *row = x->x + (size_t)(first + t0) * (size_t)x->cols + col;
    for (int c = 0; c < cols; c++) {
        v16f w[V16_TILE_GROUPS];
        EACH (g, groups) w[g] = v16_load(s->w[c][g]);
        EACH (t, tokens) {
            v16f value = v16_set1(row[(size_t)t * (size_t)x->cols + (size_t)c]);
            EACH (g, groups) acc[g][t] = v16_fma(w[g], value, acc[g][t]);
        }
    }
    EACH (g, groups)
        EACH (t, tokens) v16_store(s->acc[t0 + t][g], acc[g][t]);
}

ALWAYS_INLINE void float_tiles(struct float_scratch *s, const struct activations *x, int col, int cols, int first,
                               int n, int groups)
{
    int t = 0;
    for (; t + V16_TILE_TOKENS <= n; t += V16_TILE_TOKENS)
        float_tile(s, x, col, cols, first, t, groups, V16_TILE_TOKENS);
    for (; t < n; t++) float_tile(s, x, col, cols, first, t, groups, 1);
}

ALWAYS_INLINE void float_strip(enum dtype type, const struct matmul_job *job, const struct pack_layout *l, int group,
                               int groups, int first, int n)
{
    struct float_scratch *s = job->scratch;
    memset(s->acc, 0, sizeof s->acc[0] * (size_t)n);
    for (int col = 0; col < job->w->cols; col += FLOAT_BLOCK_COLS) {
        int cols = job->w->cols - col < FLOAT_BLOCK_COLS ? job->w->cols - col : FLOAT_BLOCK_COLS;
        unpack_float_block(type, s, job, l, group, groups, col, cols);
        if (groups == V16_TILE_GROUPS)
            float_tiles(s, job->x, col, cols, first, n, V16_TILE_GROUPS);
        else
            float_tiles(s, job->x, col, cols, first, n, 1);
    }
    for (int t = 0; t < n; t++)
        for (int g = 0; g < groups; g++) store_rows(job, first + t, group + g, v16_load(s->acc[t][g]));
}
