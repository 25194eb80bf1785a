/* fuzz_redact.c - any bytes through the redactor: spans in order, inside the text, and a text that is as long as they
 * say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "medical/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct redactor *redactor;
    struct redact_result r;
    if (!redactor && redactor_new(&redactor, NULL)) abort();
    if (redact_run(redactor, (const char *)data, size, &r, NULL)) return 0;
    size_t count = utf8_count((const char *)data, size);
    size_t kept = count;
    for (size_t i = 0; i < r.count; i++) {
        const struct redact_span *s = &r.spans[i];
        if (s->start >= s->end || s->end > count || (i && s->start < r.spans[i - 1].end)) abort();
        const char *marker = redact_type_marker(s->type);
        kept = kept - (s->end - s->start) + utf8_count(marker, strlen(marker));
    }
    if (utf8_is_valid((const char *)data, size) && utf8_count(r.text, r.len) != kept) abort();
    redact_result_free(&r);
    return 0;
}
