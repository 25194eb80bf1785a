/* guard_stream.c - sentences in, what may be shown out. One sentence is held back until its end is known; its verdict
 * depends on the sentences before it only, so that every cut of the text gives the same answer. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "medical/guard_parts.h"
#include "medical/guard_rules.h"
#include "medical/guard_sentence.h"

struct guard_stream {
    const struct guard *g;
    guard_sink sink;
    void *user;
    struct guard_context context;
    struct buf held;
    size_t offset; /* of held in the whole text */
    struct guard_span *spans;
    size_t count, cap;
    bool kept;       /* something of the original was released */
    bool last_whole; /* the last sentence was replaced as a whole */
    bool last_newline;
    enum guard_reason last_reason;
    int rc; /* errors stick */
};

static bool is_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
            ((uint8_t)s[i] >= 0xE3 && (uint8_t)s[i] <= 0xE9 && memcmp(s + i, "。", 3) && memcmp(s + i, "、", 3)))
            return true;
    return false;
}

/* Past blanks, the mark of a list, a quotation mark. */
static size_t skip_mark(const char *s, size_t at, size_t end)
{
    size_t digits = at;
    while (at < end && strchr(" -*#>|\"(\t+", s[at])) at++;
    if (end - at > 2 && memcmp(s + at, "·", 2) == 0) at += 2;
    digits = at;
    while (digits < end && s[digits] >= '0' && s[digits] <= '9') digits++;
    if (digits > at && digits - at <= 2 && digits + 1 < end &&
        (s[digits] == ')' || (s[digits] == '.' && (s[digits + 1] == ' ' || (uint8_t)s[digits + 1] >= 0x80))))
        at = digits + 1;
    else if (digits > at && digits - at <= 2 && end - digits > 3 && memcmp(s + digits, "、", 3) == 0)
        at = digits + 3;
    while (at < end && s[at] == ' ') at++;
    return at;
}

static size_t strip_end(const char *s, size_t start, size_t end)
{
    while (end > start) {
        if (strchr(" \n\t,;!?.:\"|')", s[end - 1]))
            end--;
        else if (end >= start + 3 && (memcmp(s + end - 3, "。", 3) == 0 || memcmp(s + end - 3, "—", 3) == 0))
            end -= 3;
        else
            break;
    }
    return end;
}

struct cutting {
    size_t start, end; /* bytes of the normal text */
    enum guard_reason reason;
    bool whole;
    bool first; /* at the sentence's beginning */
};

static struct cutting cut_out(const struct guard_line *line, const struct guard_findings *f)
{
    size_t first = line->clauses;
    size_t last = 0;
    uint32_t from = UINT32_MAX;
    uint32_t to = 0;
    struct cutting c = {.reason = f->list[0].reason};
    for (size_t i = 0; i < f->count; i++) {
        const struct guard_finding *x = &f->list[i];
        if (x->first_clause < first) first = x->first_clause;
        if (x->last_clause > last) last = x->last_clause;
        if (line->tokens[x->first].start < from) from = line->tokens[x->first].start;
        if (line->tokens[x->last].end > to) to = line->tokens[x->last].end;
    }
    const char *s = line->text.text;
    c.start = line->is_row ? from : skip_mark(s, line->starts[first], line->text.len);
    c.end = line->is_row ? to : strip_end(s, c.start, line->starts[last + 1]);
    if (c.start > from) c.start = from;
    if (c.end < to) c.end = to;
    size_t mark = skip_mark(s, 0, line->text.len);
    c.first = c.start <= mark;
    c.whole = c.first && !is_text(s + c.end, line->text.len - c.end);
    return c;
}

static int put(struct guard_stream *s, const char *text, size_t n)
{
    return n ? s->sink(s->user, text, n) : OK;
}

static int put_replacement(struct guard_stream *s, const struct cutting *c, bool chinese)
{
    const char *text = guard_replacement(c->reason, chinese);
    char head = text[0];
    if (!chinese && c->first && head >= 'a' && head <= 'z') {
        head = (char)(head - 32);
        int rc = put(s, &head, 1);
        return rc ? rc : put(s, text + 1, strlen(text) - 1);
    }
    return put(s, text, strlen(text));
}

static int add_span(struct guard_stream *s, size_t start, size_t end, enum guard_reason reason)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct guard_span *grown = realloc(s->spans, cap * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        s->spans = grown;
        s->cap = cap;
    }
    s->spans[s->count++] = (struct guard_span){start, end, reason};
    return OK;
}

