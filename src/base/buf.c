/* buf.c - see buf.h. Grows by half again: few copies, at most 50 % slack. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->error = OK;
    if (b->data) b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t extra)
{
    if (b->error) return b->error;
    if (extra > b->max - b->len) return b->error = ERR_LIMIT;
    size_t need = b->len + extra + 1;
    if (need <= b->cap) return OK;
    size_t cap = b->cap ? b->cap + b->cap / 2 : FIRST_CAPACITY;
    if (cap < need) cap = need;
    char *data = realloc(b->data, cap);
    if (!data) return b->error = ERR_NOMEM;
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return OK;
}

int buf_append(struct buf *b, const void *data, size_t n)
{
    int rc = buf_reserve(b, n);
    if (rc) return rc;
    if (n) memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
    return OK;
}

int buf_append_text(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_append_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0) return b->error = ERR_INTERNAL;
    int rc = buf_reserve(b, (size_t)n);
    if (rc) return rc;
    va_start(ap, format);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, ap);
    va_end(ap);
    b->len += (size_t)n;
    return OK;
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n == 0 || b->len == 0) return;
    if (n > b->len) n = b->len;
    memmove(b->data, b->data + n, b->len - n + 1);
    b->len -= n;
}

void buf_truncate(struct buf *b, size_t n)
{
    if (n >= b->len) return;
    b->len = n;
    b->data[n] = '\0';
}

const char *buf_text(const struct buf *b)
{
    return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
    if (b->error) return NULL;
    if (!b->data && buf_reserve(b, 0)) return NULL;
    char *data = b->data;
    b->data = NULL;
    buf_init(b, b->max);
    return data;
}

int buf_error(const struct buf *b)
{
    return b->error;
}
