/* embeddings.c - /v1/embeddings: texts or token ids to vectors of length 1 (engine_pool.c).
 *
 * Fields: model (the raw model's), input (a text, a list of texts, a list of ids, a list of such lists),
 * encoding_format float or base64, user; extension: pooling mean (default) or last. Every other field is refused by its
 * name.
 */
#include <math.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/utf8.h"
#include "server/app.h"
#include "server/tenant.h"

enum { AT_ONCE = 8, FIELD_SHOWN = 64 };

struct embedding {
    struct embed_request *request;
    struct token_list ids;
    float *vector; /* [hidden] */
    uint64_t id;   /* the engine's; 0 while it is not submitted */
};

struct embed_request {
    struct app *app;
    struct engine *en;
    const struct http_exchange *x;
    json_t *root;
    const json_t *input;
    const char *model, *user;
    bool base64;
    enum pooling pooling;
    char param[FIELD_SHOWN];
    struct embedding *all;
    size_t count;
    pthread_mutex_t lock; /* protects the three below */
    pthread_cond_t ended;
    size_t running;
    struct error error; /* the first */
};

static int wrong(struct embed_request *r, const char *name, const char *must, struct error *e)
{
    snprintf(r->param, sizeof r->param, "%.*s", utf8_fit(name, FIELD_SHOWN - 1), name);
    return error_set(e, ERR_INVALID, "%s must be %s", name, must);
}

/* --- reading ---------------------------------------------------------------------------------------------------------
 */

static int read_field(struct embed_request *r, const char *name, const json_t *value, struct error *e)
{
    const char *text = json_string_value(value);
    if (strcmp(name, "model") == 0) {
        r->model = text;
        return text ? OK : wrong(r, name, "a string", e);
    }
    if (strcmp(name, "user") == 0) {
        r->user = text;
        return text ? OK : wrong(r, name, "a string", e);
    }
    if (strcmp(name, "input") == 0) {
        r->input = value;
        return OK;
    }
    if (strcmp(name, "encoding_format") == 0) {
        r->base64 = text && strcmp(text, "base64") == 0;
        return r->base64 || (text && strcmp(text, "float") == 0) ? OK : wrong(r, name, "float or base64", e);
    }
    if (strcmp(name, "pooling") == 0) {
        r->pooling = text && strcmp(text, "last") == 0 ? POOL_LAST : POOL_MEAN;
        return text && (r->pooling == POOL_LAST || strcmp(text, "mean") == 0) ? OK : wrong(r, name, "mean or last", e);
    }
    if (strcmp(name, "dimensions") == 0) {
        int size = engine_config(r->en)->hidden_size;
        char must[64];
        snprintf(must, sizeof must, "%d, this model's, or left out", size);
        return json_is_integer(value) && json_integer_value(value) == size ? OK : wrong(r, name, must, e);
    }
    snprintf(r->param, sizeof r->param, "%.*s", utf8_fit(name, FIELD_SHOWN - 1), name);
    return error_set(e, ERR_INVALID, "the field %s is not supported", r->param);
}

static int read_ids(struct embed_request *r, const json_t *list, struct token_list *ids, struct error *e)
{
    int vocab = engine_config(r->en)->vocab_size;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t id = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || id < 0 || id >= vocab)
            return wrong(r, "input", "text, or token ids of this model", e);
        if (token_list_push(ids, (int32_t)id)) return error_set(e, ERR_NOMEM, "no memory for the input");
    }
    return OK;
}

static int read_one(struct embed_request *r, const json_t *value, struct token_list *ids, struct error *e)
{
    int rc = OK;
    if (json_is_string(value))
        rc = tokenizer_encode(engine_tokenizer(r->en), json_string_value(value), json_string_length(value),
                              TOKENIZE_PLAIN, ids, e);
    else if (json_is_array(value))
        rc = read_ids(r, value, ids, e);
    else
        return wrong(r, "input", "a text, token ids, or a list of either", e);
    return rc || ids->len > 0 ? rc : wrong(r, "input", "without empty texts", e);
}

static int read_input(struct embed_request *r, struct error *e)
{
    const json_t *first = json_array_get(r->input, 0);
    bool many = json_is_array(r->input) && !json_is_integer(first);
    size_t count = many ? json_array_size(r->input) : 1;
    if (!r->input || count < 1 || count > LIMIT_EMBEDDING_INPUTS) {
        char must[64];
        snprintf(must, sizeof must, "given: 1 to %d texts or lists of token ids", LIMIT_EMBEDDING_INPUTS);
        return wrong(r, "input", must, e);
    }
    size_t size = (size_t)engine_config(r->en)->hidden_size;
    r->all = calloc(count, sizeof *r->all);
    if (!r->all) return error_set(e, ERR_NOMEM, "no memory for the input");
    for (; r->count < count; r->count++) {
        struct embedding *one = &r->all[r->count];
        one->request = r;
        one->vector = malloc(size * sizeof *one->vector);
        int rc = one->vector ? read_one(r, many ? json_array_get(r->input, r->count) : r->input, &one->ids, e)
                             : error_set(e, ERR_NOMEM, "no memory for the result");
        if (rc) {
            r->count++; /* its parts are freed with the others */
            return rc;
        }
    }
    return OK;
}

