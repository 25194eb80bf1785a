/* http_guard.c - see http_guard.h. */
#include "server/http_guard.h"

#include <ctype.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"

enum { WATCH_NANOSECONDS = 250000000, SPARE = 8 };

struct watched {
    int fd;       /* -1: free */
    double since; /* when its headers began to be awaited; 0: not waiting */
};

struct http_guard {
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t wake;
    struct watched watched[LIMIT_HTTP_CONNECTIONS + SPARE];
    int header_seconds;
    bool stop;
    pthread_t thread;
};

static struct watched *entry(struct http_guard *g, int fd)
{
    for (size_t i = 0; i < sizeof g->watched / sizeof *g->watched; i++)
        if (g->watched[i].fd == fd) return &g->watched[i];
    return NULL;
}

static void set_entry(struct http_guard *g, int fd, struct watched value)
{
    pthread_mutex_lock(&g->lock);
    struct watched *w = entry(g, fd);
    if (w) *w = value;
    pthread_mutex_unlock(&g->lock);
}

void http_guard_opened(struct http_guard *g, int fd)
{
    set_entry(g, -1, (struct watched){fd, clock_monotonic()});
}

void http_guard_closed(struct http_guard *g, int fd)
{
    set_entry(g, fd, (struct watched){-1, 0});
}

void http_guard_completed(struct http_guard *g, int fd)
{
    set_entry(g, fd, (struct watched){fd, 0});
}

/* On a kept connection the clock starts with the request line, not with the idle time before it. */
void http_guard_request(struct http_guard *g, int fd)
{
    pthread_mutex_lock(&g->lock);
    struct watched *w = entry(g, fd);
    if (w && w->since == 0) w->since = clock_monotonic();
    pthread_mutex_unlock(&g->lock);
}

/* A trickle of bytes keeps the library's own time-out from firing: say 408 and end the socket under it. */
static void end_late(struct http_guard *g)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    double now = clock_monotonic();
    for (size_t i = 0; i < sizeof g->watched / sizeof *g->watched; i++) {
        struct watched *w = &g->watched[i];
        if (w->fd < 0 || w->since == 0 || now - w->since < g->header_seconds) continue;
        w->since = 0;
        ssize_t ignored = send(w->fd, late, sizeof late - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)ignored; /* whether it can still hear us or not, it ends */
        shutdown(w->fd, SHUT_RDWR);
    }
}

static void *watch(void *argument)
{
    struct http_guard *g = argument;
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        end_late(g);
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += WATCH_NANOSECONDS;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&g->wake, &g->lock, &t);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

int http_guard_new(struct http_guard **out, int header_seconds, struct error *e)
{
    *out = NULL;
    struct http_guard *g = calloc(1, sizeof *g);
    if (!g) return error_set(e, ERR_NOMEM, "no memory for the server");
    g->header_seconds = header_seconds;
    for (size_t i = 0; i < sizeof g->watched / sizeof *g->watched; i++) g->watched[i].fd = -1;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->wake, NULL);
    if (pthread_create(&g->thread, NULL, watch, g)) {
        free(g);
        return error_set(e, ERR_NOMEM, "cannot start the server's watch thread");
    }
    *out = g;
    return OK;
}

void http_guard_free(struct http_guard *g)
{
    if (!g) return;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->wake);
    free(g);
}

/* --- complete headers -----------------------------------------------------------------------------------------------
 */

struct seen {
    int lengths, codings, hosts;
    bool bad_name, bad_length, unknown_coding;
    const char *length;
};

static bool is_token(const char *name)
{
    if (!*name) return false;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (!isalnum(*p) && !strchr("!#$%&'*+-.^_`|~", *p)) return false;
    return true;
}

static bool is_number(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n < 19 && text[n] == '\0';
}

static enum MHD_Result look(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct seen *s = user;
    if (!name || !is_token(name)) s->bad_name = true;
    if (!name || !value) return MHD_YES;
    if (strcasecmp(name, "Content-Length") == 0) {
        s->lengths++;
        s->length = value;
        if (!is_number(value)) s->bad_length = true;
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        s->codings++;
        if (strcasecmp(value, "chunked") != 0) s->unknown_coding = true;
    }
    if (strcasecmp(name, "Host") == 0) s->hosts++;
    return MHD_YES;
}

int http_guard_check(struct http_guard *g, struct MHD_Connection *connection, const char *version, const char **why)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info) http_guard_completed(g, info->connect_fd); /* the headers are here: stop their clock */
    struct seen s = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &s);
    int status = 400;
    if (s.bad_name)
        *why = "a header name is malformed";
    else if (s.lengths > 1)
        *why = "Content-Length is there more than once";
    else if (s.bad_length)
        *why = "Content-Length is not a number";
    else if (s.unknown_coding || s.codings > 1)
        *why = "only the transfer coding chunked is possible";
    else if (s.lengths && s.codings)
        *why = "Content-Length and Transfer-Encoding exclude each other";
    else if (s.hosts > 1 || (s.hosts == 0 && strcmp(version, "HTTP/1.1") == 0))
        *why = "exactly one Host header is needed";
    else if (s.lengths && strtoull(s.length, NULL, 10) > LIMIT_HTTP_BODY) {
        *why = "the request body is over the limit of 16 MiB";
        status = 413;
    } else {
        status = 0;
    }
    return status;
}
