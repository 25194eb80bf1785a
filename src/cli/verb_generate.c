/* verb_generate.c - continue token ids: the whole engine checkable from outside, also for models without a tokenizer.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/engine_options.h"
#include "cli/token_ids.h"
#include "cli/verbs.h"
#include "model/model_file.h"

struct generate_options {
    struct engine_arguments engine;
    const char *ids;
    int max_tokens, top_k;
    float temperature, top_p, min_p, repetition_penalty;
    uint64_t seed;
    bool json, ignore_eos;
};

static const char *reason_name(enum finish_reason reason)
{
    return reason == FINISH_STOP        ? "stop"
           : reason == FINISH_LENGTH    ? "length"
           : reason == FINISH_CANCELLED ? "cancelled"
                                        : "error";
}

static int print_result(const struct generate_options *o, const struct token_list *ids, const struct buf *text,
                        const struct engine_result *r, bool has_text, struct error *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ids->len; i++) json_array_append_new(list, json_integer(ids->ids[i]));
    json_t *root = json_pack("{s:O, s:s, s:i, s:i}", "ids", list, "finish_reason", reason_name(r->reason),
                             "prompt_tokens", r->usage.prompt_tokens, "completion_tokens", r->usage.completion_tokens);
    if (root && has_text) json_object_set_new(root, "text", json_stringn(buf_text(text), text->len));
    int failed = !root;
    if (root && o->json)
        failed = json_dumpf(root, stdout, JSON_COMPACT);
    else if (root && has_text)
        fwrite(buf_text(text), 1, text->len, stdout);
    else if (root)
        failed = json_dumpf(list, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(list);
    json_decref(root);
    return failed ? error_set(e, ERR_IO, "cannot write the result") : OK;
}

static int check_ids(const char *model, const int32_t *ids, size_t n, struct error *e)
{
    struct model_file *file = NULL;
    int rc = model_file_open(&file, model, e);
    if (!rc) rc = token_ids_check(model_file_config(file), ids, n, e);
    model_file_close(file);
    return rc;
}

static int generate(struct generate_options *o, struct error *e)
{
    struct engine_options options;
    struct engine *en = NULL;
    struct token_list out = {0};
    struct buf text = BUF_INIT(LIMIT_PROMPT_BYTES);
    struct engine_result result;
    int32_t *ids = NULL;
    size_t n = 0;
    int rc = token_ids_read(o->ids, &ids, &n, e);
    o->engine.slots = 1;
    if (!rc) rc = engine_arguments_resolve(&o->engine, &options, e);
    if (!rc) rc = check_ids(o->engine.path, ids, n, e);
    if (!rc) rc = engine_open(&en, &options, e);
    struct engine_request request = {
        .ids = ids, .n_ids = (int)n, .max_tokens = o->max_tokens, .ignore_eos = o->ignore_eos};
    sampling_defaults(&request.sampling);
    request.sampling.temperature = o->temperature;
    request.sampling.top_p = o->top_p;
    request.sampling.top_k = o->top_k;
    request.sampling.min_p = o->min_p;
    request.sampling.repetition_penalty = o->repetition_penalty;
    request.sampling.seed = o->seed;
    if (!rc) rc = engine_generate(en, &request, &out, &text, &result, e);
    if (!rc) rc = print_result(o, &out, &text, &result, engine_tokenizer(en) != NULL, e);
    engine_close(en);
    token_list_free(&out);
    buf_free(&text);
    free(ids);
    return rc;
}

static int run(int argc, char **argv)
{
    struct generate_options o = {.max_tokens = 128, .top_p = 1, .repetition_penalty = 1};
    const struct option_spec specs[] = {ENGINE_OPTIONS(&o.engine),
                                        {"--ids", OPTION_TEXT, &o.ids},
                                        {"--max-tokens", OPTION_COUNT, &o.max_tokens},
                                        {"--temperature", OPTION_FLOAT, &o.temperature},
                                        {"--top-p", OPTION_FLOAT, &o.top_p},
                                        {"--top-k", OPTION_INT, &o.top_k},
                                        {"--min-p", OPTION_FLOAT, &o.min_p},
                                        {"--repetition-penalty", OPTION_FLOAT, &o.repetition_penalty},
                                        {"--seed", OPTION_UINT64, &o.seed},
                                        {"--ignore-eos", OPTION_FLAG, &o.ignore_eos},
                                        {"--json", OPTION_FLAG, &o.json},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && (positional || !o.ids)) rc = error_set(&e, ERR_INVALID, "needs --ids IN.npy and nothing else (--help)");
    if (!rc) rc = generate(&o, &e);
    return rc ? cli_fail("generate", &e) : 0;
}

const struct verb verb_generate = {
    .name = "generate",
    .run = run,
    .summary = "continue token ids from an .npy file",
    .usage = "usage: xiaobei generate --ids IN.npy [options] [--json]\n\n"
             "  --max-tokens N   (128)       --temperature T  0: greedy (default)\n"
             "  --top-p P  --top-k K  --min-p P  --repetition-penalty R  --seed S  --ignore-eos\n" ENGINE_USAGE
             "\nWith --json: {\"ids\",\"finish_reason\",\"prompt_tokens\",\"completion_tokens\",\"text\"?}.\n",
};
