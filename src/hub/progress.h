/* progress.h - what a person or a program sees of a long transfer.
 *
 * On a terminal: one line on standard error, redrawn ten times a second: bar, bytes, speed, time left. With --json: one
 * JSON object a line on standard output ({"event": ...}), progress once a second. Otherwise only the words.
 * Thread: one owner.
 */
#ifndef XIAOBEI_HUB_PROGRESS_H
#define XIAOBEI_HUB_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool json;      /* events on standard output */
    bool bar;       /* standard error is a terminal */
    bool drawn;     /* a bar is on the screen and must be wiped before words */
    char label[96]; /* the file being fetched */
    int64_t total;  /* bytes of it; 0 if unknown */
    int64_t start;  /* bytes that were there before this run: they do not count for the speed */
    int64_t done;
    double began, shown; /* clock_monotonic */
};

void progress_init(struct progress *p, bool json); /* bar: only without json, on a terminal */
void progress_begin(struct progress *p, const char *label, int64_t done, int64_t total);
void progress_set(struct progress *p, int64_t done);

/* Both in one, for work that tells its total as it goes (model_export): begins under the label that progress_label
 * gave. */
void progress_label(struct progress *p, const char *label);
void progress_follow(void *progress, int64_t done, int64_t total);

void progress_end(struct progress *p);

/* A sentence for a person: standard error, or {"event":"note","text":...}. */
void progress_say(struct progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An event for a program; takes the object (may be NULL). Nothing without --json. */
void progress_event(struct progress *p, json_t *event);

/* "1.12 GB", "491 MB", "12 B": decimal units, as hubs and disks print them. */
void progress_bytes(char *out, size_t n, int64_t bytes);

#endif
