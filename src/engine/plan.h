/* plan.h - how much memory a model will take, computed and printed before anything is allocated. */
#ifndef XIAOBEI_ENGINE_PLAN_H
#define XIAOBEI_ENGINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/model_file.h"
#include "model/weights.h"

struct memory_plan {
    size_t weights;   /* packed */
    size_t kv;        /* K and V for `kv_tokens` positions */
    size_t scratch;   /* activations, logits, per-worker buffers */
    size_t tokenizer; /* vocabulary and merges */
    size_t total;
    size_t available; /* MemAvailable, or the cgroup's limit if lower */
    int context;      /* longest sequence */
    int kv_tokens;    /* positions held for all sequences together */
    bool fits;
};

struct plan_request {
    int max_length; /* longest sequence, tokens */
    int sequences;  /* how many may run together */
    int threads;
    enum quant_mode quant;
};

int plan_compute(struct memory_plan *plan, const struct model_file *f, const struct plan_request *r,
                 struct error *e) MUST_USE;
void plan_print(const struct memory_plan *plan, const struct model_file *f, struct buf *out);

/* ERR_MEMORY_PLAN with the plan's numbers and the way out (smaller quantisation, --max-length) if it does not fit. */
int plan_check(const struct memory_plan *plan, struct error *e) MUST_USE;

#endif
