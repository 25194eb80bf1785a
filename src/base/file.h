/* file.h - files as the program uses them: mapped read-only, read whole with a limit, written atomically.
 *
 * Errors name the file's base name, never its directory: the sentences may reach a client. Any thread.
 */
#ifndef XIAOBEI_BASE_FILE_H
#define XIAOBEI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

/* A whole file mapped read-only. data is valid until file_unmap; an empty file has size 0 and data NULL. */
struct file_map {
    const uint8_t *data;
    size_t size;
};

int file_map_open(struct file_map *map, const char *path, struct error *e) MUST_USE;
void file_map_close(struct file_map *map); /* safe on a zeroed struct and twice */

/* [offset, offset + length) is about to be read from end to end: map its pages in one go. */
void file_map_expect(const struct file_map *map, size_t offset, size_t length);

/* Tell the kernel that [offset, offset + length) is not needed again: its pages stop counting as resident. */
void file_map_forget(const struct file_map *map, size_t offset, size_t length);

/* Append the whole file to out; out's own limit bounds it (ERR_LIMIT). path "-" reads standard input. A pipe is read if
 * somebody writes to it (/dev/stdin, /dev/fd/N), and never waited for. */
int file_read(struct buf *out, const char *path, struct error *e) MUST_USE;

/* Where a new file for path goes: symbolic links are followed, also to a name that is not there yet. ERR_CONFLICT if
 * something is there that is not a regular file: renaming over it would put a file in the place of a device. */
int file_write_target(char out[LIMIT_PATH], const char *path, struct error *e) MUST_USE;

bool file_is_stream(const char *path); /* a pipe or a character device: /dev/null, /dev/stdout */
/* Open such a one for writing; a pipe that nobody reads from is refused, not waited for. */
int file_open_stream(int *fd, const char *path, struct error *e) MUST_USE;

/* Every byte, through short writes and interruptions; 0, or -1 with errno. */
int file_write_all(int fd, const void *bytes, size_t n);

/* Write beside path's target, fsync, rename over it: a reader sees the old content or the new, never a part. */
int file_write_atomic(const char *path, const void *data, size_t n, unsigned mode, struct error *e) MUST_USE;

int file_make_directories(const char *path, unsigned mode, struct error *e) MUST_USE; /* like mkdir -p */
bool file_exists(const char *path);
bool file_is_directory(const char *path);
int64_t file_size(const char *path);          /* bytes, or -1 */
const char *file_base_name(const char *path); /* borrowed: the part after the last '/' */

/* Join into out (of size n). Returns ERR_TOO_LONG instead of cutting. */
int path_join(char *out, size_t n, const char *dir, const char *name) MUST_USE;

#endif
