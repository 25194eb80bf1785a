/* plan.h - how much memory a model will take, computed and printed before anything is allocated. */
#ifndef XIAOBEI_ENGINE_PLAN_H
#define XIAOBEI_ENGINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/lora.h"
#include "model/model_file.h"
#include "model/weights.h"

/* Rows of one forward step that a plan counts scratch for, unless the caller says otherwise. */
enum { PLAN_BATCH = 512 };

/* Sequences that may run together, and for how many of full length there is memory, unless the caller says otherwise:
 * most are far shorter, and the youngest waits where it does not suffice. */
enum { PLAN_SEQUENCES = 16, PLAN_FULL_CONTEXTS = 4 };

struct memory_plan {
    size_t weights;   /* packed */
    size_t kv;        /* K and V for `kv_tokens` positions */
    size_t scratch;   /* activations, logits, per-worker buffers */
    size_t tokenizer; /* vocabulary and merges */
    size_t lora;      /* the adapter, if one was asked for */
    size_t total;
    size_t available; /* MemAvailable, or the cgroup's limit if lower */
    int context;      /* longest sequence */
    int kv_tokens;    /* positions held for all sequences together */
    int sequences;    /* how many may run together */
    bool fits;
    char formats[160]; /* what the weights will be held as: "Q4_K 169, Q6_K 29" */
};

struct plan_request {
    int max_length; /* longest sequence, tokens; 0 = 8192 or the model's own limit if lower */
    int sequences;  /* how many may run together; 0 = PLAN_SEQUENCES */
    int kv_tokens;  /* positions of K and V for all of them, a multiple of KV_BLOCK; 0: max_length for each,
                       but at most PLAN_FULL_CONTEXTS times */
    int threads;    /* 0 = the cores this process may use */
    enum quant_mode quant;
    int max_batch;    /* rows of a step; 0 = PLAN_BATCH */
    bool precise;     /* float32 K and V */
    const char *lora; /* a PEFT adapter's directory, or NULL */
    int logit_rows;   /* rows of logits held at once; 0 = one for each sequence */
    bool unextended;  /* positions beyond the native context are computed as they are, without YaRN */
};

/* Checks the tensors as the load would, reads no weights. ERR_INVALID for a request outside limits.h, ERR_TOO_LONG for
 * a max_length beyond what YaRN extends the model to, ERR_FORMAT for a broken model or adapter. Any thread. */
int plan_compute(struct memory_plan *plan, const struct model_file *f, const struct plan_request *r,
                 struct error *e) MUST_USE;

/* Build the tokenizer as the load would and let it go: ERR_FORMAT if it is broken, OK if there is none. A plan without
 * it is right about memory only. */
int plan_check_tokenizer(const struct model_file *f, struct error *e) MUST_USE;

/* A table for people, several lines. */
void plan_print(const struct memory_plan *plan, const struct model_file *f, struct buf *out);

/* ERR_MEMORY_PLAN with the plan's numbers and the way out (smaller quantisation, --max-length) if it does not fit. */
int plan_check(const struct memory_plan *plan, struct error *e) MUST_USE;

#endif
