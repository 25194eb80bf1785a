/* test_kernels.c - packing against an independent reading of the block formats; every table bit-equal to the scalar one
 * over random and adversarial shapes; the scalar one against double arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "unit/reference_blocks.h"

enum { MAX_TABLES = 8 };

static int all_tables(const struct kernel_table **tables)
{
    return kernels_list(tables, MAX_TABLES);
}

struct rig {
    struct activations x;
    float *values, *out, *reference, *bias;
    void *scratch;
    int rows, cols, n;
};

static void rig_open(struct rig *g, int rows, int cols, int n, float scale)
{
    size_t count = (size_t)n * (size_t)cols;
    *g = (struct rig){.rows = rows, .cols = cols, .n = n};
    g->values = malloc(count * 4);
    for (size_t i = 0; i < count; i++) g->values[i] = scale * random_float();
    g->x = (struct activations){.n = n, .cols = cols, .x = g->values};
    g->x.q = malloc(count);
    g->x.scale = malloc(count / 32 * 4 + 4);
    g->x.dsum = malloc(count / 32 * 4 + 4);
    g->x.sum16 = malloc(count / 16 * 4 + 4);
    g->out = malloc((size_t)n * (size_t)rows * 4);
    g->reference = malloc((size_t)n * (size_t)rows * 4);
    g->bias = malloc((size_t)rows * 4);
    for (int r = 0; r < rows; r++) g->bias[r] = random_float();
    g->scratch = aligned_alloc(64, KERNELS_SCRATCH);
}

static void rig_close(struct rig *g)
{
    free(g->values);
    free(g->x.q);
    free(g->x.scale);
    free(g->x.dsum);
    free(g->x.sum16);
    free(g->out);
    free(g->reference);
    free(g->bias);
    free(g->scratch);
}

static void multiply(struct rig *g, const struct kernel_table *k, const struct packed_matrix *m, float *out,
                     int precise)
{
    memset(out, 0xFF, (size_t)g->n * (size_t)g->rows * 4);
    if (!dtype_is_float(m->type))
        for (int t = 0; t < g->n; t++) k->quantize_row(&g->x, t);
    struct matmul_job job = {.w = m,
                             .x = &g->x,
                             .bias = g->bias,
                             .out = out,
                             .ld = (size_t)g->rows,
                             .precise = precise,
                             .scratch = g->scratch};
    k->matmul(&job, 0, m->groups / 2); /* as two workers would */
    k->matmul(&job, m->groups / 2, m->groups);
}

static void check_close(struct rig *g, const uint8_t *data, enum dtype type, const float *out, double bound)
{
    for (int t = 0; t < g->n; t++)
        for (int r = 0; r < g->rows; r++) {
            double sum = (double)g->bias[r];
            double size = 1e-20;
            for (int c = 0; c < g->cols; c++) {
                double w = element(type, data, g->cols, r, c);
                double x = (double)g->values[t * g->cols + c];
                sum += w * x;
                size += w * w * x * x;
            }
            double miss = fabs((double)out[t * g->rows + r] - sum);
            if (!(miss <= bound * (sqrt(size) + 1e-3 * fabs(sum)) * 4 + 1e-30))
                fail_msg("%s %dx%d n=%d [%d][%d]: off by %g of %g", dtype_info(type).name, g->rows, g->cols, g->n, t, r,
                         miss, sum);
        }
}

