/* http_guard.h - stands between the sockets and libmicrohttpd 0.9.75, which alone accepts two readings of where a
 * message ends (request smuggling, RFC 9112 section 11.2), headers and bodies that never end, and answers some mistakes
 * with HTML or twice. Only http.c uses it. Thread: any; a mutex inside.
 *
 * The library has no hook before its parser; what it reads, it reads with recv(). The guard defines that function: the
 * linker prefers the program's own to the C library's. On a guarded socket the library gets a head only when it is
 * complete and sound, and a body only up to its end; everything else is answered here, as one OpenAI error object, and
 * the connection closed. Should a request ever reach the library by another way, http_guard_check refuses it.
 * One guard in a process.
 */
#ifndef XIAOBEI_SERVER_HTTP_GUARD_H
#define XIAOBEI_SERVER_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct http_guard; /* opaque: the open connections and a thread that ends those that are late */

struct http_guard_options {
    int header_seconds, body_seconds;
    void (*refused)(int status, void *user); /* after every refusal of its own, for metrics and the log */
    void *user;
};

int http_guard_new(struct http_guard **out, const struct http_guard_options *o, struct error *e) MUST_USE;
void http_guard_free(struct http_guard *g); /* after the library's threads have ended; NULL is fine */

void http_guard_opened(struct http_guard *g, int fd); /* the clock of its first request starts */
void http_guard_closed(struct http_guard *g, int fd);

/* True once for every head that came through the guard. */
bool http_guard_check(struct http_guard *g, int fd);

/* The response is out. If it came before the body's end the connection is to close: what the client still sends is read
 * for a moment, or it would lose the response with the reset. */
void http_guard_answered(struct http_guard *g, int fd);

/* An OpenAI error object; returns its length. */
size_t http_guard_error(char *out, size_t max, int status, const char *why);

#endif
