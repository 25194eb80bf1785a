/* supervise.c - see supervise.h. Signals are taken synchronously with sigtimedwait: no handlers, no races between a
 * signal and a child that is just being started. */
#include "cli/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define LOG_MODULE "supervise"

enum { MAX_CRASHES_KEPT = 64, PASSED_ON = 0x78620001 };

struct supervisor {
    const struct supervise_options *o;
    sigset_t signals;
    pid_t child;
    bool stopping;                    /* SIGTERM, SIGINT or SIGHUP came: the next end is the last */
    double crashes[MAX_CRASHES_KEPT]; /* monotonic times, oldest first */
    int crash_count;                  /* inside the window */
    int crashes_total;
};

void supervise_defaults(struct supervise_options *o)
{
    *o = (struct supervise_options){.first_delay = 5, .max_delay = 60, .max_crashes = 5, .window = 600};
}

static int start_child(struct supervisor *s, char *const *argv, struct error *e)
{
    pid_t parent = getpid();
    s->child = fork();
    if (s->child < 0) return error_set(e, ERR_NOMEM, "cannot start the server: %s", strerror(errno));
    if (s->child > 0) return OK;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a killed supervisor leaves no server behind */
    if (getppid() == parent) execv(s->o->program ? s->o->program : argv[0], argv);
    _exit(71); /* EX_OSERR */
}

/* Whatever stops us stops the child as SIGTERM, and it can tell that it comes from here: it may have had the same
 * Ctrl-C itself. */
static void pass_stop(struct supervisor *s)
{
    const union sigval mark = {.sival_int = PASSED_ON};
    s->stopping = true;
    sigqueue(s->child, SIGTERM, mark);
}

bool supervise_passed_on(const siginfo_t *info)
{
    return info->si_code == SI_QUEUE && info->si_value.sival_int == PASSED_ON;
}

/* Wait for the child's end, passing signals on. Returns its wait status; a child that somebody else has reaped ended
 * nobody knows how. */
static int wait_child(struct supervisor *s)
{
    for (;;) {
        int status = 0;
        pid_t ended = waitpid(s->child, &status, WNOHANG);
        if (ended == s->child) return status;
        if (ended < 0 && errno == ECHILD) return W_EXITCODE(error_exit_code(ERR_INTERNAL), 0);
        siginfo_t info;
        int number = sigwaitinfo(&s->signals, &info);
        if (number < 0 || number == SIGCHLD) continue;
        if (number == SIGUSR1)
            kill(s->child, SIGUSR1);
        else if (number != SIGHUP ||
                 !s->stopping) /* a closed terminal hangs up more than once; that is no second stop */
            pass_stop(s);
    }
}

/* Sleep before a restart; a stop signal ends it early. */
static void wait_delay(struct supervisor *s, double seconds)
{
    double end = clock_monotonic() + seconds;
    for (;;) {
        double left = end - clock_monotonic();
        if (left <= 0) return;
        struct timespec t = {.tv_sec = (time_t)left};
        t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
        int number = sigtimedwait(&s->signals, NULL, &t);
        if (number < 0 || number == SIGCHLD || number == SIGUSR1) continue;
        s->stopping = true;
        return;
    }
}

/* Memory (71) and the port (73) may be wanting for a moment after a crash; when the first start finds them wanting they
 * are somebody else's. */
static bool is_final(int status, bool first_start)
{
    if (!WIFEXITED(status)) return false;
    int code = WEXITSTATUS(status);
    return code == 0 || (code >= 64 && code <= 69) || code == 77 || code == 78 ||
           (first_start && (code == 71 || code == 73));
}

static void describe(int status, char *out, size_t n)
{
    if (WIFSIGNALED(status))
        snprintf(out, n, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, n, "exit code %d", WEXITSTATUS(status));
}

static void remember_crash(struct supervisor *s)
{
    double now = clock_monotonic();
    int kept = 0;
    for (int i = 0; i < s->crash_count; i++)
        if (now - s->crashes[i] < s->o->window) s->crashes[kept++] = s->crashes[i];
    if (kept == MAX_CRASHES_KEPT) memmove(s->crashes, s->crashes + 1, sizeof s->crashes[0] * (size_t)--kept);
    s->crashes[kept++] = now;
    s->crash_count = kept;
    s->crashes_total++;
}

static void write_report(struct supervisor *s, const char *what, bool gave_up)
{
    if (!s->o->report_path) return;
    char text[512];
    char when[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(when, sizeof when, "%F %T", localtime_r(&now, &local));
    int n = snprintf(text, sizeof text,
                     "%s: the server ended unexpectedly (%s).\n%d crash(es) since start, %d in the last %.0f s.\n%s\n"
                     "The lines before it are in server.log.\n",
                     when, what, s->crashes_total, s->crash_count, s->o->window,
                     gave_up ? "Gave up restarting it." : "Restarting it.");
    struct error e = {0};
    if (n > 0 && file_write_atomic(s->o->report_path, text, (size_t)n, 0600, &e)) log_warn("%s", e.text);
}

/* How it ended before is of no interest after a clean end. */
static void remove_report(const struct supervisor *s)
{
    if (s->o->report_path && unlink(s->o->report_path) && errno != ENOENT)
        log_warn("cannot remove the crash report: %s", strerror(errno));
}

static int run(struct supervisor *s, char *const *argv, int *exit_code, struct error *e)
{
    double delay = s->o->first_delay;
    for (;;) {
        double started = clock_monotonic();
        int rc = start_child(s, argv, e);
        if (rc) return rc;
        int status = wait_child(s);
        if (s->stopping || is_final(status, s->crashes_total == 0)) {
            *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
            if (s->stopping || *exit_code == 0) remove_report(s);
            return OK;
        }
        char what[128];
        log_request_reopen(); /* the child may have rotated the file under us */
        describe(status, what, sizeof what);
        remember_crash(s);
        if (clock_monotonic() - started > s->o->window) delay = s->o->first_delay; /* it had run well: start over */
        if (s->crash_count >= s->o->max_crashes) {
            write_report(s, what, true);
            log_error("server ended (%s); %d crashes in %.0f s, giving up", what, s->crash_count, s->o->window);
            return error_set(e, ERR_UNAVAILABLE,
                             "the server crashed %d times in %.0f s (last: %s); see server.log, then start it again",
                             s->crash_count, s->o->window, what);
        }
        write_report(s, what, false);
        log_error("server ended (%s); starting it again in %.0f s", what, delay);
        wait_delay(s, delay);
        if (s->stopping) {
            *exit_code = 0;
            return OK;
        }
        delay = delay * 2 > s->o->max_delay ? s->o->max_delay : delay * 2;
    }
}

bool supervise_heeds_hangup(void)
{
    struct sigaction now;
    return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN;
}

int supervise_run(char *const *argv, const struct supervise_options *o, int *exit_code, struct error *e)
{
    struct supervisor s = {.o = o};
    sigset_t before;
    sigemptyset(&s.signals);
    static const int taken[] = {SIGCHLD, SIGTERM, SIGINT, SIGUSR1};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) sigaddset(&s.signals, taken[i]);
    if (supervise_heeds_hangup()) sigaddset(&s.signals, SIGHUP);
    signal(SIGCHLD, SIG_DFL); /* if it was inherited as ignored the kernel would reap the child before us */
    sigprocmask(SIG_BLOCK, &s.signals, &before);
    *exit_code = error_exit_code(ERR_UNAVAILABLE);
    int rc = run(&s, argv, exit_code, e);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}