static void tables_agree_to_the_bit(void **state)
{
    (void)state;
    static const int shapes[][3] = {{1, 256, 1},   {16, 256, 2},   {33, 512, 7},  {50, 256, 9},
                                    {47, 768, 14}, {64, 2304, 31}, {17, 256, 530}};
    static const float scales[] = {1, 1e-30f, 1e30f, 1e-42f};
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    for (enum dtype type = 0; type < DTYPE_COUNT; type++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            struct rig g;
            rig_open(&g, shapes[s][0], shapes[s][1], shapes[s][2], scales[s % 4]);
            uint8_t *data = random_matrix(type, g.rows, g.cols);
            struct packed_matrix m;
            pack_all(&m, type, g.rows, g.cols, data);
            for (int precise = 0; precise < 2; precise++) {
                multiply(&g, tables[0], &m, g.reference, precise);
                if (s % 4 == 0 && g.n < 40)
                    check_close(&g, data, type, g.reference, precise || dtype_is_float(type) ? 1e-5 : 1e-2);
                for (int k = 1; k < count; k++) {
                    multiply(&g, tables[k], &m, g.out, precise);
                    if (memcmp(g.out, g.reference, (size_t)g.n * (size_t)g.rows * 4) != 0)
                        fail_msg("%s differs from scalar: %s %dx%d n=%d precise=%d", tables[k]->name,
                                 dtype_info(type).name, g.rows, g.cols, g.n, precise);
                }
            }
            pack_free(&m);
            free(data);
            rig_close(&g);
        }
}

/* A row's result must not depend on how many rows are computed with it: decode and prefill give the same bits. */
static void a_row_does_not_depend_on_its_neighbours(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    for (enum dtype type = 0; type < DTYPE_COUNT; type++)
        for (int k = 0; k < count; k++) {
            struct rig g;
            rig_open(&g, 40, 512, 21, 3);
            uint8_t *data = random_matrix(type, g.rows, g.cols);
            struct packed_matrix m;
            pack_all(&m, type, g.rows, g.cols, data);
            multiply(&g, tables[k], &m, g.reference, 0);
            for (int n = 1; n < 21; n += 3) {
                g.n = g.x.n = n;
                multiply(&g, tables[k], &m, g.out, 0);
                assert_memory_equal(g.out, g.reference, (size_t)n * (size_t)g.rows * 4);
            }
            pack_free(&m);
            free(data);
            rig_close(&g);
        }
}

static void extreme_quants_do_not_saturate(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    struct rig g;
    rig_open(&g, 16, 64, 1, 1);
    for (int i = 0; i < 64; i++) g.values[i] = i % 32 < 16 ? 127 : -127;
    uint8_t blocks[16 * 2 * 34];
    uint16_t one = f32_to_f16(1);
    for (int b = 0; b < 32; b++) {
        memcpy(blocks + 34 * b, &one, 2);
        for (int i = 0; i < 32; i++) blocks[34 * b + 2 + i] = (uint8_t)(int8_t)(i < 16 ? -128 : 127);
    }
    struct packed_matrix m;
    pack_all(&m, DTYPE_Q8_0, 16, 64, blocks);
    memset(g.bias, 0, 64);
    for (int k = 0; k < count; k++) {
        multiply(&g, tables[k], &m, g.out, 0);
        for (int r = 0; r < 16; r++) assert_float_equal(g.out[r], 2.0f * 16 * 127 * (-128 - 127), 0);
    }
    pack_free(&m);
    rig_close(&g);
}

/* Every quant at its largest against activations at theirs: no sum inside a table may run over, in any format. */
static void largest_quants_do_not_run_over(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    for (enum dtype type = DTYPE_Q8_0; type < DTYPE_COUNT; type++)
        for (int sign = -1; sign <= 1; sign += 2)
            for (int n = 1; n <= 13; n += 6) {
                struct dtype_info info = dtype_info(type);
                struct rig g;
                rig_open(&g, 33, 512, n, 1);
                for (int i = 0; i < n * 512; i++) g.values[i] = (float)sign;
                uint8_t *data = random_matrix(type, 33, 512);
                size_t head = type == DTYPE_Q8_0 ? 2 : 4;
                for (size_t b = 0; b < 33u * 512u / info.block_elems; b++) {
                    uint8_t *block = data + b * info.block_bytes;
                    if (type == DTYPE_Q6_K)
                        memset(block, 0xFF, 192);
                    else
                        memset(block + head, type == DTYPE_Q8_0 ? 0x7F : 0xFF, info.block_bytes - head);
                    if (type == DTYPE_Q5_0 || type == DTYPE_Q4_0) memset(block + 2, 0xFF, 2);
                }
                struct packed_matrix m;
                pack_all(&m, type, 33, 512, data);
                for (int k = 0; k < count; k++) {
                    multiply(&g, tables[k], &m, g.out, 0);
                    check_close(&g, data, type, g.out, 1e-5);
                }
                pack_free(&m);
                free(data);
                rig_close(&g);
            }
}

