/* test_pack.c - blocks built by hand from the formats' description, packed, and read back; sizes; quantising on load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/blocks.h"
#include "unit/reference_blocks.h"

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

/* One block of each format whose values were worked out on paper. */
static void read_one(enum dtype type, const uint8_t *block, float *out)
{
    struct packed_matrix m;
    pack_all(&m, type, 1, (int)dtype_info(type).block_elems, block);
    pack_get_row(&m, 0, out);
    pack_free(&m);
}

static void blocks_made_by_hand(void **state)
{
    (void)state;
    float out[256];
    uint8_t q8[34] = {0x00, 0x38, 0x80, 0x7F, 0x00, 0xFF}; /* d = 0.5: -128, 127, 0, -1 */
    read_one(DTYPE_Q8_0, q8, out);
    assert_true(out[0] == -64.0f && out[1] == 63.5f && out[2] == 0.0f && out[3] == -0.5f);
    uint8_t q4[18] = {0x00, 0x40, 0xF0}; /* d = 2: low nibble 0 is column 0, high nibble 15 is column 16 */
    read_one(DTYPE_Q4_0, q4, out);
    assert_true(out[0] == -16.0f && out[16] == 14.0f && out[1] == -16.0f);
    uint8_t q41[20] = {0x00, 0x40, 0x00, 0x3C, 0x53}; /* d = 2, m = 1 */
    read_one(DTYPE_Q4_1, q41, out);
    assert_true(out[0] == 7.0f && out[16] == 11.0f && out[31] == 1.0f);
    uint8_t q5[22] = {0x00, 0x3C, 0x01, 0x00, 0x01, 0x00, 0x21}; /* fifth bits of columns 0 and 16 */
    read_one(DTYPE_Q5_0, q5, out);
    assert_true(out[0] == 1.0f && out[16] == 2.0f && out[1] == -16.0f);
    uint8_t q51[24] = {0x00, 0x3C, 0x00, 0xBC, 0x00, 0x00, 0x00, 0x80}; /* m = -1; fifth bit of column 31 */
    read_one(DTYPE_Q5_1, q51, out);
    assert_true(out[0] == -1.0f && out[31] == 15.0f);
}

static void k_blocks_made_by_hand(void **state)
{
    (void)state;
    float out[256];
    uint8_t q4k[144] = {0x00, 0x3C, 0x00, 0x38}; /* d = 1, dmin = 0.5 */
    q4k[4 + 0] = 3 | 2 << 6;                     /* scale of cell 0 is 3; top bits of cell 4's scale */
    q4k[4 + 4] = 4 | 1 << 6;                     /* minimum of cell 0 is 4; top bits of cell 4's minimum */
    q4k[4 + 8] = 5 | 6 << 4;                     /* low bits of cell 4: scale 37, minimum 22 */
    q4k[16] = 0x0A;                              /* column 0: 10; column 32: 0 */
    q4k[16 + 64] = 0x07;                         /* column 128: 7 */
    read_one(DTYPE_Q4_K, q4k, out);
    assert_true(out[0] == 28.0f && out[1] == -2.0f && out[32] == 0.0f);
    assert_true(out[128] == 37.0f * 7 - 11 && out[129] == -11.0f);
    uint8_t q5k[176] = {0x00, 0x3C, 0x00, 0x38};
    q5k[4 + 1] = 63;      /* scale of cell 1 */
    q5k[16 + 5] = 1 << 1; /* fifth bit of column 32 + 5 */
    q5k[48 + 5] = 0xF0;   /* and its four others */
    read_one(DTYPE_Q5_K, q5k, out);
    assert_true(out[37] == 63.0f * 31 && out[5] == 0.0f && out[38] == 0.0f);
    uint8_t q6k[210] = {0};
    q6k[208] = 0x00, q6k[209] = 0x3C;
    q6k[192 + 0] = 0x80;    /* scale of columns 0-15: -128 */
    q6k[192 + 15] = 127;    /* of columns 240-255 */
    q6k[127] = 0xF0;        /* column 255: low bits 15 */
    q6k[128 + 63] = 3 << 6; /* and its two high ones: 63 */
    read_one(DTYPE_Q6_K, q6k, out);
    assert_true(out[0] == -128.0f * -32 && out[16] == 0.0f && out[255] == 127.0f * 31 && out[254] == 127.0f * -32);
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct error e = {0};
    struct packed_matrix m;
    size_t bytes = 0;
    assert_int_equal(pack_size(DTYPE_Q4_K, 16, 128, &bytes, &e), ERR_FORMAT);
    assert_int_equal(pack_size(DTYPE_Q8_0, 16, 48, &bytes, &e), ERR_FORMAT);
    assert_int_equal(pack_size(DTYPE_F32, 0, 48, &bytes, &e), ERR_FORMAT);
    assert_int_equal(pack_size(DTYPE_F32, 16, -1, &bytes, &e), ERR_FORMAT);
    assert_int_equal(pack_new(&m, DTYPE_Q6_K, 1, 255, &e), ERR_FORMAT);
    assert_int_equal(pack_size(DTYPE_BF16, 17, 112, &bytes, &e), OK);
    assert_int_equal(bytes, 2 * 112 * 16 * 2);
}

