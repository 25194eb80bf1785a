/* http_ranges.c - one file over several connections: curl's multi interface, one thread, a queue of missing ranges.
 *
 * The holes of the journal are cut into pieces; every connection (slot) takes the next piece, writes what arrives at
 * its place in the file and journals it every 8 MiB at the latest. A slot that breaks off asks for the rest of its
 * piece only. A server that ignores ranges gets one connection and the whole file again (nothing else is possible).
 * Rejected: one thread per connection (nothing here waits for the processor), HTTP/2 streams (hubs limit per stream).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "hub/http_get.h"

enum {
    PIECE_MIN = 1 << 20,  /* smaller is not worth a request */
    PIECE_MAX = 64 << 20, /* larger only delays the sharing out */
    FLUSH_MAX = 8 << 20,  /* a kill costs at most this much a connection */
    FLUSH_MIN = 1 << 20,
    PROGRESS_BYTES = 1 << 16, /* an attempt that brought this much was not in vain */
    POLL_MS = 100
};

#define FLUSH_SECONDS 1.0
#define CRAWL_BYTES   1024.0 /* a second, all connections together: less is no download any more */

enum slot_state { SLOT_IDLE, SLOT_WAITING, SLOT_RUNNING };

struct slot {
    struct fetch *fetch;
    enum slot_state state;
    CURL *easy;
    int64_t to;        /* end of the piece */
    int64_t at;        /* next byte to arrive */
    int64_t flushed;   /* up to here the journal knows */
    int64_t attempt;   /* where this attempt began */
    int failures;      /* in a row without progress */
    double due;        /* SLOT_WAITING: when to try again */
    double asked;      /* when the request went out */
    double last_byte;  /* when something arrived */
    double last_flush; /* when the journal was last told */
    long requests;     /* sent in this attempt: one, and one a redirect */
    bool checked;      /* the response's head was looked at */
    bool stalled;      /* ended by us: nothing moved */
    bool wrong;        /* error in .why: not worth another try */
    struct error why;
};

struct fetch {
    const struct http_settings *settings;
    const char *url;
    const char *version;
    int fd;
    struct journal *journal;
    struct progress *progress;
    CURLM *multi;
    struct slot slots[LIMIT_HUB_CONNECTIONS];
    int connections;
    double stall;
    double window_start;  /* a window is `stall` seconds long */
    int64_t window_bytes; /* arrived since then */
    int64_t piece;        /* bytes */
    int64_t cursor;       /* pieces before it were handed out */
    bool whole;           /* the server ignores ranges */
    bool ranges_ignored;  /* just found out */
    bool alive;           /* a server of the file has answered */
};

static int refuse(struct slot *s, int code, const char *what)
{
    error_set(&s->why, code, "%s", what);
    s->wrong = true;
    return code;
}