static void other_operations_agree_to_the_bit(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    enum { N = 200 };
    float x[N];
    float y[N];
    float a[N];
    float b[N];
    for (int i = 0; i < N; i++) {
        x[i] = 40 * random_float();
        y[i] = random_float();
    }
    for (int n = 1; n <= N; n += 7)
        for (int k = 1; k < count; k++) {
            tables[0]->rmsnorm(a, x, y, n, 1e-6f);
            tables[k]->rmsnorm(b, x, y, n, 1e-6f);
            assert_memory_equal(a, b, (size_t)n * 4);
            tables[0]->silu_mul(a, x, y, n);
            tables[k]->silu_mul(b, x, y, n);
            assert_memory_equal(a, b, (size_t)n * 4);
            for (int i = 0; i < n; i++)
                assert_true(fabs((double)a[i] - (double)x[i] / (1 + exp(-(double)x[i])) * (double)y[i]) < 1e-5);
            assert_true(tables[0]->sum_exp(a, x, n, 40) == tables[k]->sum_exp(b, x, n, 40));
            assert_memory_equal(a, b, (size_t)n * 4);
            assert_true(tables[0]->max(x, n) == tables[k]->max(x, n));
            memcpy(a, x, sizeof a);
            memcpy(b, x, sizeof b);
            tables[0]->rope(a, y, y + N / 2, n / 2);
            tables[k]->rope(b, y, y + N / 2, n / 2);
            assert_memory_equal(a, b, sizeof a);
            uint16_t ha[N];
            uint16_t hb[N];
            tables[0]->f32_to_f16(ha, x, n);
            tables[k]->f32_to_f16(hb, x, n);
            assert_memory_equal(ha, hb, (size_t)n * 2);
        }
}

/* Shapes and numbers at random: odd rows, every small n, zero and huge scales, quants at their ends, zero blocks. */
static void random_shapes_agree_to_the_bit(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    for (int round = 0; round < 220; round++) {
        enum dtype type = (enum dtype)(round % DTYPE_COUNT);
        struct dtype_info info = dtype_info(type);
        int unit = dtype_is_float(type) ? 16 : (int)info.block_elems;
        int rows = 1 + (int)(random_u32() % 50);
        int cols = unit * (1 + (int)(random_u32() % (unit > 32 ? 4 : 30)));
        struct rig g;
        rig_open(&g, rows, cols, 1 + (int)(random_u32() % 40), 1);
        for (int i = 0; i < g.n * cols; i++) {
            uint32_t dice = random_u32() % 64;
            if (i / 32 % 7 == 3) g.values[i] = 0; /* whole blocks of zeros */
            if (dice == 0) g.values[i] *= 1000;   /* an outlier */
            if (dice == 1) g.values[i] = -g.values[i / 32 * 32];
        }
        uint8_t *data = random_matrix(type, rows, cols);
        size_t blocks = (size_t)rows * (size_t)cols / info.block_elems;
        for (size_t b = 0; b < blocks && !dtype_is_float(type); b++) {
            uint8_t *block = data + b * info.block_bytes;
            uint32_t dice = random_u32() % 16;
            uint16_t d = f32_to_f16(dice & 1 ? 60000.0f : 6e-8f); /* near the largest, the smallest subnormal */
            size_t d_at = type == DTYPE_Q6_K ? 208 : 0;
            size_t tail = type == DTYPE_Q6_K ? 0 : 4;
            if (dice < 2) memset(block + tail, dice ? 0xFF : 0, info.block_bytes - tail - (type == DTYPE_Q6_K ? 2 : 0));
            if (dice < 4) memcpy(block + d_at, &d, 2);
            if (type == DTYPE_Q8_0 && dice == 5) memset(block + 2, 0x80, 32); /* all -128 */
            if (type == DTYPE_Q6_K && dice == 5) memset(block + 192, 0x80, 16);
        }
        struct packed_matrix m;
        pack_all(&m, type, rows, cols, data);
        for (int precise = 0; precise < 2; precise++) {
            multiply(&g, tables[0], &m, g.reference, precise);
            for (int k = 1; k < count; k++) {
                multiply(&g, tables[k], &m, g.out, precise);
                if (memcmp(g.out, g.reference, (size_t)g.n * (size_t)rows * 4) != 0)
                    fail_msg("%s differs from scalar: %s %dx%d n=%d precise=%d", tables[k]->name, info.name, rows, cols,
                             g.n, precise);
            }
        }
        pack_free(&m);
        free(data);
        rig_close(&g);
    }
}

