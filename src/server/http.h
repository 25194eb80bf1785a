/* http.h - the HTTP seam: routes in, responses out; libmicrohttpd stays behind it.
 *
 * One thread per connection (bounded by LIMIT_HTTP_CONNECTIONS), so a handler may wait. What the library lets through
 * and must not is refused before a handler sees it: anything with two readings, bodies over LIMIT_HTTP_BODY, headers
 * and bodies that do not arrive in time (http_guard.h, http_head.h). Ownership: everything read from an exchange is
 * borrowed until the handler returns.
 */
#ifndef XIAOBEI_SERVER_HTTP_H
#define XIAOBEI_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct http_server;   /* opaque */
struct http_exchange; /* one request and its response; opaque */

/* Answers by exactly one of http_send and http_stream. Runs on the connection's thread. */
typedef void (*http_handler)(struct http_exchange *x, void *app);

struct http_route {
    const char *method;
    const char *path; /* exact, or a prefix when it ends with '*' */
    http_handler handler;
};

struct http_options {
    const char *host;
    int port;                        /* 0: any free one, see http_server_port */
    const struct http_route *routes; /* ends with method NULL */
    void *app;
    /* Called with the headers alone, before the body is read; returns false if it has answered itself (authentication,
     * origin): the connection closes then. */
    bool (*admit)(struct http_exchange *x, void *app);
    /* Called after every exchange, for metrics and the log; method is one of the known ones or "?". */
    void (*finished)(const char *method, const char *route, int status, double seconds, void *app);
    int header_seconds; /* 0 = LIMIT_HEADER_SECONDS */
    int body_seconds;   /* 0 = LIMIT_BODY_SECONDS */
};

/* ERR_CONFLICT when the port is taken, ERR_INVALID for a bad host. */
int http_server_start(struct http_server **out, const struct http_options *o, struct error *e) MUST_USE;
void http_server_quiesce(struct http_server *s); /* stop accepting; connections go on */
void http_server_stop(struct http_server *s);    /* let answers that are ready leave, close all; NULL is fine */
int http_server_port(const struct http_server *s);

const char *http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);
const char *http_header(const struct http_exchange *x, const char *name); /* NULL if absent */
const char *http_body(const struct http_exchange *x, size_t *n);

/* For handlers and streams that wait; cheap. A client that has ended its sending may have closed the connection or only
 * its own side of it (RFC 9293, section 3.6): nothing but a write tells, which the first answers with a reset. So
 * whoever waits writes something as soon as http_client_sends_no_more, and finds out by http_client_gone. */
bool http_client_gone(const struct http_exchange *x);
bool http_client_sends_no_more(const struct http_exchange *x);

void http_set_header(struct http_exchange *x, const char *name,
                     const char *value); /* before http_send or http_stream */
void http_send(struct http_exchange *x, int status, const char *type, const void *data, size_t n); /* data is copied */

/* An OpenAI error object; why holds no character that JSON escapes. */
void http_refuse(struct http_exchange *x, int status, const char *why);

/* Stream a response of unknown length. read fills up to max bytes: > 0 their number, 0 nothing yet (it is asked again
 * at once: wait inside it, 100 ms at most), HTTP_STREAM_END, HTTP_STREAM_BROKEN. release is called once, whatever
 * happens. */
enum { HTTP_STREAM_END = -1, HTTP_STREAM_BROKEN = -2 };
typedef long (*http_stream_read)(void *user, struct http_exchange *x, char *out, size_t max);
void http_stream(struct http_exchange *x, int status, const char *type, http_stream_read read,
                 void (*release)(void *user), void *user);

#endif
