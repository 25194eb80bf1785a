/* http_head.c - see http_head.h. */
#include "server/http_head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"

static const char too_large[] = "the request body is over the limit of 16 MiB";

/* A piece of the head: not terminated. */
struct span {
    const char *at;
    size_t n;
};

static int refuse(int status, const char *text, const char **why)
{
    *why = text;
    return status;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

static bool is_token_char(char c)
{
    return c && (isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c)) && (unsigned char)c < 0x80;
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.at[i])) return false;
    return s.n > 0;
}

static bool is(struct span s, const char *text)
{
    return s.n == strlen(text) && strncasecmp(s.at, text, s.n) == 0;
}

/* What stands before the first `c`, which is taken away too; everything if there is none. */
static struct span cut(struct span *rest, char c)
{
    const char *found = memchr(rest->at, c, rest->n);
    struct span first = {rest->at, found ? (size_t)(found - rest->at) : rest->n};
    size_t skip = found ? first.n + 1 : first.n;
    *rest = (struct span){rest->at + skip, rest->n - skip};
    return first;
}

static size_t count(struct span s, const char *any)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.at[i] && strchr(any, s.at[i])) n++;
    return n;
}

int http_head_scan(const char *data, size_t n, size_t from, size_t *end, const char **why)
{
    *end = 0;
    for (size_t i = from; i < n; i++) {
        bool after_cr = i > 0 && data[i - 1] == '\r';
        if ((data[i] == '\n') != after_cr) return refuse(400, "a line must end with CR LF", why);
        if (is_control(data[i]) && data[i] != '\r' && data[i] != '\n')
            return refuse(400, "there is a control character in the request's head", why);
        if (data[i] != '\n' || (i != 1 && (i < 3 || data[i - 2] != '\n'))) continue;
        *end = i + 1;
        return 0;
    }
    return 0;
}

/* --- the request line -----------------------------------------------------------------------------------------------
 */

struct seen {
    int lengths, codings, hosts;
    struct span length, coding, host, authority;
    bool is_old; /* HTTP/1.0 */
    size_t items;
};

static int read_target(struct span target, struct seen *s, const char **why)
{
    static const char *const schemes[] = {"http://", "https://"};
    if (target.n > LIMIT_HTTP_TARGET) return refuse(414, "the address is too long", why);
    for (size_t i = 0; i < target.n; i++)
        if (target.at[i] <= 0x20) return refuse(400, "the address has characters that must be percent-encoded", why);
    s->items += count(target, "&");
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        if (target.n <= n || strncasecmp(target.at, schemes[i], n) != 0) continue;
        s->authority = (struct span){target.at + n, 0};
        while (s->authority.n < target.n - n && !strchr("/?#", s->authority.at[s->authority.n])) s->authority.n++;
        if (s->authority.n > 0) return 0;
    }
    if (target.n > 0 && (target.at[0] == '/' || is(target, "*"))) return 0;
    return refuse(400, "the request line is malformed", why);
}

static int read_request_line(struct span line, struct seen *s, const char **why)
{
    struct span method = cut(&line, ' ');
    struct span target = cut(&line, ' ');
    if (!is_token(method) || method.n > LIMIT_HTTP_METHOD) return refuse(400, "the request line is malformed", why);
    int status = read_target(target, s, why);
    if (status) return status;
    bool is_version = line.n == 8 && memcmp(line.at, "HTTP/", 5) == 0 && isdigit((unsigned char)line.at[5]) &&
                      line.at[6] == '.' && isdigit((unsigned char)line.at[7]);
    if (!is_version) return refuse(400, "the request line is malformed", why);
    s->is_old = memcmp(line.at, "HTTP/1.0", 8) == 0;
    if (!s->is_old && memcmp(line.at, "HTTP/1.1", 8) != 0) return refuse(505, "this server speaks HTTP/1.1", why);
    return 0;
}

/* --- headers --------------------------------------------------------------------------------------------------------
 */

static int read_header(struct span line, struct seen *s, const char **why)
{
    if (line.at[0] == ' ' || line.at[0] == '\t') return refuse(400, "a header is folded over several lines", why);
    if (!memchr(line.at, ':', line.n)) return refuse(400, "a header has no colon", why);
    struct span name = cut(&line, ':');
    if (!is_token(name)) return refuse(400, "a header name is malformed", why);
    while (line.n > 0 && (line.at[0] == ' ' || line.at[0] == '\t')) line = (struct span){line.at + 1, line.n - 1};
    while (line.n > 0 && (line.at[line.n - 1] == ' ' || line.at[line.n - 1] == '\t')) line.n--;
    if (is(name, "Content-Length")) {
        s->lengths++;
        s->length = line;
    } else if (is(name, "Transfer-Encoding")) {
        s->codings++;
        s->coding = line;
    } else if (is(name, "Host")) {
        s->hosts++;
        s->host = line;
    } else if (is(name, "Cookie")) {
        s->items += count(line, ";,");
    }
    s->items++;
    return 0;
}

