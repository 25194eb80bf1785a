/* verb_logits.c - raw logits for token ids, from .npy to .npy: the forward pass checkable from outside. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "engine/forward.h"
#include "model/model_ref.h"
#include "model/npy.h"
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

/* Before the weights are read: a bad id is bad data, exit 65. */
static int check_ids(const struct model_config *c, const int32_t *ids, size_t n, struct error *e)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= c->vocab_size)
            return error_set(e, ERR_FORMAT, "the id %d at place %zu is outside the model's vocabulary, 0 to %d", ids[i],
                             i, c->vocab_size - 1);
    return OK;
}

static int open_run(struct logits_run *r, const struct logits_options *o, const int32_t *ids, size_t n, struct error *e)
{
    char path[LIMIT_PATH];
    enum quant_mode quant = QUANT_NONE;
    int rc = model_resolve(o->model, path, sizeof path, e);
    if (!rc && o->quant) rc = quant_mode_parse(o->quant, &quant, e);
    if (!rc) rc = kernels_select(&r->kernels, o->cpu, e);
    if (!rc) rc = model_file_open(&r->file, path, e);
    if (!rc) rc = set_context(r, o, n, e);
    if (!rc) rc = check_ids(&r->config, ids, n, e);
    if (!rc) rc = threadpool_new(&r->pool, o->threads, e);
    if (!rc) rc = weights_load(&r->weights, r->file, quant, r->pool, e);
    if (!rc && o->lora) rc = lora_load(&r->lora, o->lora, &r->config, e);
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
    int rc = npy_read_ids(o->ids, &ids, &n, e);
    if (!rc && (n == 0 || n > LIMIT_CONTEXT))
        rc = error_set(e, ERR_FORMAT, "the ids file holds %zu tokens; 1 to %d are possible", n, LIMIT_CONTEXT);
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
                                        {"--threads", OPTION_INT, &o.threads},
                                        {"--max-length", OPTION_INT, &o.max_length},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && (positional || !o.model || !o.ids || !o.out))
        rc = error_set(&e, ERR_INVALID, "needs --model, --ids and --out, and nothing else (--help)");
    if (!rc && (o.max_length < 0 || o.threads < 0))
        rc = error_set(&e, ERR_INVALID, "--max-length and --threads are positive numbers");
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
