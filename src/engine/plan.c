/* plan.c - see plan.h. The parts ask the code that will allocate: weights_plan, forward_bytes. */
#include "engine/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/threadpool.h"
#include "engine/forward_parts.h"
#include "model/tokenizer.h"

enum { DEFAULT_LENGTH = 8192 };

/* Per token and per merge: the hash entry, the string's allocation and the pointer to it. */
enum { TOKEN_COST = 96, MERGE_COST = 64 };

static size_t tokenizer_bytes(const struct tokenizer_data *t)
{
    if (!t->present) return 0;
    size_t bytes = t->vocab_size * TOKEN_COST + t->merge_count * MERGE_COST;
    for (size_t i = 0; i < t->vocab_size; i++)
        if (t->tokens[i]) bytes += strlen(t->tokens[i]);
    for (size_t i = 0; i < t->merge_count; i++) bytes += strlen(t->merges[i]);
    return bytes;
}

static int check_range(const char *name, int value, int high, struct error *e)
{
    if (value >= 0 && value <= high) return OK;
    return error_set(e, ERR_INVALID, "%s must be from 1 to %d, not %d", name, high, value);
}

static int check_request(const struct plan_request *r, struct error *e)
{
    int rc = check_range("--max-length", r->max_length, LIMIT_CONTEXT, e);
    if (!rc) rc = check_range("--sequences", r->sequences, LIMIT_SLOTS, e);
    if (!rc) rc = check_range("--threads", r->threads, LIMIT_THREADS, e);
    return rc;
}

static int worker_count(int asked, struct error *e)
{
    if (asked > 0) return asked;
    struct threadpool *pool = NULL;
    int rc = threadpool_new(&pool, 0, e);
    if (rc) return rc;
    int n = threadpool_size(pool);
    threadpool_free(pool);
    return n;
}

/* forward_bytes counts one worker without a pool; every further one has its own scratch. Logits are the engine's. */
static int add_forward(struct memory_plan *plan, const struct model_config *c, const struct plan_request *r,
                       int workers, struct error *e)
{
    struct forward_options o = {.config = c,
                                .max_batch = r->max_batch > 0 ? r->max_batch : PLAN_BATCH,
                                .max_length = plan->context,
                                .slots = plan->sequences,
                                .kv_blocks = plan->kv_tokens / KV_BLOCK,
                                .precise = r->precise};
    forward_bytes(&o, &plan->kv, &plan->scratch);
    size_t further = (size_t)(workers - 1) * (KERNELS_SCRATCH + forward_attention_bytes(&o));
    size_t rows = (size_t)(r->logit_rows > 0 ? r->logit_rows : plan->sequences);
    size_t logits = rows * (size_t)c->vocab_size * sizeof(float);
    plan->total = plan->weights;
    if (!checked_add(plan->scratch, further, &plan->scratch) || !checked_add(plan->scratch, logits, &plan->scratch) ||
        !checked_add(plan->total, plan->kv, &plan->total) || !checked_add(plan->total, plan->scratch, &plan->total) ||
        !checked_add(plan->total, plan->tokenizer, &plan->total) || !checked_add(plan->total, plan->lora, &plan->total))
        return error_set(e, ERR_MEMORY_PLAN, "the model is larger than the address space");
    return OK;
}

int plan_compute(struct memory_plan *plan, const struct model_file *f, const struct plan_request *r, struct error *e)
{
    *plan = (struct memory_plan){0};
    int rc = check_request(r, e);
    if (rc) return rc;
    struct model_config c = *model_file_config(f);
    plan->context = r->max_length;
    int native = config_native_context(&c);
    if (!plan->context) plan->context = native < DEFAULT_LENGTH ? native : DEFAULT_LENGTH;
    plan->sequences = r->sequences ? r->sequences : PLAN_SEQUENCES;
    int full = plan->sequences < PLAN_FULL_CONTEXTS ? plan->sequences : PLAN_FULL_CONTEXTS;
    plan->kv_tokens = r->kv_tokens ? r->kv_tokens : full * kv_blocks_for(plan->context) * KV_BLOCK;
    if (!r->unextended) rc = config_extend_context(&c, plan->context, e);
    if (rc) return rc;
    int workers = worker_count(r->threads, e);
    if (workers < 0) return workers;
    struct buf formats = BUF_INIT(sizeof plan->formats - 1);
    rc = weights_plan(f, r->quant, &plan->weights, &formats, e);
    snprintf(plan->formats, sizeof plan->formats, "%s", buf_text(&formats));
    buf_free(&formats);
    plan->tokenizer = tokenizer_bytes(model_file_tokenizer(f));
    if (!rc && r->lora) rc = lora_plan(r->lora, &c, &plan->lora, e);
    if (!rc) rc = add_forward(plan, &c, r, workers, e);
    if (rc) return rc;
    plan->available = memory_available();
    plan->fits = plan->total <= plan->available;
    return OK;
}

