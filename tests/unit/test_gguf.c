/* test_gguf.c - the GGUF parser: what it reads, what it refuses and with which words, and that no change of a byte and
 * no cut makes it stumble. */
#include "support/check.h"
#include "support/gguf_writer.h"

#include "model/gguf.h"

static void finish(struct gguf_writer *w, struct buf *file)
{
    gw_finish(w, file);
    gw_free(w);
}

static void metadata_and_tensors_are_read(void **state)
{
    (void)state;
    struct gguf_writer w;
    struct buf file = BUF_INIT(MIB);
    struct error e = {0};
    struct gguf g;
    gw_tiny_model(&w);
    finish(&w, &file);
    check_ok(gguf_parse(&g, (const uint8_t *)file.data, file.len, &e), &e);
    assert_int_equal(g.tensor_count, TINY_TENSORS);
    int64_t number;
    double real;
    struct gguf_text text;
    assert_true(gguf_get_integer(&g, "qwen2.block_count", &number));
    assert_int_equal(number, TINY_LAYERS);
    assert_true(gguf_get_float(&g, "qwen2.rope.freq_base", &real));
    assert_true(real == 1000000.0);
    assert_true(gguf_get_text(&g, "general.name", &text));
    assert_int_equal(text.len, strlen("Tiny Qwen2"));
    assert_memory_equal(text.data, "Tiny Qwen2", text.len);
    assert_false(gguf_get_integer(&g, "general.name", &number)); /* another type is as good as absent */
    assert_false(gguf_get_text(&g, "qwen2.block_count", &text));
    const struct gguf_pair *tokens = gguf_find(&g, "tokenizer.ggml.tokens");
    assert_true(tokens && tokens->is_array && tokens->count == TINY_VOCAB);
    const uint8_t *at = tokens->value;
    gguf_next_text(&at);
    gguf_next_text(&at);
    text = gguf_next_text(&at);
    assert_true(text.len == 2 && memcmp(text.data, "ab", 2) == 0);
    assert_int_equal(g.tensors[0].rows, TINY_VOCAB); /* the file lists columns first */
    assert_int_equal(g.tensors[0].cols, TINY_HIDDEN);
    assert_int_equal(g.tensors[1].rows, 1);
    gguf_free(&g);
    buf_free(&file);
}

static void every_format_has_its_size(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        enum dtype type;
        size_t bytes; /* of 512 elements */
    } formats[] = {{0, DTYPE_F32, 2048},  {1, DTYPE_F16, 1024},  {2, DTYPE_Q4_0, 288},  {3, DTYPE_Q4_1, 320},
                   {6, DTYPE_Q5_0, 352},  {7, DTYPE_Q5_1, 384},  {8, DTYPE_Q8_0, 544},  {12, DTYPE_Q4_K, 288},
                   {13, DTYPE_Q5_K, 352}, {14, DTYPE_Q6_K, 420}, {30, DTYPE_BF16, 1024}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct gguf_writer w;
        struct buf file = BUF_INIT(MIB);
        struct error e = {0};
        struct gguf g;
        gw_init(&w);
        gw_tensor(&w, "x", formats[i].number, 256, 2, formats[i].bytes);
        finish(&w, &file);
        check_ok(gguf_parse(&g, (const uint8_t *)file.data, file.len, &e), &e);
        assert_int_equal(g.tensors[0].type, formats[i].type);
        assert_int_equal(g.tensors[0].bytes, formats[i].bytes);
        gguf_free(&g);
        e = (struct error){0}; /* one byte fewer and it is cut short */
        check_refused(gguf_parse(&g, (const uint8_t *)file.data, file.len - 1, &e), &e, ERR_FORMAT,
                      "tensor x lies beyond");
        buf_free(&file);
    }
}

