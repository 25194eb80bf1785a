/* verb_logits.c - raw logits for token ids, from .npy to .npy: the forward pass checkable from outside. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/engine_options.h"
#include "cli/token_ids.h"
#include "cli/verbs.h"
#include "engine/forward.h"
#include "engine/plan.h"
#include "model/model_ref.h"
#include "model/npy_writer.h"

enum { BATCH = 64 }; /* rows a step; their logits are written before the next */

struct logits_options {
    const char *model, *ids, *out, *lora, *cpu, *quant;
    bool precise;
    int threads, max_length;
};

struct logits_run {
    struct model_file *file;
    struct model_config config; /* the file's, its context extended if asked */
    struct model_weights weights;
    struct lora *lora;
    struct threadpool *pool;
    const struct kernel_table *kernels;
    struct forward *forward;
};

/* Without --max-length positions beyond the native context are computed as they are, as the reference does; with it
 * YaRN is turned on where that is needed. */
static int set_context(struct logits_run *r, const struct logits_options *o, size_t n, struct error *e)
{
    r->config = *model_file_config(r->file);
    if (o->max_length > 0 && n > (size_t)o->max_length)
        return error_set(e, ERR_TOO_LONG, "the ids file holds %zu tokens, --max-length is %d", n, o->max_length);
    if (o->max_length > 0) return config_extend_context(&r->config, o->max_length, e);
    int native = r->config.max_position;
    if (!r->config.yarn.enabled && n > (size_t)native)
        fprintf(stderr,
                "xiaobei logits: %zu tokens are beyond the model's own context of %d; --max-length extends it\n", n,
                native);
    return OK;
}

static int make_plan(const struct logits_run *r, const struct logits_options *o, enum quant_mode quant, size_t n,
                     struct error *e)
{
    struct memory_plan plan;
    const struct plan_request request = {.max_length = (int)n,
                                         .sequences = 1,
                                         .threads = threadpool_size(r->pool),
                                         .quant = quant,
                                         .max_batch = BATCH,
                                         .precise = o->precise,
                                         .logit_rows = BATCH,
                                         .lora = o->lora,
                                         .unextended = true}; /* set_context has extended what was to be */
    int rc = plan_compute(&plan, r->file, &request, e);
    if (!rc) rc = plan_check(&plan, e);
    if (rc == ERR_MEMORY_PLAN) error_context(e, "%zu ids at once", n);
    return rc;
}

static int open_run(struct logits_run *r, const struct logits_options *o, const int32_t *ids, size_t n, struct error *e)
{
    char path[LIMIT_PATH];
    enum quant_mode quant = QUANT_NONE;
    int rc = model_resolve(o->model, path, sizeof path, e);
    if (!rc && o->quant) rc = quant_mode_parse(o->quant, &quant, e);
    if (!rc) rc = cpu_option_check(o->cpu, e);
    if (!rc) rc = kernels_select(&r->kernels, o->cpu, e);
    if (!rc) rc = model_file_open(&r->file, path, e);
    if (!rc) rc = set_context(r, o, n, e);
    if (!rc) rc = token_ids_check(&r->config, ids, n, e);
    if (!rc) rc = threadpool_new(&r->pool, o->threads, e);
    if (!rc) rc = make_plan(r, o, quant, n, e);
    if (!rc && o->lora) rc = lora_load(&r->lora, o->lora, &r->config, e);
    if (!rc) rc = weights_load(&r->weights, r->file, quant, r->pool, e);
    struct forward_options options = {.config = &r->config,
                                      .weights = &r->weights,
                                      .kernels = r->kernels,
                                      .pool = r->pool,
                                      .max_batch = BATCH,
                                      .max_length = (int)n,
                                      .slots = 1,
                                      .precise = o->precise};
    if (!rc) rc = forward_new(&r->forward, &options, e);
    return rc;
}

static void close_run(struct logits_run *r)
{
    forward_free(r->forward);
    lora_free(r->lora);
    weights_free(&r->weights);
    threadpool_free(r->pool);
    model_file_close(r->file);
}

static int compute(struct logits_run *r, const int32_t *ids, size_t n, struct npy_writer *out, struct error *e)
{
    struct forward_row rows[BATCH];
    float *logits = malloc((size_t)BATCH * (size_t)r->config.vocab_size * sizeof *logits);
    int rc = logits ? OK : error_set(e, ERR_NOMEM, "no memory for the logits of %d tokens", BATCH);
    for (size_t first = 0; !rc && first < n; first += BATCH) {
        int count = n - first < BATCH ? (int)(n - first) : BATCH;
        for (int i = 0; i < count; i++)
            rows[i] = (struct forward_row){
                .token = ids[first + (size_t)i], .position = (int)first + i, .want_logits = true, .lora = r->lora};
        rc = forward_step(r->forward, rows, count, logits, e);
        if (!rc) rc = npy_writer_append(out, logits, (size_t)count, e);
    }
    free(logits);
    return rc;
}

static int run_logits(const struct logits_options *o, struct error *e)
{
    struct logits_run r = {0};
    struct npy_writer out = {.fd = -1};
    int32_t *ids = NULL;
    size_t n = 0;
    int rc = token_ids_read(o->ids, &ids, &n, e);
    if (!rc) rc = open_run(&r, o, ids, n, e);
    if (!rc) rc = npy_writer_open(&out, o->out, n, (size_t)r.config.vocab_size, e);
    if (!rc) rc = compute(&r, ids, n, &out, e);
    if (!rc) rc = npy_writer_close(&out, e);
    npy_writer_abandon(&out);
    close_run(&r);
    free(ids);
    return rc;
}

static int run(int argc, char **argv)
{
    struct logits_options o = {0};
    const struct option_spec specs[] = {{"--model", OPTION_TEXT, &o.model},
                                        {"--ids", OPTION_TEXT, &o.ids},
                                        {"--out", OPTION_TEXT, &o.out},
                                        {"--lora", OPTION_TEXT, &o.lora},
                                        {"--cpu", OPTION_TEXT, &o.cpu},
                                        {"--quant", OPTION_TEXT, &o.quant},
                                        {"--precise", OPTION_FLAG, &o.precise},
                                        {"--threads", OPTION_COUNT, &o.threads},
                                        {"--max-length", OPTION_COUNT, &o.max_length},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && (positional || !o.model || !o.ids || !o.out))
        rc = error_set(&e, ERR_INVALID, "needs --model, --ids and --out, and nothing else (--help)");
    if (!rc) rc = run_logits(&o, &e);
    return rc ? cli_fail("logits", &e) : 0;
}

const struct verb verb_logits = {
    .name = "logits",
    .run = run,
    .summary = "logits of token ids, .npy in and out",
    .usage = "usage: xiaobei logits --model M --ids IN.npy --out OUT.npy [--precise] [--lora DIR]\n"
             "                      [--quant none|q8_0|q4_k] [--cpu scalar|avx2|avx512] [--threads N]\n"
             "                      [--max-length N]\n\n"
             "Reads int32 or int64 ids [T], writes float32 [T, vocab_size], raw and unmasked. --precise computes with\n"
             "float32 activations. No tokenizer is needed. More than N ids are refused; an N beyond the model's own\n"
             "context turns YaRN on.\n",
};
