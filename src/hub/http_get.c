/* http_get.c - see http_get.h; the ranges are in http_ranges.c. */
#include "hub/http_get.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/version.h"

enum { TEXT_TRIES = 3, HOST_MAX = 256, FIRST_SERVER_ERROR = 500 };

static CURLcode global_init(void)
{
    static bool ready;
    if (ready) return CURLE_OK;
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    ready = code == CURLE_OK;
    return code;
}

CURL *http_easy_new(const struct http_settings *s, const char *url)
{
    CURL *easy = global_init() == CURLE_OK ? curl_easy_init() : NULL;
    if (!easy) return NULL;
    const char *protocols = s->allow_http ? "http,https" : "https";
    bool ok = !curl_easy_setopt(easy, CURLOPT_URL, url) && !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) &&
              !curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols) &&
              !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L) &&
              !curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)LIMIT_HUB_REDIRECTS) &&
              !curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L) &&
              !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS) &&
              !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
              !curl_easy_setopt(easy, CURLOPT_USERAGENT, "xiaobei/" XIAOBEI_VERSION);
    if (ok && s->bearer && *s->bearer)
        ok = !curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) &&
             !curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, s->bearer);
    if (ok) return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

double http_pause(int failures)
{
    double seconds = 0.5;
    for (int i = 1; i < failures && seconds < 15; i++) seconds *= 2;
    return seconds < 15 ? seconds : 15;
}

/* The host of the last address, for sentences: a redirect's path and query may hold a signature. */
static void host_of(CURL *easy, char *out, size_t n)
{
    char *url = NULL;
    char *host = NULL;
    CURLU *parsed = curl_url();
    snprintf(out, n, "the server");
    if (parsed && !curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) && url &&
        !curl_url_set(parsed, CURLUPART_URL, url, 0) && !curl_url_get(parsed, CURLUPART_HOST, &host, 0))
        snprintf(out, n, "%s", host);
    curl_free(host);
    curl_url_cleanup(parsed);
}

static struct http_outcome outcome_of_status(CURL *easy, long status, const char *host, struct error *e)
{
    curl_off_t wait = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
    if (status == 404 || status == 410)
        return (struct http_outcome){error_set(e, ERR_NOT_FOUND, "%s does not have it (HTTP %ld)", host, status), false,
                                     0, false};
    if (status == 401 || status == 403)
        return (struct http_outcome){
            error_set(e, ERR_AUTH, "%s refuses (HTTP %ld); a closed or private model needs HF_TOKEN", host, status),
            false, 0, false};
    if (status == 408 || status == 425 || status == 429 || status >= FIRST_SERVER_ERROR) {
        bool too_long = wait > LIMIT_HUB_WAIT;
        int code = too_long ? error_set(e, ERR_UNAVAILABLE, "%s is busy (HTTP %ld) and asks to wait %lld s", host,
                                        status, (long long)wait)
                            : error_set(e, ERR_UNAVAILABLE, "%s is busy or out of order (HTTP %ld)", host, status);
        return (struct http_outcome){code, !too_long, (double)wait, false};
    }
    return (struct http_outcome){error_set(e, ERR_NETWORK, "%s answers HTTP %ld", host, status), false, 0, false};
}

struct http_outcome http_outcome_of(CURL *easy, CURLcode code, struct error *e)
{
    char host[HOST_MAX];
    long status = 0;
    host_of(easy, host, sizeof host);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300 && (code == CURLE_OK || code == CURLE_WRITE_ERROR))
        return outcome_of_status(easy, status, host, e);
    if (code == CURLE_OK) return (struct http_outcome){.code = OK};
    const char *why = curl_easy_strerror(code);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return (struct http_outcome){error_set(e, ERR_TIMEOUT, "%s does not answer in time", host), true, 0, true};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return (struct http_outcome){error_set(e, ERR_NETWORK, "%s cannot be reached (%s)", host, why), true, 0, true};
    case CURLE_OUT_OF_MEMORY:
        return (struct http_outcome){error_set(e, ERR_NOMEM, "no memory for the download"), false, 0, false};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return (struct http_outcome){error_set(e, ERR_NETWORK, "%s: %s", host, why), false, 0, false};
    default: return (struct http_outcome){error_set(e, ERR_NETWORK, "%s broke off (%s)", host, why), true, 0, false};
    }
}

static size_t append_text(char *data, size_t size, size_t count, void *user)
{
    (void)size; /* always 1 */
    return buf_append(user, data, count) ? 0 : count;
}

/* The address in `Link: <URL>; rel="next"`. */
static void read_next(CURL *easy, char *next, size_t n)
{
    struct curl_header *link = NULL;
    next[0] = '\0';
    if (curl_easy_header(easy, "link", 0, CURLH_HEADER, -1, &link) != CURLHE_OK) return;
    const char *open = strchr(link->value, '<');
    const char *close = open ? strchr(open, '>') : NULL;
    if (!close || !strstr(close, "rel=\"next\"") || (size_t)(close - open) > n) return;
    memcpy(next, open + 1, (size_t)(close - open) - 1);
    next[close - open - 1] = '\0';
}

