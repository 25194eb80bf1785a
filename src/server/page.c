/* page.c - see page.h. */
#include "server/page.h"

#include <string.h>

#include "server/assets.h"
#include "server/tenant.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void page_handle(struct http_exchange *x, void *app)
{
    (void)app;
    const char *path = http_path(x);
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + strlen("/assets/");
    const struct asset *a = assets;
    while (a->name && strcmp(a->name, name) != 0) a++;
    if (!a->name) {
        http_refuse(x, 404, "there is nothing at this address");
        return;
    }
    const char *known = http_header(x, "If-None-Match");
    if (strcmp(path, "/") == 0) tenant_set_cookie(x);
    bool same = known && strcmp(known, a->etag) == 0;
    http_set_header(x, "Content-Security-Policy", policy);
    http_set_header(x, "Referrer-Policy", "no-referrer");
    http_set_header(x, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
    http_set_header(x, "Cross-Origin-Opener-Policy", "same-origin");
    http_set_header(x, "Cross-Origin-Resource-Policy", "same-origin");
    http_set_header(x, "Cache-Control", "no-cache");
    http_set_header(x, "ETag", a->etag);
    http_send(x, same ? 304 : 200, a->type, a->data, same ? 0 : (size_t)(a->end - a->data));
}