static int replace(struct guard_stream *s, const char *text, size_t n, const struct guard_line *line,
                   const struct guard_findings *f)
{
    struct cutting c = cut_out(line, f);
    size_t start = line->text.origin[c.start];
    size_t end = line->text.origin[c.end];
    bool newline = n && text[n - 1] == '\n';
    int rc = add_span(s, s->offset + start, s->offset + end, c.reason);
    if (rc) return rc;
    if (c.whole && s->last_whole && s->last_reason == c.reason) { /* said already */
        rc = newline && !s->last_newline ? put(s, "\n", 1) : OK;
        s->last_newline |= newline;
        return rc;
    }
    rc = put(s, text, start);
    if (!rc) rc = put_replacement(s, &c, line->is_chinese);
    if (!rc) rc = put(s, text + end, n - end);
    s->kept |= !c.whole;
    s->last_whole = c.whole;
    s->last_reason = c.reason;
    s->last_newline = newline;
    return rc;
}

static int take_sentence(struct guard_stream *s, const char *text, size_t n, struct error *e)
{
    struct guard_line line;
    struct guard_findings found;
    int rc = guard_line_init(&line, guard_lexicon(s->g), text, n, e);
    if (rc) return rc;
    guard_judge(&s->context, &line, &found);
    if (found.count) {
        rc = replace(s, text, n, &line, &found);
    } else {
        rc = put(s, text, n);
        if (is_text(line.text.text, line.text.len)) {
            s->kept = true;
            s->last_whole = false;
        }
    }
    guard_line_fini(&line);
    s->offset += n;
    return rc;
}

static int take_held(struct guard_stream *s, bool last, struct error *e)
{
    size_t at = 0;
    while (!s->rc && at < s->held.len) {
        size_t n = guard_sentence(s->held.data + at, s->held.len - at, last);
        if (n == 0) break;
        s->rc = take_sentence(s, s->held.data + at, n, e);
        at += n;
    }
    buf_drop_front(&s->held, at);
    return s->rc ? error_set(e, s->rc, "the checked text could not be passed on") : OK;
}

/* What the user asked about is what the answer is about. */
static int read_question(struct guard_stream *s, const char *question, struct error *e)
{
    size_t n = strlen(question);
    struct guard_context seen = {0};
    unsigned named = 0;
    for (size_t at = 0; at < n;) {
        struct guard_line line;
        struct guard_findings found;
        size_t len = guard_sentence(question + at, n - at, true);
        int rc = guard_line_init(&line, guard_lexicon(s->g), question + at, len, e);
        if (rc) return rc;
        guard_judge(&seen, &line, &found);
        named |= seen.since_drug == 1;
        guard_line_fini(&line);
        at += len;
    }
    s->context = (struct guard_context){.since_drug = named,
                                        .topic_is_drug = named,
                                        .topic_is_herb = seen.topic_is_herb,
                                        .since_emergency = seen.since_emergency ? 1 : 0};
    return OK;
}

int guard_stream_new(struct guard_stream **out, const struct guard *g, const char *question, guard_sink sink,
                     void *user, struct error *e)
{
    struct guard_stream *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return error_set(e, ERR_NOMEM, "no memory to check an answer");
    *s = (struct guard_stream){.g = g, .sink = sink, .user = user};
    buf_init(&s->held, LIMIT_MEDICAL_TEXT + LIMIT_GUARD_SENTENCE);
    int rc = question ? read_question(s, question, e) : OK;
    if (rc) {
        guard_stream_free(s);
        return rc;
    }
    *out = s;
    return OK;
}

int guard_stream_feed(struct guard_stream *s, const char *text, size_t n, struct error *e)
{
    if (s->rc) return s->rc;
    s->rc = buf_append(&s->held, text, n);
    if (s->rc) return error_set(e, s->rc, "a piece of text is too long to be checked");
    return take_held(s, false, e);
}

int guard_stream_end(struct guard_stream *s, struct guard_result *out, struct error *e)
{
    int rc = take_held(s, true, e);
    if (!out) return rc;
    *out = (struct guard_result){.action = s->count == 0 ? GUARD_PASS
                                           : s->kept     ? GUARD_REWRITE
                                                         : GUARD_BLOCK,
                                 .spans = s->spans,
                                 .count = s->count};
    s->spans = NULL;
    s->count = s->cap = 0;
    return rc;
}

void guard_stream_free(struct guard_stream *s)
{
    if (!s) return;
    buf_free(&s->held);
    free(s->spans);
    free(s);
}
