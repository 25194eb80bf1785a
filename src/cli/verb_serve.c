/* verb_serve.c - the server's life: listen, load, serve, drain.
 *
 * It listens at once and loads the model in a thread of its own: /health says "loading" meanwhile. Signals are taken by
 * the main thread alone (sigtimedwait): TERM, INT and HUP drain, a second TERM or INT ends at once, USR1 reopens the
 * log. What a supervisor passes on is counted apart: one Ctrl-C reaches us from the terminal and through it. While the
 * model is loading there is nothing to drain: the first of them ends at once.
 */
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/console.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "base/version.h"
#include "cli/engine_options.h"
#include "cli/port_holder.h"
#include "cli/supervise.h"
#include "cli/verbs.h"
#include "model/model_ref.h"
#include "server/app.h"

#define LOG_MODULE "serve"

enum { DEFAULT_PORT = 7860, DRAIN_SECONDS = 30 };

struct serve_options {
    struct engine_arguments engine;
    const char *host, *log_level, *log_dir;
    int port, header_seconds, body_seconds;
    float ping_seconds;
    bool insecure, supervise, quiet;
};

struct serve {
    struct serve_options *o;
    struct engine_options engine_options;
    struct app app;
    struct clinic *clinic;
    struct http_server *server;
    struct engine *engine; /* the loader's until it is joined */
    struct error load_error;
    atomic_int loaded; /* 0 loading, 1 ready, -1 failed */
    bool announced;
    sigset_t signals;
    int stops, stops_passed_on; /* TERM and INT so far, our own and a supervisor's */
};

static const char serve_usage[] =
    "usage: xiaobei serve [--host 127.0.0.1] [--port 7860] [options]\n\n"
    "  --slots N         answers computed together (default 16)\n"
    "  --kv-tokens N     memory for keys and values, in tokens of all answers together (default 4 * max-length)\n"
    "  --insecure        listen beyond this machine without an API key\n"
    "  --supervise       restart after a crash (5 s, growing; gives up after 5 in 10 minutes)\n"
    "  --log-dir DIR     default: below XIAOBEI_HOME or the XDG state directory\n"
    "  --log-level L     debug, info (default), warn, error\n"
    "  --quiet           no log lines on standard error\n"
    "  --header-seconds N  a request whose headers are not complete by then is refused (default 60)\n"
    "  --ping-seconds S  an answer that streams is never silent for longer (default 15)\n" ENGINE_USAGE
    "\nXIAOBEI_API_KEY: with it, every /v1 request needs \"Authorization: Bearer KEY\". Needed beyond loopback.\n";

static bool is_loopback(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

/* Tell systemd (Type=notify), if it asked. */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if (n == 0 || n >= sizeof address.sun_path) return;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@') address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
        log_warn("cannot notify the service manager");
    close(fd);
}

static void *load(void *argument)
{
    struct serve *s = argument;
    int rc = engine_open(&s->engine, &s->engine_options, &s->load_error);
    if (!rc) {
        atomic_store(&s->app.standin, model_is_standin(s->o->engine.path, engine_model_name(s->engine)));
        atomic_store(&s->app.engine, s->engine);
    }
    atomic_store(&s->loaded, rc ? -1 : 1);
    kill(getpid(), SIGCHLD); /* wakes the main thread's sigtimedwait */
    return NULL;
}

/* The raw model's name: the file's without its ending, or the directory's. */
static void name_model(struct app *app, const char *path)
{
    char whole[LIMIT_PATH];
    snprintf(whole, sizeof whole, "%s", path);
    size_t n = strlen(whole);
    while (n > 1 && whole[n - 1] == '/') whole[--n] = '\0';
    const char *base = file_base_name(whole);
    size_t len = strlen(base);
    if (len > 5 && strcmp(base + len - 5, ".gguf") == 0) len -= 5;
    snprintf(app->model_id, sizeof app->model_id, "%.*s", (int)len, base);
    utf8_mend(app->model_id); /* a file's name may be anything, a name in JSON may not */
    atomic_store(&app->standin, model_is_standin(path, app->model_id)); /* looked into when it is loaded */
}

static void announce(struct serve *s)
{
    if (s->announced || atomic_load(&s->loaded) != 1) return;
    s->announced = true;
    const char *host = strcmp(s->o->host, "localhost") == 0 ? "127.0.0.1" : s->o->host;
    bool ipv6 = strchr(host, ':') != NULL;
    console_say("小贝 is ready: http://%s%.100s%s:%d/", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                http_server_port(s->server));
    if (atomic_load(&s->app.standin)) console_say("演示模型: this is a demonstration model, not for patients.");
    log_info("ready: model %s, context %d, port %d", s->app.model_id, engine_max_length(s->engine),
             http_server_port(s->server));
    notify("READY=1");
}

