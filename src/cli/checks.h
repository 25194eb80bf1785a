/* checks.h - the findings of `xiaobei doctor`: one line each, with advice where something is wrong. Thread: start-up
 * only. */
#ifndef XIAOBEI_CLI_CHECKS_H
#define XIAOBEI_CLI_CHECKS_H

enum check_status { CHECK_OK, CHECK_WARN, CHECK_FAIL };

enum { CHECK_TEXT = 400, CHECK_MAX = 32 };

struct check {
    enum check_status status;
    const char *name;         /* "cpu", "memory", ... static */
    char finding[CHECK_TEXT]; /* what was seen */
    char advice[CHECK_TEXT];  /* what to do; empty when ok */
};

struct check_list {
    int count;
    struct check items[CHECK_MAX];
};

/* The next free entry, OK and empty; the last one again when the list is full. Borrowed from the list. */
struct check *check_add(struct check_list *list, const char *name);

void check_cpu(struct check_list *list);
void check_memory(struct check_list *list);
void check_port(struct check_list *list, int port);
void check_directories(struct check_list *list); /* write access and free space of every state directory */
void check_models(struct check_list *list, const char *reference); /* NULL: the default model */

#endif
