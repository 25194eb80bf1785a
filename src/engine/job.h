/* job.h - a request inside the engine: from its copy to its final event (engine_job.c), and its keys and values
 * (engine_kv.c). Only the engine's thread touches a running one; see engine_parts.h. */
#ifndef XIAOBEI_ENGINE_JOB_H
#define XIAOBEI_ENGINE_JOB_H

#include <stdatomic.h>

#include "engine/draft.h"
#include "engine/engine.h"
#include "engine/engine_grammar.h"
#include "engine/kv_cache.h"
#include "engine/stops.h"

struct job {
    uint64_t id;
    struct job *next; /* in the queue */
    int32_t *ids;     /* [n_prompt + max_tokens], owned: the prompt, then what was generated */
    int n_ids;        /* known so far; the last one is not computed yet */
    int n_prompt;
    int max_tokens; /* already clipped to the context */
    uint64_t tenant;
    int priority;
    struct adapter *adapter; /* a reference; NULL: the engine's own, if any */
    bool ignore_eos;
    enum guessing guessing;
    enum pooling pooling;
    float *pooled; /* the request's */
    int pooled_to; /* positions that are in it: a step that is computed again adds none twice */
    int n_top;
    double deadline;
    engine_callback callback;
    void *user;
    struct sampler *sampler;
    struct stops *stops;
    struct grammar_state *grammar; /* NULL: the answer is free */
    uint64_t *allowed;             /* its mask, a bit for each token */
    struct buf text;               /* what the running event releases */
    atomic_bool cancelled;         /* set from any thread, or by the callback */

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
    int first_logits;          /* of them, the first that wants logits: which of the step's logits are its own */
    struct draft draft;
    int32_t guesses[DRAFT_MOST];
    int n_guesses; /* in the running step, behind its last known token */
    struct engine_usage usage;
    double submitted, started, first_token;
};

/* engine_job.c */
int job_new(struct job **out, struct engine *en, const struct engine_request *r, struct error *e) MUST_USE;
void job_free(struct engine *en, struct job *j);
/* Deliver the final event and free the job. error NULL: DONE with reason. Without the lock. */
void job_finish(struct engine *en, struct job *j, enum finish_reason reason, const struct error *error);
/* Report progress of the prefill, or one token; job_token returns true if the answer is complete (*reason says why). */
void job_prefilled(struct job *j);
bool job_token(const struct engine *en, struct job *j, int32_t token, float logprob, const struct sampled_logprob *top,
               enum finish_reason *reason);

/* engine_pool.c: jobs that want their text's hidden states; the engine's thread */
void pool_watch(struct engine *en, bool on, int first_row); /* before a step; first_row: of en->rows, its first */
bool pool_finish(const struct engine *en, struct job *j);   /* all computed: true, and the result is complete */

/* engine_kv.c: all on the engine's thread */
bool job_fits(const struct engine *en, struct job *j); /* are there blocks for its tokens, if cached ones give way? */
void job_place(struct engine *en, struct job *j);      /* into its slot, with what the cache has of it */
bool job_reserve(struct engine *en, struct job *j, int positions); /* blocks for positions [0, positions) */
void job_publish(struct engine *en, struct job *j);                /* blocks that became full may be found by others */
void job_leave(struct engine *en, struct job *j); /* give its blocks back; what it computed stays findable */

#endif
