/* app.c - see app.h: routes, admission, errors. */
#include "server/app.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/utf8.h"
#include "server/chat_messages.h"
#include "server/page.h"

#define LOG_MODULE "server"

static const struct http_route routes[] = {
    {"POST", "/v1/chat/completions", app_chat}, {"POST", "/v1/completions", app_completions},
    {"POST", "/v1/embeddings", app_embeddings}, {"GET", "/v1/models", app_models},
    {"GET", "/v1/models/*", app_models},        {"GET", "/health", app_health},
    {"GET", "/metrics", app_metrics},           {"GET", "/", page_handle},
    {"GET", "/assets/*", page_handle},          {0},
};

const struct http_route *app_routes(void)
{
    return routes;
}

/* --- answers
 * ---------------------------------------------------------------------------------------------------------- */

void app_send_json(struct http_exchange *x, int status, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    static const char out_of_memory[] =
        "{\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";
    if (text)
        http_send(x, status, "application/json; charset=utf-8", text, strlen(text));
    else
        http_send(x, 500, "application/json", out_of_memory, sizeof out_of_memory - 1);
    free(text);
    json_decref(value);
}

static const char *error_type(int status)
{
    switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

json_t *app_error_object(const struct error *e, const char *param)
{
    int status = error_http_status(e->code);
    const char *code = e->code == ERR_TOO_LONG    ? "context_length_exceeded"
                       : e->code == ERR_AUTH      ? "invalid_api_key"
                       : e->code == ERR_NOT_FOUND ? "model_not_found"
                                                  : NULL;
    char field[CHAT_PARAM_MAX];
    snprintf(field, sizeof field, "%s", param ? param : "");
    utf8_mend(field); /* JSON takes nothing else, and an error must not fail; the sentence is UTF-8 by itself */
    return json_pack("{s:{s:s, s:s, s:s?, s:s?}}", "error", "message", e->text, "type", error_type(status), "param",
                     *field ? field : NULL, "code", code);
}

void app_send_error(struct http_exchange *x, const struct error *e, const char *param)
{
    int status = error_http_status(e->code);
    if (status == 503) http_set_header(x, "Retry-After", "5");
    if (status == 401) http_set_header(x, "WWW-Authenticate", "Bearer");
    app_send_json(x, status, app_error_object(e, param));
}

struct engine *app_engine_or_refuse(struct http_exchange *x, struct app *app)
{
    struct error e = {0};
    struct engine *en = atomic_load(&app->engine);
    if (atomic_load(&app->draining)) {
        error_set(&e, ERR_UNAVAILABLE, "the server is shutting down");
        en = NULL;
    } else if (!en) {
        error_set(&e, ERR_UNAVAILABLE, "the model is still loading; try again in a few seconds");
    }
    if (!en) app_send_error(x, &e, NULL);
    return en;
}

/* --- admission
 * ----------------------------------------------------------------------------------------------------------- */

static bool key_matches(const char *given, const char *key)
{
    unsigned char a[crypto_generichash_BYTES];
    unsigned char b[crypto_generichash_BYTES];
    crypto_generichash(a, sizeof a, (const unsigned char *)given, strlen(given), NULL, 0);
    crypto_generichash(b, sizeof b, (const unsigned char *)key, strlen(key), NULL, 0);
    return sodium_memcmp(a, b, sizeof a) == 0; /* neither length nor content shows in the time */
}

/* Is "host[:port]" this machine's own name for itself? */
static bool is_local_name(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(names[i]);
        if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':')) return true;
    }
    return false;
}

/* A page of another site must not drive this server through its reader's browser. */
static int check_origin(const struct http_exchange *x, struct error *e)
{
    const char *origin = http_header(x, "Origin");
    const char *host = http_header(x, "Host");
    if (!origin) return OK;
    const char *after = strstr(origin, "://");
    if (after && host && strcasecmp(after + 3, host) == 0) return OK;
    return error_set(e, ERR_FORBIDDEN, "requests from pages of another origin are refused");
}

static int check_key(const struct http_exchange *x, const struct app *app, struct error *e)
{
    const char *header = http_header(x, "Authorization");
    if (!app->api_key || strncmp(http_path(x), "/v1/", 4) != 0) return OK;
    if (header && strncasecmp(header, "Bearer ", 7) == 0 && key_matches(header + 7, app->api_key)) return OK;
    return error_set(e, ERR_AUTH, "a valid API key is needed: send it as \"Authorization: Bearer KEY\"");
}

bool app_admit(struct http_exchange *x, void *user)
{
    struct app *app = user;
    struct error e = {0};
    const char *host = http_header(x, "Host");
    int rc = check_origin(x, &e);
    if (!rc && app->loopback && !app->api_key && host && !is_local_name(host))
        rc = error_set(&e, ERR_FORBIDDEN, "this server answers only as localhost or 127.0.0.1");
    if (!rc) rc = check_key(x, app, &e);
    if (rc) app_send_error(x, &e, NULL);
    return rc == OK;
}

void app_finished(const char *method, const char *route, int status, double seconds, void *user)
{
    struct app *app = user;
    metrics_count_request(&app->metrics, route, status);
    bool quiet = strcmp(route, "/health") == 0 || strcmp(route, "/metrics") == 0 || strncmp(route, "/assets", 7) == 0;
    log_write(quiet ? LOG_DEBUG : LOG_INFO, LOG_MODULE, "%s %s %d %.3f s", method, *route ? route : "-", status,
              seconds);
}
