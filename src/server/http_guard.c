/* http_guard.c - see http_guard.h.
 *
 * A connection's thread alone touches what its parser holds; the lock is for the clock, which the watching thread
 * reads. Rejected: looking at the bytes with MSG_PEEK from a thread of our own (the library may take them first), a
 * relay between two sockets for every connection (three descriptors and two threads each).
 */
#include "server/http_guard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "server/http_head.h"

enum { WATCH_NANOSECONDS = 250000000, SPARE = 8, LINGER_SECONDS = 2, PIECE = 4096 };

enum phase { IN_HEAD, IN_BODY, IN_CHUNKS };

struct guarded {
    int fd; /* -1: free */
    /* under the lock */
    double since; /* when its head or body began to be awaited; 0: no clock runs */
    int seconds;  /* how long it may take */
    bool ended;   /* refused: the library gets no more of it */
    bool is_head; /* the request's method is HEAD: an answer has no body */
    /* the connection's thread's */
    enum phase phase;
    struct buf head;
    bool skipped;   /* one empty line in front of the head */
    bool delivered; /* a head went to the library and was not asked for by http_guard_check */
    uint64_t left;  /* of a body with Content-Length */
    struct http_chunks chunks;
};

struct http_guard {
    struct http_guard_options o;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t wake;
    struct guarded guarded[LIMIT_HTTP_CONNECTIONS + SPARE];
    bool stop;
    pthread_t thread;
};

static _Atomic(struct http_guard *) active; /* whose connections recv() looks for */

static struct guarded *find(struct http_guard *g, int fd)
{
    struct guarded *found = NULL;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < sizeof g->guarded / sizeof *g->guarded && !found; i++)
        if (g->guarded[i].fd == fd) found = &g->guarded[i];
    pthread_mutex_unlock(&g->lock);
    return found;
}

static void stop_clock(struct http_guard *g, struct guarded *c)
{
    pthread_mutex_lock(&g->lock);
    c->since = 0;
    pthread_mutex_unlock(&g->lock);
}

/* The method is known as soon as its blank is there. */
static void note_method(struct http_guard *g, struct guarded *c)
{
    static const char head[] = "HEAD ";
    pthread_mutex_lock(&g->lock);
    c->is_head = c->head.len >= sizeof head - 1 && memcmp(buf_text(&c->head), head, sizeof head - 1) == 0;
    pthread_mutex_unlock(&g->lock);
}

/* If it does not run already. */
static void start_clock(struct http_guard *g, struct guarded *c, int seconds)
{
    pthread_mutex_lock(&g->lock);
    if (c->since == 0) {
        c->since = clock_monotonic();
        c->seconds = seconds;
    }
    pthread_mutex_unlock(&g->lock);
}

void http_guard_opened(struct http_guard *g, int fd)
{
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < sizeof g->guarded / sizeof *g->guarded; i++) {
        struct guarded *c = &g->guarded[i];
        if (c->fd >= 0) continue;
        *c = (struct guarded){.fd = fd, .since = clock_monotonic(), .seconds = g->o.header_seconds};
        buf_init(&c->head, LIMIT_HTTP_HEADERS);
        break;
    }
    pthread_mutex_unlock(&g->lock);
}

void http_guard_closed(struct http_guard *g, int fd)
{
    struct guarded *c = find(g, fd);
    if (!c) return;
    buf_free(&c->head);
    pthread_mutex_lock(&g->lock);
    c->since = 0;
    c->fd = -1;
    pthread_mutex_unlock(&g->lock);
}

bool http_guard_check(struct http_guard *g, int fd)
{
    struct guarded *c = find(g, fd);
    bool delivered = c && c->delivered;
    if (c) c->delivered = false;
    return delivered;
}

/* --- refusals -------------------------------------------------------------------------------------------------------
 */

static const char *status_text(int status)
{
    switch (status) {
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 505: return "HTTP Version Not Supported";
    default: return "Bad Request";
    }
}

size_t http_guard_error(char *out, size_t max, int status, const char *why)
{
    int n = snprintf(out, max, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":null}}", why,
                     status >= 500 ? "server_error" : "invalid_request_error");
    return n > 0 && (size_t)n < max ? (size_t)n : 0;
}