/* The packed copy replaces the file's bytes: it must not be much larger than they were. */
static void packing_keeps_the_size(void **state)
{
    (void)state;
    for (enum dtype type = 0; type < DTYPE_COUNT; type++) {
        struct error e = {0};
        struct dtype_info info = dtype_info(type);
        size_t bytes = 0;
        assert_int_equal(pack_size(type, 1536, 1536, &bytes, &e), OK);
        double stored = 1536.0 * 1536.0 / (double)info.block_elems * (double)info.block_bytes;
        assert_true((double)bytes < 1.035 * stored && (double)bytes > 0.99 * stored);
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

/* Rows a quantiser must not break on: zeros, constants, one outlier, the largest and the smallest numbers. */
static void quantising_hard_rows(void **state)
{
    (void)state;
    enum { COLS = 256 };
    static const enum dtype types[] = {DTYPE_Q8_0, DTYPE_Q4_K};
    for (size_t k = 0; k < 2; k++) {
        static float x[6 * COLS];
        memset(x, 0, sizeof x);
        for (int i = 0; i < COLS; i++) {
            x[COLS + i] = 0.25f;
            x[2 * COLS + i] = -0.25f;
            x[3 * COLS + i] = i == 77 ? 100.0f : 0.001f;
            x[4 * COLS + i] = 30000.0f * random_float();
            x[5 * COLS + i] = 1e-30f * random_float();
        }
        struct packed_matrix m;
        struct error e = {0};
        assert_int_equal(pack_new(&m, types[k], 6, COLS, &e), OK);
        void *scratch = malloc(pack_quantize_scratch(COLS));
        pack_group_quantized(&m, 0, x, DTYPE_F32, scratch);
        for (int r = 0; r < 6; r++) {
            float row[COLS];
            float peak = 0;
            pack_get_row(&m, r, row);
            for (int i = 0; i < COLS; i++) peak = fmaxf(peak, fabsf(x[r * COLS + i]));
            for (int i = 0; i < COLS; i++)
                assert_true(fabsf(row[i] - x[r * COLS + i]) <= 0.08f * peak + 1e-20f); /* below f16: zero */
        }
        free(scratch);
        pack_free(&m);
    }
}

/* One bad value spoils its block and nothing else: never a plausible number in its place. */
static void what_is_not_finite_stays_so(void **state)
{
    (void)state;
    enum { COLS = 512 };
    static const enum dtype types[] = {DTYPE_Q8_0, DTYPE_Q4_0, DTYPE_Q5_0, DTYPE_Q4_K, DTYPE_Q6_K};
    static const float broken[] = {NAN, -NAN, INFINITY, -INFINITY, 1e30f, -1e9f};
    static float x[COLS], back[COLS];
    static uint8_t blocks[COLS * 4];
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        for (size_t b = 0; b < sizeof broken / sizeof *broken; b++)
            for (int at = 3; at < COLS; at += 101) {
                int size = (int)dtype_info(types[k]).block_elems;
                struct packed_matrix m;
                for (int i = 0; i < COLS; i++) x[i] = random_float();
                x[at] = broken[b];
                row_write(types[k], x, COLS, blocks);
                pack_all(&m, types[k], 1, COLS, blocks);
                pack_get_row(&m, 0, back);
                for (int i = 0; i < COLS; i++) assert_int_equal(!isfinite(back[i]), i / size == at / size);
                row_read(types[k], blocks, COLS, back);
                for (int i = 0; i < COLS; i++) assert_int_equal(!isfinite(back[i]), i / size == at / size);
                pack_free(&m);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_rows_read_back_as_the_format_says),
        cmocka_unit_test(blocks_made_by_hand),
        cmocka_unit_test(k_blocks_made_by_hand),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(packing_keeps_the_size),
        cmocka_unit_test(quantising_keeps_the_weights),
        cmocka_unit_test(quantising_hard_rows),
        cmocka_unit_test(what_is_not_finite_stays_so),
    };
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
