/* lora_admin.c - adapters over the API: POST /v1/load_lora_adapter {"lora_name","lora_path"} and
 * /v1/unload_lora_adapter {"lora_name"}. A path is the name of a directory in data/adapters and nothing else: nobody
 * can have the server read from another place. */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "base/file.h"
#include "engine/engine_lora.h"
#include "server/app.h"

#define LOG_MODULE "lora"

static int text_field(const json_t *root, const char *key, const char **out, const char **param, struct error *e)
{
    const json_t *value = json_object_get(root, key);
    *out = json_string_value(value);
    *param = key;
    if (*out && **out && strlen(*out) == json_string_length(value)) return OK;
    return error_set(e, ERR_INVALID, "%s must be a string that is not empty", key);
}

/* data/adapters/NAME */
static int directory_of(const char *name, char path[LIMIT_PATH], struct error *e)
{
    char data[LIMIT_PATH], all[LIMIT_PATH];
    if (strchr(name, '/') || name[0] == '.')
        return error_set(e, ERR_INVALID, "lora_path is the name of a directory in the server's data/adapters");
    int rc = paths_get(PATH_DATA, data, sizeof data, e);
    if (!rc && (path_join(all, sizeof all, data, "adapters") || path_join(path, LIMIT_PATH, all, name)))
        rc = error_set(e, ERR_TOO_LONG, "the path is too long");
    if (!rc && !file_is_directory(path))
        rc = error_set(e, ERR_NOT_FOUND, "there is no such directory in data/adapters");
    return rc;
}

static int check_fields(const json_t *root, bool load, const char **param, struct error *e)
{
    const char *name;
    json_t *value;
    if (!json_is_object(root)) return error_set(e, ERR_INVALID, "the body must be a JSON object");
    json_object_foreach((json_t *)(uintptr_t)root, name, value)
    {
        (void)value;
        if (strcmp(name, "lora_name") == 0 || (load && strcmp(name, "lora_path") == 0)) continue;
        *param = name;
        return error_set(e, ERR_INVALID, "the field %.*s is not supported here", utf8_fit(name, LORA_NAME_MAX), name);
    }
    return OK;
}

static void handle(struct http_exchange *x, struct app *app, bool load)
{
    struct error e = {0};
    struct engine *en = app_engine_or_refuse(x, app);
    json_t *root = NULL;
    const char *name = NULL;
    const char *path = NULL;
    const char *param = NULL;
    char directory[LIMIT_PATH];
    size_t n;
    const char *body = http_body(x, &n);
    if (!en) return;
    int rc = json_read_limited(&root, body, n, LIMIT_JSON_VALUES, NULL, &e);
    if (rc && rc != ERR_NOMEM) rc = e.code = ERR_INVALID;
    if (!rc) rc = check_fields(root, load, &param, &e);
    if (!rc) rc = text_field(root, "lora_name", &name, &param, &e);
    if (!rc && load) rc = text_field(root, "lora_path", &path, &param, &e);
    if (!rc && load) rc = directory_of(path, directory, &e);
    if (!rc) rc = load ? engine_lora_load(en, name, directory, &e) : engine_lora_remove(en, name, &e);
    if (!rc) log_info("adapter %s %s", name, load ? "loaded" : "removed");
    /* what is wrong with a file is the request's fault here: it named the file */
    if (rc == ERR_FORMAT || rc == ERR_LIMIT || rc == ERR_UNSUPPORTED) e.code = ERR_INVALID;
    if (rc)
        app_send_error(x, &e, param);
    else
        app_send_json(x, 200, json_pack("{s:s, s:s}", "lora_name", name, "status", load ? "loaded" : "removed"));
    json_decref(root);
}

void app_lora_load(struct http_exchange *x, void *app)
{
    handle(x, app, true);
}

void app_lora_unload(struct http_exchange *x, void *app)
{
    handle(x, app, false);
}
