/* verb_version.c - which program this is. */
#include <stdio.h>

#include "base/version.h"
#include "cli/verbs.h"

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("xiaobei %s\n", XIAOBEI_VERSION);
    return 0;
}

const struct verb verb_version = {
    .name = "version",
    .run = run,
    .summary = "print the version",
    .usage = "usage: xiaobei version\n\nPrints the program's name and version on one line.\n",
};
