/* supervise.h - keep a server running: start it as a child, start it again after a crash.
 *
 * A clean end (exit 0, or any after a stop signal) ends the supervisor too, and so does an exit that a restart cannot
 * mend (usage, configuration, missing model: sysexits 64-69, 77, 78; want of memory, 71, and a taken port, 73, when the
 * first start meets them). Anything else is a crash: wait 5 s, then 10, 20, 40 (60 at most), and give up after 5
 * crashes in 10 minutes, leaving a report. SIGTERM, SIGINT and SIGHUP are passed on as SIGTERM, SIGUSR1 as it is.
 * Thread: the program's first and only one; the child is a fresh exec.
 */
#ifndef XIAOBEI_CLI_SUPERVISE_H
#define XIAOBEI_CLI_SUPERVISE_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

struct supervise_options {
    double first_delay; /* seconds before the first restart; doubles up to max_delay */
    double max_delay;
    int max_crashes;         /* within window: give up */
    double window;           /* seconds */
    const char *report_path; /* crash report; kept when giving up, removed after a clean end */
    const char *program;     /* the file to execute; NULL: argv[0] */
};

void supervise_defaults(struct supervise_options *o); /* 5 s, 60 s, 5, 600 s, no report */

/* Run the program with argv until it ends for good; *exit_code is what the supervisor should exit with. SIGCHLD gets
 * its default action. */
int supervise_run(char *const *argv, const struct supervise_options *o, int *exit_code, struct error *e) MUST_USE;

/* In the child: this signal was passed on by a supervisor. Ctrl-C and a service manager reach the child as well as its
 * supervisor: the two count as one. */
bool supervise_passed_on(const siginfo_t *info);

/* False under nohup, which had SIGHUP ignored: then a closed terminal ends nothing. (A blocked signal is delivered to
 * sigwaitinfo even if it is ignored.) */
bool supervise_heeds_hangup(void);

#endif