/* Each case writes something wrong and names the words that must come. */
static void twice_key(struct gguf_writer *w)
{
    gw_u32(w, "qwen2.block_count", 1);
    gw_u32(w, "qwen2.block_count", 2);
}
static void twice_tensor(struct gguf_writer *w)
{
    gw_tensor(w, "x", GGML_F32, 8, 0, 32);
    gw_tensor(w, "x", GGML_F32, 8, 0, 32);
}
static void overlap(struct gguf_writer *w)
{
    const uint64_t size[] = {16};
    gw_tensor(w, "x", GGML_F32, 16, 0, 64);
    gw_entry(w, "y", 1, size, GGML_F32, 32);
    for (int i = 0; i < 64; i++) buf_append_char(&w->data, 0);
}
static void misaligned(struct gguf_writer *w)
{
    const uint64_t size[] = {8};
    gw_entry(w, "x", 1, size, GGML_F32, 4);
    for (int i = 0; i < 64; i++) buf_append_char(&w->data, 0);
}
static void offset_wraps(struct gguf_writer *w)
{
    const uint64_t size[] = {8};
    gw_entry(w, "x", 1, size, GGML_F32, UINT64_MAX - 31);
}
static void size_wraps(struct gguf_writer *w)
{
    const uint64_t size[] = {0x7FFFFFFF, 0x7FFFFFFF};
    gw_entry(w, "x", 2, size, GGML_F32, 0);
}
static void foreign_format(struct gguf_writer *w)
{
    gw_tensor(w, "blk.0.attn_q.weight", 23, 256, 1, 136);
}
static void unknown_format(struct gguf_writer *w)
{
    gw_tensor(w, "x", 77, 256, 1, 136);
}
static void half_block(struct gguf_writer *w)
{
    gw_tensor(w, "x", GGML_Q4_K, 128, 2, 144);
}
static void cube(struct gguf_writer *w)
{
    const uint64_t size[] = {2, 2, 2};
    gw_entry(w, "x", 3, size, GGML_F32, 0);
}
static void no_dimension(struct gguf_writer *w)
{
    gw_entry(w, "x", 0, NULL, GGML_F32, 0);
}
static void many_dimensions(struct gguf_writer *w)
{
    const uint64_t size[] = {1, 1, 1, 1, 1};
    gw_entry(w, "x", 5, size, GGML_F32, 0);
}
static void zero_dimension(struct gguf_writer *w)
{
    const uint64_t size[] = {0, 4};
    gw_entry(w, "x", 2, size, GGML_F32, 0);
}
static void long_string(struct gguf_writer *w)
{
    gw_key(w, "general.name", 8);
    gw_number(&w->pairs, UINT64_MAX, 8);
}
static void cut_string(struct gguf_writer *w)
{
    gw_key(w, "general.name", 8);
    gw_number(&w->pairs, 1000, 8);
}
static void long_array(struct gguf_writer *w)
{
    gw_key(w, "tokenizer.ggml.tokens", 9);
    gw_number(&w->pairs, 8, 4);
    gw_number(&w->pairs, 1ull << 40, 8);
}
static void short_array(struct gguf_writer *w)
{
    gw_key(w, "tokenizer.ggml.scores", 9);
    gw_number(&w->pairs, 6, 4);
    gw_number(&w->pairs, 1000, 8);
}
static void nested_array(struct gguf_writer *w)
{
    gw_key(w, "x", 9);
    gw_number(&w->pairs, 9, 4);
    gw_number(&w->pairs, 1, 8);
}
static void unknown_type(struct gguf_writer *w)
{
    gw_key(w, "x", 13);
}
static void maybe(struct gguf_writer *w)
{
    gw_key(w, "x", 7);
    gw_number(&w->pairs, 2, 1);
}
static void odd_alignment(struct gguf_writer *w)
{
    gw_u32(w, "general.alignment", 24);
}
static void worded_alignment(struct gguf_writer *w)
{
    gw_text(w, "general.alignment", "32");
}
static void escape_in_name(struct gguf_writer *w)
{
    gw_tensor(w, "\x1b[2J", GGML_F32, 8, 0, 32);
}
static void many_tensors(struct gguf_writer *w)
{
    w->tensor_count = LIMIT_TENSORS + 1;
}
static void version_1(struct gguf_writer *w)
{
    w->version = 1;
}
static void version_2(struct gguf_writer *w)
{
    w->version = 2;
}
static void big_endian(struct gguf_writer *w)
{
    w->version = 0x03000000;
}

