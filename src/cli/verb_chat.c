/* verb_chat.c - a conversation on the terminal. Ctrl-C stops the answer; at the prompt it drops the line, and twice at
 * once it ends the program. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/dialogue.h"
#include "cli/lines.h"
#include "cli/verbs.h"
#include "medical/persona.h"

static const double leave_seconds = 1.5; /* a second Ctrl-C at the prompt within them is meant */

static volatile sig_atomic_t stop_answer;
static int interrupts = -1; /* an eventfd that counts Ctrl-C: none is lost between the prompt and the wait behind it */

static void on_interrupt(int number)
{
    int kept = errno;
    const uint64_t one = 1;
    (void)number;
    stop_answer = 1;
    if (write(interrupts, &one, sizeof one) < 0) stop_answer = 1; /* the count is full: as good */
    errno = kept;
}

static void forget_interrupts(void)
{
    uint64_t count;
    stop_answer = 0;
    while (read(interrupts, &count, sizeof count) > 0) continue;
}

/* Ctrl-C while reading a line ends that with EINTR: no SA_RESTART. */
static int catch_interrupt(struct error *e)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    interrupts = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (interrupts < 0) return error_set(e, ERR_INTERNAL, "cannot open an event descriptor: %s", strerror(errno));
    sigaction(SIGINT, &action, NULL);
    return OK;
}

static const char help[] =
    "/new   a new conversation\n/drop  leave out the oldest question and its answer\n/quit  end (or Ctrl-D)\n"
    "Ctrl-C stops an answer; at the prompt it drops the line, twice at once it ends.\n";

static bool colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !(no_color && *no_color);
}

/* Only ERR_IO (standard output takes no more) ends the conversation; other errors are said and done with. */
static int answer(struct dialogue *d, const struct buf *question, struct error *end)
{
    struct engine_result result = {0};
    struct error e = {0};
    bool colour = colours();
    stop_answer = 0;
    fputs(colour ? "\033[36m小贝>\033[0m " : "小贝> ", stderr);
    int rc = dialogue_answer(d, buf_text(question), question->len, &stop_answer, &result, &e);
    if (rc == ERR_IO) {
        *end = e;
        return rc;
    }
    putchar('\n');
    fflush(stdout);
    if (rc) {
        fprintf(stderr, "%s\n", e.text);
        if (rc == ERR_TOO_LONG)
            fputs("/new begins a new conversation, /drop leaves out the oldest turn; then ask again.\n", stderr);
        return OK;
    }
    const struct engine_usage *u = &result.usage;
    double speed = u->decode_s > 0 && u->completion_tokens > 1 ? (u->completion_tokens - 1) / u->decode_s : 0;
    fprintf(stderr, "%s[%s%d tokens, %.1f tokens/s]%s\n", colour ? "\033[2m" : "",
            result.reason == FINISH_CANCELLED ? "stopped, "
            : result.reason == FINISH_LENGTH  ? "length limit, "
                                              : "",
            u->completion_tokens, speed, colour ? "\033[0m" : "");
    return OK;
}

/* A line that begins with '/': returns false to end the program. */
static bool command(struct dialogue *d, const char *line)
{
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/exit") == 0) return false;
    if (strcmp(line, "/new") == 0) {
        dialogue_reset(d);
        fputs("a new conversation\n", stderr);
    } else if (strcmp(line, "/drop") == 0) {
        fputs(dialogue_drop_oldest(d) ? "left out the oldest turn\n" : "there is nothing to leave out\n", stderr);
    } else {
        fputs(help, stderr);
    }
    return true;
}

/* Ctrl-C at the prompt: true if it was the second at once. The terminal has dropped the line already. */
static bool leaves(double *last)
{
    double now = clock_monotonic();
    bool again = *last > 0 && now - *last < leave_seconds;
    *last = now;
    fputs(again ? "\n" : "\nCtrl-D or /quit ends the conversation, and so does Ctrl-C twice at once.\n", stderr);
    return again;
}

/* As line_read. A terminal hands out whole lines, so nothing is left in stdin's buffer when we wait outside it. */
static int read_at_prompt(struct buf *line, struct error *e)
{
    struct pollfd both[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = interrupts, .events = POLLIN}};
    fputs(colours() ? "\033[1m您>\033[0m " : "您> ", stderr);
    while (poll(both, 2, -1) < 0 && errno == EINTR) continue;
    return both[1].revents ? LINE_INTERRUPTED : line_read(line, stdin, e);
}

static int talk(struct dialogue *d, struct error *e)
{
    struct buf line = BUF_INIT(LIMIT_JSON_LINE);
    double interrupted = 0;
    bool terminal = isatty(STDIN_FILENO);
    int rc = OK;
    fprintf(stderr, "%s\n/help lists the commands.\n", d->raw ? "raw model, no safety layer" : persona_notice());
    while (!rc) {
        forget_interrupts();
        int got = terminal ? read_at_prompt(&line, e) : line_read(&line, stdin, e);
        if (got < 0) rc = got;
        if (got == LINE_END || (got == LINE_INTERRUPTED && (!terminal || leaves(&interrupted)))) break;
        if (got != LINE_READ) continue;
        buf_truncate(&line, dialogue_trim(buf_text(&line), line.len));
        if (line.len == 0) continue;
        if (line.data[0] != '/')
            rc = answer(d, &line, e);
        else if (!command(d, buf_text(&line)))
            break;
    }
    buf_free(&line);
    return rc;
}

static int run(int argc, char **argv)
{
    struct engine_arguments arguments = {0};
    struct dialogue d = {0};
    struct error e = {0};
    int positional = 0;
    const struct option_spec specs[] = {ENGINE_OPTIONS(&arguments),
                                        {"--raw", OPTION_FLAG, &d.raw},
                                        {"--seed", OPTION_UINT64, &d.seed},
                                        {"--max-tokens", OPTION_COUNT, &d.max_tokens},
                                        {0}};
    for (int i = 1; i < argc; i++) d.has_seed = d.has_seed || strncmp(argv[i], "--seed", 6) == 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments but options (--help lists them)");
    if (!rc) rc = dialogue_open(&d, &arguments, &e);
    if (!rc) rc = catch_interrupt(&e);
    if (!rc) rc = talk(&d, &e);
    dialogue_close(&d);
    if (d.reader_gone) return cli_reader_gone();
    return rc ? cli_fail("chat", &e) : 0;
}

const struct verb verb_chat = {
    .name = "chat",
    .run = run,
    .summary = "converse on the terminal",
    .usage = "usage: xiaobei chat [--raw] [--seed S] [--max-tokens N] [options]\n\n"
             "/new /drop /quit /help at the prompt. Ctrl-C stops an answer; at the prompt it drops the line. Ctrl-D\n"
             "ends, and so does Ctrl-C twice within a second at the prompt.\n\n" ENGINE_USAGE,
};
