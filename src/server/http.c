/* http.c - see http.h. */
#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "server/http_guard.h"

/* The library's memory for a connection: half of it must take a whole head, the rest its records of it. */
#define CONNECTION_MEMORY (4 * LIMIT_HTTP_HEADERS)

/* From this size of a body on, the memory of its request is given back to the system when it is answered. */
#define LARGE_BODY MIB

enum { IDLE_SECONDS = 120, STOP_SECONDS = 3, MAX_HEADERS_SET = 16, STREAM_BLOCK = 16384, CLIENT_GONE = 499 };

struct http_server {
    struct http_options o;
    struct MHD_Daemon *daemon;
    struct http_guard *guard;
    int port;
    atomic_int answering; /* exchanges from their handler to their last byte */
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL until the headers are complete */
    const char *method;
    char *path;                     /* owned, without the query */
    const struct http_route *route; /* what matched, NULL if nothing */
    struct buf body;
    bool closing;   /* the connection ends with this response */
    bool answering; /* counted in the server's */
    bool broken;    /* the answer broke off by itself */
    int status;     /* what was answered */
    double started;
    const char *names[MAX_HEADERS_SET];
    char *values[MAX_HEADERS_SET];
    int header_count;
    enum MHD_Result result; /* of queueing the response */
    http_stream_read read;
    void (*release)(void *user);
    void *user;
};

const char *http_method(const struct http_exchange *x)
{
    return x->method;
}

const char *http_path(const struct http_exchange *x)
{
    return x->path ? x->path : "";
}

