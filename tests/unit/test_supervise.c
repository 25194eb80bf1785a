/* test_supervise.c - restarts after a crash, gives up after too many, ends with a clean or hopeless exit; passes every
 * stop on as one that can be told from the terminal's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
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
    char whole[768];
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
    char script[400];
    snprintf(script, sizeof script, "test $(wc -l < %s) -ge 3 || exit 70", count_path);
    int rc;
    int code;
    struct error e = {0};
    assert_int_equal(supervise(script, &rc, &code, &e), 3);
    assert_int_equal(rc, OK);
    assert_int_equal(code, 0);
    assert_int_equal(file_size(report_path), -1);
}

static void what_a_restart_cannot_mend_is_not_restarted(void **state)
{
    (void)state;
    static const int codes[] = {64, 65, 66, 69, 71, 73, 77, 78};
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

/* The port may be held for a moment by what is left of the crashed server. */
static void a_taken_port_after_a_crash_is_tried_again(void **state)
{
    (void)state;
    char script[400];
    snprintf(script, sizeof script, "case $(wc -l < %s) in 1) kill -SEGV $$;; 2) exit 73;; 3) exit 71;; esac",
             count_path);
    int rc;
    int code;
    struct error e = {0};
    assert_int_equal(supervise(script, &rc, &code, &e), 4);
    assert_int_equal(rc, OK);
    assert_int_equal(code, 0);
}

/* A supervisor in a process group of its own; with a script that of supervise(), else this program as the child. */
static pid_t start_supervisor(const char *script, char *const *argv, bool nohup)
{
    pid_t pid = fork();
    if (pid) return pid;
    int rc = 0;
    int code = 1;
    struct error e = {0};
    setpgid(0, 0);
    if (nohup) signal(SIGHUP, SIG_IGN);
    if (script) {
        supervise(script, &rc, &code, &e);
    } else {
        struct supervise_options o;
        supervise_defaults(&o);
        o.first_delay = 0.02;
        rc = supervise_run(argv, &o, &code, &e);
    }
    _exit(rc ? 100 : code);
}

static void wait_for_bytes(const char *path, int64_t bytes)
{
    while (file_size(path) < bytes) clock_sleep(0.01);
}

static int exit_code_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_stop_signal_reaches_the_child_and_ends_both(void **state)
{
    (void)state;
    static const int stops[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        char script[400];
        fresh(NULL);
        snprintf(script, sizeof script, "trap 'exit 0' TERM; echo set >> %s; while :; do sleep 0.01; done", count_path);
        pid_t supervisor = start_supervisor(script, NULL, false);
        wait_for_bytes(count_path, 10);
        kill(supervisor, stops[i]);
        assert_int_equal(exit_code_of(supervisor), 0);
        assert_int_equal(file_size(count_path), 10); /* started once */
        assert_int_equal(file_size(report_path), -1);
    }
}

/* Under nohup SIGHUP is nobody's business. USR1 comes behind it (a lower number is taken first), so that its arrival
 * shows that the child has outlived the other. */
static void nohup_is_honoured(void **state)
{
    (void)state;
    char script[400];
    snprintf(script, sizeof script,
             "trap 'exit 3' TERM; trap 'echo usr >> %s' USR1; echo set >> %s; while :; do sleep 0.01; done", count_path,
             count_path);
    pid_t supervisor = start_supervisor(script, NULL, true);
    wait_for_bytes(count_path, 10);
    kill(supervisor, SIGHUP);
    kill(supervisor, SIGUSR1);
    while (file_size(count_path) < 14 && waitpid(supervisor, NULL, WNOHANG) == 0) clock_sleep(0.01);
    assert_int_equal(file_size(count_path), 14);
    kill(supervisor, SIGTERM);
    assert_int_equal(exit_code_of(supervisor), 3);
}

/* Who starts us may have SIGCHLD ignored, and a program inherits that: then no child would be left to wait for. */
static void an_ignored_sigchld_is_not_inherited(void **state)
{
    (void)state;
    char script[400];
    snprintf(script, sizeof script, "test $(wc -l < %s) -ge 2 || kill -SEGV $$", count_path);
    pid_t supervisor = fork();
    if (supervisor == 0) {
        int rc;
        int code;
        struct error e = {0};
        alarm(30);
        signal(SIGCHLD, SIG_IGN);
        int starts = supervise(script, &rc, &code, &e);
        _exit(rc || code ? 100 : starts);
    }
    assert_int_equal(exit_code_of(supervisor), 2);
}

/* The child of the next test: ends well after one Ctrl-C of its own and one stop passed on, in either order. */
static int child_main(const char *ready)
{
    sigset_t stops;
    int own = 0;
    int passed_on = 0;
    struct error e = {0};
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    if (file_write_atomic(ready, "ready\n", 6, 0600, &e)) return 2;
    while (own + passed_on < 2) {
        siginfo_t info;
        if (sigwaitinfo(&stops, &info) < 0) continue;
        if (supervise_passed_on(&info))
            passed_on++;
        else
            own++;
    }
    return own == 1 && passed_on == 1 ? 0 : 1;
}

/* A terminal's Ctrl-C goes to the whole group. */
static void one_ctrl_c_is_told_from_two(void **state)
{
    (void)state;
    char *argv[] = {"/proc/self/exe", "child", count_path, NULL};
    pid_t supervisor = start_supervisor(NULL, argv, false);
    wait_for_bytes(count_path, 6);
    kill(-supervisor, SIGINT);
    assert_int_equal(exit_code_of(supervisor), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3) return child_main(argv[2]);
    if (!mkdtemp(directory)) return 1;
    snprintf(count_path, sizeof count_path, "%s/count", directory);
    snprintf(report_path, sizeof report_path, "%s/report", directory);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(crashes_are_restarted_until_five, fresh),
        cmocka_unit_test_setup(a_crash_then_a_clean_end, fresh),
        cmocka_unit_test_setup(what_a_restart_cannot_mend_is_not_restarted, fresh),
        cmocka_unit_test_setup(a_taken_port_after_a_crash_is_tried_again, fresh),
        cmocka_unit_test_setup(a_stop_signal_reaches_the_child_and_ends_both, fresh),
        cmocka_unit_test_setup(nohup_is_honoured, fresh),
        cmocka_unit_test_setup(an_ignored_sigchld_is_not_inherited, fresh),
        cmocka_unit_test_setup(one_ctrl_c_is_told_from_two, fresh),
    };
    int failed = cmocka_run_group_tests_name("supervise", tests, NULL, NULL);
    fresh(NULL);
    rmdir(directory);
    return failed;
}