/* The next signal, or 0 after so many milliseconds. */
static int next_signal(struct serve *s, int milliseconds)
{
    struct timespec t = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    siginfo_t info;
    int number = sigtimedwait(&s->signals, &info, &t);
    if (number == SIGTERM || number == SIGINT) (*(supervise_passed_on(&info) ? &s->stops_passed_on : &s->stops))++;
    return number > 0 ? number : 0;
}

static bool is_idle(struct serve *s)
{
    struct engine_stats stats;
    struct engine *en = atomic_load(&s->app.engine);
    if (!en) return true;
    engine_get_stats(en, &stats);
    return stats.running == 0 && stats.queued == 0;
}

static void drain(struct serve *s)
{
    double end = clock_monotonic() + DRAIN_SECONDS;
    notify("STOPPING=1");
    log_info("draining: no new work, running answers have %d s", DRAIN_SECONDS);
    atomic_store(&s->app.draining, true);
    http_server_quiesce(s->server);
    while (!is_idle(s) && clock_monotonic() < end && s->stops < 2 && s->stops_passed_on < 2) next_signal(s, 50);
    clock_sleep(0.2); /* let the last bytes leave */
}

/* Until a signal ends it, or loading fails. */
static int run_until_stopped(struct serve *s, struct error *e)
{
    for (;;) {
        int number = next_signal(s, 1000);
        if (number == SIGTERM || number == SIGINT || number == SIGHUP) break;
        if (number == SIGUSR1) {
            log_request_reopen();
            log_info("log reopened");
        }
        if (atomic_load(&s->loaded) < 0) {
            *e = s->load_error;
            return e->code;
        }
        announce(s);
    }
    return OK;
}

/* A model that is being loaded cannot be interrupted, and nothing is under way that would have to end well. */
static void end_while_loading(struct serve *s)
{
    atomic_store(&s->app.draining, true);
    notify("STOPPING=1");
    http_server_stop(s->server);
    log_info("ended before the model was loaded");
    _exit(0);
}

static int start_server(struct serve *s, struct error *e)
{
    struct http_options h = {.host = s->o->host,
                             .port = s->o->port,
                             .routes = app_routes(),
                             .app = &s->app,
                             .admit = app_admit,
                             .finished = app_finished,
                             .header_seconds = s->o->header_seconds,
                             .body_seconds = s->o->body_seconds};
    int rc = http_server_start(&s->server, &h, e);
    char holder[128];
    if (rc == ERR_CONFLICT && port_holder_find(s->o->port, holder, sizeof holder)) {
        error_clear(e);
        error_set(e, ERR_CONFLICT, "port %d is in use by %s; stop it, or choose another with --port", s->o->port,
                  holder);
    }
    return rc;
}

static int open_log(const struct serve_options *o, struct error *e)
{
    char directory[LIMIT_PATH] = "";
    struct log_options log = {.directory = o->log_dir, .level = LOG_INFO, .also_stderr = !o->quiet};
    if (o->log_level && log_level_parse(o->log_level, &log.level))
        return error_set(e, ERR_INVALID, "--log-level is debug, info, warn or error, not \"%.32s\"", o->log_level);
    int rc = OK;
    if (!log.directory) {
        rc = paths_ensure(PATH_LOGS, directory, sizeof directory, e);
        log.directory = directory;
    }
    if (!rc) rc = log_open(&log, e);
    if (rc && rc != ERR_CONFIG) {
        struct error why = *e;
        error_clear(e);
        rc = error_set(e, ERR_CANNOT_CREATE, "cannot write a log into %.200s: %.200s; mend that or give another %s",
                       log.directory, why.text, o->log_dir ? "--log-dir" : "--log-dir or XIAOBEI_HOME");
    }
    return rc;
}

static void take_signals(struct serve *s)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGUSR1, SIGCHLD};
    sigemptyset(&s->signals);
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) sigaddset(&s->signals, handled[i]);
    if (supervise_heeds_hangup()) sigaddset(&s->signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &s->signals, NULL); /* inherited by every thread */
}

