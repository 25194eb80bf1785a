/* test_export.c - floats to the block formats and back, models written as GGUF, and what happens when that fails. */
#include "support/check.h"

#include "golden/golden.h"
#include "kernels/blocks.h"
#include "model/gguf_write.h"
#include "model/model_export.h"
#include "unit/reference_blocks.h"

static char directory[256];

static int set_up(void **state)
{
    (void)state;
    check_directory_make(directory, sizeof directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    check_directory_remove(directory);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", directory, name);
    return path[next];
}

static double normal(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += (double)random_float() / 2;
    return sum; /* variance 1 */
}

/* Root mean square of what quantising changes, over that of normal numbers. The bounds are the error of an ideal
 * uniform quantiser of that many levels over the spread a block of normal numbers has, with a tenth for the scales'
 * rounding. */
static void formats_keep_what_their_bits_allow(void **state)
{
    (void)state;
    static const struct {
        enum dtype type;
        double error;
    } cases[] = {{DTYPE_F32, 0},       {DTYPE_F16, 0.0003},  {DTYPE_BF16, 0.0025}, {DTYPE_Q8_0, 0.0065},
                 {DTYPE_Q6_K, 0.0185}, {DTYPE_Q5_0, 0.0445}, {DTYPE_Q4_0, 0.09},   {DTYPE_Q4_K, 0.0775}};
    enum { COLS = 4096 };
    static float x[COLS], back[COLS];
    static uint8_t blocks[COLS * 4];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        enum dtype type = cases[k].type;
        assert_true(row_can_write(type));
        for (int i = 0; i < COLS; i++) x[i] = (float)normal();
        row_write(type, x, COLS, blocks);
        row_read(type, blocks, COLS, back);
        double error = 0;
        double square = 0;
        for (int i = 0; i < COLS; i++) {
            assert_true(fabs((double)back[i] - element(type, blocks, COLS, 0, i)) <=
                        1e-6 * (1 + fabs((double)back[i])));
            error += pow((double)back[i] - (double)x[i], 2);
            square += pow((double)x[i], 2);
        }
        if (sqrt(error / square) > cases[k].error)
            fail_msg("%s loses %.5f of the values, %.5f allowed", dtype_info(type).name, sqrt(error / square),
                     cases[k].error);
    }
    assert_false(row_can_write(DTYPE_Q5_K));
}

static void formats_bear_odd_blocks(void **state)
{
    (void)state;
    static const enum dtype types[] = {DTYPE_Q8_0, DTYPE_Q4_0, DTYPE_Q5_0, DTYPE_Q4_K, DTYPE_Q6_K};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        float x[256] = {0};
        float back[256];
        uint8_t block[512];
        row_write(types[k], x, 256, block);
        row_read(types[k], block, 256, back);
        for (int i = 0; i < 256; i++) assert_true(back[i] == 0);
        x[7] = 1e-30f; /* below what an f16 scale can say */
        x[40] = -3e4f;
        x[41] = 3e4f;
        row_write(types[k], x, 256, block);
        row_read(types[k], block, 256, back);
        for (int i = 0; i < 256; i++) assert_true(isfinite(back[i]));
        assert_true(back[40] < -2e4f && back[41] > 2e4f && back[7] == 0);
    }
}

/* The written file is a model like its source: the same logits within what the format costs. */
static void quantised_models_answer_alike(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        enum export_kind kind;
        double error;
    } cases[] = {{GOLDEN_DATA "tied-bf16", EXPORT_BF16, 2e-3},
                 {GOLDEN_DATA "untied-f32", EXPORT_F16, 2e-2},
                 {GOLDEN_DATA "untied-f16-sharded", EXPORT_F16, 2e-3},
                 {GOLDEN_DATA "yarn-bf16", EXPORT_Q8_0, 1e-1},
                 {GOLDEN_DATA "tied-bf16", EXPORT_Q4_K_M, 6e-1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct error e = {0};
        struct model_file *f;
        struct golden_model m;
        bool twice;
        char name[32], file[256];
        snprintf(name, sizeof name, "%zu.gguf", k);
        struct export_options o = {.path = path_of(name), .kind = cases[k].kind};
        golden_ok(model_file_open(&f, cases[k].source, &e), &e);
        golden_ok(model_export(f, &o, &twice, &e), &e);
        assert_false(twice);
        model_file_close(f);
        golden_open(&m, &(struct golden_options){.path = o.path, .precise = true});
        int32_t *ids;
        size_t n_ids;
        snprintf(file, sizeof file, "%s/gold_input_ids.npy", cases[k].source);
        golden_ok(npy_read_ids(file, &ids, &n_ids, &e), &e);
        snprintf(file, sizeof file, "%s/gold_logits.npy", cases[k].source);
        size_t count;
        float *want = golden_floats(file, &count);
        struct forward_row rows[128];
        int n = n_ids < 64 ? (int)n_ids : 64;
        for (int i = 0; i < n; i++) rows[i] = (struct forward_row){.token = ids[i], .position = i, .want_logits = true};
        size_t values = (size_t)n * (size_t)m.config->vocab_size;
        assert_true(values <= count);
        float *got = malloc(values * sizeof *got);
        golden_ok(forward_step(m.forward, rows, n, got, &e), &e);
        double error = golden_error(got, want, values);
        if (!(error < cases[k].error))
            fail_msg("%s as %s: error %.5f", cases[k].source, export_kind_name(o.kind), error);
        free(got);
        free(want);
        free(ids);
        golden_close(&m);
    }
}

