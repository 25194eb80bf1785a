/* main.c - finds the verb and hands over. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "cli/options.h"
#include "cli/verbs.h"

enum { EXIT_USAGE = 64, EXIT_IO = 74 };

static void print_help(FILE *out)
{
    fputs("xiaobei (小贝) - a self-hosted medical consultation assistant on Qwen2.5.\n"
          "It is an aid: it never diagnoses, prescribes or doses. In an emergency call 120.\n\n"
          "usage: xiaobei VERB [options]\n\n",
          out);
    for (const struct verb *const *v = verbs_all(); *v; v++) fprintf(out, "  %-10s %s\n", (*v)->name, (*v)->summary);
    fputs("\n`xiaobei VERB --help` explains a verb. Data goes to stdout, words to stderr.\n", out);
}

static int asks_for_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int refuse_verb(const char *name)
{
    fprintf(stderr, "xiaobei: unknown verb \"%s\"; `xiaobei --help` lists them\n", name);
    return EXIT_USAGE;
}

/* `xiaobei help`, `xiaobei help VERB` */
static int help(const char *name)
{
    const struct verb *v = name && !asks_for_help(name) ? verb_find(name) : NULL;
    if (v)
        fputs(v->usage, stdout);
    else if (name && !asks_for_help(name))
        return refuse_verb(name);
    else
        print_help(stdout);
    return 0;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0) return help(argv[2]);
    const struct verb *v = verb_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!v) return refuse_verb(argv[1]);
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (asks_for_help(argv[i])) return help(v->name);
    return v->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    prctl(PR_SET_NAME,
          "xiaobei");         /* a supervised server was started by way of /proc/self/exe and would be called exe */
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a write error, not our end */
    int code = run(argc, argv);
    errno = 0;
    bool failed = fflush(stdout) != 0;
    if (code == 0 && failed && errno == EPIPE) return cli_reader_gone(); /* it left before the last byte */
    if (code == 0 && (failed || ferror(stdout))) code = EXIT_IO;         /* the data did not arrive whole */
    return code;
}