static int serve(struct serve *s, struct error *e)
{
    pthread_t loader;
    take_signals(s);
    if (sodium_init() < 0) return error_set(e, ERR_INTERNAL, "the cryptography library does not start");
    metrics_init(&s->app.metrics);
    s->app.started = clock_unix();
    s->app.api_key = getenv("XIAOBEI_API_KEY");
    if (s->app.api_key && !*s->app.api_key) s->app.api_key = NULL;
    s->app.loopback = is_loopback(s->o->host);
    s->app.ping_seconds = (double)s->o->ping_seconds;
    if (!s->app.loopback && !s->app.api_key && !s->o->insecure)
        return error_set(
            e, ERR_CONFIG,
            "listening on %.100s lets others in: set XIAOBEI_API_KEY (or give --insecure if that is what you want)",
            s->o->host);
    int rc = engine_arguments_resolve(&s->o->engine, &s->engine_options, e);
    if (!rc) rc = open_log(s->o, e);
    if (rc) return rc;
    name_model(&s->app, s->o->engine.path);
    rc = clinic_open(&s->clinic, e); /* nobody is answered without the tables of triage and guard */
    s->app.clinic = s->clinic;
    if (!rc) rc = start_server(s, e);
    if (rc) return rc;
    log_info("xiaobei %s: listening on port %d, loading %s", XIAOBEI_VERSION, http_server_port(s->server),
             s->app.model_id);
    if (pthread_create(&loader, NULL, load, s)) {
        http_server_stop(s->server);
        return error_set(e, ERR_NOMEM, "cannot start the loading thread");
    }
    rc = run_until_stopped(s, e);
    if (!rc && atomic_load(&s->loaded) == 0) end_while_loading(s);
    if (!rc) drain(s);
    atomic_store(&s->app.draining, true);
    pthread_join(loader, NULL);
    engine_shutdown(s->engine); /* every answer gets its end, so that no connection waits */
    http_server_stop(s->server);
    engine_close(s->engine);
    clinic_close(s->clinic);
    log_info("ended%s%s", rc ? ": " : "", rc ? e->text : "");
    return rc;
}

/* cli_fail, once standard error may be a pipe that nobody reads. */
static int fail(const struct error *e)
{
    console_say("xiaobei serve: %s", e->text[0] ? e->text : error_code_text(e->code));
    return error_exit_code(e->code);
}

static int run_supervised(const struct serve_options *o, int argc, char **argv)
{
    char report[LIMIT_PATH];
    char logs[LIMIT_PATH];
    char **child = calloc((size_t)argc + 2, sizeof *child);
    struct supervise_options s;
    struct error e = {0};
    int exit_code = 0;
    supervise_defaults(&s);
    int rc = child ? open_log(o, &e) : error_set(&e, ERR_NOMEM, "no memory to start the server");
    if (!rc && !o->log_dir) rc = paths_get(PATH_LOGS, logs, sizeof logs, &e);
    if (!rc) rc = path_join(report, sizeof report, o->log_dir ? o->log_dir : logs, "crash-report.txt");
    if (!rc) {
        int n = 0;
        s.program = "/proc/self/exe";
        child[n++] = "xiaobei";
        for (int i = 0; i < argc; i++)
            if (strcmp(argv[i], "--supervise") != 0) child[n++] = argv[i];
        s.report_path = report;
        rc = supervise_run(child, &s, &exit_code, &e);
    }
    free(child);
    return rc ? fail(&e) : exit_code;
}

static int run(int argc, char **argv)
{
    static struct serve s;
    struct serve_options o = {.host = "127.0.0.1", .port = DEFAULT_PORT, .ping_seconds = APP_PING_SECONDS};
    const struct option_spec specs[] = {ENGINE_OPTIONS(&o.engine),
                                        {"--host", OPTION_TEXT, &o.host},
                                        {"--port", OPTION_INT, &o.port},
                                        {"--slots", OPTION_COUNT, &o.engine.slots},
                                        {"--kv-tokens", OPTION_COUNT, &o.engine.kv_tokens},
                                        {"--insecure", OPTION_FLAG, &o.insecure},
                                        {"--supervise", OPTION_FLAG, &o.supervise},
                                        {"--log-dir", OPTION_TEXT, &o.log_dir},
                                        {"--log-level", OPTION_TEXT, &o.log_level},
                                        {"--quiet", OPTION_FLAG, &o.quiet},
                                        {"--header-seconds", OPTION_COUNT, &o.header_seconds},
                                        {"--body-seconds", OPTION_COUNT, &o.body_seconds},
                                        {"--ping-seconds", OPTION_FLOAT, &o.ping_seconds},
                                        {0}};
    struct error e = {0};
    int positional = 0;
    char **original = calloc((size_t)argc + 1, sizeof *original);
    if (original) memcpy(original, argv, sizeof *original * (size_t)argc);
    int rc = original ? options_parse(specs, argc, argv, &positional, &e) : error_set(&e, ERR_NOMEM, "no memory");
    if (!rc && positional) rc = error_set(&e, ERR_INVALID, "takes no arguments but options (--help lists them)");
    if (!rc && o.ping_seconds <= 0) rc = error_set(&e, ERR_INVALID, "--ping-seconds must be more than 0");
    int exit_code = 0;
    if (rc) {
        exit_code = cli_fail("serve", &e);
    } else if (o.supervise) {
        exit_code = run_supervised(&o, argc, original);
    } else {
        s.o = &o;
        rc = serve(&s, &e);
        exit_code = rc ? fail(&e) : 0;
    }
    free(original);
    return exit_code;
}

const struct verb verb_serve = {
    .name = "serve",
    .run = run,
    .summary = "serve the page and the OpenAI-compatible API",
    .usage = serve_usage,
};
