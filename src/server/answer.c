/* answer.c - see answer.h. The event shapes are OpenAI's chat.completion(.chunk) and text_completion. */
#include "server/answer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/tool_calls.h"

#define LOG_MODULE "answer"

enum { WAIT_MILLISECONDS = 100 };

struct answer {
    struct app *app;
    struct engine *en;
    const struct chat_request *r;
    struct chat_request *owned;
    struct consult *consult; /* NULL: the raw model */
    char id[48];
    char model[256];
    int64_t created;
    double submitted, last_token;
    uint64_t engine_id; /* 0: not submitted */
    bool first_read;    /* the stream's opening was written */
    bool probed;        /* something was written since the client ended its sending */
    double last_sent;
    char *whole; /* the complete object, when it is streamed after all */
    size_t whole_len, whole_sent;

    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t ready;
    struct buf out;   /* stream: events to send; else the text */
    struct buf held;  /* text from a possible tool call on */
    json_t *logprobs; /* array, when asked for */
    bool finished;    /* the final event came */
    bool overflow;
    struct error error;
    enum finish_reason reason;
    struct engine_usage usage;
    json_t *tool_calls;
};

int answer_new(struct answer **out, struct app *app, struct engine *en, const struct chat_request *r, struct error *e)
{
    struct answer *a = calloc(1, sizeof *a);
    *out = NULL;
    if (!a) return error_set(e, ERR_NOMEM, "no memory for the answer");
    a->app = app;
    a->en = en;
    a->r = r;
    a->created = clock_unix();
    snprintf(a->id, sizeof a->id, "%s-%llx%06llx", r->is_completion ? "cmpl" : "chatcmpl",
             (unsigned long long)a->created, (unsigned long long)atomic_fetch_add(&app->next_id, 1));
    snprintf(a->model, sizeof a->model, "%s", r->model);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->ready, NULL);
    buf_init(&a->out, LIMIT_SSE_BACKLOG);
    buf_init(&a->held, LIMIT_SSE_BACKLOG);
    *out = a;
    return OK;
}

void answer_set_consult(struct answer *a, struct consult *c)
{
    a->consult = c;
}

void answer_own_request(struct answer *a, struct chat_request *r)
{
    a->owned = r;
}

/* Under the lock: wait a moment for news. */
static void wait_moment(struct answer *a)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += WAIT_MILLISECONDS * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&a->ready, &a->lock, &t);
}

void answer_free(void *answer)
{
    struct answer *a = answer;
    if (!a) return;
    if (a->engine_id) {
        engine_cancel(a->en, a->engine_id);
        pthread_mutex_lock(&a->lock);
        while (!a->finished) wait_moment(a);
        pthread_mutex_unlock(&a->lock);
    }
    buf_free(&a->out);
    buf_free(&a->held);
    json_decref(a->logprobs);
    json_decref(a->tool_calls);
    free(a->whole);
    consult_free(a->consult);
    pthread_cond_destroy(&a->ready);
    pthread_mutex_destroy(&a->lock);
    if (a->owned) chat_request_fini(a->owned);
    free(a->owned);
    free(a);
}

/* --- event shapes
 * ----------------------------------------------------------------------------------------------------------- */

static const char *reason_name(const struct answer *a)
{
    if (a->tool_calls) return "tool_calls";
    return a->reason == FINISH_LENGTH ? "length" : "stop";
}

static json_t *usage_object(const struct answer *a)
{
    const struct engine_usage *u = &a->usage;
    return json_pack("{s:i, s:i, s:i, s:{s:i}}", "prompt_tokens", u->prompt_tokens, "completion_tokens",
                     u->completion_tokens, "total_tokens", u->prompt_tokens + u->completion_tokens,
                     "prompt_tokens_details", "cached_tokens", u->cached_tokens);
}

static json_t *timings_object(const struct answer *a)
{
    const struct engine_usage *u = &a->usage;
    double prefill = u->prefill_s > 0 ? u->prompt_tokens / u->prefill_s : 0;
    double decode = u->decode_s > 0 && u->completion_tokens > 1 ? (u->completion_tokens - 1) / u->decode_s : 0;
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "queue_ms", u->queue_s * 1e3, "prefill_ms", u->prefill_s * 1e3,
                     "decode_ms", u->decode_s * 1e3, "prefill_tps", prefill, "decode_tps", decode);
}

static json_t *envelope(const struct answer *a, json_t *choices)
{
    const char *object = a->r->is_completion ? "text_completion"
                         : a->r->stream      ? "chat.completion.chunk"
                                             : "chat.completion";
    return json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", a->id, "object", object, "created", (json_int_t)a->created,
                     "model", a->model, "choices", choices);
}