/* The contract of kernels.h element by element, in plain C over the unpacked matrix: integers are exact. */
static void products_follow_the_contract(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    enum { ROWS = 21, COLS = 512, N = 3 };
    struct rig g;
    rig_open(&g, ROWS, COLS, N, 2);
    uint8_t *data = random_matrix(DTYPE_Q8_0, ROWS, COLS);
    struct packed_matrix m;
    pack_all(&m, DTYPE_Q8_0, ROWS, COLS, data);
    for (int k = 0; k < count; k++) {
        multiply(&g, tables[k], &m, g.out, 0);
        for (int t = 0; t < N; t++)
            for (int r = 0; r < ROWS; r++) {
                float acc = 0;
                for (int c = 0; c < COLS / 32; c++) {
                    const uint8_t *block = data + (r * (COLS / 32) + c) * 34;
                    const float *x = g.values + t * COLS + 32 * c;
                    uint16_t d;
                    memcpy(&d, block, 2);
                    float peak = 0;
                    for (int i = 0; i < 32; i++) peak = fmaxf(peak, fabsf(x[i]));
                    int idot = 0;
                    for (int i = 0; i < 32; i++) idot += (int8_t)block[2 + i] * (int)rintf(x[i] * (127.0f / peak));
                    acc = fmaf(f16_to_f32(d) * (peak / 127.0f), (float)idot, acc);
                }
                assert_true(g.out[t * ROWS + r] == acc + g.bias[r]);
            }
    }
    pack_free(&m);
    free(data);
    rig_close(&g);
}

/* One bad activation must not turn into a plausible number. */
static void broken_activations_stay_visible(void **state)
{
    (void)state;
    static const float broken[] = {NAN, -NAN, INFINITY, -INFINITY};
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    for (enum dtype type = 0; type < DTYPE_COUNT; type++)
        for (int k = 0; k < count; k++)
            for (int b = 0; b < 4; b++)
                for (int at = 3; at < 256; at += 101) {
                    struct rig g;
                    rig_open(&g, 17, 256, 9, 1);
                    g.values[4 * 256 + at] = broken[b];
                    uint8_t *data = random_matrix(type, 17, 256);
                    struct packed_matrix m;
                    pack_all(&m, type, 17, 256, data);
                    multiply(&g, tables[k], &m, g.out, 0);
                    for (int t = 0; t < 9; t++)
                        for (int r = 0; r < 17; r++) assert_int_equal(!isfinite(g.out[t * 17 + r]), t == 4);
                    pack_free(&m);
                    free(data);
                    rig_close(&g);
                }
}

static void exponentials_of_hard_numbers(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    static float x[4096];
    static float out[4096];
    for (int i = 0; i < 4096; i++) x[i] = -87.0f * (float)i / 4095.0f;
    for (int k = 0; k < count; k++) {
        tables[k]->sum_exp(out, x, 4096, 0);
        for (int i = 0; i < 4096; i++) {
            double want = exp((double)x[i]);
            assert_true(fabs((double)out[i] - want) <= 2.4e-7 * want);
        }
        float hard[5] = {-INFINITY, -1000, 0, -87.31f, 0};
        float y[5];
        assert_true(tables[k]->sum_exp(y, hard, 5, 0) == 2.0);
        assert_true(y[0] == 0 && y[1] == 0 && y[2] == 1 && y[3] == 0);
        hard[3] = NAN;
        assert_true(isnan(tables[k]->sum_exp(y, hard, 5, 0)));
        float gate[3] = {-INFINITY, NAN, 80};
        float up[3] = {1, 1, 2};
        tables[k]->silu_mul(y, gate, up, 3);
        assert_true(isnan(y[1]) && y[2] == 160);
    }
}

