/* journal.h - which bytes of an unfinished download are safely on disk.
 *
 * A text file beside FILE.part: one header line that names what is being fetched, then one line per range:
 *     xiaobei-journal 1 SIZE IDENTITY
 *     R FROM TO         bytes [FROM, TO) are in the file
 *     P NUMBER FROM TO  the same, and they are part NUMBER of a model that comes in parts
 * The caller syncs the data before it adds a line, and the line is synced before the call returns: after a kill or a
 * power cut the journal never promises bytes that are not there. A torn last line is dropped. Another size or identity
 * (the published file changed) starts anew. Identity: the published checksum, or without one the version the server
 * names. Rejected: a bitmap (needs in-place writes, tears), trusting the file's size
 * (parts arrive out of order). Thread: one owner.
 */
#ifndef XIAOBEI_HUB_JOURNAL_H
#define XIAOBEI_HUB_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct journal_range {
    int64_t from, to; /* bytes [from, to) */
};

struct journal {
    int fd;
    int64_t size;                 /* bytes of the whole file */
    struct journal_range *ranges; /* sorted, merged; owned */
    size_t count, cap;
    int parts;         /* parts 1..parts are there, in order */
    int64_t parts_end; /* and end here */
};

/* Open or create path. identity: no blanks, e.g. the sha256. data_size: bytes of the .part file now, -1 if missing;
 * ranges beyond it are not believed. */
int journal_open(struct journal *j, const char *path, int64_t size, const char *identity, int64_t data_size,
                 struct error *e) MUST_USE;
void journal_close(struct journal *j); /* safe on a zeroed struct and twice */

int journal_add(struct journal *j, int64_t from, int64_t to, struct error *e) MUST_USE;
int journal_add_part(struct journal *j, int number, int64_t from, int64_t to, struct error *e) MUST_USE;
int journal_reset(struct journal *j, const char *identity, struct error *e) MUST_USE; /* forget everything */

int64_t journal_done(const struct journal *j); /* bytes that are there */

/* The first missing range at or after at, cut to the file; false if there is none. */
bool journal_hole(const struct journal *j, int64_t at, struct journal_range *hole);

/* Bytes that a journal file says are there; 0 if it cannot be read or is about something else than identity (NULL: any)
 * and *size. *size gets the whole (0 if unknown). */
int64_t journal_peek(const char *path, const char *identity, int64_t *size);

/* The parser alone: fills ranges and parts from text; returns the length of the believable prefix, 0 if the header does
 * not match (identity NULL: any; then j->size is taken from the header). */
size_t journal_parse(struct journal *j, const char *text, size_t n, const char *identity, int64_t data_size);

#endif
