/* buf.h - a growable byte string with a maximum.
 *
 * Born with a limit from limits.h; an append that would pass it fails with ERR_LIMIT and leaves the content as it was.
 * The content is always NUL-terminated. Errors stick: after a failed append every further one fails with the same code,
 * so a sequence of appends may be checked once at its end (buf_error).
 * Thread: one owner at a time. Ownership: buf_free releases; buf_take hands the memory to the caller (free()).
 */
#ifndef XIAOBEI_BASE_BUF_H
#define XIAOBEI_BASE_BUF_H

#include <stddef.h>

#include "base/error.h"

struct buf {
    char *data; /* NULL until the first append; use buf_text() for a never-NULL view */
    size_t len; /* bytes, without the terminator */
    size_t cap; /* bytes allocated */
    size_t max; /* len never passes this */
    int error;  /* 0 or the first failure */
};

#define BUF_INIT(limit)                                                                                                \
    {                                                                                                                  \
        NULL, 0, 0, (limit), 0                                                                                         \
    }

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);  /* also resets: the buffer can be used again */
void buf_clear(struct buf *b); /* empties, keeps the memory, forgets the error */
int buf_append(struct buf *b, const void *data, size_t n);
int buf_append_text(struct buf *b, const char *text);
int buf_append_char(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_reserve(struct buf *b, size_t extra); /* room for extra more bytes */
void buf_drop_front(struct buf *b, size_t n); /* remove the first n bytes */
void buf_truncate(struct buf *b, size_t n);   /* keep the first n bytes */
const char *buf_text(const struct buf *b);    /* borrowed, NUL-terminated, "" when empty */
char *buf_take(struct buf *b);                /* transfers (free()); NULL only if an append failed or memory is gone */
int buf_error(const struct buf *b);

#endif
