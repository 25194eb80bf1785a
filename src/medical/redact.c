/* redact.c - see redact.h. */
#include "medical/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "medical/redact_parts.h"

struct redactor {
    struct redact_words *words;
};

static const char *const ids[] = {
#define X(constant, id, marker) id,
    REDACT_TYPES(X)
#undef X
};

static const char *const markers[] = {
#define X(constant, id, marker) marker,
    REDACT_TYPES(X)
#undef X
};

const char *redact_type_id(enum redact_type type)
{
    return ids[type];
}

const char *redact_type_marker(enum redact_type type)
{
    return markers[type];
}

int redactor_new(struct redactor **out, struct error *e)
{
    struct redactor *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return error_set(e, ERR_NOMEM, "no memory for the redactor");
    int rc = redact_words_new(&r->words, e);
    if (rc)
        redactor_free(r);
    else
        *out = r;
    return rc;
}

void redactor_free(struct redactor *r)
{
    if (r) redact_words_free(r->words);
    free(r);
}

static int by_start(const void *a, const void *b)
{
    const struct redact_span *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return x->end == y->end ? 0 : x->end > y->end ? -1 : 1;
}

/* Where two overlap, one span over both, of the type of the longer: nothing found stays visible. */
static void join(struct redact_text *t)
{
    size_t out = 0;
    size_t longest = 0;
    if (t->count) qsort(t->spans, t->count, sizeof *t->spans, by_start);
    for (size_t i = 0; i < t->count; i++) {
        struct redact_span s = t->spans[i];
        if (out && s.start < t->spans[out - 1].end) {
            struct redact_span *last = &t->spans[out - 1];
            if (s.end - s.start > longest) {
                longest = s.end - s.start;
                last->type = s.type;
            }
            if (s.end > last->end) last->end = s.end;
        } else {
            t->spans[out++] = s;
            longest = s.end - s.start;
        }
    }
    t->count = out;
}

static int write_masked(const struct redact_text *t, const char *text, size_t n, struct redact_result *out)
{
    struct buf b = BUF_INIT(8 * (size_t)LIMIT_MEDICAL_TEXT);
    size_t character = 0;
    size_t span = 0;
    for (size_t i = 0; i < n; character++) {
        uint32_t c;
        size_t m = utf8_decode(text + i, n - i, &c);
        while (span < t->count && character >= t->spans[span].end) span++;
        bool inside = span < t->count && character >= t->spans[span].start;
        if (inside && character == t->spans[span].start) buf_append_text(&b, markers[t->spans[span].type]);
        if (!inside) buf_append(&b, text + i, m);
        i += m;
    }
    int rc = buf_error(&b) ? buf_error(&b) : buf_append(&b, "", 0);
    out->len = b.len;
    out->text = rc ? NULL : buf_take(&b);
    buf_free(&b);
    return rc ? rc : out->text ? OK : ERR_NOMEM;
}

int redact_run(const struct redactor *r, const char *text, size_t n, struct redact_result *out, struct error *e)
{
    struct redact_text t;
    *out = (struct redact_result){0};
    if (n > LIMIT_MEDICAL_TEXT) return error_set(e, ERR_LIMIT, "the text is too long to be masked");
    int rc = redact_text_make(&t, text, n);
    if (!rc) {
        redact_numbers(r->words, &t);
        t.numbers = t.count;
        redact_accounts(r->words, &t);
        redact_addresses(r->words, &t);
        redact_addresses_en(r->words, &t);
        redact_names(r->words, &t);
        redact_names_en(r->words, &t);
        redact_tables(r->words, &t);
        rc = t.error;
    }
    if (!rc) {
        join(&t);
        rc = write_masked(&t, text, n, out);
    }
    if (!rc) {
        out->spans = t.spans;
        out->count = t.count;
        t.spans = NULL;
    }
    redact_text_free(&t);
    return rc ? error_set(e, rc, "%s", error_code_text(rc)) : OK;
}

void redact_result_free(struct redact_result *r)
{
    free(r->spans);
    free(r->text);
    *r = (struct redact_result){0};
}
