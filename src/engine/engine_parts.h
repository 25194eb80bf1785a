/* engine_parts.h - the inside of the engine, shared by engine.c (life), engine_job.c (a request's life),
 * engine_kv.c (its keys and values) and engine_loop.c (the thread). Rule: the engine's thread alone touches a running
 * job and the forward pass; `lock` protects what the comment says. */
#ifndef XIAOBEI_ENGINE_ENGINE_PARTS_H
#define XIAOBEI_ENGINE_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "engine/engine.h"
#include "engine/forward.h"
#include "engine/kv_cache.h"
#include "engine/kv_store.h"
#include "engine/stops.h"

enum {
    STEP_ROWS = 512,        /* rows of a step when nothing decodes */
    STEP_ROWS_SHARED = 128, /* when others decode: their gap stays small */
    DEFAULT_MAX_LENGTH = 8192,
    TENANT_TURNS = 256, /* tenants whose last turn is remembered */
};

struct job {
    uint64_t id;
    struct job *next; /* in the queue */
    int32_t *ids;     /* [n_prompt + max_tokens], owned: the prompt, then what was generated */
    int n_ids;        /* known so far; the last one is not computed yet */
    int n_prompt;
    int max_tokens; /* already clipped to the context */
    uint64_t tenant;
    int priority;
    bool ignore_eos;
    int n_top;
    double deadline;
    engine_callback callback;
    void *user;
    struct sampler *sampler;
    struct stops *stops;
    struct buf text;       /* what the running event releases */
    atomic_bool cancelled; /* set from any thread, or by the callback */

    int slot;     /* -1 while queued */
    int computed; /* positions in the K/V store */
    int generated;
    struct kv_text text_of; /* tokens and n are set before use; owners and n_public for good */
    int *blocks;            /* [kv_blocks_for(n_prompt + max_tokens)]; references held while it has a slot */
    int n_blocks;
    int published;             /* blocks that others may find */
    bool public_done;          /* the public prompt was looked after */
    bool resumed;              /* it was preempted: what it generated is computed again */
    int step_first, step_rows; /* its rows in the running step */
    struct engine_usage usage;
    double submitted, started, first_token;
};

/* When a tenant was admitted last: among equals who waited longest goes first. */
struct tenant_turn {
    uint64_t tenant, admitted;
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
    struct kv_cache *cache; /* the thread's */
    int kv_blocks;

    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock; /* protects those below up to the rows, and the queued jobs' links */
    pthread_cond_t wake;  /* something was queued, cancelled or is to stop */
    struct job *queue_head, *queue_tail;
    int queue_length;
    struct job *running[LIMIT_SLOTS]; /* the thread writes it under lock, reads it without */
    struct job *moving; /* on its way between the queue and a slot, so that a cancel finds it */
    struct engine_stats stats;
    bool stopping;
    uint64_t next_id;
    struct tenant_turn turns[TENANT_TURNS]; /* whose turn it is to be admitted */
    uint64_t admissions;

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

/* engine_kv.c: all on the engine's thread */
bool job_fits(const struct engine *en, struct job *j); /* are there blocks for its tokens, if cached ones give way? */
void job_place(struct engine *en, struct job *j);      /* into its slot, with what the cache has of it */
bool job_reserve(struct engine *en, struct job *j, int positions); /* blocks for positions [0, positions) */
void job_publish(struct engine *en, struct job *j);                /* blocks that became full may be found by others */
void job_leave(struct engine *en, struct job *j); /* give its blocks back; what it computed stays findable */

/* engine_queue.c: takes the lock itself. NULL: none */
struct job *queue_take_over(struct engine *en); /* one that is cancelled or too late */
struct job *queue_take_next(struct engine *en); /* the next to be admitted, if there is memory for it now */
struct job *queue_take_any(struct engine *en);
void queue_put_back(struct engine *en, struct job *j); /* a preempted one: before all others */

/* engine_loop.c */
void *engine_main(void *engine);

#endif
