/* verb_plan.c - prints how much memory a model will take, without loading it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/limits.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "engine/plan.h"
#include "model/model_ref.h"

enum { PRINT_LIMIT = 4096 };

struct plan_options {
    const char *model, *quant;
    bool json;
    struct plan_request request;
};

static int print_json(const struct memory_plan *p, const struct model_file *f, const char *quant)
{
    const struct model_config *c = model_file_config(f);
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:i, s:i, s:i, s:i, s:i, s:i}", "model",
                  model_file_name(f), "container", model_file_container(f), "quant", quant, "formats", p->formats,
                  "weights_bytes", (json_int_t)p->weights, "kv_bytes", (json_int_t)p->kv, "scratch_bytes",
                  (json_int_t)p->scratch, "tokenizer_bytes", (json_int_t)p->tokenizer, "lora_bytes",
                  (json_int_t)p->lora, "total_bytes", (json_int_t)p->total, "available_bytes",
                  p->available == SIZE_MAX ? json_null() : json_integer((json_int_t)p->available), "fits", p->fits,
                  "context", p->context, "sequences", p->sequences, "kv_tokens", p->kv_tokens, "native_context",
                  c->max_position, "layers", c->layers, "vocab_size", c->vocab_size);
    if (!root) return ERR_NOMEM;
    int rc = json_dumpf(root, stdout, JSON_ENSURE_ASCII) ? ERR_IO : OK;
    putchar('\n');
    json_decref(root);
    return rc;
}

static int run_plan(const struct plan_options *o, struct error *e)
{
    char path[LIMIT_PATH];
    struct plan_request request = o->request;
    struct model_file *f = NULL;
    struct memory_plan plan;
    int rc = o->quant ? quant_mode_parse(o->quant, &request.quant, e) : OK;
    if (!rc) rc = model_resolve(o->model, path, sizeof path, e);
    if (!rc) rc = model_file_open(&f, path, e);
    if (!rc) rc = plan_compute(&plan, f, &request, e);
    if (!rc) rc = plan_check_tokenizer(f, e);
    if (!rc && o->json) {
        rc = print_json(&plan, f, o->quant ? o->quant : "none");
        if (rc) error_set(e, rc, "the plan could not be written");
    } else if (!rc) {
        struct buf text = BUF_INIT(PRINT_LIMIT);
        plan_print(&plan, f, &text);
        fputs(buf_text(&text), stdout);
        buf_free(&text);
    }
    struct error advice = {0};
    if (!rc && plan_check(&plan, &advice)) fprintf(stderr, "xiaobei plan: %s\n", advice.text);
    model_file_close(f);
    return rc;
}

static int run(int argc, char **argv)
{
    struct plan_options o = {0};
    const struct option_spec specs[] = {{"--model", OPTION_TEXT, &o.model},
                                        {"--quant", OPTION_TEXT, &o.quant},
                                        {"--lora", OPTION_TEXT, &o.request.lora},
                                        {"--max-length", OPTION_COUNT, &o.request.max_length},
                                        {"--sequences", OPTION_COUNT, &o.request.sequences},
                                        {"--threads", OPTION_COUNT, &o.request.threads},
                                        {"--precise", OPTION_FLAG, &o.request.precise},
                                        {"--json", OPTION_FLAG, &o.json},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments besides its options (--help)");
    if (!rc) rc = run_plan(&o, &e);
    return rc ? cli_fail("plan", &e) : 0;
}

const struct verb verb_plan = {
    .name = "plan",
    .run = run,
    .summary = "how much memory a model will take, without loading it",
    .usage = "usage: xiaobei plan [--model M] [--lora DIR] [--quant none|q8_0|q4_k] [--max-length N] [--sequences N]\n"
             "                    [--threads N] [--precise] [--json]\n\n"
             "M is an id, a GGUF file or a Hugging Face directory; without it the default model. Prints weights, KV\n"
             "cache, scratch and what is available. Exit code 65 for a broken model or adapter; a plan that does not "
             "fit is\n"
             "printed with the way out, exit code 0.\n",
};
