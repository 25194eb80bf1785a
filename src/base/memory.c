/* memory.c - see memory.h. Sources: proc(5), Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst. */
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The number behind `key` in a file of "key number" lines; with key NULL the file's first word. False if there is none
 * (also for "max"). */
static bool read_number(const char *path, const char *key, uint64_t *out)
{
    FILE *f = fopen(path, "re");
    char line[256];
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        size_t n = key ? strlen(key) : 0;
        if (key && (strncmp(line, key, n) != 0 || (line[n] != ' ' && line[n] != ':'))) continue;
        const char *at = line + n;
        while (*at == ' ' || *at == ':' || *at == '\t') at++;
        if (*at < '0' || *at > '9') break;
        *out = strtoull(at, NULL, 10);
        found = true;
    }
    if (f) fclose(f);
    return found;
}

/* What one control group leaves; SIZE_MAX without a limit. */
static size_t group_leaves(const char *directory, bool v2)
{
    char path[2 * LIMIT_PATH + 32];
    uint64_t limit;
    uint64_t used = 0;
    uint64_t inactive = 0;
    uint64_t active = 0;
    snprintf(path, sizeof path, "%s/%s", directory, v2 ? "memory.max" : "memory.limit_in_bytes");
    if (!read_number(path, NULL, &limit) || limit >= SIZE_MAX / 4) return SIZE_MAX; /* v1 says "none" as 2^63 - 4096 */
    snprintf(path, sizeof path, "%s/%s", directory, v2 ? "memory.current" : "memory.usage_in_bytes");
    read_number(path, NULL, &used);
    snprintf(path, sizeof path, "%s/memory.stat", directory);
    read_number(path, v2 ? "inactive_file" : "total_inactive_file", &inactive);
    read_number(path, v2 ? "active_file" : "total_active_file", &active);
    uint64_t cache = inactive + active;
    used = used > cache ? used - cache : 0;
    return limit > used ? (size_t)(limit - used) : 0;
}

/* A group and all its parents: each has a say. Inside a container the path of /proc/self/cgroup may lie above what is
 * mounted; levels that are not there are skipped. */
static size_t branch_leaves(const char *mount, const char *group, bool v2)
{
    char directory[2 * LIMIT_PATH];
    int n = snprintf(directory, sizeof directory, "%s%s", mount, group);
    if (n < 0 || (size_t)n >= sizeof directory) return SIZE_MAX;
    size_t leaves = SIZE_MAX;
    size_t shortest = strlen(mount);
    for (;;) {
        leaves = least(leaves, group_leaves(directory, v2));
        if (strlen(directory) <= shortest) return leaves;
        *strrchr(directory, '/') = '\0';
    }
}

static bool lists_memory(const char *controllers)
{
    const char *at = strstr(controllers, "memory");
    return at && (at == controllers || at[-1] == ',') && (at[6] == ',' || at[6] == '\0');
}

static size_t groups_leave(const char *root)
{
    char path[LIMIT_PATH];
    char line[LIMIT_PATH];
    char mount[LIMIT_PATH];
    size_t leaves = SIZE_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) { /* "0::/group" or "4:memory:/group" */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || group[1] != '/') continue;
        *group++ = '\0';
        controllers++;
        bool v2 = *controllers == '\0';
        if (!v2 && !lists_memory(controllers)) continue;
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, v2 ? "" : "/memory");
        leaves = least(leaves, branch_leaves(mount, group[1] ? group : "", v2));
    }
    if (f) fclose(f);
    return leaves;
}

size_t memory_available_under(const char *root)
{
    char path[LIMIT_PATH];
    uint64_t kib;
    size_t machine = SIZE_MAX;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (read_number(path, "MemAvailable", &kib) && kib < SIZE_MAX / KIB) machine = (size_t)kib * KIB;
    return least(machine, groups_leave(root));
}

static size_t address_space_leaves(void)
{
    struct rlimit limit;
    uint64_t pages = 0;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    read_number("/proc/self/statm", NULL, &pages);
    uint64_t used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return limit.rlim_cur > used ? (size_t)(limit.rlim_cur - used) : 0;
}

/* What RLIMIT_DATA counts: every private writable mapping. */
static size_t data_leaves(void)
{
    struct rlimit limit;
    uint64_t kib = 0;
    if (getrlimit(RLIMIT_DATA, &limit) || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
    read_number("/proc/self/status", "VmData", &kib);
    uint64_t used = kib * KIB;
    return limit.rlim_cur > used ? (size_t)(limit.rlim_cur - used) : 0;
}

size_t memory_available(void)
{
    return least(memory_available_under(""), least(address_space_leaves(), data_leaves()));
}
