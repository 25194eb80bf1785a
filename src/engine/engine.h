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
#include "engine/plan.h"
#include "engine/sampler.h"
#include "model/config.h"
#include "model/tokenizer.h"

struct engine; /* opaque */
struct engine_options {
    const char *model_path; /* GGUF file or Hugging Face directory */
    const char *lora_path;  /* PEFT directory or NULL */
    const char *cpu;        /* "scalar", "avx2", "avx512" or NULL */
    int threads;            /* 0 = cores */
    int max_length;         /* longest prompt + answer; 0 = 8192 or the model's own limit if lower */
    int slots;              /* sequences at once; 0 = 4 */
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
enum finish_reason { FINISH_STOP, FINISH_LENGTH, FINISH_CANCELLED, FINISH_ERROR };

struct engine_usage {
    int prompt_tokens, completion_tokens, cached_tokens;
    double queue_s, prefill_s, decode_s; /* wall time in each phase */
};

enum engine_event_kind {
    ENGINE_PREFILL, /* progress: prefilled of prompt_tokens */
    ENGINE_TOKEN,   /* one token; text may be empty while a character or a stop string is incomplete */
    ENGINE_DONE,    /* final: reason, usage; text holds what was still held back */
    ENGINE_FAILED,  /* final: error */
};

struct engine_event {
    enum engine_event_kind kind;
    int prefilled;
    int32_t token;
    bool is_end;      /* the token ends the answer and is no part of it */
    const char *text; /* complete UTF-8, NUL-terminated, borrowed for the call; never part of a stop string */
    size_t text_len;
    float logprob;
    const struct sampled_logprob *top; /* n_top entries if the request asked */
    int n_top;
    enum finish_reason reason;
    const struct engine_usage *usage;
    const struct error *error;
};

/* Return non-zero to cancel the request (the final event still comes). */
typedef int (*engine_callback)(void *user, const struct engine_event *event);

struct engine_request {
    const int32_t *ids; /* prompt; copied */
    int n_ids;
    int max_tokens;           /* answer's limit; prompt + answer never pass max_length */
    struct sampling sampling; /* bias copied */
    const char *const *stop;  /* stop strings, copied */
    int n_stop;
    struct grammar *grammar; /* the form of the answer (engine_grammar.h), retained; NULL: free */
    bool ignore_eos;
    int n_top_logprobs; /* 0..LIMIT_TOP_LOGPROBS */
    double deadline;    /* clock_monotonic() after which it fails with ERR_TIMEOUT; 0 = none */
    engine_callback callback;
    void *user;
};

/* Queue a request; *id is its handle (never 0). ERR_TOO_LONG states the prompt's token count and the limit, ERR_BUSY:
 * the queue is full, ERR_INVALID: bad parameters. After an error the callback is never called. */
int engine_submit(struct engine *en, const struct engine_request *r, uint64_t *id, struct error *e) MUST_USE;

/* Ask a request to end; its slot is free within one step and it gets DONE with FINISH_CANCELLED. An unknown or finished
 * id is ignored. Any thread. */
void engine_cancel(struct engine *en, uint64_t id);

struct engine_stats {
    int running, queued, slots;
    double last_step; /* clock_monotonic() of the last completed step or of the last time it was idle */
    uint64_t steps, requests, finished, failed, cancelled;
    uint64_t prompt_tokens, completion_tokens;
    double prefill_seconds, decode_seconds;
};
void engine_get_stats(const struct engine *en, struct engine_stats *out); /* any thread */

/* False if there is work and no step has completed for `deadline` seconds: what /health reports. */
bool engine_is_alive(const struct engine *en, double deadline);

/* Submit and wait; tokens and text (each may be NULL) get the answer. The request's callback and user are ignored. */
struct engine_result {
    enum finish_reason reason;
    struct engine_usage usage;
};
int engine_generate(struct engine *en, const struct engine_request *r, struct token_list *tokens, struct buf *text,
                    struct engine_result *result, struct error *e) MUST_USE;

#endif
