/* engine_request.h - what is asked of an engine, and what it reports while it works (engine.h). */
#ifndef XIAOBEI_ENGINE_ENGINE_REQUEST_H
#define XIAOBEI_ENGINE_ENGINE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/sampler.h"

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

/* Whether tokens are guessed from what was said (draft.h). The answer is the same. */
enum guessing { GUESS_WHERE_IT_PAYS, GUESS_NEVER, GUESS_ALWAYS };

/* Instead of an answer: the mean of all positions' last hidden states, or the last position's, of length 1. */
enum pooling { POOL_NONE, POOL_MEAN, POOL_LAST };

struct engine_request {
    const int32_t *ids; /* prompt; copied */
    int n_ids;
    int max_tokens;           /* answer's limit; prompt + answer never pass max_length */
    struct sampling sampling; /* bias copied */
    const char *const *stop;  /* stop strings, copied */
    int n_stop;
    struct grammar *grammar; /* the form of the answer (engine_grammar.h), retained; NULL: free */
    bool ignore_eos;
    enum guessing guessing;
    enum pooling pooling;
    float *pooled;      /* [hidden_size], filled before the final event; NULL without pooling */
    int n_top_logprobs; /* 0..LIMIT_TOP_LOGPROBS */
    uint64_t tenant;    /* whose it is: what was computed for one tenant is never used for another. 0: keep nothing */
    int n_public;       /* the first so many ids are the built-in system prompt: shared between tenants */
    int priority;       /* a higher one is admitted first */
    double deadline;    /* clock_monotonic() after which it fails with ERR_TIMEOUT; 0 = none */
    engine_callback callback;
    void *user;
};

#endif
