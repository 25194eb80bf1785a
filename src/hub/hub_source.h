/* hub_source.h - the two hubs: where they are, how a repository is listed and a file addressed.
 *
 * HF_ENDPOINT, HF_TOKEN and MODELSCOPE_ENDPOINT override; an endpoint that says http:// allows plain http (a mirror in
 * the house). The token goes to Hugging Face's endpoint only. Thread: reads the environment; start-up only.
 */
#ifndef XIAOBEI_HUB_HUB_SOURCE_H
#define XIAOBEI_HUB_HUB_SOURCE_H

#include <stddef.h>

#include "base/error.h"
#include "hub/http_get.h"
#include "hub/hub_listing.h"

enum hub_kind { HUB_HUGGINGFACE, HUB_MODELSCOPE, HUB_KINDS };

struct hub_source {
    enum hub_kind kind;
    const char *name;          /* "Hugging Face"; static */
    const char *short_name;    /* "hf", "ms" */
    const char *revision;      /* "main", "master" */
    char endpoint[512];        /* without a slash at the end */
    struct http_settings http; /* token and protocols; the caller adds stall time and connections */
};

int hub_source_init(struct hub_source *s, enum hub_kind kind, struct error *e) MUST_USE;

/* List ORG/REPO (checked by the caller). All pages. */
int hub_source_list(const struct hub_source *s, const char *repo, struct hub_listing *out, struct error *e) MUST_USE;

/* Where there is no listing (a plain mirror of the files): add path to out by asking for it. */
int hub_source_probe(const struct hub_source *s, const char *repo, const char *path, struct hub_listing *out,
                     struct error *e) MUST_USE;

/* The address of a file, path percent-encoded. */
int hub_source_url(const struct hub_source *s, const char *repo, const char *path, char *out, size_t n,
                   struct error *e) MUST_USE;

#endif