static void broken_files_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        void (*write)(struct gguf_writer *);
        int code;
        const char *words;
    } cases[] = {{twice_key, ERR_FORMAT, "qwen2.block_count is there twice"},
                 {twice_tensor, ERR_FORMAT, "tensor x is there twice"},
                 {overlap, ERR_FORMAT, "x and y overlap"},
                 {misaligned, ERR_FORMAT, "x is not aligned to 32 bytes"},
                 {offset_wraps, ERR_FORMAT, "x lies beyond the end"},
                 {size_wraps, ERR_FORMAT, "x lies beyond the end"},
                 {foreign_format, ERR_UNSUPPORTED, "blk.0.attn_q.weight is stored as IQ4_XS"},
                 {unknown_format, ERR_FORMAT, "unknown format number 77"},
                 {half_block, ERR_FORMAT, "128 columns do not fill Q4_K blocks"},
                 {cube, ERR_FORMAT, "not a matrix"},
                 {no_dimension, ERR_FORMAT, "x has 0 dimensions"},
                 {many_dimensions, ERR_FORMAT, "x has 5 dimensions"},
                 {zero_dimension, ERR_FORMAT, "not a matrix"},
                 {long_string, ERR_FORMAT, "over the limit"},
                 {cut_string, ERR_FORMAT, "cut short in the metadata"},
                 {long_array, ERR_FORMAT, "over the limit"},
                 {short_array, ERR_FORMAT, "cut short in the metadata"},
                 {nested_array, ERR_FORMAT, "array of arrays"},
                 {unknown_type, ERR_FORMAT, "unknown type 13"},
                 {maybe, ERR_FORMAT, "neither true nor false"},
                 {odd_alignment, ERR_FORMAT, "not a power of two"},
                 {worded_alignment, ERR_FORMAT, "general.alignment is not a number"},
                 {escape_in_name, ERR_FORMAT, "is not text"},
                 {many_tensors, ERR_FORMAT, "over the limits"},
                 {version_1, ERR_FORMAT, "GGUF version 1 "},
                 {version_2, ERR_FORMAT, "GGUF version 2 "},
                 {big_endian, ERR_FORMAT, "big-endian"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf_writer w;
        struct buf file = BUF_INIT(MIB);
        struct error e = {0};
        struct gguf g;
        gw_init(&w);
        cases[i].write(&w);
        finish(&w, &file);
        check_refused(gguf_parse(&g, (const uint8_t *)file.data, file.len, &e), &e, cases[i].code, cases[i].words);
        assert_int_equal(error_exit_code(e.code), 65);
        buf_free(&file);
    }
}

static void what_is_no_model_is_recognised(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", "it is empty"},
                                           {"\n <!DOCTYPE html><html>", "web page"},
                                           {"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"},
                                           {"{\"error\":\"not found\"}", "JSON"},
                                           {"PK\x03\x04", "zip"},
                                           {"GG", "not a GGUF file"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf g;
        struct error e = {0};
        check_refused(gguf_parse(&g, (const uint8_t *)cases[i][0], strlen(cases[i][0]), &e), &e, ERR_FORMAT,
                      cases[i][1]);
    }
}

static size_t readable;

/* Touch everything that a successful parse hands out. */
static void parse_mutant(const uint8_t *data, size_t n)
{
    struct gguf g;
    struct error e = {0};
    if (gguf_parse(&g, data, n, &e)) {
        assert_true(e.code != OK && e.text[0]);
        return;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < g.tensor_count; i++) sum += g.tensors[i].data[0] + g.tensors[i].data[g.tensors[i].bytes - 1];
    for (size_t i = 0; i < g.pair_count; i++) {
        const uint8_t *at = g.pairs[i].value;
        for (uint64_t k = 0; g.pairs[i].type == GGUF_STRING && k < g.pairs[i].count; k++) {
            struct gguf_text text = gguf_next_text(&at);
            if (text.len) sum += (unsigned char)text.data[text.len - 1];
        }
    }
    readable += sum > 0;
    gguf_free(&g);
}

static void no_changed_byte_and_no_cut_crashes_it(void **state)
{
    (void)state;
    struct gguf_writer w;
    struct buf file = BUF_INIT(MIB);
    gw_tiny_model(&w);
    size_t header = 24 + w.pairs.len + w.table.len + 64;
    finish(&w, &file);
    readable = 0;
    check_mutants((const uint8_t *)file.data, file.len, header, parse_mutant);
    assert_true(readable > 0); /* changes inside names and values leave it readable: the test reached the end */
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_and_tensors_are_read),         cmocka_unit_test(every_format_has_its_size),
        cmocka_unit_test(broken_files_are_refused_in_words),     cmocka_unit_test(what_is_no_model_is_recognised),
        cmocka_unit_test(no_changed_byte_and_no_cut_crashes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
