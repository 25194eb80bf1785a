/* test_file.c - what is not a regular file: neither waited for nor replaced by one. */
#include "support/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "model/npy_writer.h"

enum { PATIENCE_SECONDS = 60, ROW = 2, MATRIX_BYTES = 128 + ROW * (int)sizeof(float) };

static char directory[256];

static const char *at(const char *name)
{
    static char paths[4][LIMIT_PATH];
    static int turn;
    char *path = paths[turn++ % 4];
    assert_int_equal(path_join(path, LIMIT_PATH, directory, name), OK);
    return path;
}

static void make_pipe(const char *name)
{
    unlink(at(name));
    assert_int_equal(mkfifo(at(name), 0600), 0);
}

/* path must hold exactly text and be a regular file itself. */
static void check_content(const char *path, const char *text)
{
    char got[64];
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, got, sizeof got - 1);
    close(fd);
    got[n > 0 ? n : 0] = '\0';
    assert_string_equal(got, text);
}

static int write_matrix(const char *path, struct error *e)
{
    const float row[ROW] = {1, 2};
    struct npy_writer w;
    int rc = npy_writer_open(&w, path, 1, ROW, e);
    if (!rc) rc = npy_writer_append(&w, row, 1, e);
    if (!rc) rc = npy_writer_close(&w, e);
    npy_writer_abandon(&w);
    return rc;
}

static void a_file_that_is_none_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *name, *words;
    } cases[] = {{"pipe", "is a pipe"}, {"/dev/null", "is a device"}, {"", "is a directory"}};
    make_pipe("pipe");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file_map map;
        struct error e = {0};
        const char *path = cases[i].name[0] == '/' ? cases[i].name : at(cases[i].name);
        check_refused(file_map_open(&map, path, &e), &e, ERR_FORMAT, cases[i].words);
        assert_null(map.data);
    }
}

static void a_pipe_is_read_but_never_waited_for(void **state)
{
    (void)state;
    int ends[2];
    char path[64];
    struct buf text = BUF_INIT(100);
    struct error e = {0};
    make_pipe("pipe");
    check_refused(file_read(&text, at("pipe"), &e), &e, ERR_FORMAT, "nobody writes");
    error_clear(&e);
    check_refused(file_read(&text, directory, &e), &e, ERR_FORMAT, "is a directory");
    error_clear(&e);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "words", 5), 5);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]); /* as a shell's <(...) */
    check_ok(file_read(&text, path, &e), &e);
    assert_string_equal(buf_text(&text), "words");
    close(ends[0]);
    buf_free(&text);
}

static void a_link_is_followed_and_stays(void **state)
{
    (void)state;
    char target[LIMIT_PATH];
    struct error e = {0};
    assert_int_equal(mkdir(at("below"), 0700), 0);
    check_ok(file_write_atomic(at("below/old"), "old", 3, 0600, &e), &e);
    assert_int_equal(symlink("below/old", at("link")), 0);
    assert_int_equal(symlink("link", at("link2")), 0);
    assert_int_equal(symlink(at("below/new"), at("dangling")), 0);
    assert_int_equal(symlink("loop", at("loop")), 0);
    check_ok(file_write_atomic(at("link2"), "second", 6, 0600, &e), &e);
    check_content(at("below/old"), "second");
    check_ok(file_write_atomic(at("dangling"), "third", 5, 0600, &e), &e);
    check_content(at("below/new"), "third");
    assert_int_equal(readlink(at("link2"), target, sizeof target), 4);
    check_refused(file_write_atomic(at("loop"), "x", 1, 0600, &e), &e, ERR_IO, "loop");
    error_clear(&e);
    check_ok(write_matrix(at("link"), &e), &e);
    assert_int_equal(file_size(at("below/old")), MATRIX_BYTES);
    assert_int_equal(readlink(at("link"), target, sizeof target), 9);
}

static void what_is_no_file_is_not_replaced(void **state)
{
    (void)state;
    struct stat st;
    struct error e = {0};
    make_pipe("pipe");
    check_refused(file_write_atomic(at("pipe"), "x", 1, 0600, &e), &e, ERR_CONFLICT, "is a pipe");
    error_clear(&e);
    check_refused(file_write_atomic(directory, "x", 1, 0600, &e), &e, ERR_CONFLICT, "is a directory");
    error_clear(&e);
    check_refused(write_matrix(directory, &e), &e, ERR_CONFLICT, "is a directory");
    error_clear(&e);
    check_refused(write_matrix(at("pipe"), &e), &e, ERR_CONFLICT, "nobody reads");
    assert_int_equal(lstat(at("pipe"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

/* A device behind a link of our own: were it replaced, /dev would stay whole even where the test runs as root. */
static void a_matrix_flows_into_pipes_and_devices(void **state)
{
    (void)state;
    char got[MATRIX_BYTES + 1];
    struct stat st;
    struct error e = {0};
    make_pipe("pipe");
    int fd = open(at("pipe"), O_RDONLY | O_NONBLOCK);
    check_ok(write_matrix(at("pipe"), &e), &e);
    assert_int_equal(read(fd, got, sizeof got), MATRIX_BYTES);
    assert_memory_equal(got, "\x93NUMPY", 6);
    close(fd);
    assert_int_equal(symlink("/dev/null", at("null")), 0);
    check_ok(write_matrix(at("null"), &e), &e);
    assert_int_equal(lstat(at("null"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static int set_up(void **state)
{
    (void)state;
    alarm(PATIENCE_SECONDS); /* who waits for a pipe does so for ever */
    check_directory_make(directory, sizeof directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(at("below/old"));
    unlink(at("below/new"));
    rmdir(at("below"));
    check_directory_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_none_is_refused_in_words),
        cmocka_unit_test(a_pipe_is_read_but_never_waited_for),
        cmocka_unit_test(a_link_is_followed_and_stays),
        cmocka_unit_test(what_is_no_file_is_not_replaced),
        cmocka_unit_test(a_matrix_flows_into_pipes_and_devices),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
