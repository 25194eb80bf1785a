/* verb_rm.c - remove a model, whole or partial. */
#include <stdio.h>

#include "base/limits.h"
#include "base/paths.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hub/model_store.h"

static int run(int argc, char **argv)
{
    const char *models = NULL;
    const struct option_spec specs[] = {{"--model-path", OPTION_TEXT, &models}, {0}};
    struct error e = {0};
    char path[LIMIT_PATH];
    struct progress progress;
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional != 1) rc = error_set(&e, ERR_INVALID, "needs one model's id (`xiaobei ls` shows them)");
    if (!rc && !models) rc = paths_get(PATH_MODELS, path, sizeof path, &e);
    progress_init(&progress, false);
    if (!rc) rc = model_store_remove(models ? models : path, argv[1], &progress, &e);
    if (!rc) fprintf(stderr, "%s is removed.\n", argv[1]);
    return rc ? cli_fail("rm", &e) : 0;
}

const struct verb verb_rm = {
    .name = "rm",
    .run = run,
    .summary = "remove a model",
    .usage = "usage: xiaobei rm ID [--model-path DIR]\n\n"
             "Removes the model's directory, complete or partial; of a symbolic link the link alone.\n"
             "Refused (exit code 75) while it is being pulled.\n",
};