const char *http_header(const struct http_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

const char *http_body(const struct http_exchange *x, size_t *n)
{
    *n = x->body.len;
    return buf_text(&x->body);
}

static int socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static bool has_event(const struct http_exchange *x, short events)
{
    struct pollfd p = {.fd = socket_of(x->connection), .events = events};
    return poll(&p, 1, 0) > 0 && (p.revents & events);
}

bool http_client_gone(const struct http_exchange *x)
{
    return has_event(x, POLLHUP | POLLERR | POLLNVAL);
}

bool http_client_sends_no_more(const struct http_exchange *x)
{
    return has_event(x, POLLRDHUP | POLLHUP | POLLERR | POLLNVAL);
}

void http_set_header(struct http_exchange *x, const char *name, const char *value)
{
    char *copy = x->header_count < MAX_HEADERS_SET ? strdup(value) : NULL;
    if (!copy) return;
    x->names[x->header_count] = name;
    x->values[x->header_count++] = copy;
}

static void queue(struct http_exchange *x, int status, const char *type, struct MHD_Response *response)
{
    x->status = status;
    x->result = MHD_NO;
    if (!response) return;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (int i = 0; i < x->header_count; i++) MHD_add_response_header(response, x->names[i], x->values[i]);
    if (x->closing) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    x->result = MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
}

void http_send(struct http_exchange *x, int status, const char *type, const void *data, size_t n)
{
    queue(x, status, type, MHD_create_response_from_buffer(n, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY));
}

/* The library asks again at once after a 0, so the reader's own waiting is what paces it; between two waits the socket
 * is looked at, because the library does not notice a client that hung up while nothing is written. */
static ssize_t read_stream(void *user, uint64_t position, char *out, size_t max)
{
    (void)position;
    struct http_exchange *x = user;
    for (;;) {
        if (http_client_gone(x)) return MHD_CONTENT_READER_END_WITH_ERROR;
        long n = x->read(x->user, x, out, max);
        if (n > 0) return (ssize_t)n;
        if (n == HTTP_STREAM_END) return MHD_CONTENT_READER_END_OF_STREAM;
        x->broken = n == HTTP_STREAM_BROKEN;
        if (x->broken) return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

void http_stream(struct http_exchange *x, int status, const char *type, http_stream_read read,
                 void (*release)(void *user), void *user)
{
    x->read = read;
    x->release = release;
    x->user = user;
    queue(x, status, type, MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x, NULL));
}

void http_refuse(struct http_exchange *x, int status, const char *why)
{
    char body[256];
    size_t n = http_guard_error(body, sizeof body, status, why);
    http_send(x, status, "application/json", body, n);
}

/* --- requests -------------------------------------------------------------------------------------------------------
 */

static bool path_matches(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*') return strncmp(pattern, path, n - 1) == 0;
    return strcmp(pattern, path) == 0;
}

static bool method_matches(const char *wanted, const char *method)
{
    return strcmp(wanted, method) == 0 || (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* "GET, HEAD": what is possible at a path that is known, "" if it is not. */
static void allowed_methods(const struct http_exchange *x, char *out, size_t max)
{
    size_t n = 0;
    out[0] = '\0';
    for (const struct http_route *r = x->server->o.routes; r->method; r++) {
        if (!path_matches(r->path, http_path(x)) || n + 32 > max) continue;
        bool get = strcmp(r->method, "GET") == 0;
        n += (size_t)snprintf(out + n, max - n, "%s%.16s%s", n ? ", " : "", r->method, get ? ", HEAD" : "");
    }
}

static void find_route(struct http_exchange *x)
{
    const struct http_route *r = x->server->o.routes;
    while (r->method && (!path_matches(r->path, http_path(x)) || !method_matches(r->method, x->method))) r++;
    x->route = r->method ? r : NULL;
}

static void refuse_route(struct http_exchange *x)
{
    char allowed[128];
    allowed_methods(x, allowed, sizeof allowed);
    if (allowed[0]) http_set_header(x, MHD_HTTP_HEADER_ALLOW, allowed);
    http_refuse(x, allowed[0] ? 405 : 404,
                allowed[0] ? "this method is not possible here" : "there is nothing at this address");
}

/* The headers are complete. What they suffice to refuse is refused before the body is read. */
static enum MHD_Result on_headers(struct http_exchange *x)
{
    const struct http_options *o = &x->server->o;
    x->closing = true;
    find_route(x);
    if (!http_guard_check(x->server->guard, socket_of(x->connection)))
        http_refuse(x, 500, "internal error"); /* it came around the guard */
    else if (o->admit && !o->admit(x, o->app))
        return x->result;
    else if (!x->route)
        refuse_route(x);
    else
        x->closing = false;
    return x->closing ? x->result : MHD_YES;
}

static void handle(struct http_exchange *x)
{
    x->answering = true;
    atomic_fetch_add(&x->server->answering, 1);
    x->route->handler(x, x->server->o.app);
    if (!x->status) http_refuse(x, 500, "internal error");
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct http_exchange *x = *state;
    (void)user;
    (void)url;
    (void)version;
    if (!x) return MHD_NO;
    if (!x->connection) {
        x->connection = connection;
        x->method = method;
        return on_headers(x);
    }
    if (!*upload_size) {
        handle(x);
        return x->result;
    }
    int rc = buf_append(&x->body, upload, *upload_size); /* the guard lets no more through than the limit */
    *upload_size = 0;
    return rc ? MHD_NO : MHD_YES;
}

/* The path of a request target, which may be absolute (RFC 9112, section 3.2.2), without the query. */
static char *path_of(const char *target)
{
    const char *authority = target[0] == '/' ? NULL : strstr(target, "://");
    if (authority) target = authority + 3 + strcspn(authority + 3, "/?");
    size_t n = strcspn(target, "?");
    return n ? strndup(target, n) : strdup("/");
}

/* Called with the raw request target before anything else: an exchange is born here. */
static void *on_uri(void *user, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *s = user;
    struct http_exchange *x = calloc(1, sizeof *x);
    (void)connection;
    if (!x) return NULL;
    x->server = s;
    x->started = clock_monotonic();
    buf_init(&x->body, LIMIT_HTTP_BODY);
    x->path = path_of(uri);
    return x;
}

/* For metrics and the log, which take no word from outside. */
static void report(const struct http_server *s, const char *method, const struct http_route *route, int status,
                   double seconds)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    const char *name = "?";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (method && strcmp(method, known[i]) == 0) name = known[i];
    if (s->o.finished) s->o.finished(name, route ? route->path : "", status, seconds, s->o.app);
}

static void on_refused(int status, void *user)
{
    report(user, NULL, NULL, status, 0);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)user;
    struct http_exchange *x = *state;
    *state = NULL;
    if (!x) return;
    struct http_server *s = x->server;
    if (x->release) x->release(x->user);
    bool gone = code != MHD_REQUEST_TERMINATED_COMPLETED_OK && code != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN;
    int status = gone && !x->broken ? CLIENT_GONE : x->status;
    if (x->status) report(s, x->method, x->route, status, clock_monotonic() - x->started);
    http_guard_answered(s->guard, socket_of(connection));
    if (x->answering) atomic_fetch_sub(&s->answering, 1);
    for (int i = 0; i < x->header_count; i++) free(x->values[i]);
    bool large = x->body.len >= LARGE_BODY;
    buf_free(&x->body);
    free(x->path);
    free(x);
    if (large) malloc_trim(0);
}

static void on_connection(void *user, struct MHD_Connection *connection, void **socket_state,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)socket_state;
    struct http_server *s = user;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        http_guard_opened(s->guard, socket_of(connection));
    else
        http_guard_closed(s->guard, socket_of(connection));
}

/* --- life -----------------------------------------------------------------------------------------------------------
 */

static int resolve_address(const struct http_options *o, struct sockaddr_storage *address, struct error *e)
{
    char port[16];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    if (o->port < 0 || o->port > 65535) return error_set(e, ERR_INVALID, "--port must be from 0 to 65535");
    snprintf(port, sizeof port, "%d", o->port);
    if (getaddrinfo(o->host, port, &hints, &found) || !found)
        return error_set(e, ERR_INVALID, "--host %.100s is not an address of this machine", o->host);
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return OK;
}

/* Bind ourselves, so that a taken port is told from other failures. */
static int listen_on(const struct http_options *o, const struct sockaddr_storage *address, int *out, struct error *e)
{
    socklen_t size = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return error_set(e, ERR_IO, "cannot open a socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)address, size) || listen(fd, 128)) {
        int number = errno;
        close(fd);
        if (number == EADDRINUSE) return error_set(e, ERR_CONFLICT, "port %d is in use", o->port);
        return error_set(e, number == EACCES ? ERR_FORBIDDEN : ERR_INVALID, "cannot listen on %.100s port %d: %s",
                         o->host, o->port, strerror(number));
    }
    *out = fd;
    return OK;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size)) return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd, bool ipv6)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC;
    if (ipv6) flags |= MHD_USE_IPv6;
    return MHD_start_daemon(flags, (uint16_t)s->port, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

static int start_guard(struct http_server *s, struct error *e)
{
    const struct http_guard_options o = {.header_seconds =
                                             s->o.header_seconds > 0 ? s->o.header_seconds : LIMIT_HEADER_SECONDS,
                                         .body_seconds = s->o.body_seconds > 0 ? s->o.body_seconds : LIMIT_BODY_SECONDS,
                                         .refused = on_refused,
                                         .user = s};
    return http_guard_new(&s->guard, &o, e);
}

int http_server_start(struct http_server **out, const struct http_options *o, struct error *e)
{
    struct sockaddr_storage address;
    int fd = -1;
    *out = NULL;
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) return error_set(e, ERR_NOMEM, "no memory for the server");
    s->o = *o;
    int rc = resolve_address(o, &address, e);
    if (!rc) rc = start_guard(s, e);
    if (!rc) rc = listen_on(o, &address, &fd, e);
    if (!rc) {
        s->port = port_of(fd);
        s->daemon = start_daemon(s, fd, address.ss_family == AF_INET6);
        if (!s->daemon) {
            close(fd);
            rc = error_set(e, ERR_INTERNAL, "the HTTP server does not start");
        }
    }
    if (rc) {
        http_guard_free(s->guard);
        free(s);
        return rc;
    }
    *out = s;
    return OK;
}

void http_server_quiesce(struct http_server *s)
{
    MHD_socket fd = MHD_quiesce_daemon(s->daemon);
    if (fd != MHD_INVALID_SOCKET) close(fd);
}

void http_server_stop(struct http_server *s)
{
    if (!s) return;
    double end = clock_monotonic() + STOP_SECONDS; /* the library would cut what is being sent */
    while (atomic_load(&s->answering) > 0 && clock_monotonic() < end) clock_sleep(0.02);
    MHD_stop_daemon(s->daemon);
    http_guard_free(s->guard);
    free(s);
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}
