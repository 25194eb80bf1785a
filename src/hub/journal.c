/* journal.c - see journal.h. */
#include "hub/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

enum { LINE_MAX_BYTES = 256 };

/* Insert [from, to) into the sorted list and merge what touches. */
static int insert_range(struct journal *j, int64_t from, int64_t to)
{
    size_t first = 0;
    while (first < j->count && j->ranges[first].to < from) first++;
    size_t last = first;
    while (last < j->count && j->ranges[last].from <= to) last++;
    if (last > first) { /* [first, last) touch the new one: they become one */
        if (j->ranges[first].from < from) from = j->ranges[first].from;
        if (j->ranges[last - 1].to > to) to = j->ranges[last - 1].to;
        memmove(&j->ranges[first + 1], &j->ranges[last], (j->count - last) * sizeof *j->ranges);
        j->count -= last - first - 1;
    } else {
        if (j->count == j->cap) {
            size_t cap = j->cap ? j->cap * 2 : 64;
            struct journal_range *grown = realloc(j->ranges, cap * sizeof *grown);
            if (!grown) return ERR_NOMEM;
            j->ranges = grown;
            j->cap = cap;
        }
        memmove(&j->ranges[first + 1], &j->ranges[first], (j->count - first) * sizeof *j->ranges);
        j->count++;
    }
    j->ranges[first] = (struct journal_range){from, to};
    return OK;
}

/* A decimal number of at most 18 digits followed by end; advances *p behind it. */
static bool take_number(const char **p, char end, int64_t *out)
{
    int64_t value = 0;
    int digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 18; (*p)++, digits++) value = value * 10 + (**p - '0');
    if (digits == 0 || **p != end) return false; /* a nineteenth digit is not the end */
    if (end) (*p)++;
    *out = value;
    return true;
}

static bool parse_header(struct journal *j, const char *line, const char *identity)
{
    static const char magic[] = "xiaobei-journal 1 ";
    const char *p = line + sizeof magic - 1;
    int64_t size;
    if (strncmp(line, magic, sizeof magic - 1) != 0 || !take_number(&p, ' ', &size)) return false;
    if (!identity) {
        j->size = size;
        return true;
    }
    return size == j->size && strcmp(p, identity) == 0;
}

static bool parse_line(struct journal *j, const char *line, int64_t data_size)
{
    const char *p = line + 2;
    int64_t number = 0, from, to;
    bool part = strncmp(line, "P ", 2) == 0;
    if (!part && strncmp(line, "R ", 2) != 0) return false;
    if (part && (!take_number(&p, ' ', &number) || number != j->parts + 1)) return false;
    if (!take_number(&p, ' ', &from) || !take_number(&p, '\0', &to)) return false;
    if (from >= to || to > j->size || to > data_size) return false;
    if (part && (from != j->parts_end || number > LIMIT_PULL_PARTS)) return false;
    if (insert_range(j, from, to)) return false;
    if (part) {
        j->parts = (int)number;
        j->parts_end = to;
    }
    return true;
}

size_t journal_parse(struct journal *j, const char *text, size_t n, const char *identity, int64_t data_size)
{
    size_t at = 0;
    bool header = true;
    while (at < n) {
        char line[LINE_MAX_BYTES];
        const char *newline = memchr(text + at, '\n', n - at);
        size_t length = newline ? (size_t)(newline - (text + at)) : sizeof line;
        if (length >= sizeof line || memchr(text + at, '\0', length)) break;
        memcpy(line, text + at, length);
        line[length] = '\0';
        if (header ? !parse_header(j, line, identity) : !parse_line(j, line, data_size)) break;
        header = false;
        at += length + 1;
    }
    return at;
}

static int append_line(struct journal *j, const char *line, struct error *e)
{
    size_t n = strlen(line);
    ssize_t written;
    do written = write(j->fd, line, n);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)n || fdatasync(j->fd))
        return error_set(e, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot write the download's journal: %s",
                         written < 0 ? strerror(errno) : "disk full?");
    return OK;
}

