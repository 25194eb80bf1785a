/* verb_ls.c - which models are here. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hub/model_store.h"

static int print_json(const struct stored_models *list)
{
    json_t *root = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct stored_model *m = &list->models[i];
        json_array_append_new(root,
                              json_pack("{s:s, s:s, s:I, s:b, s:b, s:s, s:s?}", "id", m->id, "type", m->type, "bytes",
                                        (json_int_t)m->bytes, "complete", m->complete, "standin", m->standin, "source",
                                        m->source, "path", utf8_is_valid(m->path, strlen(m->path)) ? m->path : NULL));
    }
    int rc = json_dumpf(root, stdout, 0) ? ERR_IO : OK;
    putchar('\n');
    json_decref(root);
    return rc;
}

static void print_table(const struct stored_models *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct stored_model *m = &list->models[i];
        char size[24];
        progress_bytes(size, sizeof size, m->bytes);
        printf("%-40s %9s  %-11s %s%s\n", m->id, size, m->type, m->complete ? "complete" : "partial",
               m->standin ? "  stand-in (演示模型)" : "");
    }
    if (!list->count) fputs("No model is here; `xiaobei pull` brings the default one.\n", stderr);
}

static int run(int argc, char **argv)
{
    const char *models = NULL;
    bool json = false;
    const struct option_spec specs[] = {{"--model-path", OPTION_TEXT, &models}, {"--json", OPTION_FLAG, &json}, {0}};
    struct error e = {0};
    char path[LIMIT_PATH];
    struct stored_models list = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments besides its options (--help)");
    if (!rc && !models) rc = paths_get(PATH_MODELS, path, sizeof path, &e);
    if (!rc) rc = model_store_list(&list, models ? models : path, &e);
    if (!rc && json)
        rc = print_json(&list);
    else if (!rc)
        print_table(&list);
    model_store_free(&list);
    if (rc) error_set(&e, rc, "the list could not be written");
    return rc ? cli_fail("ls", &e) : 0;
}

const struct verb verb_ls = {
    .name = "ls",
    .run = run,
    .summary = "which models are here",
    .usage =
        "usage: xiaobei ls [--json] [--model-path DIR]\n\n"
        "Id, size, type, complete or partial (`xiaobei pull ID` goes on), and whether it is a stand-in (演示模型).\n"
        "--json: one list of {\"id\",\"type\",\"bytes\",\"complete\",\"standin\",\"source\",\"path\"}; path is null if "
        "it is not UTF-8.\n",
};
