/* app_info.c - what the server says about itself: models, health, metrics. */
#include <string.h>

#include "base/limits.h"
#include "base/version.h"
#include "medical/persona.h"
#include "server/app.h"

static json_t *model_object(const struct app *app, const struct engine *en, const char *id)
{
    json_t *m = json_pack("{s:s, s:s, s:I, s:s}", "id", id, "object", "model", "created", (json_int_t)app->started,
                          "owned_by", "xiaobei");
    if (en) json_object_set_new(m, "max_model_len", json_integer(engine_max_length(en)));
    json_object_set_new(m, "xiaobei:standin", json_boolean(atomic_load(&app->standin)));
    return m;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo percent-encoding (RFC 3986, section 2.1). False for what is malformed, holds NUL or does not fit. */
static bool decode(const char *text, char *out, size_t max)
{
    size_t n = 0;
    while (*text && n + 1 < max) {
        int high = *text == '%' ? hex_value(text[1]) : 0;
        int low = *text == '%' && high >= 0 ? hex_value(text[2]) : 0;
        char c = *text == '%' ? (char)(high << 4 | low) : *text;
        if (high < 0 || low < 0 || c == '\0') return false;
        text += *text == '%' ? 3 : 1;
        out[n++] = c;
    }
    out[n] = '\0';
    return !*text;
}

void app_models(struct http_exchange *x, void *user)
{
    struct app *app = user;
    const struct engine *en = atomic_load(&app->engine);
    const char *path = http_path(x);
    if (strcmp(path, "/v1/models") == 0) {
        app_send_json(x, 200,
                      json_pack("{s:s, s:[o, o]}", "object", "list", "data", model_object(app, en, app->model_id),
                                model_object(app, en, PERSONA_MODEL)));
        return;
    }
    char id[sizeof app->model_id];
    if (decode(path + strlen("/v1/models/"), id, sizeof id) &&
        (strcmp(id, app->model_id) == 0 || strcmp(id, PERSONA_MODEL) == 0)) {
        app_send_json(x, 200, model_object(app, en, id));
        return;
    }
    struct error e = {0};
    error_set(&e, ERR_NOT_FOUND, "there is no such model here; /v1/models lists them");
    app_send_error(x, &e, "model");
}

void app_health(struct http_exchange *x, void *user)
{
    struct app *app = user;
    const struct engine *en = atomic_load(&app->engine);
    const char *status = "ok";
    struct engine_stats s = {0};
    if (!en) {
        status = "loading";
    } else {
        engine_get_stats(en, &s);
        if (!engine_is_alive(en, APP_ENGINE_DEADLINE_SECONDS))
            status = "stuck";
        else if (atomic_load(&app->draining))
            status = "draining";
    }
    bool ok = strcmp(status, "ok") == 0;
    if (!ok) http_set_header(x, "Retry-After", "5");
    http_set_header(x, "Cache-Control", "no-store");
    app_send_json(x, ok ? 200 : 503,
                  json_pack("{s:s, s:s, s:s, s:i, s:i, s:I}", "status", status, "version", XIAOBEI_VERSION, "model",
                            app->model_id, "running", s.running, "queued", s.queued, "steps", (json_int_t)s.steps));
}

void app_metrics(struct http_exchange *x, void *user)
{
    struct app *app = user;
    const struct engine *en = atomic_load(&app->engine);
    struct engine_stats s;
    struct buf out = BUF_INIT(MIB);
    if (en) engine_get_stats(en, &s);
    metrics_write(&app->metrics, en ? &s : NULL, &out);
    http_send(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_text(&out), out.len);
    buf_free(&out);
}
