/* verb_quantize.c - a model's weights in fewer bits, as a GGUF file. */
#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hub/progress.h"
#include "model/model_export.h"
#include "model/model_ref.h"

struct quantize_options {
    const char *type;
    int threads;
    bool json;
};

static int quantize(const struct quantize_options *o, const char *in, const char *out, struct error *e)
{
    char path[LIMIT_PATH];
    struct model_file *f = NULL;
    struct progress p;
    bool twice = false;
    struct export_options x = {.path = out, .progress = progress_follow, .user = &p};
    progress_init(&p, o->json);
    progress_label(&p, file_base_name(out));
    int rc = export_kind_parse(o->type, &x.kind, e);
    if (!rc) rc = model_resolve(in, path, sizeof path, e);
    if (!rc) rc = model_file_open(&f, path, e);
    if (!rc) rc = threadpool_new(&x.pool, o->threads, e);
    if (!rc) rc = model_export(f, &x, &twice, e);
    progress_end(&p);
    if (!rc && twice)
        progress_say(&p, "note: %s was quantised before; take a bf16 or f16 original where you can",
                     file_base_name(path));
    if (!rc) {
        char size[32];
        progress_bytes(size, sizeof size, file_size(out));
        progress_say(&p, "%s: %s, %s", out, export_kind_name(x.kind), size);
    }
    threadpool_free(x.pool);
    model_file_close(f);
    return rc;
}

static int run(int argc, char **argv)
{
    struct quantize_options o = {.type = "q4_k_m"};
    const struct option_spec specs[] = {{"--type", OPTION_TEXT, &o.type},
                                        {"--threads", OPTION_COUNT, &o.threads},
                                        {"--json", OPTION_FLAG, &o.json},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional != 2) rc = error_set(&e, ERR_INVALID, "takes a model and the file to make (--help)");
    if (!rc) rc = quantize(&o, argv[1], argv[2], &e);
    return rc ? cli_fail("quantize", &e) : 0;
}

const struct verb verb_quantize = {
    .name = "quantize",
    .run = run,
    .summary = "write a model's weights in fewer bits, as a GGUF file",
    .usage = "usage: xiaobei quantize IN OUT [--type q4_k_m|q4_0|q8_0|f16|bf16] [--threads N] [--json]\n\n"
             "IN is an id, a GGUF file or a Hugging Face directory; OUT must not exist. The file works here and in\n"
             "llama.cpp. Columns that do not fill a block of the type get the next better one, norms and biases stay\n"
             "float32. Stopped half-way, nothing is left.\n",
};
