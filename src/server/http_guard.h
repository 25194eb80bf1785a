/* http_guard.h - what libmicrohttpd 0.9.75 alone would accept and a server must not: two readings of where a message
 * ends (request smuggling, RFC 9112 section 11.2), and headers that never end. Only http.c uses it. Thread: any; a
 * mutex inside. */
#ifndef XIAOBEI_SERVER_HTTP_GUARD_H
#define XIAOBEI_SERVER_HTTP_GUARD_H

#include <microhttpd.h>

#include "base/error.h"

struct http_guard; /* opaque: the open connections and a thread that ends those whose headers are late */

int http_guard_new(struct http_guard **out, int header_seconds, struct error *e) MUST_USE;
void http_guard_free(struct http_guard *g);

void http_guard_opened(struct http_guard *g, int fd);  /* the clock of its first request starts */
void http_guard_request(struct http_guard *g, int fd); /* a request line arrived */
void http_guard_completed(struct http_guard *g,
                          int fd); /* the exchange ended; idle keep-alive is the library's business */
void http_guard_closed(struct http_guard *g, int fd);

/* Complete headers: 0 if they are sound (and the connection's clock stops), else the status to refuse with and why. */
int http_guard_check(struct http_guard *g, struct MHD_Connection *connection, const char *version, const char **why);

#endif