/* What rules found, beside the words: for whoever shows them. */
static json_t *with_triage(const struct answer *a, json_t *object)
{
    if (a->consult) json_object_set_new(object, "xiaobei:triage", consult_triage_json(a->consult));
    return object;
}

/* Append "data: {...}\n\n"; steals value. */
static void put_event(struct answer *a, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    buf_append_text(&a->out, "data: ");
    buf_append_text(&a->out, text ? text : "{}");
    if (buf_append_text(&a->out, "\n\n")) a->overflow = true;
    free(text);
    json_decref(value);
}

/* One choice of a chunk; steals delta (chat) and logprobs. */
static void put_chunk(struct answer *a, json_t *delta, json_t *logprobs, const char *reason)
{
    json_t *choice = a->r->is_completion
                         ? json_pack("{s:i, s:O, s:s?}", "index", 0, "text", json_object_get(delta, "content"),
                                     "finish_reason", reason)
                         : json_pack("{s:i, s:O, s:s?}", "index", 0, "delta", delta, "finish_reason", reason);
    if (logprobs) json_object_set_new(choice, "logprobs", json_pack("{s:o}", "content", logprobs));
    json_decref(delta);
    put_event(a, envelope(a, json_pack("[o]", choice)));
}

static json_t *content_delta(const char *text, size_t n)
{
    return json_pack("{s:s%}", "content", text, n);
}

static json_t *token_entry(const struct answer *a, int32_t token, float logprob)
{
    size_t n = 0;
    const char *bytes = tokenizer_token_bytes(engine_tokenizer(a->en), token, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_integer((uint8_t)bytes[i]));
    json_t *text = json_stringn(bytes ? bytes : "", n);
    if (!text) text = json_string("\xEF\xBF\xBD"); /* a part of a character: the bytes say which */
    return json_pack("{s:o, s:f, s:o}", "token", text, "logprob", (double)logprob, "bytes", list);
}

static json_t *logprob_entry(const struct answer *a, const struct engine_event *event)
{
    json_t *top = json_array();
    json_t *entry = token_entry(a, event->token, event->logprob);
    for (int i = 0; i < a->r->top_logprobs && i < event->n_top; i++)
        if (event->top[i].token >= 0)
            json_array_append_new(top, token_entry(a, event->top[i].token, event->top[i].logprob));
    json_object_set_new(entry, "top_logprobs", top);
    return entry;
}

/* --- from the engine's thread
 * -------------------------------------------------------------------------------------------------- */

static void release_text(struct answer *a, const char *text, size_t n, json_t *logprobs)
{
    if (!a->r->stream) {
        if (buf_append(&a->out, text, n)) a->overflow = true;
        if (logprobs) {
            if (!a->logprobs) a->logprobs = json_array();
            json_array_extend(a->logprobs, logprobs);
            json_decref(logprobs);
        }
    } else if (n > 0 || logprobs) {
        put_chunk(a, content_delta(text, n), logprobs, NULL);
    }
}

/* With tools, text that may be a call is held until the end. */
static void take_text(struct answer *a, const char *text, size_t n, json_t *logprobs)
{
    if (!a->r->tools) {
        release_text(a, text, n, logprobs);
        return;
    }
    buf_append(&a->held, text, n);
    size_t free_bytes = tool_calls_free_prefix(buf_text(&a->held), a->held.len);
    release_text(a, buf_text(&a->held), free_bytes, logprobs);
    buf_drop_front(&a->held, free_bytes);
}

/* Text that a person may read, from the consultation. */
int answer_take(void *answer, const char *text, size_t n)
{
    struct answer *a = answer;
    release_text(a, text, n, NULL);
    return a->overflow ? ERR_LIMIT : OK;
}

/* The model's words into the consultation; an error ends the answer, with what was held back unsaid. */
static void consult_text(struct answer *a, const struct engine_event *event)
{
    int rc = consult_feed(a->consult, event->text, event->text_len, &a->error);
    if (!rc && event->kind == ENGINE_DONE) rc = consult_end(a->consult, &a->error);
    if (rc && !a->error.code) error_set(&a->error, rc, "the answer could not be checked");
}

static void finish_text(struct answer *a)
{
    if (!a->r->tools || a->held.len == 0) return;
    a->tool_calls = tool_calls_parse(buf_text(&a->held), a->held.len, a->id);
    if (!a->tool_calls)
        release_text(a, buf_text(&a->held), a->held.len, NULL); /* not a call after all: nothing is lost */
    else if (a->r->stream)
        put_chunk(a, json_pack("{s:O}", "tool_calls", a->tool_calls), NULL, NULL);
}