static int read_length(struct span digits, uint64_t *out, const char **why)
{
    *out = 0;
    if (digits.n == 0) return refuse(400, "Content-Length is not a number", why);
    for (size_t i = 0; i < digits.n; i++)
        if (!isdigit((unsigned char)digits.at[i])) return refuse(400, "Content-Length is not a number", why);
    for (size_t i = 0; i < digits.n; i++) {
        *out = *out * 10 + (uint64_t)(digits.at[i] - '0');
        if (*out > LIMIT_HTTP_BODY) return refuse(413, too_large, why);
    }
    return 0;
}

static int judge(const struct seen *s, struct http_head *out, const char **why)
{
    out->is_chunked = s->codings > 0;
    if (s->items > LIMIT_HTTP_ITEMS) return refuse(431, "the request has too many headers", why);
    if (s->lengths > 1) return refuse(400, "Content-Length is there more than once", why);
    if (s->codings > 1 || (s->codings && !is(s->coding, "chunked")))
        return refuse(400, "only the transfer coding chunked is possible", why);
    if (s->codings && s->lengths) return refuse(400, "Content-Length and Transfer-Encoding exclude each other", why);
    if (s->codings && s->is_old) return refuse(400, "HTTP/1.0 has no transfer codings", why);
    if (s->hosts > 1 || (s->hosts == 0 && !s->is_old)) return refuse(400, "exactly one Host header is needed", why);
    if (count(s->host, " \t,/?#@\\") > 0) return refuse(400, "the Host header is malformed", why);
    bool same = s->host.n == s->authority.n && strncasecmp(s->host.at, s->authority.at, s->host.n) == 0;
    if (s->authority.n && s->hosts && !same)
        return refuse(400, "the address and the Host header name different hosts", why);
    return s->lengths ? read_length(s->length, &out->length, why) : 0;
}

int http_head_read(const char *data, size_t n, struct http_head *out, const char **why)
{
    struct seen s = {.host = {data, 0}, .authority = {data, 0}};
    struct span rest = {data, n};
    *out = (struct http_head){0};
    struct span line = cut(&rest, '\n');
    if (line.n > 0) line.n--; /* its CR */
    int status = read_request_line(line, &s, why);
    while (!status && rest.n > 0) {
        line = cut(&rest, '\n');
        if (line.n > 0) line.n--;
        if (line.n == 0) break; /* the empty line */
        status = read_header(line, &s, why);
    }
    return status ? status : judge(&s, out, why);
}

/* --- chunks ---------------------------------------------------------------------------------------------------------
 */

enum {
    SIZE,      /* digits */
    EXTENSION, /* from the semicolon on: allowed, of no meaning here */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    FIELD, /* a trailer line begins, or the empty line */
    FIELD_NAME,
    FIELD_VALUE,
    FIELD_LF,
    END_LF,
};

static int take_digit(struct http_chunks *c, char digit, const char **why)
{
    const char text[2] = {digit, '\0'};
    c->left = c->left * 16 + strtoull(text, NULL, 16);
    c->digits++;
    return c->total + c->left > LIMIT_HTTP_BODY ? refuse(413, too_large, why) : 0;
}

/* The byte's next state, or -1. */
static int next_state(const struct http_chunks *c, char byte)
{
    switch (c->state) {
    case SIZE:
        if (isxdigit((unsigned char)byte)) return c->digits < 16 ? SIZE : -1;
        if (c->digits == 0) return -1;
        return byte == ';' ? EXTENSION : byte == '\r' ? SIZE_LF : -1;
    case EXTENSION: return byte == '\r' ? SIZE_LF : is_control(byte) ? -1 : EXTENSION;
    case SIZE_LF: return byte != '\n' ? -1 : c->left > 0 ? DATA : FIELD;
    case DATA_CR: return byte == '\r' ? DATA_LF : -1;
    case DATA_LF: return byte == '\n' ? SIZE : -1;
    case FIELD: return byte == '\r' ? END_LF : is_token_char(byte) ? FIELD_NAME : -1;
    case FIELD_NAME: return byte == ':' ? FIELD_VALUE : is_token_char(byte) ? FIELD_NAME : -1;
    case FIELD_VALUE: return byte == '\r' ? FIELD_LF : is_control(byte) ? -1 : FIELD_VALUE;
    case FIELD_LF: return byte == '\n' ? FIELD : -1;
    default: return byte == '\n' ? END_LF : -1;
    }
}

static int take_byte(struct http_chunks *c, char byte, const char **why)
{
    int next = next_state(c, byte);
    if (next < 0) return refuse(400, "the chunked body is malformed", why);
    if (++c->overhead > LIMIT_HTTP_TRAILERS) return refuse(431, "the chunked body has too long a line or trailer", why);
    if (c->state == SIZE && next == SIZE) return take_digit(c, byte, why);
    if (c->state == DATA_LF) {
        c->digits = 0;
        c->overhead = 0;
    }
    c->done = c->state == END_LF;
    c->state = next;
    return 0;
}

int http_chunks_feed(struct http_chunks *c, const char *data, size_t n, size_t *used, const char **why)
{
    int status = 0;
    *used = 0;
    while (!status && !c->done && *used < n) {
        if (c->state == DATA) {
            size_t here = n - *used < c->left ? n - *used : (size_t)c->left;
            *used += here;
            c->left -= here;
            c->total += here;
            if (c->left == 0) c->state = DATA_CR;
        } else {
            status = take_byte(c, data[*used], why);
            (*used)++;
        }
    }
    return status;
}
