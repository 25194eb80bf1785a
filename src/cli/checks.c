/* checks.c - see checks.h. Each check looks at one thing, changes nothing that it does not remove again, and never
 * fails itself: what it cannot find out is a warning. */
#include "cli/checks.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/paths.h"
#include "cli/port_holder.h"
#include "engine/plan.h"
#include "kernels/kernels.h"
#include "model/model_file.h"
#include "model/model_ref.h"

struct check *check_add(struct check_list *list, const char *name)
{
    struct check *c = &list->items[list->count < CHECK_MAX ? list->count++ : CHECK_MAX - 1];
    *c = (struct check){.status = CHECK_OK, .name = name};
    return c;
}

void check_cpu(struct check_list *list)
{
    struct check *c = check_add(list, "cpu");
    const struct kernel_table *table = NULL;
    const char *best = kernels_select(&table, NULL, NULL) ? "none" : table->name;
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    snprintf(c->finding, sizeof c->finding, "%d core(s), kernels: %s", count, best);
    if (strcmp(best, "scalar") != 0) return;
    c->status = CHECK_WARN;
    snprintf(c->advice, sizeof c->advice,
             "no AVX2 or AVX-512 here: answers will be slow; take the 0.5B, or another machine");
}

/* A value of /proc/meminfo in bytes, or 0. */
static size_t meminfo(const char *key)
{
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f) return 0;
    char line[256];
    size_t kib = 0;
    size_t n = strlen(key);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, key, n) != 0 || line[n] != ':') continue;
        kib = strtoull(line + n + 1, NULL, 10);
        break;
    }
    fclose(f);
    return kib * KIB;
}

static double gib(size_t bytes)
{
    return (double)bytes / (double)GIB;
}

void check_memory(struct check_list *list)
{
    struct check *c = check_add(list, "memory");
    size_t available = meminfo("MemAvailable");
    if (!available) {
        c->status = CHECK_WARN;
        snprintf(c->finding, sizeof c->finding, "cannot tell how much memory is free");
        snprintf(c->advice, sizeof c->advice, "mount /proc");
        return;
    }
    snprintf(c->finding, sizeof c->finding, "%.1f of %.1f GiB available", gib(available), gib(meminfo("MemTotal")));
    if (available >= 3 * GIB) return;
    c->status = available < GIB ? CHECK_FAIL : CHECK_WARN;
    snprintf(c->advice, sizeof c->advice,
             "under 3 GiB only the 0.5B fits; `xiaobei plan --model ID` says what a model needs");
}

void check_port(struct check_list *list, int port)
{
    struct check *c = check_add(list, "port");
    char holder[128];
    if (!port_holder_find(port, holder, sizeof holder)) {
        snprintf(c->finding, sizeof c->finding, "%d is free", port);
        return;
    }
    c->status = CHECK_WARN;
    snprintf(c->finding, sizeof c->finding, "%d is in use by %s", port, holder);
    snprintf(c->advice, sizeof c->advice, "if that is not your server: stop it, or `xiaobei serve --port` another");
}

static void check_directory(struct check_list *list, enum path_kind kind, const char *name, size_t wanted)
{
    struct check *c = check_add(list, name);
    char path[LIMIT_PATH];
    char probe[LIMIT_PATH];
    struct error e = {0};
    int rc = paths_ensure(kind, path, sizeof path, &e);
    if (!rc) rc = path_join(probe, sizeof probe, path, ".write-test");
    if (!rc) rc = file_write_atomic(probe, "ok\n", 3, 0600, &e);
    if (rc) {
        c->status = CHECK_FAIL;
        snprintf(c->finding, sizeof c->finding, "cannot write there: %.300s", e.text);
        snprintf(c->advice, sizeof c->advice, "set XIAOBEI_HOME to a directory of your own, or mend its rights");
        return;
    }
    unlink(probe);
    struct statvfs fs;
    size_t space = statvfs(path, &fs) == 0 ? (size_t)fs.f_bavail * fs.f_frsize : 0;
    snprintf(c->finding, sizeof c->finding, "%.300s: writable, %.1f GiB free", path, gib(space));
    if (space >= wanted) return;
    c->status = CHECK_WARN;
    snprintf(c->advice, sizeof c->advice, "little space: make room, or set XIAOBEI_HOME to another disk");
}

void check_directories(struct check_list *list)
{
    check_directory(list, PATH_MODELS, "models dir", 2 * GIB);
    check_directory(list, PATH_LOGS, "logs dir", 256 * MIB);
    check_directory(list, PATH_STATE, "state dir", 256 * MIB);
}

void check_models(struct check_list *list, const char *reference)
{
    struct check *c = check_add(list, "model");
    char path[LIMIT_PATH];
    struct error e = {0};
    struct model_file *f = NULL;
    struct memory_plan plan;
    struct plan_request request = {.sequences = 1, .threads = 1};
    int rc = model_resolve(reference, path, sizeof path, &e);
    if (!rc) rc = model_file_open(&f, path, &e);
    if (!rc) rc = plan_compute(&plan, f, &request, &e);
    if (!rc) rc = plan_check_tokenizer(f, &e);
    if (rc) {
        c->status = CHECK_FAIL;
        snprintf(c->finding, sizeof c->finding, "%.390s", e.text);
        snprintf(c->advice, sizeof c->advice,
                 "`xiaobei ls` shows what is here, `xiaobei pull` brings a model, `xiaobei verify` checks one");
    } else {
        snprintf(c->finding, sizeof c->finding, "%.200s: readable, needs %.1f GiB with %d tokens of context",
                 model_file_name(f), gib(plan.total), plan.context);
        if (!plan.fits) {
            c->status = CHECK_FAIL;
            snprintf(c->advice, sizeof c->advice, "more than is free: a smaller model, or a smaller --max-length");
        } else if (model_is_standin(path, model_file_name(f))) {
            c->status = CHECK_WARN;
            snprintf(c->advice, sizeof c->advice,
                     "a demonstration model (演示模型), not for patients: `xiaobei pull` the real one when a hub is "
                     "reached");
        }
    }
    model_file_close(f);
}
