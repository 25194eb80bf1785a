/* engine_parts.h - the inside of the engine, shared by engine.c (life), engine_job.c (a request's life) and
 * engine_loop.c (the thread). Rule: the engine's thread alone touches a running job and the forward pass; `lock`
 * protects what the comment says. */
#ifndef XIAOBEI_ENGINE_ENGINE_PARTS_H
#define XIAOBEI_ENGINE_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "engine/engine.h"
#include "engine/engine_grammar.h"
#include "engine/forward.h"
#include "engine/stops.h"

enum {
    STEP_ROWS = 512,        /* rows of a step when nothing decodes */
    STEP_ROWS_SHARED = 128, /* when others decode: their gap stays small */
    DEFAULT_SLOTS = 4,
    DEFAULT_MAX_LENGTH = 8192,
};

struct job {
    uint64_t id;
    struct job *next; /* in the queue */
    int32_t *ids;     /* prompt, owned */
    int n_ids;
    int max_tokens; /* already clipped to the context */
    bool ignore_eos;
    int n_top;
    double deadline;
    engine_callback callback;
    void *user;
    struct sampler *sampler;
    struct stops *stops;
    struct grammar_state *grammar; /* NULL: the answer is free */
    uint64_t *allowed;             /* its mask, [vocab] bits */
    struct buf text;               /* what the running event releases */
    atomic_bool cancelled;         /* set from any thread, or by the callback */

    int slot;        /* -1 while queued */
    int computed;    /* positions in the K/V store */
    int32_t pending; /* token to feed next once the prompt is computed */
    int generated;
    int step_first, step_rows; /* its rows in the running step */
    struct engine_usage usage;
    double submitted, started, first_token;
};

struct engine {
    struct model_file *file;
    struct model_config config;
    struct tokenizer *tokenizer; /* NULL: the model has none */
    struct model_weights weights;
    struct lora *lora;
    struct threadpool *pool;
    struct forward *forward;
    struct memory_plan plan;
    int max_length, slots;

    struct grammar_vocab *vocab; /* made when first needed */
    pthread_mutex_t vocab_lock;  /* protects it */

    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock; /* protects the six below and the queued jobs' links */
    pthread_cond_t wake;  /* something was queued, cancelled or is to stop */
    struct job *queue_head, *queue_tail;
    int queue_length;
    struct job *running[LIMIT_SLOTS]; /* the thread writes it under lock, reads it without */
    struct engine_stats stats;
    bool stopping;
    uint64_t next_id;

    struct forward_row *rows; /* [STEP_ROWS + slots]; the thread's */
    float *logits;            /* [slots][vocab] */
};

/* engine_job.c */
int job_new(struct job **out, const struct engine *en, const struct engine_request *r, struct error *e) MUST_USE;
void job_free(struct job *j);
/* Deliver the final event and free the job. error NULL: DONE with reason. Without the lock. */
void job_finish(struct engine *en, struct job *j, enum finish_reason reason, const struct error *error);
/* Report progress of the prefill, or one token; job_token returns true if the answer is complete (*reason says why). */
void job_prefilled(struct job *j);
bool job_token(const struct engine *en, struct job *j, int32_t token, float logprob, const struct sampled_logprob *top,
               enum finish_reason *reason);

/* engine_loop.c */
void *engine_main(void *engine);

#endif
