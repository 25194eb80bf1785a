/* http.c - see http.h. */
#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
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

enum { IDLE_SECONDS = 120, MAX_HEADERS_SET = 16, STREAM_BLOCK = 16384 };

struct http_server {
    struct http_options o;
    struct MHD_Daemon *daemon;
    struct http_guard *guard;
    int port;
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL until the headers are complete */
    const char *method;
    char *path;        /* owned, without the query */
    const char *route; /* the pattern that matched, for metrics */
    struct buf body;
    int refused; /* status to answer with, 0 if none */
    int status;  /* what was answered */
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

bool http_client_gone(const struct http_exchange *x)
{
    struct pollfd p = {.fd = socket_of(x->connection), .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
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
    if (x->refused) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
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
        if (n == HTTP_STREAM_BROKEN) return MHD_CONTENT_READER_END_WITH_ERROR;
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

static void refuse(struct http_exchange *x, int status, const char *why)
{
    char body[256];
    int n = snprintf(body, sizeof body,
                     "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}",
                     why);
    x->refused = status;
    http_send(x, status, "application/json", body, (size_t)n);
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

static void dispatch(struct http_exchange *x)
{
    const struct http_options *o = &x->server->o;
    const struct http_route *found = NULL;
    bool path_known = false;
    for (const struct http_route *r = o->routes; r->method && !found; r++) {
        if (!path_matches(r->path, http_path(x))) continue;
        path_known = true;
        if (method_matches(r->method, x->method)) found = r;
    }
    x->route = found ? found->path : "";
    if (o->admit && !o->admit(x, o->app)) return;
    if (found)
        found->handler(x, o->app);
    else
        refuse(x, path_known ? 405 : 404,
               path_known ? "this method is not possible here" : "there is nothing at this address");
    if (!x->status) refuse(x, 500, "internal error");
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct http_exchange *x = *state;
    (void)user;
    (void)url;
    if (!x) return MHD_NO;
    if (!x->connection) { /* the headers are complete */
        const char *why = NULL;
        x->connection = connection;
        x->method = method;
        int status = http_guard_check(x->server->guard, connection, version, &why);
        if (!status) return MHD_YES;
        refuse(x, status, why);
        return x->result;
    }
    if (*upload_size) {
        if (!x->refused && buf_append(&x->body, upload, *upload_size)) x->refused = 413;
        *upload_size = 0;
        return MHD_YES;
    }
    if (x->refused)
        refuse(x, 413, "the request body is over the limit of 16 MiB");
    else
        dispatch(x);
    return x->result;
}

/* Called with the raw request target before anything else: an exchange is born here. */
static void *on_uri(void *user, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *s = user;
    struct http_exchange *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    http_guard_request(s->guard, socket_of(connection));
    x->server = s;
    x->started = clock_monotonic();
    buf_init(&x->body, LIMIT_HTTP_BODY);
    x->path = strndup(uri, strcspn(uri, "?"));
    return x;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)user;
    (void)code;
    struct http_exchange *x = *state;
    *state = NULL;
    if (!x) return;
    const struct http_options *o = &x->server->o;
    if (x->release) x->release(x->user);
    if (x->status && o->finished)
        o->finished(x->method, x->route ? x->route : "", x->status, clock_monotonic() - x->started, o->app);
    http_guard_completed(x->server->guard, socket_of(connection));
    for (int i = 0; i < x->header_count; i++) free(x->values[i]);
    buf_free(&x->body);
    free(x->path);
    free(x);
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
                            (size_t)LIMIT_HTTP_HEADERS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
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
    if (!rc) rc = http_guard_new(&s->guard, o->header_seconds ? o->header_seconds : LIMIT_HEADER_SECONDS, e);
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
    MHD_stop_daemon(s->daemon);
    http_guard_free(s->guard);
    free(s);
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}