static int parse(struct embed_request *r, const char *body, size_t n, struct error *e)
{
    const char *name;
    json_t *value;
    int rc = json_read_limited(&r->root, body, n, LIMIT_JSON_VALUES, NULL, e);
    if (rc) return rc == ERR_NOMEM ? rc : (e->code = ERR_INVALID);
    if (!json_is_object(r->root)) return error_set(e, ERR_INVALID, "the body must be a JSON object");
    json_object_foreach(r->root, name, value)
    {
        rc = read_field(r, name, value, e);
        if (rc) return rc;
    }
    if (!r->model) return wrong(r, "model", "given", e);
    if (strcmp(r->model, r->app->model_id) != 0) {
        memcpy(r->param, "model", sizeof "model");
        return error_set(e, ERR_NOT_FOUND, "there is no such model for embeddings; /v1/models lists the first one");
    }
    if (!engine_tokenizer(r->en)) return error_set(e, ERR_UNSUPPORTED, "this model has no tokenizer; it reads no text");
    return read_input(r, e);
}

/* --- computing -------------------------------------------------------------------------------------------------------
 */

static int on_event(void *user, const struct engine_event *event)
{
    struct embedding *one = user;
    struct embed_request *r = one->request;
    if (event->kind != ENGINE_DONE && event->kind != ENGINE_FAILED) return 0;
    pthread_mutex_lock(&r->lock);
    if (event->kind == ENGINE_FAILED && !r->error.code) r->error = *event->error;
    if (event->kind == ENGINE_DONE && event->reason == FINISH_CANCELLED && !r->error.code)
        error_set(&r->error, ERR_CANCELLED, "the request was cancelled");
    r->running--;
    pthread_cond_signal(&r->ended);
    pthread_mutex_unlock(&r->lock);
    return 0;
}

/* Under lock: wait for one to end; a client that left, or only ended its sending, ends all. */
static void wait_a_moment(struct embed_request *r)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100 * 1000 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&r->ended, &r->lock, &until);
    if (r->error.code || !http_client_sends_no_more(r->x)) return;
    error_set(&r->error, ERR_CANCELLED, "the client has left");
    for (size_t i = 0; i < r->count; i++)
        if (r->all[i].id) engine_cancel(r->en, r->all[i].id);
}

static int compute(struct embed_request *r, uint64_t tenant, struct error *e)
{
    int rc = OK;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; !rc && i < r->count; i++) {
        while (r->running >= AT_ONCE) wait_a_moment(r);
        rc = r->error.code;
        if (rc) break;
        struct engine_request request = {.ids = r->all[i].ids.ids,
                                         .n_ids = (int)r->all[i].ids.len,
                                         .max_tokens = 1,
                                         .tenant = tenant,
                                         .pooling = r->pooling,
                                         .pooled = r->all[i].vector,
                                         .callback = on_event,
                                         .user = &r->all[i]};
        uint64_t id = 0;
        sampling_defaults(&request.sampling);
        r->running++;
        pthread_mutex_unlock(&r->lock);
        rc = engine_submit(r->en, &request, &id, e);
        pthread_mutex_lock(&r->lock);
        if (rc) r->running--;
        r->all[i].id = id;
    }
    while (r->running > 0) wait_a_moment(r);
    if (r->error.code) *e = r->error;
    pthread_mutex_unlock(&r->lock);
    return r->error.code ? r->error.code : rc;
}

/* --- answering -------------------------------------------------------------------------------------------------------
 */

/* base64: little-endian float32, as OpenAI's client reads them. */
static json_t *vector_json(const struct embed_request *r, const float *vector)
{
    size_t n = (size_t)engine_config(r->en)->hidden_size;
    if (!r->base64) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++) json_array_append_new(list, json_real((double)vector[i]));
        return list;
    }
    size_t room = sodium_base64_encoded_len(n * sizeof *vector, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (!text) return NULL;
    sodium_bin2base64(text, room, (const unsigned char *)vector, n * sizeof *vector, sodium_base64_VARIANT_ORIGINAL);
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *result_json(const struct embed_request *r)
{
    json_t *data = json_array();
    json_int_t tokens = 0;
    for (size_t i = 0; i < r->count; i++) {
        tokens += (json_int_t)r->all[i].ids.len;
        json_array_append_new(data, json_pack("{s:s, s:i, s:o}", "object", "embedding", "index", (int)i, "embedding",
                                              vector_json(r, r->all[i].vector)));
    }
    return json_pack("{s:s, s:o, s:s, s:{s:I, s:I}}", "object", "list", "data", data, "model", r->app->model_id,
                     "usage", "prompt_tokens", tokens, "total_tokens", tokens);
}

void app_embeddings(struct http_exchange *x, void *user)
{
    struct app *app = user;
    struct error e = {0};
    size_t n;
    const char *body = http_body(x, &n);
    struct embed_request r = {.app = app,
                              .en = app_engine_or_refuse(x, app),
                              .x = x,
                              .pooling = POOL_MEAN,
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .ended = PTHREAD_COND_INITIALIZER};
    if (!r.en) return;
    int rc = parse(&r, body, n, &e);
    if (!rc) rc = compute(&r, tenant_of(x, app->api_key, r.user), &e);
    if (rc)
        app_send_error(x, &e, e.code == ERR_TOO_LONG ? "input" : r.param);
    else
        app_send_json(x, 200, result_json(&r));
    for (size_t i = 0; i < r.count; i++) {
        token_list_free(&r.all[i].ids);
        free(r.all[i].vector);
    }
    free(r.all);
    json_decref(r.root);
}