/* What a try with one handle is about; begin sets its options, take reads its answer. */
struct attempt {
    const struct http_settings *settings;
    const char *url;
    void (*begin)(CURL *easy, void *user);
    void (*take)(CURL *easy, void *user);
    void *user;
};

static struct http_outcome try_once(const struct attempt *a, struct error *why)
{
    CURL *easy = http_easy_new(a->settings, a->url);
    if (!easy) return (struct http_outcome){.code = error_set(why, ERR_NOMEM, "no memory for the download")};
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)HTTP_TEXT_STALL_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)HTTP_STALL_SECONDS * 3);
    a->begin(easy, a->user);
    CURLcode code = curl_easy_perform(easy);
    struct http_outcome outcome = http_outcome_of(easy, code, why);
    a->take(easy, a->user);
    curl_easy_cleanup(easy);
    return outcome;
}

struct text_request {
    struct buf *out;
    size_t before; /* out's length before the first try */
    char *next;
    size_t next_size;
};

static void text_begin(CURL *easy, void *user)
{
    struct text_request *t = user;
    if (!buf_error(t->out)) buf_truncate(t->out, t->before);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, append_text);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t->out);
}

static void text_take(CURL *easy, void *user)
{
    struct text_request *t = user;
    if (t->next) read_next(easy, t->next, t->next_size);
}

int http_get_text(const struct http_settings *s, const char *url, struct buf *out, char *next, size_t next_size,
                  struct error *e)
{
    struct text_request t = {out, out->len, next, next_size};
    const struct attempt a = {s, url, text_begin, text_take, &t};
    for (int tried = 1;; tried++) {
        struct error why = {0};
        struct http_outcome outcome = try_once(&a, &why);
        if (outcome.code == OK) return OK;
        if (buf_error(out)) return error_set(e, ERR_LIMIT, "the answer is over the limit of %zu bytes", out->max);
        if (!outcome.again || outcome.silent || tried == TEXT_TRIES) return error_set(e, outcome.code, "%s", why.text);
        clock_sleep(outcome.wait > 0 ? outcome.wait : http_pause(tried));
    }
}

/* A weak ETag promises no bytes. The values are hashed: they may hold anything and be of any length. */
void http_version_of(CURL *easy, char version[DIGEST_HEX])
{
    struct curl_header *h = NULL;
    version[0] = '\0';
    if (curl_easy_header(easy, "etag", 0, CURLH_HEADER, -1, &h) == CURLHE_OK && h->value[0] == '"')
        digest_text(h->value, version);
    else if (curl_easy_header(easy, "last-modified", 0, CURLH_HEADER, -1, &h) == CURLHE_OK && h->value[0])
        digest_text(h->value, version);
}

static size_t swallow_a_little(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    (void)size;
    (void)user;
    return count <= 1 ? count : 0; /* a server that ignores ranges begins the whole file: end it */
}

static void probe_begin(CURL *easy, void *user)
{
    (void)user;
    curl_easy_setopt(easy, CURLOPT_RANGE, "0-0");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow_a_little);
}

static void probe_take(CURL *easy, void *user)
{
    struct http_file *p = user;
    struct curl_header *h = NULL;
    char quoted[DIGEST_HEX + 1];
    long status = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (status == 200) p->size = length;
    if (status == 206 && curl_easy_header(easy, "content-range", 0, CURLH_HEADER, -1, &h) == CURLHE_OK &&
        sscanf(h->value, "bytes 0-0/%" SCNd64, &p->size) != 1)
        p->size = -1;
    http_version_of(easy, p->version);
    if (curl_easy_header(easy, "x-linked-etag", 0, CURLH_HEADER, 0, &h) != CURLHE_OK) return;
    snprintf(quoted, sizeof quoted, "%s", h->value[0] == '"' ? h->value + 1 : h->value);
    quoted[strcspn(quoted, "\"")] = '\0';
    if (digest_is_hex(quoted)) digest_copy(p->sha256, quoted);
}

int http_probe(const struct http_settings *s, const char *url, struct http_file *out, struct error *e)
{
    const struct attempt a = {s, url, probe_begin, probe_take, out};
    *out = (struct http_file){.size = -1};
    for (int tried = 1;; tried++) {
        struct error why = {0};
        struct http_outcome outcome = try_once(&a, &why);
        if (out->size >= 0 && out->size <= LIMIT_HUB_FILE_BYTES) return OK;
        if (outcome.code == OK) return error_set(e, ERR_FORMAT, "the server does not say how long the file is");
        if (!outcome.again || outcome.silent || tried == TEXT_TRIES) return error_set(e, outcome.code, "%s", why.text);
        clock_sleep(outcome.wait > 0 ? outcome.wait : http_pause(tried));
    }
}
