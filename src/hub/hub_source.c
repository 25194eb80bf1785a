/* hub_source.c - see hub_source.h. */
#include "hub/hub_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"

static const struct {
    const char *name, *short_name, *revision, *variable, *endpoint;
} hubs[HUB_KINDS] = {
    [HUB_HUGGINGFACE] = {"Hugging Face", "hf", "main", "HF_ENDPOINT", "https://huggingface.co"},
    [HUB_MODELSCOPE] = {"ModelScope", "ms", "master", "MODELSCOPE_ENDPOINT", "https://modelscope.cn"},
};

int hub_source_init(struct hub_source *s, enum hub_kind kind, struct error *e)
{
    const char *endpoint = getenv(hubs[kind].variable);
    const char *scheme = "";
    if (!endpoint || !*endpoint) endpoint = hubs[kind].endpoint;
    *s = (struct hub_source){
        .kind = kind, .name = hubs[kind].name, .short_name = hubs[kind].short_name, .revision = hubs[kind].revision};
    if (!strstr(endpoint, "://")) scheme = "https://";
    s->http.allow_http = strncmp(endpoint, "http://", 7) == 0;
    if (!s->http.allow_http && !*scheme && strncmp(endpoint, "https://", 8) != 0)
        return error_set(e, ERR_CONFIG, "%s must begin with https:// or http://", hubs[kind].variable);
    int n = snprintf(s->endpoint, sizeof s->endpoint, "%s%s", scheme, endpoint);
    if (n < 0 || (size_t)n >= sizeof s->endpoint)
        return error_set(e, ERR_CONFIG, "%s is too long", hubs[kind].variable);
    while (n > 0 && s->endpoint[n - 1] == '/') s->endpoint[--n] = '\0';
    if (kind == HUB_HUGGINGFACE) s->http.bearer = getenv("HF_TOKEN");
    return OK;
}

/* Percent-encode everything but what RFC 3986 calls unreserved, and '/'. */
static int append_encoded(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x80 && isalnum(c)) || strchr("-._~/", c))
            buf_append_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
    return buf_error(out);
}

int hub_source_url(const struct hub_source *s, const char *repo, const char *path, char *out, size_t n, struct error *e)
{
    struct buf url = BUF_INIT(n - 1);
    buf_printf(&url, "%s%s/%s/resolve/%s/", s->endpoint, s->kind == HUB_MODELSCOPE ? "/models" : "", repo, s->revision);
    int rc = append_encoded(&url, path);
    if (rc)
        error_set(e, rc, "the file's address is too long");
    else
        memcpy(out, buf_text(&url), url.len + 1);
    buf_free(&url);
    return rc;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *one = NULL, *two = NULL;
    bool same = !curl_url_get(a, part, &one, CURLU_DEFAULT_PORT) && !curl_url_get(b, part, &two, CURLU_DEFAULT_PORT) &&
                strcasecmp(one, two) == 0;
    curl_free(one);
    curl_free(two);
    return same;
}

/* The next page, relative to this one. It must be on the same host: a listing may not send us elsewhere. */
static int follow_next(const char *next, char *url, size_t n, struct error *e)
{
    CURLU *here = curl_url(), *there = curl_url();
    char *text = NULL;
    int rc = OK;
    if (!here || !there)
        rc = error_set(e, ERR_NOMEM, "no memory for the hub's listing");
    else if (curl_url_set(here, CURLUPART_URL, url, 0) || curl_url_set(there, CURLUPART_URL, url, 0) ||
             curl_url_set(there, CURLUPART_URL, next, 0) || !same_part(here, there, CURLUPART_SCHEME) ||
             !same_part(here, there, CURLUPART_HOST) || !same_part(here, there, CURLUPART_PORT))
        rc = error_set(e, ERR_FORMAT, "the hub's listing goes on at another host");
    else if (curl_url_get(there, CURLUPART_URL, &text, 0) || strlen(text) >= n)
        rc = error_set(e, ERR_FORMAT, "the listing's next address is too long");
    else
        memcpy(url, text, strlen(text) + 1);
    curl_free(text);
    curl_url_cleanup(there);
    curl_url_cleanup(here);
    return rc;
}

int hub_source_list(const struct hub_source *s, const char *repo, struct hub_listing *out, struct error *e)
{
    char url[LIMIT_PATH];
    char next[LIMIT_PATH] = "";
    int rc = OK;
    struct buf first = BUF_INIT(sizeof url - 1);
    if (s->kind == HUB_MODELSCOPE)
        rc = buf_printf(&first, "%s/api/v1/models/%s/repo/files?Revision=%s&Recursive=true", s->endpoint, repo,
                        s->revision);
    else
        rc = buf_printf(&first, "%s/api/models/%s/tree/%s?recursive=1", s->endpoint, repo, s->revision);
    if (!rc) memcpy(url, buf_text(&first), first.len + 1);
    buf_free(&first);
    if (rc) return error_set(e, rc, "the repository's address is too long");
    for (int page = 0; !rc; page++) {
        struct buf body = BUF_INIT(LIMIT_HUB_LISTING);
        if (page == LIMIT_HUB_PAGES) return error_set(e, ERR_LIMIT, "the hub's listing has too many pages");
        rc = http_get_text(&s->http, url, &body, next, sizeof next, e);
        if (!rc && s->kind == HUB_MODELSCOPE)
            rc = hub_listing_parse_modelscope(out, buf_text(&body), body.len, e);
        else if (!rc)
            rc = hub_listing_parse_huggingface(out, buf_text(&body), body.len, e);
        buf_free(&body);
        if (rc || !next[0]) break;
        rc = follow_next(next, url, sizeof url, e);
    }
    return rc;
}

int hub_source_probe(const struct hub_source *s, const char *repo, const char *path, struct hub_listing *out,
                     struct error *e)
{
    char url[LIMIT_PATH];
    struct http_file about;
    int rc = hub_source_url(s, repo, path, url, sizeof url, e);
    if (!rc) rc = http_probe(&s->http, url, &about, e);
    if (!rc) rc = hub_listing_add(out, path, about.size, about.sha256, e);
    if (!rc) memcpy(out->files[out->count - 1].version, about.version, sizeof about.version);
    return rc;
}
