/* attend_impl.h - attention of many queries over one chunk of keys and values, compiled once per instruction set
 * (include a v16_*.h, matmul_impl.h and ops_impl.h first).
 *
 * Bits depend on a query and its own positions alone, never on its neighbours, so that prompts may be cut anywhere:
 *   score[p]  one chain of fused multiply-adds over the dimensions; lane = position, which is why keys lie interleaved
 *             by sixteen positions: no horizontal sums, and a key is converted once for a tile of queries
 *   m         the largest score; s: exp(score - m) added up in sixteen lanes (position % 16), then as a tree
 *   acc[i]    one chain of fused multiply-adds over the positions in order; lane = dimension
 * Positions behind a query's count are computed along in its last sixteen and then cut off: what lies there may be
 * anything, also NaN. Rejected: row-major keys (a tree of adds per score), a running maximum (its rescaling order would
 * depend on the tiling). */
#include <math.h>

/* Scores of queries [q0, q0 + queries) for positions of `tiles` groups of sixteen from t0. */
ALWAYS_INLINE void score_tile(const struct attend_job *job, int q0, int queries, int t0, int tiles, int is_f32)
{
    size_t size = (size_t)job->size;
    const float *q = job->q + (size_t)q0 * size;
    v16f score[V16_SCORE_QUERIES][V16_SCORE_TILES];
    UNROLLED for (int i = 0; i < queries; i++) UNROLLED for (int t = 0; t < tiles; t++) score[i][t] = v16_set1(0);
    for (size_t d = 0; d < size; d++) {
        v16f key[V16_SCORE_TILES];
        UNROLLED for (int t = 0; t < tiles; t++) key[t] = load_kv(job->k, ((size_t)(t0 + t) * size + d) * 16, is_f32);
        UNROLLED for (int i = 0; i < queries; i++)
        {
            v16f x = v16_set1(q[(size_t)i * size + d]);
            UNROLLED for (int t = 0; t < tiles; t++) score[i][t] = v16_fma(x, key[t], score[i][t]);
        }
    }
    UNROLLED for (int i = 0; i < queries; i++) UNROLLED for (int t = 0; t < tiles; t++)
        v16_store(job->scores + (size_t)(q0 + i) * ATTEND_CHUNK + (t0 + t) * 16, score[i][t]);
}

ALWAYS_INLINE void score_queries(const struct attend_job *job, int q0, int queries, int real, int is_f32)
{
    int most = 0;
    for (int i = 0; i < real; i++) most = job->count[q0 + i] > most ? job->count[q0 + i] : most;
    int tiles = (most + 15) / 16;
    int t = 0;
    for (; t + V16_SCORE_TILES <= tiles; t += V16_SCORE_TILES) score_tile(job, q0, queries, t, V16_SCORE_TILES, is_f32);
    for (; t < tiles; t++) score_tile(job, q0, queries, t, 1, is_f32);
}

/* Scores to weights exp(score - m), in place; zeros behind the count. */
static inline void weigh(float *scores, int count, float *m, float *s)
{
    int whole = (count + 15) / 16 * 16;
    for (int p = count; p < whole; p++) scores[p] = -INFINITY;
    v16f top = v16_load(scores);
    for (int p = 16; p < whole; p += 16) top = v16_max(top, v16_load(scores + p));
    *m = v16_max_lane(top);
    v16f sum = v16_set1(0);
    for (int p = 0; p < whole; p += 16) {
        v16_store(scores + p, v16_exp(v16_sub(v16_load(scores + p), v16_set1(*m))));
        v16f e = load_tail(scores, p, count);
        v16_store(scores + p, e);
        sum = v16_add(sum, e);
    }
    *s = v16_sum(sum);
}