int journal_reset(struct journal *j, const char *identity, struct error *e)
{
    char line[LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line, "xiaobei-journal 1 %" PRId64 " %s\n", j->size, identity);
    if (n < 0 || (size_t)n >= sizeof line) return error_set(e, ERR_INTERNAL, "the download's identity is too long");
    j->count = 0;
    j->parts = 0;
    j->parts_end = 0;
    if (ftruncate(j->fd, 0)) return error_set(e, ERR_IO, "cannot clear the download's journal: %s", strerror(errno));
    return append_line(j, line, e);
}

int journal_open(struct journal *j, const char *path, int64_t size, const char *identity, int64_t data_size,
                 struct error *e)
{
    *j = (struct journal){.fd = -1, .size = size};
    struct buf text = BUF_INIT(LIMIT_PULL_JOURNAL);
    struct error ignored = {0};
    if (file_exists(path) && file_read(&text, path, &ignored)) buf_clear(&text); /* unreadable: start anew */
    size_t good = data_size < 0 ? 0 : journal_parse(j, buf_text(&text), text.len, identity, data_size);
    int rc = OK;
    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (j->fd < 0)
        rc = error_set(e, ERR_IO, "cannot open the download's journal: %s", strerror(errno));
    else if (good == 0)
        rc = journal_reset(j, identity, e);
    else if (good < text.len && ftruncate(j->fd, (off_t)good))
        rc = error_set(e, ERR_IO, "cannot mend the download's journal: %s", strerror(errno));
    buf_free(&text);
    if (rc) journal_close(j);
    return rc;
}

void journal_close(struct journal *j)
{
    if (j->fd > 0) close(j->fd);
    free(j->ranges);
    *j = (struct journal){.fd = -1};
}

int journal_add(struct journal *j, int64_t from, int64_t to, struct error *e)
{
    char line[LINE_MAX_BYTES];
    if (from >= to) return OK;
    snprintf(line, sizeof line, "R %" PRId64 " %" PRId64 "\n", from, to);
    if (insert_range(j, from, to)) return error_set(e, ERR_NOMEM, "no memory for the download's journal");
    return append_line(j, line, e);
}

int journal_add_part(struct journal *j, int number, int64_t from, int64_t to, struct error *e)
{
    char line[LINE_MAX_BYTES];
    snprintf(line, sizeof line, "P %d %" PRId64 " %" PRId64 "\n", number, from, to);
    if (insert_range(j, from, to)) return error_set(e, ERR_NOMEM, "no memory for the download's journal");
    j->parts = number;
    j->parts_end = to;
    return append_line(j, line, e);
}

int64_t journal_done(const struct journal *j)
{
    int64_t done = 0;
    for (size_t i = 0; i < j->count; i++) done += j->ranges[i].to - j->ranges[i].from;
    return done;
}

bool journal_hole(const struct journal *j, int64_t at, struct journal_range *hole)
{
    for (size_t i = 0; i < j->count; i++) {
        if (j->ranges[i].to <= at) continue;
        if (j->ranges[i].from > at) {
            *hole = (struct journal_range){at, j->ranges[i].from};
            return true;
        }
        at = j->ranges[i].to;
    }
    *hole = (struct journal_range){at, j->size};
    return at < j->size;
}

int64_t journal_peek(const char *path, const char *identity, int64_t *size)
{
    struct journal j = {.fd = -1, .size = *size};
    struct buf text = BUF_INIT(LIMIT_PULL_JOURNAL);
    struct error ignored = {0};
    int64_t done = 0;
    *size = 0;
    if (!file_read(&text, path, &ignored) && journal_parse(&j, buf_text(&text), text.len, identity, INT64_MAX)) {
        done = journal_done(&j);
        *size = j.size;
    }
    buf_free(&text);
    free(j.ranges);
    return done;
}
