/* verb_chat.c - a conversation on the terminal. Ctrl-C stops the answer; at the prompt it ends the program. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dialogue.h"
#include "cli/verbs.h"
#include "medical/persona.h"

static volatile sig_atomic_t stop_answer;

static void on_interrupt(int number)
{
    (void)number;
    stop_answer = 1;
}

/* Ctrl-C while reading ends getline with EINTR: no SA_RESTART. */
static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static const char help[] =
    "/new   a new conversation\n/drop  leave out the oldest question and its answer\n/quit  end (or Ctrl-D)\n"
    "Ctrl-C stops an answer.\n";

static bool colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !(no_color && *no_color);
}

static void answer(struct dialogue *d, const char *question)
{
    struct engine_result result;
    struct error e = {0};
    bool colour = colours();
    stop_answer = 0;
    fputs(colour ? "\033[36m小贝>\033[0m " : "小贝> ", stderr);
    int rc = dialogue_answer(d, question, &stop_answer, &result, &e);
    putchar('\n');
    fflush(stdout);
    if (rc) {
        fprintf(stderr, "%s\n", e.text);
        if (rc == ERR_TOO_LONG)
            fputs("/new begins a new conversation, /drop leaves out the oldest turn; then ask again.\n", stderr);
        return;
    }
    const struct engine_usage *u = &result.usage;
    double speed = u->decode_s > 0 && u->completion_tokens > 1 ? (u->completion_tokens - 1) / u->decode_s : 0;
    fprintf(stderr, "%s[%s%d tokens, %.1f tokens/s]%s\n", colour ? "\033[2m" : "",
            result.reason == FINISH_CANCELLED ? "stopped, "
            : result.reason == FINISH_LENGTH  ? "length limit, "
                                              : "",
            u->completion_tokens, speed, colour ? "\033[0m" : "");
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

static void talk(struct dialogue *d)
{
    char *line = NULL;
    size_t cap = 0;
    bool terminal = isatty(STDIN_FILENO);
    fprintf(stderr, "%s\n/help lists the commands.\n", d->raw ? "raw model, no safety layer" : persona_notice());
    for (;;) {
        if (terminal) fputs(colours() ? "\033[1m您>\033[0m " : "您> ", stderr);
        stop_answer = 0;
        ssize_t n = getline(&line, &cap, stdin);
        if (n < 0) break; /* end of input, or Ctrl-C at the prompt */
        while (n > 0 && strchr(" \t\r\n", line[n - 1])) line[--n] = '\0';
        if (n == 0) continue;
        if (line[0] == '/') {
            if (!command(d, line)) break;
            continue;
        }
        answer(d, line);
    }
    free(line);
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
                                        {"--max-tokens", OPTION_INT, &d.max_tokens},
                                        {0}};
    for (int i = 1; i < argc; i++) d.has_seed = d.has_seed || strncmp(argv[i], "--seed", 6) == 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments but options (--help lists them)");
    if (!rc) rc = dialogue_open(&d, &arguments, &e);
    if (!rc) {
        catch_interrupt();
        talk(&d);
    }
    dialogue_close(&d);
    return rc ? cli_fail("chat", &e) : 0;
}

const struct verb verb_chat = {
    .name = "chat",
    .run = run,
    .summary = "converse on the terminal",
    .usage = "usage: xiaobei chat [--raw] [--seed S] [--max-tokens N] [options]\n\n"
             "/new /drop /quit /help at the prompt; Ctrl-C stops an answer, Ctrl-D ends.\n\n" ENGINE_USAGE,
};
