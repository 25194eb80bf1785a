/* test_log.c - server.log: rotation by day and by size, pruning, reopening, no forged lines, nothing waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"

#define LOG_MODULE "test"

static char directory[] = "/tmp/xiaobei-log-XXXXXX";

static void path_of(char *out, size_t n, const char *name)
{
    assert_int_equal(path_join(out, n, directory, name), OK);
}

static void read_log(struct buf *out, const char *name)
{
    char path[4096];
    struct error e = {0};
    path_of(path, sizeof path, name);
    assert_int_equal(file_read(out, path, &e), OK);
}

static int count_files(void)
{
    int n = 0;
    DIR *dir = opendir(directory);
    for (struct dirent *d; (d = readdir(dir));) n += d->d_name[0] != '.';
    closedir(dir);
    return n;
}

static int empty_directory(void **state)
{
    (void)state;
    log_close();
    DIR *dir = opendir(directory);
    for (struct dirent *d; (d = readdir(dir));) {
        char path[4096];
        if (d->d_name[0] == '.') continue;
        path_of(path, sizeof path, d->d_name);
        unlink(path);
    }
    closedir(dir);
    return 0;
}

static void open_log(size_t max_bytes, int keep)
{
    struct error e = {0};
    struct log_options o = {.directory = directory, .level = LOG_INFO, .max_bytes = max_bytes, .keep = keep};
    assert_int_equal(log_open(&o, &e), OK);
}

static void input_cannot_forge_a_line(void **state)
{
    (void)state;
    open_log(0, 0);
    log_info("name %s", "a\n2026-01-01 00:00:00.000 ERROR [x] forged\r\x1b[31m");
    log_debug("below the level");
    struct buf text = BUF_INIT(1 << 16);
    read_log(&text, "server.log");
    assert_int_equal(text.data[text.len - 1], '\n');
    assert_ptr_equal(strchr(text.data, '\n'), text.data + text.len - 1);
    assert_null(strchr(text.data, '\x1b'));
    assert_non_null(strstr(text.data, "INFO  [test] name a "));
    buf_free(&text);
}

static void size_rotates_and_keeps_the_newest(void **state)
{
    (void)state;
    open_log(400, 2);
    for (int i = 0; i < 60; i++) log_info("line number %02d of sixty", i);
    assert_int_equal(count_files(), 3); /* server.log and two rotated ones */
    struct buf text = BUF_INIT(1 << 16);
    read_log(&text, "server.log");
    assert_non_null(strstr(text.data, "line number 59"));
    assert_true(text.len <= 400);
    buf_free(&text);
}

static void midnight_rotates_to_the_day_of_the_lines(void **state)
{
    (void)state;
    open_log(0, 0);
    log_info("yesterday's line");
    log_close();
    char path[4096];
    path_of(path, sizeof path, "server.log");
    time_t yesterday = time(NULL) - 86400;
    struct utimbuf times = {yesterday, yesterday};
    assert_int_equal(utime(path, &times), 0);
    open_log(0, 0); /* the file belongs to yesterday: the next line starts a new one */
    log_info("today's line");
    struct tm day;
    localtime_r(&yesterday, &day);
    char rotated[64];
    strftime(rotated, sizeof rotated, "server_%Y%m%d.log", &day);
    struct buf text = BUF_INIT(1 << 16);
    read_log(&text, rotated);
    assert_non_null(strstr(text.data, "yesterday's line"));
    buf_clear(&text);
    read_log(&text, "server.log");
    assert_non_null(strstr(text.data, "today's line"));
    assert_null(strstr(text.data, "yesterday's"));
    buf_free(&text);
}

static void reopen_follows_a_moved_file(void **state)
{
    (void)state;
    open_log(0, 0);
    log_info("before");
    char path[4096];
    char moved[4096];
    path_of(path, sizeof path, "server.log");
    path_of(moved, sizeof moved, "moved.log");
    assert_int_equal(rename(path, moved), 0);
    log_request_reopen();
    log_info("after");
    struct buf text = BUF_INIT(1 << 16);
    read_log(&text, "server.log");
    assert_non_null(strstr(text.data, "after"));
    assert_null(strstr(text.data, "before"));
    buf_free(&text);
}