/* It is short and nothing is under way on this socket: it fits into the socket's buffer, or the client is gone. */
static void write_refusal(int fd, bool is_head, int status, const char *why)
{
    char body[256];
    char whole[512];
    size_t n = http_guard_error(body, sizeof body, status, why);
    int size = snprintf(whole, sizeof whole,
                        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"
                        "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                        status, status_text(status), n, is_head ? "" : body);
    ssize_t ignored = send(fd, whole, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
}

static void linger(int fd)
{
    char piece[PIECE];
    double end = clock_monotonic() + LINGER_SECONDS;
    shutdown(fd, SHUT_WR);
    for (;;) {
        double left = end - clock_monotonic();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&p, 1, (int)(left * 1000) + 1) <= 0) return;
        if (recvfrom(fd, piece, sizeof piece, MSG_DONTWAIT, NULL, NULL) <= 0) return;
    }
}

/* From the connection's own thread: every earlier response is out, because the library reads no further before. */
static ssize_t refuse(struct http_guard *g, struct guarded *c, int status, const char *why)
{
    pthread_mutex_lock(&g->lock);
    bool was_late = c->ended;
    c->ended = true;
    c->since = 0;
    pthread_mutex_unlock(&g->lock);
    if (!was_late) {
        write_refusal(c->fd, c->is_head, status, why);
        if (g->o.refused) g->o.refused(status, g->o.user);
    }
    linger(c->fd);
    errno = ECONNRESET; /* to the library the client is gone */
    return -1;
}

/* A trickle of bytes keeps the library's own time-out from firing: say 408 and end the socket under it. */
static void end_late(struct http_guard *g)
{
    double now = clock_monotonic();
    for (size_t i = 0; i < sizeof g->guarded / sizeof *g->guarded; i++) {
        struct guarded *c = &g->guarded[i];
        if (c->fd < 0 || c->since == 0 || now - c->since < c->seconds) continue;
        c->since = 0;
        c->ended = true;
        write_refusal(c->fd, c->is_head, 408, "the request did not arrive in time");
        if (g->o.refused) g->o.refused(408, g->o.user);
        shutdown(c->fd, SHUT_RDWR);
    }
}

void http_guard_answered(struct http_guard *g, int fd)
{
    struct guarded *c = find(g, fd);
    if (!c || c->phase == IN_HEAD) return;
    pthread_mutex_lock(&g->lock);
    c->since = 0;
    c->ended = true;
    pthread_mutex_unlock(&g->lock);
    linger(fd);
}

/* --- what the library reads -----------------------------------------------------------------------------------------
 */

static ssize_t take(int fd, void *data, size_t n)
{
    return recvfrom(fd, data, n, MSG_DONTWAIT, NULL, NULL);
}

static ssize_t peek(int fd, void *data, size_t n)
{
    return recvfrom(fd, data, n, MSG_DONTWAIT | MSG_PEEK, NULL, NULL);
}

static void start_body(struct http_guard *g, struct guarded *c, const struct http_head *head)
{
    c->left = head->length;
    c->chunks = (struct http_chunks){0};
    c->phase = head->is_chunked ? IN_CHUNKS : head->length > 0 ? IN_BODY : IN_HEAD;
    stop_clock(g, c); /* the head's */
    if (c->phase != IN_HEAD) start_clock(g, c, g->o.body_seconds);
}

/* The head is complete in c->head: give it away, whole. */
static ssize_t deliver(struct http_guard *g, struct guarded *c, char *data, size_t n)
{
    const char *why = NULL;
    struct http_head head;
    int status = http_head_read(buf_text(&c->head), c->head.len, &head, &why);
    if (!status && (n < c->head.len || c->delivered)) {
        status = 500;
        why = "internal error";
    }
    if (status) return refuse(g, c, status, why);
    size_t size = c->head.len;
    memcpy(data, buf_text(&c->head), size);
    buf_clear(&c->head);
    c->delivered = true;
    c->skipped = false;
    start_body(g, c, &head);
    return (ssize_t)size;
}

