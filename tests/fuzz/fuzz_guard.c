/* fuzz_guard.c - any bytes through the guard: the same answer whole and cut, spans in order and inside the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "medical/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int append(void *user, const char *text, size_t n)
{
    return buf_append(user, text, n);
}

static void check_cut(const struct guard *g, const char *text, size_t n, size_t piece, const struct guard_result *whole)
{
    struct guard_stream *s;
    struct guard_result r;
    struct buf out = BUF_INIT(64 * MIB);
    if (guard_stream_new(&s, g, NULL, append, &out, NULL)) abort();
    for (size_t at = 0; at < n; at += piece)
        if (guard_stream_feed(s, text + at, n - at < piece ? n - at : piece, NULL)) abort();
    if (guard_stream_end(s, &r, NULL)) abort();
    if (r.action != whole->action || r.count != whole->count || out.len != whole->len) abort();
    if (memcmp(buf_text(&out), whole->text, out.len) != 0) abort();
    guard_result_free(&r);
    guard_stream_free(s);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guard *g;
    struct guard_result r;
    const char *text = (const char *)data;
    if (!g && guard_new(&g, NULL, 0, NULL)) abort();
    if (size > 64 * KIB || guard_check(g, text, size, &r, NULL)) return 0;
    for (size_t i = 0; i < r.count; i++) {
        if (r.spans[i].start > r.spans[i].end || r.spans[i].end > size) abort();
        if (i && r.spans[i].start < r.spans[i - 1].end) abort();
    }
    if (r.count == 0 && (r.len != size || memcmp(r.text, text, size) != 0)) abort();
    check_cut(g, text, size, 1, &r);
    check_cut(g, text, size, 1 + size / 3, &r);
    guard_result_free(&r);
    return 0;
}
