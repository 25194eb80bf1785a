/* verb_logits.c - raw logits for token ids, from .npy to .npy: the forward pass checkable from outside. */
#include <stdbool.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "engine/forward.h"
#include "model/model_ref.h"
#include "model/npy.h"

enum { BATCH = 128 };

struct logits_options {
    const char *model, *ids, *out, *lora, *cpu, *quant;
    bool precise;
    int threads;
};

struct logits_run {
    struct model_file *file;
    struct model_weights weights;
    struct lora *lora;
    struct threadpool *pool;
    const struct kernel_table *kernels;
    struct forward *forward;
};

static int open_run(struct logits_run *r, const struct logits_options *o, int length, struct error *e)
{
    char path[LIMIT_PATH];
    enum quant_mode quant = QUANT_NONE;
    int rc = model_resolve(o->model, path, sizeof path, e);
    if (!rc && o->quant) rc = quant_mode_parse(o->quant, &quant, e);
    if (!rc) rc = kernels_select(&r->kernels, o->cpu, e);
    if (!rc) rc = model_file_open(&r->file, path, e);
    if (!rc) rc = threadpool_new(&r->pool, o->threads, e);
    if (!rc) rc = weights_load(&r->weights, r->file, quant, r->pool, e);
    if (!rc && o->lora) rc = lora_load(&r->lora, o->lora, model_file_config(r->file), e);
    struct forward_options options = {.weights = &r->weights,
                                      .kernels = r->kernels,
                                      .pool = r->pool,
                                      .max_batch = BATCH,
                                      .max_length = length,
                                      .slots = 1,
                                      .precise = o->precise};
    if (!rc) options.config = model_file_config(r->file);
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

static int compute(struct logits_run *r, const int32_t *ids, size_t n, float *logits, struct error *e)
{
    struct forward_row rows[BATCH];
    size_t width = (size_t)model_file_config(r->file)->vocab_size;
    for (size_t first = 0; first < n; first += BATCH) {
        int count = n - first < BATCH ? (int)(n - first) : BATCH;
        for (int i = 0; i < count; i++)
            rows[i] = (struct forward_row){
                .token = ids[first + (size_t)i], .position = (int)first + i, .want_logits = true, .lora = r->lora};
        int rc = forward_step(r->forward, rows, count, logits + first * width, e);
        if (rc) return rc;
    }
    return OK;
}

static int run_logits(const struct logits_options *o, struct error *e)
{
    struct logits_run r = {0};
    int32_t *ids = NULL;
    float *logits = NULL;
    size_t n = 0;
    int rc = npy_read_ids(o->ids, &ids, &n, e);
    if (!rc && (n == 0 || n > LIMIT_CONTEXT))
        rc = error_set(e, ERR_FORMAT, "the ids file holds %zu tokens; 1 to %d are possible", n, LIMIT_CONTEXT);
    if (!rc) rc = open_run(&r, o, (int)n, e);
    size_t bytes;
    if (!rc && !checked_mul(n * sizeof *logits, (size_t)model_file_config(r.file)->vocab_size, &bytes))
        rc = error_set(e, ERR_TOO_LONG, "too many logits");
    if (!rc && !(logits = malloc(bytes)))
        rc = error_set(e, ERR_NOMEM, "no memory for %zu bytes of logits; give fewer ids", bytes);
    if (!rc) rc = compute(&r, ids, n, logits, e);
    if (rc == ERR_INVALID) rc = e->code = ERR_FORMAT; /* a bad id is bad data: exit 65 */
    if (!rc) rc = npy_write_f32(o->out, logits, n, (size_t)model_file_config(r.file)->vocab_size, e);
    close_run(&r);
    free(logits);
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
             "                      [--quant none|q8_0|q4_k] [--cpu scalar|avx2|avx512] [--threads N]\n\n"
             "Reads int32 or int64 ids [T], writes float32 [T, vocab_size], raw and unmasked. --precise computes with\n"
             "float32 activations. No tokenizer is needed.\n",
};
