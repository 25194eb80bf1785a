/* engine_parts.h - the inside of the engine, shared by engine.c (life), engine_job.c (a request's life),
 * engine_kv.c (its keys and values) and engine_loop.c (the thread). Rule: the engine's thread alone touches a running
 * job and the forward pass; `lock` protects what the comment says. */
#ifndef XIAOBEI_ENGINE_ENGINE_PARTS_H
#define XIAOBEI_ENGINE_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "engine/engine.h"
#include "engine/engine_grammar.h"
#include "engine/forward.h"
#include "engine/kv_cache.h"
#include "engine/job.h"
#include "engine/kv_store.h"

enum {
    STEP_ROWS = 512,        /* rows of a step when nothing decodes */
    STEP_ROWS_SHARED = 128, /* when others decode: their gap stays small */
    DEFAULT_MAX_LENGTH = 8192,
    STEP_GUESSES = 16,  /* guessed rows of a step, all sequences together */
    TENANT_TURNS = 256, /* tenants whose last turn is remembered */
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

    struct grammar_vocab *vocab; /* made when first needed */
    pthread_mutex_t vocab_lock;  /* protects it */

    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock; /* protects those below up to the rows, and the queued jobs' links */
    pthread_cond_t wake;  /* something was queued, cancelled or is to stop */
    struct job *queue_head, *queue_tail;
    int queue_length;
    struct job *running[LIMIT_SLOTS]; /* the thread writes it under lock, reads it without */
    struct job *moving;               /* on its way between the queue and a slot, so that a cancel finds it */
    struct engine_stats stats;
    bool stopping;
    uint64_t next_id;
    struct tenant_turn turns[TENANT_TURNS]; /* whose turn it is to be admitted */
    uint64_t admissions;

    struct forward_row *rows; /* [STEP_ROWS + slots + STEP_GUESSES]; the thread's */
    float *logits;            /* [slots + STEP_GUESSES][vocab] */
    struct draft_costs costs;
    int probe_first; /* engine_pool.c: which of the rows the running step begins with */
};

/* engine_queue.c: takes the lock itself. NULL: none */
struct job *queue_take_over(struct engine *en); /* one that is cancelled or too late */
struct job *queue_take_next(struct engine *en); /* the next to be admitted, if there is memory for it now */
struct job *queue_take_any(struct engine *en);
void queue_put_back(struct engine *en, struct job *j); /* a preempted one: before all others */

/* engine_loop.c */
void *engine_main(void *engine);

#endif
