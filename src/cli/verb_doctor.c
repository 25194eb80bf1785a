/* verb_doctor.c - looks at the machine and says what to do. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/options.h"
#include "cli/verbs.h"

enum { EXIT_UNAVAILABLE = 69, DEFAULT_PORT = 7860 };

static const char *const status_names[] = {"ok", "warn", "fail"};

static void print_text(const struct check_list *list)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    const char *no_color = getenv("NO_COLOR");
    bool coloured = isatty(STDOUT_FILENO) && !(no_color && *no_color);
    for (int i = 0; i < list->count; i++) {
        const struct check *c = &list->items[i];
        printf("%s%-4s%s  %-10s  %s\n", coloured ? colours[c->status] : "", status_names[c->status],
               coloured ? "\033[0m" : "", c->name, c->finding);
        if (c->advice[0]) printf("                  -> %s\n", c->advice);
    }
}

static int print_json(const struct check_list *list)
{
    json_t *all = json_array();
    for (int i = 0; i < list->count; i++) {
        const struct check *c = &list->items[i];
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "check", c->name, "status",
                                             status_names[c->status], "finding", c->finding, "advice", c->advice));
    }
    int rc = all ? json_dumpf(all, stdout, JSON_COMPACT) : -1;
    putchar('\n');
    json_decref(all);
    return rc;
}

static int run(int argc, char **argv)
{
    const char *model = NULL;
    int port = DEFAULT_PORT;
    bool json = false;
    const struct option_spec specs[] = {
        {"--model", OPTION_TEXT, &model}, {"--port", OPTION_INT, &port}, {"--json", OPTION_FLAG, &json}, {0}};
    struct error e = {0};
    int positional;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments but options (--help lists them)");
    if (!rc && (port < 1 || port > 65535))
        rc = error_set(&e, ERR_INVALID, "--port must be from 1 to 65535, not %d", port);
    if (rc) return cli_fail("doctor", &e);
    static struct check_list list; /* 26 KiB: not on the stack */
    check_cpu(&list);
    check_memory(&list);
    check_directories(&list);
    check_models(&list, model);
    check_port(&list, port);
    bool failed = false;
    for (int i = 0; i < list.count; i++) failed = failed || list.items[i].status == CHECK_FAIL;
    if (json) {
        if (print_json(&list)) return 74;
    } else {
        print_text(&list);
    }
    return failed ? EXIT_UNAVAILABLE : 0;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .run = run,
    .summary = "check this machine and say what to do",
    .usage = "usage: xiaobei doctor [--model ID|FILE|DIR] [--port N] [--json]\n\n"
             "Looks at the CPU's features, memory, the state directories (write access, space), the model's\n"
             "files and the port, and says what to do about each. Exit 69 if something must be mended.\n",
};