static void finish_stream(struct answer *a)
{
    if (a->error.code) {
        put_event(a, app_error_object(&a->error, NULL));
        return; /* without [DONE]: the answer is not complete */
    }
    put_chunk(a, a->r->is_completion ? content_delta("", 0) : json_object(), NULL, reason_name(a));
    if (a->r->include_usage) {
        json_t *last = envelope(a, json_array());
        json_object_set_new(last, "usage", usage_object(a));
        json_object_set_new(last, "xiaobei:timings", timings_object(a));
        put_event(a, last);
    }
    buf_append_text(&a->out, "data: [DONE]\n\n");
}

static void count_token(struct answer *a)
{
    double now = clock_monotonic();
    if (a->last_token > 0)
        metrics_token_gap(&a->app->metrics, now - a->last_token);
    else
        metrics_first_token(&a->app->metrics, now - a->submitted);
    a->last_token = now;
}

static int on_event(void *user, const struct engine_event *event)
{
    struct answer *a = user;
    pthread_mutex_lock(&a->lock);
    if (event->kind == ENGINE_TOKEN) {
        json_t *logprobs = a->r->logprobs && !event->is_end ? json_pack("[o]", logprob_entry(a, event)) : NULL;
        count_token(a);
        if (!a->consult)
            take_text(a, event->text, event->text_len, logprobs);
        else if (!a->error.code)
            consult_text(a, event);
    } else if (event->kind == ENGINE_DONE || event->kind == ENGINE_FAILED) {
        a->usage = *event->usage;
        a->reason = event->reason;
        if (event->kind == ENGINE_FAILED && !a->error.code)
            a->error = *event->error;
        else if (event->reason == FINISH_CANCELLED && !a->error.code)
            error_set(&a->error, ERR_CANCELLED, "%s",
                      a->overflow ? "the answer was not read fast enough" : "the answer was cancelled");
        if (!a->error.code && a->consult) {
            consult_text(a, event);
        } else if (!a->error.code) {
            take_text(a, event->text, event->text_len, NULL);
            finish_text(a);
        }
        if (a->r->stream) finish_stream(a);
        a->finished = true;
        log_info("%s prompt %d answer %d queue %.3f prefill %.3f decode %.3f s%s%s", a->id, a->usage.prompt_tokens,
                 a->usage.completion_tokens, a->usage.queue_s, a->usage.prefill_s, a->usage.decode_s,
                 a->error.code ? " " : "", a->error.code ? error_code_name(a->error.code) : "");
    }
    bool cancel = a->overflow || (a->consult && a->error.code);
    pthread_cond_signal(&a->ready);
    pthread_mutex_unlock(&a->lock);
    return cancel;
}

int answer_submit(struct answer *a, const struct answer_prompt *prompt, struct error *e)
{
    const struct chat_request *r = a->r;
    int room = engine_max_length(a->en) - (int)prompt->ids.len;
    struct engine_request request = {.ids = prompt->ids.ids,
                                     .n_ids = (int)prompt->ids.len,
                                     .tenant = prompt->tenant,
                                     .n_public = prompt->n_public,
                                     .max_tokens = r->max_tokens ? r->max_tokens
                                                   : room > 0    ? room
                                                                 : 1,
                                     .sampling = {.temperature = r->temperature,
                                                  .top_p = r->top_p,
                                                  .top_k = r->top_k,
                                                  .min_p = r->min_p,
                                                  .repetition_penalty = r->repetition_penalty,
                                                  .presence_penalty = r->presence_penalty,
                                                  .frequency_penalty = r->frequency_penalty,
                                                  .seed = r->seed,
                                                  .bias = r->bias,
                                                  .bias_count = r->bias_count},
                                     .stop = r->stop,
                                     .n_stop = r->stop_count,
                                     .grammar = r->grammar,
                                     .ignore_eos = r->ignore_eos,
                                     .n_top_logprobs = r->logprobs ? (r->top_logprobs ? r->top_logprobs : 1) : 0,
                                     .callback = on_event,
                                     .user = a};
    a->submitted = clock_monotonic();
    if (a->consult) { /* before the engine is asked */
        pthread_mutex_lock(&a->lock);
        int rc = consult_begin(a->consult);
        pthread_mutex_unlock(&a->lock);
        if (rc) return error_set(e, rc, "the answer could not be begun");
    }
    return engine_submit(a->en, &request, &a->engine_id, e);
}

/* --- to the connection's thread
 * ------------------------------------------------------------------------------------------------ */

static void open_stream(struct answer *a)
{
    a->first_read = true;
    if (a->r->is_completion) {
        buf_append_text(&a->out, ": ok\n\n");
        return;
    }
    struct buf tokens = a->out; /* the role comes first, even if tokens were faster than the connection */
    buf_init(&a->out, LIMIT_SSE_BACKLOG);
    put_chunk(a, json_pack("{s:s, s:s}", "role", "assistant", "content", ""), NULL, NULL);
    if (a->consult) put_event(a, with_triage(a, envelope(a, json_array())));
    buf_append(&a->out, buf_text(&tokens), tokens.len);
    buf_free(&tokens);
}

