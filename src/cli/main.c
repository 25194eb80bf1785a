/* main.c - finds the verb and hands over. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

enum { EXIT_USAGE = 64 };

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

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a write error, not our end */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        const struct verb *v = argc > 2 ? verb_find(argv[2]) : NULL;
        if (v)
            fputs(v->usage, stdout);
        else
            print_help(stdout);
        return 0;
    }
    const struct verb *v = verb_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!v) {
        fprintf(stderr, "xiaobei: unknown verb \"%s\"; `xiaobei --help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (!asks_for_help(argv[i])) continue;
        fputs(v->usage, stdout);
        return 0;
    }
    int code = v->run(argc - 1, argv + 1);
    if (fflush(stdout) || ferror(stdout)) {
        if (code == 0) code = 74; /* EX_IOERR: the data did not arrive whole */
    }
    return code;
}
