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

#include "kernels/blocks.h"
#include "kernels/half.h"
#include "kernels/kernels.h"

enum { MAX_TABLES = 8 };

static uint64_t random_state = 42;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static float random_float(void)
{
    return (float)random_u32() / 1073741824.0f - 1.0f;
}

static int all_tables(const struct kernel_table **tables)
{
    return kernels_list(tables, MAX_TABLES);
}

/* Random valid blocks: any quants, moderate scales (and a zero scale now and then). */
static uint8_t *random_matrix(enum dtype type, int rows, int cols)
{
    struct dtype_info info = dtype_info(type);
    size_t blocks = (size_t)rows * (size_t)cols / info.block_elems;
    uint8_t *data = malloc(blocks * info.block_bytes);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *block = data + b * info.block_bytes;
        for (size_t i = 0; i < info.block_bytes; i++) block[i] = (uint8_t)random_u32();
        uint16_t d = f32_to_f16(random_u32() % 17 == 0 ? 0 : 0.01f * random_float());
        uint16_t m = f32_to_f16(0.02f * random_float());
        if (type == DTYPE_F32) {
            float x = random_float();
            memcpy(block, &x, 4);
        } else if (type == DTYPE_F16) {
            uint16_t h = f32_to_f16(random_float());
            memcpy(block, &h, 2);
        } else if (type == DTYPE_BF16) {
            float x = random_float();
            memcpy(block, (uint8_t *)&x + 2, 2);
        } else if (type == DTYPE_Q6_K) {
            memcpy(block + 208, &d, 2);
        } else {
            memcpy(block, &d, 2);
            if (type == DTYPE_Q4_1 || type == DTYPE_Q5_1 || type == DTYPE_Q4_K || type == DTYPE_Q5_K)
                memcpy(block + 2, &m, 2);
        }
    }
    return data;
}

static void pack_all(struct packed_matrix *m, enum dtype type, int rows, int cols, const void *data)
{
    struct error e = {0};
    assert_int_equal(pack_new(m, type, rows, cols, &e), OK);
    for (int g = 0; g < m->groups; g++) pack_group(m, g, data);
}

/* An element of a row-major matrix, written from the format's description and not from blocks.c. */
static double element(enum dtype type, const uint8_t *data, int cols, int row, int col)
{
    struct dtype_info info = dtype_info(type);
    const uint8_t *b = data + ((size_t)row * (size_t)cols + (size_t)col) / info.block_elems * info.block_bytes;
    int i = col % (int)info.block_elems;
    uint16_t h0;
    uint16_t h1;
    memcpy(&h0, b, 2);
    double d = (double)f16_to_f32(h0);
    double m = 0;
    if (info.block_bytes >= 4) {
        memcpy(&h1, b + 2, 2);
        m = (double)f16_to_f32(h1);
    }
    switch (type) {
    case DTYPE_F32: {
        float x;
        memcpy(&x, b, 4);
        return (double)x;
    }
    case DTYPE_F16: return d;
    case DTYPE_BF16: return (double)bf16_to_f32(h0);
    case DTYPE_Q8_0: return d * (int8_t)b[2 + i];
    case DTYPE_Q4_0: return d * ((i < 16 ? b[2 + i] & 15 : b[2 + i - 16] >> 4) - 8);
    case DTYPE_Q4_1: return d * (i < 16 ? b[4 + i] & 15 : b[4 + i - 16] >> 4) + m;
    case DTYPE_Q5_0:
    case DTYPE_Q5_1: {
        int head = type == DTYPE_Q5_0 ? 2 : 4;
        int low = i < 16 ? b[head + 4 + i] & 15 : b[head + 4 + i - 16] >> 4;
        int q = low + 16 * (b[head + i / 8] >> i % 8 & 1);
        return type == DTYPE_Q5_0 ? d * (q - 16) : d * q + m;
    }
    case DTYPE_Q4_K:
    case DTYPE_Q5_K: {
        int s = i / 32;
        const uint8_t *p = b + 4;
        int sc = s < 4 ? p[s] & 63 : (p[s + 4] & 15) + 16 * (p[s - 4] >> 6);
        int mn = s < 4 ? p[s + 4] & 63 : (p[s + 4] >> 4) + 16 * (p[s] >> 6);
        const uint8_t *qs = b + (type == DTYPE_Q4_K ? 16 : 48) + i / 64 * 32 + i % 32;
        int q = i / 32 % 2 ? *qs >> 4 : *qs & 15;
        if (type == DTYPE_Q5_K) q += 16 * (b[16 + i % 32] >> s & 1);
        return d * sc * q - m * mn;
    }
    case DTYPE_Q6_K: {
        int half = i / 128;
        int k = i % 128;
        int low = k < 64 ? b[half * 64 + k] & 15 : b[half * 64 + k - 64] >> 4;
        int high = b[128 + half * 32 + k % 32] >> k / 32 * 2 & 3;
        memcpy(&h0, b + 208, 2);
        return (double)f16_to_f32(h0) * (int8_t)b[192 + i / 16] * (low + 16 * high - 32);
    }
    default: return NAN;
    }
}