/* Compare "bytes FROM-TO/SIZE" with what was asked for. */
static bool content_range_fits(CURL *easy, const struct slot *s)
{
    struct curl_header *range = NULL;
    int64_t from = -1, to = -1, size = -1;
    if (curl_easy_header(easy, "content-range", 0, CURLH_HEADER, -1, &range) != CURLHE_OK) return false;
    if (sscanf(range->value, "bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64, &from, &to, &size) != 3) return false;
    return from == s->at && to == s->to - 1 && size == s->fetch->journal->size;
}

/* Without a checksum only the server's own word keeps two files of one name and size apart. */
static bool is_another_version(const struct slot *s)
{
    char version[DIGEST_HEX];
    if (!s->fetch->version[0]) return false;
    http_version_of(s->easy, version);
    return strcmp(version, s->fetch->version) != 0;
}

/* Look at status and headers once, before the first byte of a body is believed. */
static int check_head(struct slot *s)
{
    struct fetch *f = s->fetch;
    long status = 0;
    curl_off_t length = -1;
    s->checked = f->alive = true;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(s->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if ((status == 206 || status == 200) && is_another_version(s))
        return refuse(s, ERR_FORMAT, "the file was changed on the server while it was fetched; pull it again");
    if (status == 206) {
        if (content_range_fits(s->easy, s)) return OK;
        return refuse(s, ERR_FORMAT,
                      "the server sends another range, or a file of another size, than it was asked for");
    }
    if (status != 200) return ERR_NETWORK; /* its body is of no interest; the status decides */
    if (length >= 0 && length != f->journal->size)
        return refuse(s, ERR_FORMAT, "the file's length is not the one in the hub's listing");
    if (s->at == 0 && s->to == f->journal->size) return OK;
    f->ranges_ignored = true;
    return ERR_NETWORK;
}

static int slot_flush(struct slot *s)
{
    struct fetch *f = s->fetch;
    if (s->at <= s->flushed) return OK;
    if (fdatasync(f->fd)) return refuse(s, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot write the model to disk");
    int rc = journal_add(f->journal, s->flushed, s->at, &s->why);
    s->flushed = s->at;
    s->last_flush = clock_monotonic();
    s->wrong = s->wrong || rc;
    return rc;
}

/* A kill costs at most a quarter of a piece, or FLUSH_SECONDS of a slow line. */
static bool flush_is_due(const struct slot *s)
{
    int64_t bytes = s->fetch->piece / 4;
    if (bytes < FLUSH_MIN) bytes = FLUSH_MIN;
    if (bytes > FLUSH_MAX) bytes = FLUSH_MAX;
    return s->at - s->flushed >= bytes || s->last_byte - s->last_flush >= FLUSH_SECONDS;
}

static size_t receive(char *data, size_t size, size_t count, void *user)
{
    struct slot *s = user;
    size_t left = count;
    (void)size; /* always 1 */
    s->last_byte = clock_monotonic();
    s->fetch->window_bytes += (int64_t)count;
    if (!s->checked && check_head(s)) return 0;
    if ((int64_t)count > s->to - s->at) {
        refuse(s, ERR_FORMAT, "the server sends more than it was asked for");
        return 0;
    }
    while (left > 0) {
        ssize_t n = pwrite(s->fetch->fd, data, left, (off_t)s->at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            refuse(s, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot write the model to disk");
            return 0;
        }
        data += n;
        left -= (size_t)n;
        s->at += n;
    }
    if (flush_is_due(s) && slot_flush(s)) return 0;
    return count;
}

/* curl calls it when a connection stands and the request goes out. */
static int count_request(void *user, char *remote, char *local, int remote_port, int local_port)
{
    struct slot *s = user;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    s->requests++;
    s->asked = s->last_byte = clock_monotonic();
    return CURL_PREREQFUNC_OK;
}

/* While it connects curl's own limit comes first: that is how a dead host is told from a slow one. */
static bool is_connecting(const struct slot *s)
{
    long redirects = 0;
    if (s->easy) curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    return s->requests <= redirects;
}

static int slot_start(struct slot *s)
{
    struct fetch *f = s->fetch;
    char range[64];
    if (f->whole) s->at = s->flushed = 0; /* no way to ask for the rest only */
    s->easy = http_easy_new(f->settings, f->url);
    if (!s->easy) return refuse(s, ERR_NOMEM, "no memory for the download");
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, count_request);
    curl_easy_setopt(s->easy, CURLOPT_PREREQDATA, s);
    if (s->at > 0 || s->to < f->journal->size) {
        snprintf(range, sizeof range, "%" PRId64 "-%" PRId64, s->at, s->to - 1);
        curl_easy_setopt(s->easy, CURLOPT_RANGE, range);
    }
    s->attempt = s->at;
    s->requests = 0;
    s->checked = s->stalled = false;
    s->asked = s->last_byte = s->last_flush = clock_monotonic();
    s->state = SLOT_RUNNING;
    if (curl_multi_add_handle(f->multi, s->easy)) return refuse(s, ERR_NOMEM, "no memory for the download");
    return OK;
}

static void slot_stop(struct slot *s)
{
    if (s->easy) {
        curl_multi_remove_handle(s->fetch->multi, s->easy);
        curl_easy_cleanup(s->easy);
    }
    s->easy = NULL;
}

/* Give an idle slot the next missing piece; false if nothing is left. */
static bool slot_assign(struct slot *s)
{
    struct fetch *f = s->fetch;
    struct journal_range hole;
    if (!journal_hole(f->journal, f->cursor, &hole)) return false;
    if (f->whole) hole = (struct journal_range){0, f->journal->size};
    if (!f->whole && hole.to - hole.from > f->piece) hole.to = hole.from + f->piece;
    f->cursor = hole.to;
    s->at = s->flushed = hole.from;
    s->to = hole.to;
    s->failures = 0;
    s->due = 0;
    s->state = SLOT_WAITING;
    return true;
}

/* The server has shown that it ignores ranges: stop all, then one connection for the whole. */
static int fall_back_to_whole(struct fetch *f)
{
    for (int i = 0; i < f->connections; i++) {
        slot_stop(&f->slots[i]);
        if (slot_flush(&f->slots[i])) return ERR_IO;
        f->slots[i].state = SLOT_IDLE;
        f->slots[i].why = (struct error){0};
    }
    progress_say(f->progress, "The server ignores ranges: one connection, from the beginning.");
    f->whole = true;
    f->ranges_ignored = false;
    f->connections = 1;
    f->cursor = 0;
    return OK;
}

/* Has every connection tried in vain to reach a server that was never there? Then another source is the better try;
 * a server that has answered once may come back. */
static bool nobody_there(const struct fetch *f)
{
    for (int i = 0; i < f->connections; i++)
        if (f->slots[i].state != SLOT_IDLE && f->slots[i].failures == 0) return false;
    return !f->alive;
}

/* A transfer ended, well or badly. Returns an error only if the whole file must be given up. */
static int slot_finished(struct slot *s, CURLcode code, struct error *e)
{
    struct fetch *f = s->fetch;
    struct error why = {0};
    if (s->state != SLOT_RUNNING) return OK;
    if (code == CURLE_OK && !s->checked) check_head(s); /* an empty body is judged too */
    struct http_outcome outcome = http_outcome_of(s->easy, code, &why);
    slot_stop(s);
    if (slot_flush(s) || s->wrong) return error_set(e, s->why.code, "%s", s->why.text);
    if (f->ranges_ignored) return OK; /* the loop sees to it */
    if (outcome.code == OK && s->at == s->to) {
        s->state = SLOT_IDLE;
        return OK;
    }
    if (outcome.code == OK) {
        outcome = (struct http_outcome){.code = ERR_NETWORK, .again = true};
        error_set(&why, ERR_NETWORK, "the server broke off");
    }
    s->failures = s->at - s->attempt >= PROGRESS_BYTES && !f->whole ? 1 : s->failures + 1;
    bool unreachable = outcome.silent && !s->stalled && nobody_there(f);
    if (!outcome.again || unreachable || s->failures >= LIMIT_HUB_RETRIES)
        return error_set(e, outcome.code, "%s", why.text);
    double pause = http_pause(s->failures);
    if (pause > f->stall) pause = f->stall; /* who is impatient about silence is so about pauses */
    s->due = clock_monotonic() + (outcome.wait > 0 ? outcome.wait : pause);
    s->state = SLOT_WAITING;
    return OK;
}

/* Has so little arrived in the window that ends now? *since: when that window began. */
static bool is_crawling(struct fetch *f, double now, double *since)
{
    *since = f->window_start;
    if (now - f->window_start < f->stall) return false;
    bool crawling = (double)f->window_bytes < CRAWL_BYTES * (now - f->window_start);
    f->window_start = now;
    f->window_bytes = 0;
    return crawling;
}

/* Start what is due, end what stalls. *busy: slots that still have something to do. */
static int tend_slots(struct fetch *f, int *busy, struct error *e)
{
    double now = clock_monotonic(), since;
    bool crawling = is_crawling(f, now, &since);
    *busy = 0;
    for (int i = 0; i < f->connections; i++) {
        struct slot *s = &f->slots[i];
        if (s->state == SLOT_IDLE && !slot_assign(s)) continue;
        ++*busy;
        if (s->state == SLOT_WAITING && now >= s->due && slot_start(s))
            return error_set(e, s->why.code, "%s", s->why.text);
        if (s->state != SLOT_RUNNING) continue;
        double limit = is_connecting(s) ? f->stall + HTTP_CONNECT_SECONDS * 2 : f->stall;
        bool too_slow = crawling && s->asked <= since && !is_connecting(s);
        if (now - s->last_byte <= limit && !too_slow) continue;
        s->stalled = true;
        int rc = slot_finished(s, CURLE_OPERATION_TIMEDOUT, e);
        if (rc) return rc;
    }
    return OK;
}

static int64_t bytes_there(const struct fetch *f)
{
    int64_t done = journal_done(f->journal);
    for (int i = 0; i < f->connections; i++)
        if (f->slots[i].state != SLOT_IDLE && !f->whole) done += f->slots[i].at - f->slots[i].flushed;
    return done;
}

static int fetch_loop(struct fetch *f, struct error *e)
{
    for (;;) {
        int busy = 0, running = 0, left = 0;
        int rc = tend_slots(f, &busy, e);
        if (rc || busy == 0) return rc;
        if (curl_multi_perform(f->multi, &running) || curl_multi_poll(f->multi, NULL, 0, POLL_MS, NULL))
            return error_set(e, ERR_NETWORK, "the network library failed");
        for (CURLMsg *m; (m = curl_multi_info_read(f->multi, &left)) != NULL;) {
            char *slot = NULL;
            if (m->msg != CURLMSG_DONE) continue;
            CURLcode code = m->data.result;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &slot);
            rc = slot_finished((struct slot *)(void *)slot, code, e);
            if (rc) return rc;
        }
        if (f->ranges_ignored && fall_back_to_whole(f)) return error_set(e, ERR_IO, "cannot write the model to disk");
        progress_set(f->progress, bytes_there(f));
    }
}

int http_get_ranges(const struct http_settings *settings, const char *url, const char *version, int fd,
                    struct journal *j, struct progress *p, struct error *e)
{
    int connections = settings->connections > 0 ? settings->connections : HTTP_CONNECTIONS;
    if (connections > LIMIT_HUB_CONNECTIONS) connections = LIMIT_HUB_CONNECTIONS;
    struct fetch *f = calloc(1, sizeof *f);
    if (!f) return error_set(e, ERR_NOMEM, "no memory for the download");
    *f = (struct fetch){.settings = settings, .url = url, .version = version, .fd = fd, .journal = j, .progress = p};
    f->stall = settings->stall_seconds > 0 ? settings->stall_seconds : HTTP_STALL_SECONDS;
    f->window_start = clock_monotonic();
    f->connections = connections;
    f->piece = (j->size - journal_done(j)) / connections + 1;
    if (f->piece < PIECE_MIN) f->piece = PIECE_MIN;
    if (f->piece > PIECE_MAX) f->piece = PIECE_MAX;
    for (int i = 0; i < LIMIT_HUB_CONNECTIONS; i++) f->slots[i] = (struct slot){.fetch = f};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    f->multi = curl_multi_init();
    int rc = f->multi ? fetch_loop(f, e) : error_set(e, ERR_NOMEM, "no memory for the download");
    for (int i = 0; i < LIMIT_HUB_CONNECTIONS; i++) {
        slot_stop(&f->slots[i]);
        if (slot_flush(&f->slots[i]) && !rc) rc = error_set(e, ERR_IO, "cannot write the model to disk");
    }
    curl_multi_cleanup(f->multi);
    free(f);
    return rc;
}