static void tables_are_chosen_by_name(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    const struct kernel_table *chosen = NULL;
    struct error e = {0};
    int count = all_tables(tables);
    assert_true(count >= 1);
    assert_string_equal(tables[0]->name, "scalar");
    for (int k = 0; k < count; k++) {
        assert_int_equal(kernels_select(&chosen, tables[k]->name, &e), OK);
        assert_ptr_equal(chosen, tables[k]);
    }
    assert_int_equal(kernels_select(&chosen, NULL, &e), OK);
    assert_ptr_equal(chosen, tables[count - 1]);
    assert_int_equal(kernels_select(&chosen, "sse9", &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "scalar"));
}

static void halves_round_as_the_standard_says(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float x = f16_to_f32((uint16_t)h);
        if (isnan(x))
            assert_true((f32_to_f16(x) & 0x7C00) == 0x7C00 && (f32_to_f16(x) & 0x3FF));
        else
            assert_int_equal(f32_to_f16(x), h);
    }
    assert_int_equal(f32_to_f16(65519.0f), 0x7BFF);
    assert_int_equal(f32_to_f16(65520.0f), 0x7C00);
    assert_int_equal(f32_to_f16(1.0f + 0x1p-11f), 0x3C00); /* a tie goes to even */
}

/* Attention of one head by definition, in double. */
enum { ATTEND_QUERIES = 19, ATTEND_SIZE = 80, ATTEND_POSITIONS = 2 * ATTEND_CHUNK };

struct attention_rig {
    float q[(ATTEND_QUERIES + ATTEND_PAD) * ATTEND_SIZE];
    float k[ATTEND_POSITIONS * ATTEND_SIZE], v[ATTEND_POSITIONS * ATTEND_SIZE]; /* [position][size] */
    float k32[ATTEND_POSITIONS * ATTEND_SIZE];                                  /* as the kernels want it */
    uint16_t k16[ATTEND_POSITIONS * ATTEND_SIZE], v16[ATTEND_POSITIONS * ATTEND_SIZE];
    int seen[ATTEND_QUERIES];
    float scores[(ATTEND_QUERIES + ATTEND_PAD) * ATTEND_CHUNK];
};

struct attention_state {
    float m[ATTEND_QUERIES], s[ATTEND_QUERIES], acc[(ATTEND_QUERIES + ATTEND_PAD) * ATTEND_SIZE];
};

/* Keys and values that f16 holds exactly, so that both forms give the same bits; positions nobody sees are NaN. */
static void attention_fill(struct attention_rig *a)
{
    for (size_t i = 0; i < sizeof a->q / sizeof *a->q; i++) a->q[i] = 0.3f * random_float();
    int most = 0;
    for (int i = 0; i < ATTEND_QUERIES; i++) {
        a->seen[i] = i == 0 ? 1 : i == 1 ? ATTEND_CHUNK : i == 2 ? ATTEND_CHUNK + 1 : ATTEND_CHUNK + 9 * i;
        most = a->seen[i] > most ? a->seen[i] : most;
    }
    for (int p = 0; p < ATTEND_POSITIONS; p++)
        for (int d = 0; d < ATTEND_SIZE; d++) {
            int at = p * ATTEND_SIZE + d;
            int tiled = (p / 16 * ATTEND_SIZE + d) * 16 + p % 16;
            a->k[at] = p < most ? f16_to_f32(f32_to_f16(random_float())) : NAN;
            a->v[at] = p < most ? f16_to_f32(f32_to_f16(random_float())) : NAN;
            a->k32[tiled] = a->k[at];
            a->k16[tiled] = f32_to_f16(a->k[at]);
            a->v16[at] = f32_to_f16(a->v[at]);
        }
}

