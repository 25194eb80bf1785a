/* progress.c - see progress.h. */
#include "hub/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_CELLS = 24, SAY_MAX = 1024 };

void progress_init(struct progress *p, bool json)
{
    *p = (struct progress){.json = json, .bar = !json && isatty(STDERR_FILENO)};
}

void progress_bytes(char *out, size_t n, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, n, "%.*f %s", unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value, units[unit]);
}

static void wipe(struct progress *p)
{
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

/* Bytes a second of this run; 0 while it is too early to tell. */
static double speed_of(const struct progress *p, double now)
{
    double elapsed = now - p->began;
    return elapsed > 0.2 ? (double)(p->done - p->start) / elapsed : 0;
}

static void draw(struct progress *p, double now)
{
    char cells[BAR_CELLS + 1], done[24], total[24], rate[24], left[32] = "";
    double part = p->total > 0 ? (double)p->done / (double)p->total : 0;
    double speed = speed_of(p, now);
    int filled = (int)(part * BAR_CELLS);
    if (filled > BAR_CELLS) filled = BAR_CELLS;
    memset(cells, '.', BAR_CELLS);
    memset(cells, '#', (size_t)(filled < 0 ? 0 : filled));
    cells[BAR_CELLS] = '\0';
    progress_bytes(done, sizeof done, p->done);
    progress_bytes(total, sizeof total, p->total);
    progress_bytes(rate, sizeof rate, (int64_t)speed);
    if (speed > 1) {
        long seconds = (long)((double)(p->total - p->done) / speed);
        snprintf(left, sizeof left, ", %ld:%02ld left", seconds / 60, seconds % 60);
    }
    fprintf(stderr, "\r\033[K%.40s [%s] %s of %s, %s/s%s", p->label, cells, done, total, rate, left);
    fflush(stderr);
    p->drawn = true;
}

static void show(struct progress *p, double now)
{
    p->shown = now;
    if (p->bar) draw(p, now);
    progress_event(p, json_pack("{s:s, s:s, s:I, s:I, s:I}", "event", "progress", "file", p->label, "done",
                                (json_int_t)p->done, "total", (json_int_t)p->total, "bytes_per_second",
                                (json_int_t)speed_of(p, now)));
}

void progress_label(struct progress *p, const char *label)
{
    size_t n = strlen(label);
    if (n >= sizeof p->label) n = sizeof p->label - 1;
    memcpy(p->label, label, n);
    p->label[n] = '\0';
}

static void begin(struct progress *p, int64_t done, int64_t total)
{
    p->total = total;
    p->start = p->done = done;
    p->began = clock_monotonic();
    show(p, p->began);
}

void progress_begin(struct progress *p, const char *label, int64_t done, int64_t total)
{
    progress_label(p, label);
    begin(p, done, total);
}

void progress_follow(void *progress, int64_t done, int64_t total)
{
    struct progress *p = progress;
    if (p->total != total) begin(p, 0, total);
    progress_set(p, done);
}

void progress_set(struct progress *p, int64_t done)
{
    double now = clock_monotonic();
    p->done = done;
    if (now - p->shown >= (p->json ? 1.0 : 0.1)) show(p, now);
}

void progress_end(struct progress *p)
{
    if (p->json && p->label[0]) show(p, clock_monotonic());
    wipe(p);
    p->label[0] = '\0';
}

void progress_say(struct progress *p, const char *format, ...)
{
    char text[SAY_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (p->json) {
        progress_event(p, json_pack("{s:s, s:s}", "event", "note", "text", text));
        return;
    }
    wipe(p);
    fprintf(stderr, "%s\n", text);
}

void progress_event(struct progress *p, json_t *event)
{
    if (p->json && event) {
        json_dumpf(event, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
    }
    json_decref(event);
}
