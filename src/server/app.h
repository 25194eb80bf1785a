/* app.h - the server's shared state and its route handlers, one file per endpoint group.
 *
 * The engine appears when the model is loaded: app_engine returns NULL before, and handlers answer 503. Everything else
 * is set before the server starts. Threads: handlers run on their connections' threads; metrics have their own lock.
 */
#ifndef XIAOBEI_SERVER_APP_H
#define XIAOBEI_SERVER_APP_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "engine/engine.h"
#include "server/consult.h"
#include "server/http.h"
#include "server/metrics.h"

enum { APP_PING_SECONDS = 15, APP_ENGINE_DEADLINE_SECONDS = 60 };

struct app {
    _Atomic(struct engine *) engine; /* NULL while loading */
    atomic_bool draining;            /* no new work */
    char model_id[256];              /* name of the raw model in /v1/models */
    atomic_bool standin;             /* a demonstration model; known for certain once there is an engine */
    bool loopback;                   /* bound to this machine only: check Host */
    const char *api_key;             /* NULL: open */
    const struct clinic *clinic;     /* of the assistant */
    double ping_seconds;             /* 0 = APP_PING_SECONDS */
    int64_t started;                 /* unix time */
    struct metrics metrics;
    atomic_uint_fast64_t next_id; /* for request ids */
};

const struct http_route *app_routes(void);
bool app_admit(struct http_exchange *x, void *app); /* keys, Host, Origin */
void app_finished(const char *method, const char *route, int status, double seconds, void *app);

/* The engine, or NULL after answering 503 (loading or draining). */
struct engine *app_engine_or_refuse(struct http_exchange *x, struct app *app);

/* Answer with an OpenAI error object; type and code follow from the error's code. param may be NULL. */
void app_send_error(struct http_exchange *x, const struct error *e, const char *param);
json_t *app_error_object(const struct error *e, const char *param);     /* new reference */
void app_send_json(struct http_exchange *x, int status, json_t *value); /* steals the reference */

/* Handlers. */
void app_chat(struct http_exchange *x, void *app); /* openai_chat.c */
void app_completions(struct http_exchange *x, void *app);
void app_embeddings(struct http_exchange *x, void *app); /* embeddings.c */
void app_models(struct http_exchange *x, void *app);     /* app_info.c */
void app_health(struct http_exchange *x, void *app);
void app_metrics(struct http_exchange *x, void *app);

#endif
