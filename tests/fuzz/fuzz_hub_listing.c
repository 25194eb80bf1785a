/* fuzz_hub_listing.c - any bytes as what a hub, a manifest, a registry file or a journal holds; the first byte says
 * which. What was accepted must keep the promises of the headers: safe paths, sizes within the limits, sorted ranges.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "hub/hub_listing.h"
#include "hub/journal.h"
#include "hub/manifest.h"
#include "hub/pull_select.h"
#include "hub/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(int ok)
{
    if (!ok) abort();
}

static void check_files(const struct hub_listing *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct hub_file *f = &l->files[i];
        must(hub_path_is_safe(f->path, strlen(f->path)) && f->path[0] != '/' && !strstr(f->path, "/../"));
        must(f->size >= 0 && (!f->sha256[0] || digest_is_hex(f->sha256)) && (!f->git[0] || digest_is_git_hex(f->git)));
    }
}

static void read_listing(int kind, const char *text, size_t n)
{
    struct hub_listing all = {0}, chosen = {0};
    struct pull_target t = {.repo = "Org/Repo"};
    struct error e = {0};
    char open[1025];
    int rc =
        kind == 0 ? hub_listing_parse_huggingface(&all, text, n, &e) : hub_listing_parse_modelscope(&all, text, n, &e);
    must((rc == OK) == !e.text[0] && all.count <= LIMIT_HUB_FILES);
    check_files(&all);
    if (!rc && all.count && all.count < 200) {
        (void)!pull_select(&t, &all, &chosen, open, &e);
        check_files(&chosen);
        hub_listing_free(&chosen);
        memcpy(t.file, all.files[0].path, strlen(all.files[0].path) + 1);
        (void)!pull_select(&t, &all, &chosen, open, &e);
        check_files(&chosen);
    }
    hub_listing_free(&chosen);
    hub_listing_free(&all);
}

static void read_journal(const char *text, size_t n)
{
    struct journal j = {.fd = -1, .size = 1000000};
    int64_t last = -1;
    size_t good = journal_parse(&j, text, n, "sha256:ab", 900000);
    must(good <= n && journal_done(&j) <= 900000 && j.parts_end <= 900000 && j.parts <= LIMIT_PULL_PARTS);
    for (size_t i = 0; i < j.count; i++) {
        must(j.ranges[i].from > last && j.ranges[i].from < j.ranges[i].to);
        last = j.ranges[i].to;
    }
    journal_close(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) return 0;
    const char *text = (const char *)data + 1;
    int kind = data[0] % 6;
    struct error e = {0};
    n--;
    if (kind <= 1) {
        read_listing(kind, text, n);
    } else if (kind == 2) {
        struct manifest m;
        must((manifest_parse(&m, text, n, &e) == OK) == !e.text[0]);
        check_files(&m.files);
        manifest_free(&m);
    } else if (kind == 3) {
        struct registry r;
        must((registry_parse(&r, text, n, &e) == OK) == !e.text[0]);
        for (const struct model_entry *m = r.entries; m && m->id; m++) must(hub_name_is_safe(m->id, strlen(m->id)));
        registry_close(&r);
    } else if (kind == 4) {
        read_journal(text, n);
    } else {
        struct pull_target t;
        char ref[2048];
        if (n >= sizeof ref) return 0;
        memcpy(ref, text, n);
        ref[n] = '\0';
        if (!pull_target_parse(&t, ref, model_entries(), &e)) must(hub_name_is_safe(t.id, strlen(t.id)));
    }
    return 0;
}