static long read_answer(void *user, struct http_exchange *x, char *out, size_t max)
{
    struct answer *a = user;
    double ping = a->app->ping_seconds > 0 ? a->app->ping_seconds : APP_PING_SECONDS;
    pthread_mutex_lock(&a->lock);
    if (!a->first_read) open_stream(a);
    if (a->out.len == 0 && !a->finished) wait_moment(a);
    double now = clock_monotonic();
    bool probe = !a->probed && http_client_sends_no_more(x);
    bool due = now - a->last_sent > ping && a->last_sent > 0;
    if (a->out.len == 0 && !a->finished && (due || probe)) buf_append_text(&a->out, ": ping\n\n");
    long n = (long)(a->out.len < max ? a->out.len : max);
    if (n > 0) {
        memcpy(out, buf_text(&a->out), (size_t)n);
        buf_drop_front(&a->out, (size_t)n);
        a->last_sent = now;
        a->probed = a->probed || probe;
    } else if (a->finished) {
        n = HTTP_STREAM_END;
    }
    pthread_mutex_unlock(&a->lock);
    return n;
}

void answer_stream(struct answer *a, struct http_exchange *x)
{
    http_set_header(x, "Cache-Control", "no-cache, no-store");
    http_set_header(x, "X-Accel-Buffering", "no"); /* nginx: do not hold events back */
    http_stream(x, 200, "text/event-stream; charset=utf-8", read_answer, answer_free, a);
}

static json_t *whole_choice(struct answer *a)
{
    if (a->r->is_completion)
        return json_pack("{s:i, s:s%, s:s}", "index", 0, "text", buf_text(&a->out), a->out.len, "finish_reason",
                         reason_name(a));
    json_t *message = json_pack("{s:s, s:s%}", "role", "assistant", "content", buf_text(&a->out), a->out.len);
    if (a->tool_calls) {
        json_object_set(message, "tool_calls", a->tool_calls);
        if (a->out.len == 0) json_object_set_new(message, "content", json_null());
    }
    json_t *choice = json_pack("{s:i, s:o, s:s}", "index", 0, "message", message, "finish_reason", reason_name(a));
    if (a->logprobs) json_object_set_new(choice, "logprobs", json_pack("{s:O}", "content", a->logprobs));
    return choice;
}

static json_t *whole_object(struct answer *a)
{
    json_t *body = envelope(a, json_pack("[o]", whole_choice(a)));
    json_object_set_new(body, "usage", usage_object(a));
    json_object_set_new(body, "xiaobei:timings", timings_object(a));
    return with_triage(a, body);
}

/* Wait for the end; false if the client ends its sending before. */
static bool wait_for_end(struct answer *a, const struct http_exchange *x)
{
    pthread_mutex_lock(&a->lock);
    while (!a->finished && !http_client_sends_no_more(x)) wait_moment(a);
    bool finished = a->finished;
    pthread_mutex_unlock(&a->lock);
    return finished;
}

/* The same object, behind a blank that finds out whether the client is still there. The status is out by then: an
 * answer that fails breaks off. */
static long read_whole(void *user, struct http_exchange *x, char *out, size_t max)
{
    struct answer *a = user;
    (void)x;
    if (!a->probed) {
        a->probed = true;
        *out = ' ';
        return 1;
    }
    pthread_mutex_lock(&a->lock);
    if (!a->finished) wait_moment(a);
    bool finished = a->finished;
    pthread_mutex_unlock(&a->lock);
    if (!finished) return 0;
    if (!a->whole && !a->error.code) {
        json_t *body = whole_object(a);
        a->whole = json_dumps(body, JSON_COMPACT);
        a->whole_len = a->whole ? strlen(a->whole) : 0;
        json_decref(body);
    }
    if (!a->whole) return HTTP_STREAM_BROKEN;
    size_t left = a->whole_len - a->whole_sent;
    size_t n = left < max ? left : max;
    memcpy(out, a->whole + a->whole_sent, n);
    a->whole_sent += n;
    return n > 0 ? (long)n : HTTP_STREAM_END;
}

void answer_whole(struct answer *a, struct http_exchange *x)
{
    if (!wait_for_end(a, x)) {
        http_stream(x, 200, "application/json; charset=utf-8", read_whole, answer_free, a);
        return;
    }
    if (a->error.code)
        app_send_error(x, &a->error, NULL);
    else
        app_send_json(x, 200, whole_object(a));
    answer_free(a);
}
