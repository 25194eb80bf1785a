/* test_npy.c - NumPy's files: ids in, floats out, and what is refused. */
#include "support/check.h"

#include "model/npy.h"

static char directory[256];

/* magic, version 1.0, header padded to 128 bytes, body of n bytes. */
static size_t build(uint8_t *out, const char *dictionary, const void *body, size_t n)
{
    memset(out, ' ', 128);
    memcpy(out, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(out + 10, dictionary, strlen(dictionary));
    out[127] = '\n';
    memcpy(out + 128, body, n);
    return 128 + n;
}

static void ids_are_read_as_numpy_writes_them(void **state)
{
    (void)state;
    uint8_t file[512];
    const int32_t narrow[] = {7, -1, 151935};
    const int64_t wide[] = {7, -1, 151935};
    for (int bits = 4; bits <= 8; bits += 4) {
        struct error e = {0};
        int32_t *ids;
        size_t count;
        size_t n = bits == 4
                       ? build(file, "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", narrow, sizeof narrow)
                       : build(file, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", wide, sizeof wide);
        check_ok(npy_read_ids(check_file(directory, "ids.npy", file, n), &ids, &count, &e), &e);
        assert_int_equal(count, 3);
        assert_memory_equal(ids, narrow, sizeof narrow);
        free(ids);
    }
}

static void what_was_written_reads_back(void **state)
{
    (void)state;
    const float values[] = {1, 2.5f, -3, 4, 5, 6};
    struct error e = {0};
    struct file_map map;
    struct npy_view v;
    const char *path = check_file(directory, "out.npy", "", 0);
    check_ok(npy_write_f32(path, values, 2, 3, &e), &e);
    check_ok(file_map_open(&map, path, &e), &e);
    check_ok(npy_parse(&v, map.data, map.size, &e), &e);
    assert_true(v.kind == 'f' && v.item_bytes == 4 && v.dims == 2 && v.shape[0] == 2 && v.shape[1] == 3);
    assert_memory_equal(v.data, values, sizeof values);
    assert_int_equal(((const uint8_t *)v.data - map.data) % 64, 0); /* as numpy aligns */
    file_map_close(&map);
}

static void broken_files_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *words;
    } cases[] = {
        {"{'descr': '>i4', 'fortran_order': False, 'shape': (1,), }", "neither little-endian"},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (1,), }", "neither little-endian"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "holds floats"},
        {"{'descr': '<i4', 'fortran_order': True, 'shape': (1,), }", "Fortran order"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", "cut short"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "impossible shape"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "too many elements"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2147483649,), }", "too many elements"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1", "malformed shape"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "malformed shape"},
        {"{'descr': '<i4', 'fortran_order': False, }", "damaged header"},
        {"{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", "no token id"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }", "one row of token ids"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (), }", "one row of token ids"},
    };
    const int64_t big = 1ll << 40;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t file[512];
        struct error e = {0};
        int32_t *ids;
        size_t count;
        size_t n = build(file, cases[i].dictionary, &big, sizeof big);
        check_refused(npy_read_ids(check_file(directory, "ids.npy", file, n), &ids, &count, &e), &e, ERR_FORMAT,
                      cases[i].words);
        assert_null(ids);
    }
}

static void parse_mutant(const uint8_t *data, size_t n)
{
    struct npy_view v;
    struct error e = {0};
    if (npy_parse(&v, data, n, &e)) return;
    assert_true((const uint8_t *)v.data >= data);
    assert_true(v.count * (size_t)v.item_bytes <= (size_t)(data + n - (const uint8_t *)v.data));
}

static void no_changed_byte_and_no_cut_crashes_it(void **state)
{
    (void)state;
    uint8_t file[512];
    const int32_t ids[] = {1, 2, 3};
    size_t n = build(file, "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", ids, sizeof ids);
    check_mutants(file, n, n, parse_mutant);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_read_as_numpy_writes_them),
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(broken_files_are_refused_in_words),
        cmocka_unit_test(no_changed_byte_and_no_cut_crashes_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
