/* port_holder.c - see port_holder.h. /proc/net/tcp gives the listening socket's inode, /proc/PID/fd the process. */
#include "cli/port_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP_LISTEN_STATE = 0x0A };

/* The inode of a listening socket on the port in one table, 0 if there is none. */
static unsigned long listening_inode(const char *table, int port)
{
    FILE *f = fopen(table, "re");
    if (!f) return 0;
    char line[512];
    unsigned long found = 0;
    while (!found && fgets(line, sizeof line, f)) {
        unsigned local_port;
        unsigned state;
        unsigned long inode;
        int fields = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu", &local_port, &state, &inode);
        if (fields == 3 && local_port == (unsigned)port && state == TCP_LISTEN_STATE) found = inode;
    }
    fclose(f);
    return found;
}

static bool process_has_socket(const char *pid, const char *wanted)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    if (!dir) return false;
    bool found = false;
    for (struct dirent *d; !found && (d = readdir(dir));) {
        char target[64];
        ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof target - 1);
        if (n <= 0) continue;
        target[n] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    closedir(dir);
    return found;
}

static void describe_process(const char *pid, char *out, size_t n)
{
    char path[300];
    char name[64] = "a process";
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fgets(name, sizeof name, f)) name[strcspn(name, "\n")] = '\0';
        fclose(f);
    }
    snprintf(out, n, "%s (pid %s)", name, pid);
}

bool port_holder_find(int port, char *out, size_t n)
{
    unsigned long inode = listening_inode("/proc/net/tcp", port);
    if (!inode) inode = listening_inode("/proc/net/tcp6", port);
    if (!inode) return false;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    snprintf(out, n, "another user's process");
    DIR *dir = opendir("/proc");
    if (!dir) return true;
    for (struct dirent *d; (d = readdir(dir));) {
        if (!isdigit((unsigned char)d->d_name[0]) || !process_has_socket(d->d_name, wanted)) continue;
        describe_process(d->d_name, out, n);
        break;
    }
    closedir(dir);
    return true;
}