int plan_check_tokenizer(const struct model_file *f, struct error *e)
{
    struct tokenizer *t = NULL;
    if (!model_file_tokenizer(f)->present) return OK;
    int rc = tokenizer_new(&t, model_file_tokenizer(f), e);
    tokenizer_free(t);
    return rc;
}

/* Bytes for people: "379.4 MiB". */
static void size_text(size_t bytes, char *out, size_t n)
{
    if (bytes == SIZE_MAX)
        snprintf(out, n, "unknown");
    else if (bytes >= GIB)
        snprintf(out, n, "%.2f GiB", (double)bytes / (double)GIB);
    else
        snprintf(out, n, "%.1f MiB", (double)bytes / (double)MIB);
}

static void print_row(struct buf *out, const char *what, size_t bytes, const char *note)
{
    char size[32];
    size_text(bytes, size, sizeof size);
    buf_printf(out, "  %-10s %12s%s%s\n", what, size, *note ? "  " : "", note);
}

void plan_print(const struct memory_plan *plan, const struct model_file *f, struct buf *out)
{
    const struct model_config *c = model_file_config(f);
    char note[96];
    buf_printf(out, "%s (%s): %d layers, hidden %d, vocabulary %d, native context %d\n", model_file_name(f),
               model_file_container(f), c->layers, c->hidden_size, c->vocab_size, config_native_context(c));
    print_row(out, "weights", plan->weights, plan->formats);
    snprintf(note, sizeof note, "%d tokens; up to %d sequence%s, the longest of %d tokens", plan->kv_tokens,
             plan->sequences, plan->sequences == 1 ? "" : "s", plan->context);
    print_row(out, "KV cache", plan->kv, note);
    print_row(out, "scratch", plan->scratch, "");
    print_row(out, "tokenizer", plan->tokenizer, plan->tokenizer ? "" : "none in this model");
    if (plan->lora) print_row(out, "adapter", plan->lora, "LoRA, in float32");
    print_row(out, "total", plan->total, "");
    print_row(out, "available", plan->available, plan->fits ? "it fits" : "it does not fit");
}

int plan_check(const struct memory_plan *plan, struct error *e)
{
    if (plan->fits) return OK;
    char weights[32];
    char kv[32];
    char scratch[32];
    char lora[48] = "";
    char total[32];
    char available[32];
    size_text(plan->weights, weights, sizeof weights);
    size_text(plan->kv, kv, sizeof kv);
    size_text(plan->scratch, scratch, sizeof scratch);
    if (plan->lora) {
        size_text(plan->lora, total, sizeof total);
        snprintf(lora, sizeof lora, ", adapter %s", total);
    }
    size_text(plan->total, total, sizeof total);
    size_text(plan->available, available, sizeof available);
    return error_set(e, ERR_MEMORY_PLAN,
                     "the model does not fit: it needs %s (weights %s, KV cache %s for %d tokens, scratch %s%s) and "
                     "%s is available; %s",
                     total, weights, kv, plan->kv_tokens, scratch, lora, available,
                     plan->weights + plan->scratch + plan->tokenizer + plan->lora +
                                 plan->kv / (size_t)PLAN_FULL_CONTEXTS / 16 >
                             plan->available
                         ? "take a smaller quantisation (--quant q4_k, or a Q4_K_M file) or a smaller model"
                         : "use a smaller --max-length or fewer sequences, or a smaller quantisation");
}
