/* test_supervise.c - restarts after a crash, gives up after too many, ends with a clean or hopeless exit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/supervise.h"

static char directory[] = "/tmp/xiaobei-supervise-XXXXXX";
static char count_path[128];
static char report_path[128];

static int fresh(void **state)
{
    (void)state;
    unlink(count_path);
    unlink(report_path);
    return 0;
}

/* Run `script` under the supervisor with delays a hundred times shorter; returns the number of starts. */
static int supervise(const char *script, int *rc, int *exit_code, struct error *e)
{
    char whole[512];
    snprintf(whole, sizeof whole, "echo start >> %s; %s", count_path, script);
    char *argv[] = {"/bin/sh", "-c", whole, NULL};
    struct supervise_options o;
    supervise_defaults(&o);
    o.first_delay = 0.02;
    o.max_delay = 0.05;
    o.report_path = report_path;
    *rc = supervise_run(argv, &o, exit_code, e);
    return (int)(file_size(count_path) / 6);
}

static void crashes_are_restarted_until_five(void **state)
{
    (void)state;
    int rc;
    int code;
    struct error e = {0};
    assert_int_equal(supervise("kill -SEGV $$", &rc, &code, &e), 5);
    assert_int_equal(rc, ERR_UNAVAILABLE);
    struct buf report = BUF_INIT(4096);
    assert_int_equal(file_read(&report, report_path, &e), OK);
    assert_non_null(strstr(report.data, "signal 11"));
    assert_non_null(strstr(report.data, "Gave up"));
    buf_free(&report);
}

static void a_crash_then_a_clean_end(void **state)
{
    (void)state;
    char script[256];
    snprintf(script, sizeof script, "test $(wc -l < %s) -ge 3 || exit 70", count_path);
    int rc;
    int code;
    struct error e = {0};
    assert_int_equal(supervise(script, &rc, &code, &e), 3);
    assert_int_equal(rc, OK);
    assert_int_equal(code, 0);
}

static void what_a_restart_cannot_mend_is_not_restarted(void **state)
{
    (void)state;
    static const int codes[] = {64, 66, 69, 77, 78};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char script[32];
        snprintf(script, sizeof script, "exit %d", codes[i]);
        int rc;
        int code;
        struct error e = {0};
        unlink(count_path);
        assert_int_equal(supervise(script, &rc, &code, &e), 1);
        assert_int_equal(rc, OK);
        assert_int_equal(code, codes[i]);
    }
}

static void a_stop_signal_reaches_the_child_and_ends_both(void **state)
{
    (void)state;
    pid_t supervisor = fork();
    if (supervisor == 0) {
        int rc;
        int code = 1;
        struct error e = {0};
        supervise("trap 'exit 0' TERM; while :; do sleep 0.01; done", &rc, &code, &e);
        _exit(rc ? 1 : code);
    }
    while (file_size(count_path) < 6) clock_sleep(0.01);
    clock_sleep(0.1); /* let the shell set its trap */
    kill(supervisor, SIGTERM);
    int status;
    assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(file_size(count_path), 6);
}

int main(void)
{
    if (!mkdtemp(directory)) return 1;
    snprintf(count_path, sizeof count_path, "%s/count", directory);
    snprintf(report_path, sizeof report_path, "%s/report", directory);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(crashes_are_restarted_until_five, fresh),
        cmocka_unit_test_setup(a_crash_then_a_clean_end, fresh),
        cmocka_unit_test_setup(what_a_restart_cannot_mend_is_not_restarted, fresh),
        cmocka_unit_test_setup(a_stop_signal_reaches_the_child_and_ends_both, fresh),
    };
    int failed = cmocka_run_group_tests_name("supervise", tests, NULL, NULL);
    fresh(NULL);
    rmdir(directory);
    return failed;
}
