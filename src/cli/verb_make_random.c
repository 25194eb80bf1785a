/* verb_make_random.c - a model of a published shape with random weights: for measuring what is not at hand. */
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hub/progress.h"
#include "model/model_export.h"
#include "model/model_ref.h"

struct random_options {
    const char *like, *type, *out, *tokenizer;
    uint64_t seed;
};

static int open_tokenizer(const char *model, struct model_file **f, struct error *e)
{
    char path[LIMIT_PATH];
    int rc = model_resolve(model, path, sizeof path, e);
    if (!rc) rc = model_file_open(f, path, e);
    if (!rc && !model_file_tokenizer(*f)->present)
        rc = error_set(e, ERR_INVALID, "%s has no tokenizer", file_base_name(path));
    return rc;
}

static int make(const struct random_options *o, struct error *e)
{
    struct model_config config;
    struct model_file *f = NULL;
    struct progress p;
    struct export_options x = {.path = o->out, .progress = progress_follow, .user = &p};
    progress_init(&p, false);
    progress_label(&p, file_base_name(o->out));
    int rc = export_kind_parse(o->type, &x.kind, e);
    if (!rc) rc = config_like(o->like, &config, e);
    if (!rc && o->tokenizer) rc = open_tokenizer(o->tokenizer, &f, e);
    if (!rc && f && model_file_tokenizer(f)->vocab_size > (size_t)config.vocab_size)
        rc = error_set(e, ERR_INVALID, "that tokenizer has more tokens than %s", o->like);
    if (!rc) rc = threadpool_new(&x.pool, 0, e);
    if (!rc) rc = model_export_random(&config, f ? model_file_tokenizer(f) : NULL, o->seed, &x, e);
    progress_end(&p);
    threadpool_free(x.pool);
    model_file_close(f);
    return rc;
}

static int run(int argc, char **argv)
{
    struct random_options o = {.like = NULL, .type = "q4_k_m", .seed = 1};
    const struct option_spec specs[] = {{"--like", OPTION_TEXT, &o.like},   {"--quant", OPTION_TEXT, &o.type},
                                        {"--out", OPTION_TEXT, &o.out},     {"--tokenizer", OPTION_TEXT, &o.tokenizer},
                                        {"--seed", OPTION_UINT64, &o.seed}, {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && (positional || !o.like || !o.out))
        rc = error_set(&e, ERR_INVALID, "--like and --out are needed (--help)");
    if (!rc) rc = make(&o, &e);
    return rc ? cli_fail("make-random", &e) : 0;
}

const struct verb verb_make_random = {
    .name = "make-random",
    .run = run,
    .summary = "write a model of a published shape with random weights, for measuring",
    .usage = "usage: xiaobei make-random --like qwen2.5-7b --out FILE [--quant q4_k_m|q4_0|q8_0|f16|bf16]\n"
             "                           [--tokenizer M] [--seed N]\n\n"
             "Sizes: qwen2.5-0.5b, 1.5b, 3b, 7b, 14b, 32b, 72b. What it says means nothing; how fast it says it does.\n"
             "With the tokenizer of a model M it can also be served.\n",
};