/* acc += weight * value over positions [from, to), dimensions [d0, d0 + 16 * vectors). */
ALWAYS_INLINE void value_tile(const struct attend_job *job, int q0, int queries, int from, int to, size_t d0,
                              int vectors, int is_f32)
{
    size_t size = (size_t)job->size;
    const float *weight = job->scores + (size_t)q0 * ATTEND_CHUNK;
    float *out = job->acc + (size_t)q0 * size + d0;
    v16f acc[V16_VALUE_QUERIES][V16_VALUE_VECTORS];
    UNROLLED for (int i = 0; i < queries; i++) UNROLLED for (int k = 0; k < vectors; k++) acc[i][k] =
        v16_load(out + (size_t)i * size + 16 * k);
    for (int p = from; p < to; p++) {
        v16f value[V16_VALUE_VECTORS];
        UNROLLED for (int k = 0; k < vectors; k++) value[k] =
            load_kv(job->v, (size_t)p * size + d0 + 16 * (size_t)k, is_f32);
        UNROLLED for (int i = 0; i < queries; i++)
        {
            v16f w = v16_set1(weight[(size_t)i * ATTEND_CHUNK + (size_t)p]);
            UNROLLED for (int k = 0; k < vectors; k++) acc[i][k] = v16_fma(w, value[k], acc[i][k]);
        }
    }
    UNROLLED for (int i = 0; i < queries; i++) UNROLLED for (int k = 0; k < vectors; k++)
        v16_store(out + (size_t)i * size + 16 * k, acc[i][k]);
}

ALWAYS_INLINE void value_span(const struct attend_job *job, int q0, int queries, int from, int to, int is_f32)
{
    size_t size = (size_t)job->size;
    size_t d = 0;
    if (from >= to) return;
    for (; d + 16 * V16_VALUE_VECTORS <= size; d += 16 * V16_VALUE_VECTORS)
        value_tile(job, q0, queries, from, to, d, V16_VALUE_VECTORS, is_f32);
    for (; d < size; d += 16) value_tile(job, q0, queries, from, to, d, 1, is_f32);
}

/* The positions all of them see together, then each its own rest. */
ALWAYS_INLINE void value_queries(const struct attend_job *job, int q0, int queries, int real, int is_f32)
{
    int shared = job->count[q0];
    for (int i = 1; i < real; i++) shared = job->count[q0 + i] < shared ? job->count[q0 + i] : shared;
    value_span(job, q0, queries, 0, shared, is_f32);
    for (int i = 0; i < real; i++) value_span(job, q0 + i, 1, shared, job->count[q0 + i], is_f32);
}

/* A tile is as dear with one query in it as full: a lone query goes alone. */
ALWAYS_INLINE void attend_typed(const struct attend_job *job, int is_f32)
{
    int n = job->queries;
    for (int q = 0; q < n; q += V16_SCORE_QUERIES) {
        int real = n - q < V16_SCORE_QUERIES ? n - q : V16_SCORE_QUERIES;
        if (real == 1)
            score_queries(job, q, 1, 1, is_f32);
        else
            score_queries(job, q, V16_SCORE_QUERIES, real, is_f32);
    }
    for (int q = 0; q < n; q++) weigh(job->scores + (size_t)q * ATTEND_CHUNK, job->count[q], &job->m[q], &job->s[q]);
    memset(job->acc, 0, sizeof *job->acc * (size_t)n * (size_t)job->size);
    for (int q = 0; q < n; q += V16_VALUE_QUERIES) {
        int real = n - q < V16_VALUE_QUERIES ? n - q : V16_VALUE_QUERIES;
        if (real == 1)
            value_queries(job, q, 1, 1, is_f32);
        else
            value_queries(job, q, V16_VALUE_QUERIES, real, is_f32);
    }
}

static void attend_chunk(const struct attend_job *job)
{
    if (job->is_f32)
        attend_typed(job, 1);
    else
        attend_typed(job, 0);
}

static void attend_merge(float *m, float *s, float *acc, float m2, float s2, const float *acc2, int size)
{
    float both = *m > m2 ? *m : m2;
    float pair[16] = {*m - both, m2 - both};
    v16_store(pair, v16_exp(v16_load(pair)));
    *s = fmaf(*s, pair[0], s2 * pair[1]);
    for (int i = 0; i < size; i += 16)
        v16_store(acc + i,
                  v16_fma(v16_load(acc + i), v16_set1(pair[0]), v16_mul(v16_load(acc2 + i), v16_set1(pair[1]))));
    *m = both;
}
