/* verb_version.c - which program this is. */
#include <stdio.h>

#include "base/version.h"
#include "cli/options.h"
#include "cli/verbs.h"

static int run(int argc, char **argv)
{
    const struct option_spec specs[] = {{0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments");
    if (rc) return cli_fail("version", &e);
    printf("xiaobei %s\n", XIAOBEI_VERSION);
    return 0;
}

const struct verb verb_version = {
    .name = "version",
    .run = run,
    .summary = "print the version",
    .usage = "usage: xiaobei version\n\nPrints the program's name and version on one line.\n",
};
