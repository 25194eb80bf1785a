/* http_get.h - GET over HTTP(S) by libcurl: a text with a limit, or a file in several ranges at once.
 *
 * Rules for both: 5 s to connect (TLS included); a connection on which nothing moves for stall_seconds is given up, and
 * all of a file's on which less than 1 KiB/s arrives, taken together, over that time;
 * redirects are followed (8 at most), to https only unless plain http was allowed; the bearer token goes to the first
 * host only: curl drops it when a redirect leads to another host or port (tests/api/test_pull.py holds it to that);
 * certificates are always checked; proxies as curl reads them (https_proxy, no_proxy, ...).
 * Drops, 408, 425, 429 and 5xx are tried again with growing pauses, Retry-After is obeyed up to LIMIT_HUB_WAIT.
 * Errors: ERR_NETWORK, ERR_TIMEOUT, ERR_NOT_FOUND (404, 410), ERR_AUTH (401, 403), ERR_UNAVAILABLE (429, 5xx),
 * ERR_LIMIT, ERR_FORMAT (the server contradicts itself or the listing). Sentences name the host, never a signed
 * address. Thread: one transfer at a time; curl_global_init is done on first use.
 */
#ifndef XIAOBEI_HUB_HTTP_GET_H
#define XIAOBEI_HUB_HTTP_GET_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "hub/digest.h"
#include "hub/journal.h"
#include "hub/progress.h"

struct http_settings {
    const char *bearer;   /* token for the first host, or NULL */
    bool allow_http;      /* the endpoint was overridden with http:// */
    double stall_seconds; /* 0: 20 for files; texts never wait longer than 5 */
    int connections;      /* ranges at once; 0: 4 */
};

/* Append the body to out (its limit bounds it). next (may be NULL): where the next page is (Link: rel="next"), as the
 * server wrote it, "" if there is none. */
int http_get_text(const struct http_settings *s, const char *url, struct buf *out, char *next, size_t next_size,
                  struct error *e) MUST_USE;

struct http_file {
    int64_t size;
    char sha256[DIGEST_HEX];  /* where the first server says it (X-Linked-ETag), else "" */
    char version[DIGEST_HEX]; /* hash of the last server's strong ETag, else of its Last-Modified; "" without either */
};

/* Ask for one byte of url to learn about the file. */
int http_probe(const struct http_settings *s, const char *url, struct http_file *out, struct error *e) MUST_USE;

/* Fetch what the journal says is missing into fd (j->size bytes in all), syncing and journalling as it goes.
 * version ("" for any): an answer of another one ends it with ERR_FORMAT before a byte of it is taken. */
int http_get_ranges(const struct http_settings *s, const char *url, const char *version, int fd, struct journal *j,
                    struct progress *p, struct error *e) MUST_USE;

/* --- shared by the two implementations ---------------------------------------------------------------------------- */
enum { HTTP_CONNECT_SECONDS = 5, HTTP_TEXT_STALL_SECONDS = 5, HTTP_STALL_SECONDS = 20, HTTP_CONNECTIONS = 4 };

struct http_outcome {
    int code;    /* 0 or the error */
    bool again;  /* worth another try */
    double wait; /* seconds the server asked for; 0 if it did not */
    bool silent; /* nobody there (no connection, or not a word): another source is the better try */
};

CURL *http_easy_new(const struct http_settings *s, const char *url);             /* NULL without memory */
struct http_outcome http_outcome_of(CURL *easy, CURLcode code, struct error *e); /* e gets the sentence */
void http_version_of(CURL *easy, char version[DIGEST_HEX]);                      /* of the answer it got last */
double http_pause(int failures); /* seconds before try number failures + 1: 0.5, 1, 2, ... 15 */

#endif