static void random_models_are_the_same_for_the_same_seed(void **state)
{
    (void)state;
    struct model_config c;
    struct error e = {0};
    golden_ok(config_like("qwen2.5-0.5b", &c, &e), &e);
    assert_true(c.hidden_size == 896 && c.head_size == 64 && c.tied_embeddings);
    c.layers = 1;
    c.vocab_size = 1000;
    c.eos_count = 0;
    struct buf files[3];
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "r%d.gguf", i);
        struct export_options o = {.path = path_of(name), .kind = EXPORT_Q4_K_M};
        golden_ok(model_export_random(&c, NULL, i == 2 ? 8 : 7, &o, &e), &e);
        buf_init(&files[i], 64 * MIB);
        golden_ok(file_read(&files[i], o.path, &e), &e);
    }
    assert_int_equal(files[0].len, files[1].len);
    assert_memory_equal(files[0].data, files[1].data, files[0].len);
    assert_true(memcmp(files[0].data, files[2].data, files[0].len) != 0);
    for (int i = 0; i < 3; i++) buf_free(&files[i]);
    struct model_file *f;
    golden_ok(model_file_open(&f, path_of("r0.gguf"), &e), &e);
    assert_false(model_file_tokenizer(f)->present);
    const struct tensor_view *t = model_file_find(f, "model.embed_tokens.weight");
    assert_true(t && t->type == DTYPE_Q8_0 && t->rows == 1000); /* 896 columns do not fill blocks of 256 */
    model_file_close(f);
    check_refused(config_like("qwen2.5-8b", &c, &e), &e, ERR_INVALID, "72b");
}

static int files_in_directory(void)
{
    int count = 0;
    DIR *d = opendir(directory);
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d)) count += entry->d_name[0] != '.';
    closedir(d);
    return count;
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    struct error e = {0};
    struct model_file *f;
    bool twice;
    golden_ok(model_file_open(&f, GOLDEN_DATA "tied-bf16", &e), &e);
    int before = files_in_directory();
    const char *there = check_file(directory, "there.gguf", "kept", 4);
    struct export_options o = {.path = there, .kind = EXPORT_Q8_0};
    check_refused(model_export(f, &o, &twice, &e), &e, ERR_CONFLICT, "there already");
    assert_int_equal(file_size(there), 4);
    e = (struct error){0};
    o.path = path_of("no/such/directory.gguf");
    check_refused(model_export(f, &o, &twice, &e), &e, ERR_IO, "cannot write");
    /* one value of the second layer is not a number: found after much was written */
    const struct tensor_view *t = model_file_find(f, "model.layers.1.mlp.down_proj.weight");
    uint16_t *copy = malloc(t->bytes);
    memcpy(copy, t->data, t->bytes);
    copy[t->bytes / 2 - 1] = 0x7FC0;
    struct tensor_view *view = (struct tensor_view *)(uintptr_t)t; /* the test's own file */
    const void *kept = view->data;
    view->data = copy;
    e = (struct error){0};
    o.path = path_of("nan.gguf");
    check_refused(model_export(f, &o, &twice, &e), &e, ERR_FORMAT, "layers.1.mlp.down_proj.weight");
    view->data = kept;
    free(copy);
    model_file_close(f);
    assert_int_equal(files_in_directory(), before + 1);
}

static void a_writer_wants_every_byte(void **state)
{
    (void)state;
    struct gguf_writer *w;
    struct error e = {0};
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    golden_ok(gguf_writer_new(&w, path_of("part.gguf"), &e), &e);
    gguf_put_tensor(w, "a", DTYPE_F32, 2, 3, 0);
    gguf_put_tensor(w, "b", DTYPE_F32, 1, 2, 1);
    golden_ok(gguf_writer_data(w, x, 16, &e), &e);
    check_refused(gguf_writer_finish(w, &e), &e, ERR_INTERNAL, "not complete");
    e = (struct error){0};
    golden_ok(gguf_writer_data(w, x, 8, &e), &e);
    check_refused(gguf_writer_data(w, x, 12, &e), &e, ERR_INTERNAL, "more data");
    gguf_writer_free(w);
    assert_false(file_exists(path_of("part.gguf")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_keep_what_their_bits_allow),
        cmocka_unit_test(formats_bear_odd_blocks),
        cmocka_unit_test(quantised_models_answer_alike),
        cmocka_unit_test(random_models_are_the_same_for_the_same_seed),
        cmocka_unit_test(failures_leave_nothing_behind),
        cmocka_unit_test(a_writer_wants_every_byte),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