static void packed_rows_read_back_as_the_format_says(void **state)
{
    (void)state;
    for (enum dtype type = 0; type < DTYPE_COUNT; type++) {
        int rows = 37;
        int cols = 512;
        uint8_t *data = random_matrix(type, rows, cols);
        struct packed_matrix m;
        pack_all(&m, type, rows, cols, data);
        float out[512];
        for (int r = 0; r < rows; r++) {
            pack_get_row(&m, r, out);
            for (int c = 0; c < cols; c++) {
                double want = element(type, data, cols, r, c);
                if (fabs((double)out[c] - want) > 1e-6 * (1 + fabs(want)))
                    fail_msg("%s [%d][%d]: %g, not %g", dtype_info(type).name, r, c, (double)out[c], want);
            }
        }
        pack_free(&m);
        free(data);
    }
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
static void attention_is_softmax_times_values(void **state)
{
    (void)state;
    enum { SIZE = 80, COUNT = 300, HEADS = 3 };
    const struct kernel_table *tables[MAX_TABLES];
    int count = all_tables(tables);
    static float q[HEADS * SIZE], k[COUNT * SIZE], v[COUNT * SIZE], scores[HEADS * COUNT];
    for (int i = 0; i < HEADS * SIZE; i++) q[i] = random_float();
    for (int i = 0; i < COUNT * SIZE; i++) {
        k[i] = random_float();
        v[i] = random_float();
    }
    float first[HEADS * SIZE];
    for (int t = 0; t < count; t++) {
        float m[HEADS], s[HEADS], acc[HEADS * SIZE], m2[HEADS], s2[HEADS], acc2[HEADS * SIZE];
        struct attend_job job = {.q = q,
                                 .k = k,
                                 .v = v,
                                 .is_f32 = 1,
                                 .heads = HEADS,
                                 .size = SIZE,
                                 .count = 256,
                                 .m = m,
                                 .s = s,
                                 .acc = acc,
                                 .scores = scores};
        tables[t]->attend_chunk(&job);
        struct attend_job rest = job;
        rest.k = k + 256 * SIZE;
        rest.v = v + 256 * SIZE;
        rest.count = COUNT - 256;
        rest.m = m2;
        rest.s = s2;
        rest.acc = acc2;
        tables[t]->attend_chunk(&rest);
        for (int h = 0; h < HEADS; h++) {
            tables[t]->attend_merge(&m[h], &s[h], acc + h * SIZE, m2[h], s2[h], acc2 + h * SIZE, SIZE);
            double sum = 0;
            double want[SIZE] = {0};
            for (int p = 0; p < COUNT; p++) {
                double score = 0;
                for (int i = 0; i < SIZE; i++) score += (double)q[h * SIZE + i] * (double)k[p * SIZE + i];
                sum += exp(score);
                for (int i = 0; i < SIZE; i++) want[i] += exp(score) * (double)v[p * SIZE + i];
            }
            for (int i = 0; i < SIZE; i++) assert_true(fabs((double)(acc[h * SIZE + i] / s[h]) - want[i] / sum) < 1e-5);
        }
        if (t == 0) memcpy(first, acc, sizeof first);
        assert_memory_equal(acc, first, sizeof first);
    }
}

static void quantising_keeps_the_weights(void **state)
{
    (void)state;
    static const struct {
        enum dtype type;
        double bound;
    } cases[] = {{DTYPE_Q8_0, 0.006}, {DTYPE_Q4_K, 0.09}};
    for (size_t k = 0; k < 2; k++) {
        enum { ROWS = 20, COLS = 512 };
        static float x[ROWS * COLS];
        for (int i = 0; i < ROWS * COLS; i++) x[i] = random_float() + random_float() + random_float();
        struct packed_matrix m;
        struct error e = {0};
        assert_int_equal(pack_new(&m, cases[k].type, ROWS, COLS, &e), OK);
        void *scratch = malloc(pack_quantize_scratch(COLS));
        for (int g = 0; g < m.groups; g++) pack_group_quantized(&m, g, x, DTYPE_F32, scratch);
        double miss = 0;
        double size = 0;
        float row[COLS];
        for (int r = 0; r < ROWS; r++) {
            pack_get_row(&m, r, row);
            for (int c = 0; c < COLS; c++) {
                miss += pow((double)row[c] - (double)x[r * COLS + c], 2);
                size += pow((double)x[r * COLS + c], 2);
            }
        }
        assert_true(sqrt(miss / size) < cases[k].bound);
        free(scratch);
        pack_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_rows_read_back_as_the_format_says), cmocka_unit_test(tables_agree_to_the_bit),
        cmocka_unit_test(a_row_does_not_depend_on_its_neighbours),  cmocka_unit_test(extreme_quants_do_not_saturate),
        cmocka_unit_test(other_operations_agree_to_the_bit),        cmocka_unit_test(halves_round_as_the_standard_says),
        cmocka_unit_test(attention_is_softmax_times_values),        cmocka_unit_test(quantising_keeps_the_weights),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
