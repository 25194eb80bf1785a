/* child.h - a helper process by argument vector: no shell, nothing on standard input, its words into a file.
 * It dies with us (PR_SET_PDEATHSIG). Thread: the program's only one (fork). */
#ifndef XIAOBEI_HUB_CHILD_H
#define XIAOBEI_HUB_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Start argv[0] (searched in PATH). SIGCHLD gets its default action. log_path receives both outputs. temporary (may be
 * NULL) becomes its TMPDIR. */
int child_start(pid_t *pid, char *const *argv, const char *log_path, const char *temporary, struct error *e) MUST_USE;
/* True when it has ended; *code is its exit code, 128 + signal if it was killed, 127 if it could not be started
 * or how it ended is lost. */
bool child_ended(pid_t pid, int *code);
int child_wait(pid_t pid);  /* the same, waiting */
void child_stop(pid_t pid); /* end it and wait; 0 is fine */

#endif
