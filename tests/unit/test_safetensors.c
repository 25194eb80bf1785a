/* test_safetensors.c - the safetensors parser: what it reads, what it refuses, and changed bytes and cuts. */
#include "support/check.h"

#include "model/safetensors.h"

/* Length, header, body of `body` bytes. */
static size_t build(uint8_t *out, const char *header, size_t body)
{
    uint64_t n = strlen(header);
    memcpy(out, &n, 8);
    memcpy(out + 8, header, n);
    memset(out + 8 + n, 1, body);
    return 8 + (size_t)n + body;
}

static const char good[] =
    "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"BF16\",\"shape\":[3,4],\"data_offsets\":[16,40]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}";

static void tensors_are_read_in_the_order_of_the_file(void **state)
{
    (void)state;
    uint8_t file[1024];
    size_t n = build(file, good, 40);
    struct safetensors s;
    struct error e = {0};
    check_ok(safetensors_parse(&s, file, n, &e), &e);
    assert_int_equal(s.count, 2);
    assert_string_equal(s.tensors[0].name, "a");
    assert_int_equal(s.tensors[0].rows, 1);
    assert_int_equal(s.tensors[0].cols, 4);
    assert_int_equal(s.tensors[1].type, DTYPE_BF16);
    assert_int_equal(s.tensors[1].rows, 3);
    assert_int_equal(s.tensors[1].bytes, 24);
    assert_ptr_equal(s.tensors[1].data, file + n - 24);
    safetensors_free(&s);
}

#define ENTRY(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void broken_files_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t body;
        int code;
        const char *words;
    } cases[] = {
        {"[]", 0, ERR_FORMAT, "not an object"},
        {"{", 0, ERR_FORMAT, "header is damaged"},
        {"{\"a\":" ENTRY("F32", "[1]", "0", "4") ",\"a\":" ENTRY("F32", "[1]", "0", "4") "}", 4, ERR_FORMAT,
         "duplicate"},
        {"{\"a\":" ENTRY("I64", "[1]", "0", "8") "}", 8, ERR_UNSUPPORTED, "a is stored as I64"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, ERR_FORMAT, "a has no dtype"},
        {"{\"a\":" ENTRY("F32", "[1,1,1]", "0", "4") "}", 4, ERR_FORMAT, "neither a vector nor a matrix"},
        {"{\"a\":" ENTRY("F32", "[-1]", "0", "4") "}", 4, ERR_FORMAT, "impossible shape"},
        {"{\"a\":" ENTRY("F32", "[1.0]", "0", "4") "}", 4, ERR_FORMAT, "impossible shape"},
        {"{\"a\":" ENTRY("F32", "[4294967296]", "0", "4") "}", 4, ERR_FORMAT, "impossible shape"},
        {"{\"a\":" ENTRY("F32", "[2147483647,2147483647]", "0", "4") "}", 4, ERR_FORMAT, "does not fit its shape"},
        {"{\"a\":" ENTRY("F32", "[2]", "0", "4") "}", 4, ERR_FORMAT, "does not fit its shape"},
        {"{\"a\":" ENTRY("F32", "[1]", "4", "0") "}", 4, ERR_FORMAT, "beyond the end"},
        {"{\"a\":" ENTRY("F32", "[1]", "-4", "0") "}", 4, ERR_FORMAT, "beyond the end"},
        {"{\"a\":" ENTRY("F32", "[1]", "0", "4") "}", 3, ERR_FORMAT, "beyond the end"},
        {"{\"a\":" ENTRY("F32", "[1]", "9223372036854775804", "9223372036854775807") "}", 4, ERR_FORMAT,
         "beyond the end"},
        {"{\"a\":" ENTRY("F32", "[2]", "0", "8") ",\"b\":" ENTRY("F32", "[2]", "4", "12") "}", 12, ERR_FORMAT,
         "b overlaps"},
        {"{\"a\":" ENTRY("F32", "[1]", "0", "4") ",\"b\":" ENTRY("F32", "[1]", "8", "12") "}", 12, ERR_FORMAT,
         "b has a hole before it"},
        {"{\"a\":" ENTRY("F32", "[1]", "0", "4") "}", 9, ERR_FORMAT, "5 bytes behind the last tensor"},
        {"{\"\\u001b[2J\":" ENTRY("F32", "[1]", "0", "4") "}", 4, ERR_FORMAT, "not text"},
        {"{\"a\":7}", 0, ERR_FORMAT, "a has no dtype"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t file[1024];
        size_t n = build(file, cases[i].header, cases[i].body);
        struct safetensors s;
        struct error e = {0};
        check_refused(safetensors_parse(&s, file, n, &e), &e, cases[i].code, cases[i].words);
        assert_int_equal(error_exit_code(e.code), 65);
    }
}

static void what_is_no_model_is_recognised(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", "empty"},
                                           {"<html><body>please log in</body></html>", "web page"},
                                           {"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"},
                                           {"GGUF\3\0\0\0........", "GGUF file"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct safetensors s;
        struct error e = {0};
        size_t n = i == 3 ? 16 : strlen(cases[i][0]);
        check_refused(safetensors_parse(&s, (const uint8_t *)cases[i][0], n, &e), &e, ERR_FORMAT, cases[i][1]);
    }
}

static void parse_mutant(const uint8_t *data, size_t n)
{
    struct safetensors s;
    struct error e = {0};
    if (safetensors_parse(&s, data, n, &e)) {
        assert_true(e.code != OK && e.text[0]);
        return;
    }
    for (size_t i = 0; i < s.count; i++)
        assert_true(s.tensors[i].data >= data && s.tensors[i].data + s.tensors[i].bytes <= data + n);
    safetensors_free(&s);
}

static void no_changed_byte_and_no_cut_crashes_it(void **state)
{
    (void)state;
    uint8_t file[1024];
    size_t n = build(file, good, 40);
    check_mutants(file, n, n, parse_mutant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_read_in_the_order_of_the_file),
        cmocka_unit_test(broken_files_are_refused_in_words),
        cmocka_unit_test(what_is_no_model_is_recognised),
        cmocka_unit_test(no_changed_byte_and_no_cut_crashes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
