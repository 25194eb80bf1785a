/* http_head.h - where a request's head ends, what its framing says, and where its body ends: strictly, with one reading
 * of every byte (RFC 9112, sections 2.2, 3, 5, 6, 7.1 and 11.2). Whatever two servers could read differently is
 * refused: bare CR or LF, folded lines, control bytes, blanks around names, doubled or odd lengths. Pure; any thread.
 *
 * The functions return 0 or the HTTP status to refuse with; *why is then a sentence (static).
 */
#ifndef XIAOBEI_SERVER_HTTP_HEAD_H
#define XIAOBEI_SERVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_head {
    bool is_chunked;
    uint64_t length; /* Content-Length, 0 without; at most LIMIT_HTTP_BODY */
};

/* Look for the empty line in data[from..n); the bytes before `from` were looked at. *end: the head's length with the
 * empty line, 0 if it is not there yet. A head of two bytes is an empty line in front of a request. */
int http_head_scan(const char *data, size_t n, size_t from, size_t *end, const char **why);

/* A complete head as http_head_scan found it. */
int http_head_read(const char *data, size_t n, struct http_head *out, const char **why);

/* A chunked body, piece by piece; start with {0}. */
struct http_chunks {
    int state;
    bool done;       /* the last byte of the message was fed */
    int digits;      /* of the size being read */
    uint64_t left;   /* of the chunk */
    uint64_t total;  /* of the body; never over LIMIT_HTTP_BODY */
    size_t overhead; /* bytes of the size line, or of the trailers */
};

/* *used: how many of the n bytes belong to the message (all of them unless it is done). */
int http_chunks_feed(struct http_chunks *c, const char *data, size_t n, size_t *used, const char **why);

#endif