static ssize_t read_head(struct http_guard *g, struct guarded *c, char *data, size_t n)
{
    for (;;) {
        char piece[PIECE];
        size_t before = c->head.len;
        size_t end;
        const char *why = NULL;
        ssize_t got = peek(c->fd, piece, sizeof piece);
        if (got <= 0) return got;
        start_clock(g, c, g->o.header_seconds);
        size_t room = c->head.max - before;
        size_t more = (size_t)got < room ? (size_t)got : room;
        if (more == 0) return refuse(g, c, 431, "the request's headers are over the limit of 64 KiB");
        if (buf_append(&c->head, piece, more)) return refuse(g, c, 500, "there is no memory for the request");
        note_method(g, c);
        int status = http_head_scan(buf_text(&c->head), c->head.len, before, &end, &why);
        if (status) return refuse(g, c, status, why);
        if (end) buf_truncate(&c->head, end);
        if (take(c->fd, piece, c->head.len - before) != (ssize_t)(c->head.len - before))
            return refuse(g, c, 500, "internal error");
        if (!end) continue;
        if (end > 2) return deliver(g, c, data, n);
        if (c->skipped) return refuse(g, c, 400, "there are empty lines in front of the request");
        c->skipped = true; /* some clients send one behind a body */
        buf_clear(&c->head);
    }
}

static ssize_t read_body(struct http_guard *g, struct guarded *c, char *data, size_t n)
{
    ssize_t got = take(c->fd, data, n < c->left ? n : (size_t)c->left);
    if (got > 0) c->left -= (uint64_t)got;
    if (c->left > 0) return got;
    c->phase = IN_HEAD;
    stop_clock(g, c);
    return got;
}

static ssize_t read_chunks(struct http_guard *g, struct guarded *c, char *data, size_t n)
{
    const char *why = NULL;
    size_t used;
    ssize_t got = peek(c->fd, data, n);
    if (got <= 0) return got;
    int status = http_chunks_feed(&c->chunks, data, (size_t)got, &used, &why);
    if (status) return refuse(g, c, status, why);
    if (c->chunks.done) {
        c->phase = IN_HEAD;
        stop_clock(g, c);
    }
    return take(c->fd, data, used);
}

static ssize_t read_guarded(struct http_guard *g, struct guarded *c, char *data, size_t n)
{
    pthread_mutex_lock(&g->lock);
    bool ended = c->ended;
    pthread_mutex_unlock(&g->lock);
    if (ended) {
        errno = ECONNRESET;
        return -1;
    }
    switch (c->phase) {
    case IN_HEAD: return read_head(g, c, data, n);
    case IN_BODY: return read_body(g, c, data, n);
    default: return read_chunks(g, c, data, n);
    }
}

/* In place of the C library's, for the whole program; see http_guard.h. */
ssize_t recv(int fd, void *data, size_t n, int flags)
{
    struct http_guard *g = atomic_load(&active);
    struct guarded *c = g ? find(g, fd) : NULL;
    return c ? read_guarded(g, c, data, n) : recvfrom(fd, data, n, flags, NULL, NULL);
}

/* --- life -----------------------------------------------------------------------------------------------------------
 */

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

int http_guard_new(struct http_guard **out, const struct http_guard_options *o, struct error *e)
{
    struct http_guard *none = NULL;
    *out = NULL;
    struct http_guard *g = calloc(1, sizeof *g);
    if (!g) return error_set(e, ERR_NOMEM, "no memory for the server");
    g->o = *o;
    for (size_t i = 0; i < sizeof g->guarded / sizeof *g->guarded; i++) g->guarded[i].fd = -1;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->wake, NULL);
    if (!atomic_compare_exchange_strong(&active, &none, g)) {
        free(g);
        return error_set(e, ERR_CONFLICT, "a server runs in this process already");
    }
    if (pthread_create(&g->thread, NULL, watch, g)) {
        atomic_store(&active, NULL);
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
    atomic_store(&active, NULL);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->wake);
    for (size_t i = 0; i < sizeof g->guarded / sizeof *g->guarded; i++) buf_free(&g->guarded[i].head);
    free(g);
}