/* "server_20261124.3.log" of today. */
static void rotated_name(char *out, size_t n, int index)
{
    char day[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(day, sizeof day, "server_%Y%m%d", localtime_r(&now, &local));
    if (index > 0)
        snprintf(out, n, "%s.%d.log", day, index);
    else
        snprintf(out, n, "%s.log", day);
}

static void the_newest_of_many_rotated_files_is_kept(void **state)
{
    (void)state;
    char name[64], path[4096];
    struct buf text = BUF_INIT(1 << 16);
    open_log(60, 3); /* a line a file */
    for (int i = 0; i < 12; i++) log_info("line number %02d of twelve", i);
    rotated_name(name, sizeof name, 10);
    path_of(path, sizeof path, name);
    assert_true(file_exists(path));
    read_log(&text, name);
    assert_non_null(strstr(text.data, "line number 10"));
    buf_free(&text);
}

/* What another server in the same directory does when it rotates first. */
static void a_file_that_another_server_rotated_is_left_to_it(void **state)
{
    (void)state;
    char path[4096], moved[4096], name[64];
    struct error e = {0};
    struct buf text = BUF_INIT(1 << 16);
    open_log(300, 0);
    for (int i = 0; i < 4; i++) log_info("line number %02d of five", i);
    rotated_name(name, sizeof name, 0);
    path_of(path, sizeof path, "server.log");
    path_of(moved, sizeof moved, name);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(file_write_atomic(path, "theirs\n", 7, 0600, &e), OK);
    for (int i = 4; i < 6; i++) log_info("line number %02d of five", i); /* the file would pass its size */
    read_log(&text, "server.log");
    assert_non_null(strstr(text.data, "theirs"));
    assert_non_null(strstr(text.data, "line number 05"));
    assert_int_equal(count_files(), 2);
    buf_free(&text);
}

static void a_pipe_in_place_of_the_file_is_refused(void **state)
{
    (void)state;
    char path[4096];
    struct error e = {0};
    struct log_options o = {.directory = directory, .level = LOG_INFO};
    path_of(path, sizeof path, "server.log");
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(30);
    assert_int_equal(log_open(&o, &e), ERR_IO);
    assert_non_null(strstr(e.text, "regular file"));
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    error_clear(&e);
    assert_int_equal(log_open(&o, &e), ERR_IO); /* a reader does not make it a file */
    close(reader);
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    error_clear(&e);
    assert_int_equal(log_open(&o, &e), OK);
    alarm(0);
}

/* Standard error as a pipe: more lines than it holds, then a reader. */
static void a_reader_of_standard_error_is_never_waited_for(void **state)
{
    (void)state;
    enum { LINES = 3000 };
    int ends[2], kept = dup(STDERR_FILENO), flags;
    char piece[65536];
    struct error e = {0};
    struct log_options o = {.directory = directory, .level = LOG_INFO, .also_stderr = true};
    struct buf text = BUF_INIT(1 << 20), shown = BUF_INIT(1 << 20);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    int rc = log_open(&o, &e);
    alarm(30);
    for (int i = 0; i < LINES; i++) log_info("line number %04d", i);
    flags = fcntl(ends[1], F_GETFL);
    for (int round = 0; round < 2; round++) {
        struct pollfd p = {.fd = ends[0], .events = POLLIN};
        while (poll(&p, 1, 0) > 0) {
            ssize_t n = read(ends[0], piece, sizeof piece);
            buf_append(&shown, piece, n > 0 ? (size_t)n : 0);
        }
        if (round == 0) log_info("the last line");
    }
    alarm(0);
    dup2(kept, STDERR_FILENO);
    assert_int_equal(rc, OK);
    assert_int_equal(flags & O_NONBLOCK, 0); /* it is shared with others */
    assert_non_null(strstr(buf_text(&shown), "line number 0000"));
    assert_null(strstr(buf_text(&shown), "line number 2999"));
    assert_non_null(strstr(buf_text(&shown), "lines were left out"));
    assert_non_null(strstr(buf_text(&shown), "the last line"));
    read_log(&text, "server.log");
    assert_non_null(strstr(text.data, "line number 2999"));
    close(kept);
    close(ends[0]);
    close(ends[1]);
    buf_free(&text);
    buf_free(&shown);
}

int main(void)
{
    if (!mkdtemp(directory)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(input_cannot_forge_a_line, empty_directory),
        cmocka_unit_test_teardown(size_rotates_and_keeps_the_newest, empty_directory),
        cmocka_unit_test_teardown(midnight_rotates_to_the_day_of_the_lines, empty_directory),
        cmocka_unit_test_teardown(reopen_follows_a_moved_file, empty_directory),
        cmocka_unit_test_teardown(the_newest_of_many_rotated_files_is_kept, empty_directory),
        cmocka_unit_test_teardown(a_file_that_another_server_rotated_is_left_to_it, empty_directory),
        cmocka_unit_test_teardown(a_pipe_in_place_of_the_file_is_refused, empty_directory),
        cmocka_unit_test_teardown(a_reader_of_standard_error_is_never_waited_for, empty_directory),
    };
    int failed = cmocka_run_group_tests_name("log", tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