/* Queries [first, first + n) over one chunk. */
static void attend(struct attention_rig *a, const struct kernel_table *table, int is_f32, int chunk, int first, int n,
                   struct attention_state *out)
{
    int count[ATTEND_QUERIES];
    int at = chunk * ATTEND_CHUNK;
    for (int i = 0; i < n; i++) {
        int left = a->seen[first + i] - at;
        count[i] = left < ATTEND_CHUNK ? left : ATTEND_CHUNK;
    }
    struct attend_job job = {.q = a->q + first * ATTEND_SIZE,
                             .k = a->k32 + at * ATTEND_SIZE,
                             .v = a->v + at * ATTEND_SIZE,
                             .is_f32 = is_f32,
                             .queries = n,
                             .size = ATTEND_SIZE,
                             .count = count,
                             .m = out->m,
                             .s = out->s,
                             .acc = out->acc,
                             .scores = a->scores};
    if (!is_f32) job.k = a->k16 + at * ATTEND_SIZE;
    if (!is_f32) job.v = a->v16 + at * ATTEND_SIZE;
    table->attend_chunk(&job);
}

static void check_attention(const struct attention_rig *a, int query, float s, const float *acc)
{
    double sum = 0;
    double want[ATTEND_SIZE] = {0};
    for (int p = 0; p < a->seen[query]; p++) {
        double score = 0;
        for (int d = 0; d < ATTEND_SIZE; d++)
            score += (double)a->q[query * ATTEND_SIZE + d] * (double)a->k[p * ATTEND_SIZE + d];
        sum += exp(score);
        for (int d = 0; d < ATTEND_SIZE; d++) want[d] += exp(score) * (double)a->v[p * ATTEND_SIZE + d];
    }
    for (int d = 0; d < ATTEND_SIZE; d++) assert_true(fabs((double)(acc[d] / s) - want[d] / sum) < 1e-5);
}

/* Both number formats and every table give the same bits; a query alone the same as among others. */
static void attention_is_softmax_times_values(void **state)
{
    (void)state;
    enum { ROW = sizeof(float) * ATTEND_SIZE };
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    struct attention_rig *a = malloc(sizeof *a);
    struct attention_state *one = malloc(3 * sizeof *one);
    struct attention_state *two = one + 1;
    struct attention_state *first = one + 2;
    attention_fill(a);
    for (int k = 0; k < 2 * count; k++) {
        const struct kernel_table *table = tables[k / 2];
        attend(a, table, k % 2, 0, 0, ATTEND_QUERIES, one);
        if (k == 0) *first = *one;
        assert_memory_equal(one->acc, first->acc, ROW * ATTEND_QUERIES);
        assert_memory_equal(one->s, first->s, sizeof one->s);
        for (int i = 0; i < ATTEND_QUERIES; i++) {
            attend(a, table, k % 2, 0, i, 1, two);
            assert_memory_equal(two->acc, one->acc + i * ATTEND_SIZE, ROW);
            assert_true(two->m[0] == one->m[i] && two->s[0] == one->s[i]);
        }
        attend(a, table, k % 2, 1, 2, ATTEND_QUERIES - 2, two);
        for (int i = 2; i < ATTEND_QUERIES; i++)
            table->attend_merge(&one->m[i], &one->s[i], one->acc + i * ATTEND_SIZE, two->m[i - 2], two->s[i - 2],
                                two->acc + (i - 2) * ATTEND_SIZE, ATTEND_SIZE);
        for (int i = 0; i < ATTEND_QUERIES; i++) check_attention(a, i, one->s[i], one->acc + i * ATTEND_SIZE);
    }
    free(one);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_chosen_by_name),
        cmocka_unit_test(tables_agree_to_the_bit),
        cmocka_unit_test(random_shapes_agree_to_the_bit),
        cmocka_unit_test(products_follow_the_contract),
        cmocka_unit_test(a_row_does_not_depend_on_its_neighbours),
        cmocka_unit_test(extreme_quants_do_not_saturate),
        cmocka_unit_test(largest_quants_do_not_run_over),
        cmocka_unit_test(broken_activations_stay_visible),
        cmocka_unit_test(other_operations_agree_to_the_bit),
        cmocka_unit_test(exponentials_of_hard_numbers),
        cmocka_unit_test(halves_round_as_the_standard_says),
        cmocka_unit_test(attention_is_softmax_times_values),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
