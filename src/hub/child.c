/* child.c - see child.h. */
#include "hub/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_START = 127 };

/* Runs in the child, whose copy of the environment is its own. Never returns. */
static void become(char *const *argv, const char *log_path, const char *temporary, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int in = open("/dev/null", O_RDONLY);
    int out = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool ready = getppid() == parent && in >= 0 && out >= 0 && dup2(in, STDIN_FILENO) >= 0 &&
                 dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0;
    signal(SIGPIPE, SIG_DFL);
    if (ready && (!temporary || setenv("TMPDIR", temporary, 1) == 0)) execvp(argv[0], argv);
    _Exit(CANNOT_START); /* the child's own end: nothing of ours may be flushed twice */
}

int child_start(pid_t *pid, char *const *argv, const char *log_path, const char *temporary, struct error *e)
{
    pid_t parent = getpid();
    signal(SIGCHLD, SIG_DFL); /* if it was inherited as ignored the kernel would reap the child before us */
    pid_t child = fork();
    if (child < 0) return error_set(e, ERR_NOMEM, "cannot start %s: %s", argv[0], strerror(errno));
    if (child == 0) become(argv, log_path, temporary, parent);
    *pid = child;
    return OK;
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_ended(pid_t pid, int *code)
{
    int status = 0;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    *code = ended == pid ? code_of(status) : CANNOT_START; /* reaped by somebody else: how it ended is lost */
    return true;
}

int child_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return CANNOT_START;
    return code_of(status);
}

void child_stop(pid_t pid)
{
    if (pid <= 0) return;
    kill(pid, SIGTERM);
    child_wait(pid);
}
