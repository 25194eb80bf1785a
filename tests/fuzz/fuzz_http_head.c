/* fuzz_http_head.c - a request's head, or ('c' first) a chunked body: read in one piece and byte by byte, with one
 * result. */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "server/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void use_head(const char *data, size_t n)
{
    size_t end;
    size_t slowly = 0;
    const char *why = NULL;
    struct http_head head;
    int status = http_head_scan(data, n, 0, &end, &why);
    int again = 0;
    for (size_t i = 0; i < n && !again && !slowly; i++) again = http_head_scan(data, i + 1, i, &slowly, &why);
    check(status == again && end == slowly && (status == 0) == (why == NULL));
    if (!end) return;
    status = http_head_read(data, end, &head, &why);
    check((status == 0) == (why == NULL));
    check(status || (head.length <= LIMIT_HTTP_BODY && !(head.is_chunked && head.length)));
}

static void use_chunks(const char *data, size_t n)
{
    struct http_chunks whole = {0};
    struct http_chunks bytes = {0};
    size_t used;
    size_t total = 0;
    const char *why = NULL;
    int status = http_chunks_feed(&whole, data, n, &used, &why);
    int again = 0;
    while (total < n && !again && !bytes.done) {
        size_t one;
        again = http_chunks_feed(&bytes, data + total, 1, &one, &why);
        total += one;
    }
    check(status == again && used == total && whole.done == bytes.done && whole.total == bytes.total);
    check(whole.total <= LIMIT_HTTP_BODY && (status == 0) == (why == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    char *exact = calloc(size - 1 ? size - 1 : 1, 1); /* no longer, so that a sanitizer sees a read beyond it */
    if (!exact) return 0;
    for (size_t i = 1; i < size; i++) exact[i - 1] = (char)data[i];
    if (data[0] == 'c')
        use_chunks(exact, size - 1);
    else
        use_head(exact, size - 1);
    free(exact);
    return 0;
}
