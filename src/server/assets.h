/* assets.h - the files of web/, as the build embedded them (tools/embed_assets.sh). */
#ifndef XIAOBEI_SERVER_ASSETS_H
#define XIAOBEI_SERVER_ASSETS_H

#include <stddef.h>

struct asset {
    const char *name; /* "index.html" */
    const char *type; /* media type */
    const char *etag; /* quoted, from the content */
    const unsigned char *data;
    const unsigned char *end;
};

extern const struct asset assets[]; /* ends with name NULL */

#endif
