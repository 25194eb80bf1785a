/* engine.h - the seam between everything that wants text and whatever computes it.
 *
 * An engine owns one immutable model and one thread; requests are submitted from any thread and report through a
 * callback on the engine's thread. Implementation: this machine's CPU; CUDA and an upstream server will look the same.
 *
 * Lifetimes: a request is alive from engine_submit until its final event (DONE or FAILED, exactly one, always) has been
 * delivered; then its id is dead. The callback must not block for long (it holds up every running answer) and must not
 * call engine_submit or engine_close; engine_cancel is fine.
 */
#ifndef XIAOBEI_ENGINE_ENGINE_H
#define XIAOBEI_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/engine_request.h"
#include "engine/engine_stats.h"
#include "engine/plan.h"
#include "model/config.h"
#include "model/tokenizer.h"

struct engine; /* opaque */

struct engine_options {
    const char *model_path; /* GGUF file or Hugging Face directory */
    const char *lora_path;  /* PEFT directory or NULL */
    const char *cpu;        /* "scalar", "avx2", "avx512" or NULL */
    int threads;            /* 0 = cores */
    int max_length;         /* longest prompt + answer; 0 = 8192 or the model's own limit if lower */
    int slots;              /* sequences at once; 0 = 16 */
    int kv_tokens;          /* positions of K and V for all sequences; 0 = 4 * max_length, at most slots * max_length */
    enum quant_mode quant;
    bool precise;
};

/* Open, plan, check, load, start the thread. Blocks while loading. */
int engine_open(struct engine **out, const struct engine_options *o, struct error *e) MUST_USE;
/* End all requests with ERR_UNAVAILABLE, join the thread (the engine stays readable); free everything. NULL is fine. */
void engine_shutdown(struct engine *en);
void engine_close(struct engine *en);

const struct model_config *engine_config(const struct engine *en);
const struct tokenizer *engine_tokenizer(const struct engine *en); /* NULL if the model has none */
const char *engine_model_name(const struct engine *en);
int engine_max_length(const struct engine *en);
/* Queue a request; *id is its handle (never 0). ERR_TOO_LONG states the prompt's token count and the limit, ERR_BUSY:
 * the queue is full, ERR_INVALID: bad parameters. After an error the callback is never called. */
int engine_submit(struct engine *en, const struct engine_request *r, uint64_t *id, struct error *e) MUST_USE;

/* Ask a request to end; its slot is free within one step and it gets DONE with FINISH_CANCELLED. An unknown or finished
 * id is ignored. Any thread. */
void engine_cancel(struct engine *en, uint64_t id);

/* A tenant's number for the built-in prompt; no real tenant may have it. */
#define PUBLIC_TENANT UINT64_MAX

/* Submit and wait; tokens and text (each may be NULL) get the answer. The request's callback and user are ignored. */
struct engine_result {
    enum finish_reason reason;
    struct engine_usage usage;
};
int engine_generate(struct engine *en, const struct engine_request *r, struct token_list *tokens, struct buf *text,
                    struct engine_result *result, struct error *e) MUST_USE;

#endif
