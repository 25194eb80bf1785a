/* verb_verify.c - hash what was pulled against what was published. */
#include <stdio.h>

#include "base/limits.h"
#include "base/paths.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hub/model_store.h"

/* One by name, or all complete ones; the first failure is the result, all are said. */
static int verify(const char *models, const char *id, bool json, struct error *e)
{
    struct progress progress;
    struct stored_models list = {0};
    size_t checked = 0;
    int rc = OK;
    progress_init(&progress, json);
    if (id) {
        rc = model_store_verify(models, id, &progress, e);
        if (!rc) progress_say(&progress, "%s is unharmed.", id);
        return rc;
    }
    rc = model_store_list(&list, models, e);
    for (size_t i = 0; i < list.count; i++) {
        struct error why = {0};
        if (!list.models[i].complete && !list.models[i].broken) {
            progress_say(&progress, "%s is partial; `xiaobei pull` brings the rest.", list.models[i].id);
            continue;
        }
        int code = model_store_verify(models, list.models[i].id, &progress, &why);
        checked++;
        if (!code) progress_say(&progress, "%s is unharmed.", list.models[i].id);
        if (code && !rc) rc = error_set(e, code, "%s", why.text);
    }
    if (!rc && !checked) progress_say(&progress, "No complete model is here; `xiaobei pull` brings the default one.");
    model_store_free(&list);
    return rc;
}

static int run(int argc, char **argv)
{
    const char *models = NULL;
    bool json = false;
    const struct option_spec specs[] = {{"--model-path", OPTION_TEXT, &models}, {"--json", OPTION_FLAG, &json}, {0}};
    struct error e = {0};
    char path[LIMIT_PATH];
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional > 1) rc = error_set(&e, ERR_INVALID, "takes one model's id, or none for all (--help)");
    if (!rc && !models) rc = paths_get(PATH_MODELS, path, sizeof path, &e);
    if (!rc) rc = verify(models ? models : path, positional ? argv[1] : NULL, json, &e);
    return rc ? cli_fail("verify", &e) : 0;
}

const struct verb verb_verify = {
    .name = "verify",
    .run = run,
    .summary = "check a model's files against their published checksums",
    .usage =
        "usage: xiaobei verify [ID] [--json] [--model-path DIR]\n\n"
        "Reads every file of the model (of all models without ID) and compares its sha256, and git's id where the hub\n"
        "publishes only that. Says which file is broken and ends with exit code 65.\n",
};
