/* stops.c - see stops.h. The held-back tail is shorter than the longest stop string: searching it again for each token
 * is cheaper than an automaton would be to read. */
#include "engine/stops.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

struct stops {
    char *strings[LIMIT_STOP_STRINGS];
    size_t lengths[LIMIT_STOP_STRINGS];
    int count;
    struct buf held; /* bytes not yet released */
    bool stopped;
};

int stops_new(struct stops **out, const char *const *strings, int n, struct error *e)
{
    *out = NULL;
    if (n > LIMIT_STOP_STRINGS)
        return error_set(e, ERR_INVALID, "stop has %d strings, at most %d are possible", n, LIMIT_STOP_STRINGS);
    struct stops *s = calloc(1, sizeof *s);
    if (!s) return error_set(e, ERR_NOMEM, "no memory for the request");
    buf_init(&s->held, MIB);
    int rc = OK;
    for (int i = 0; !rc && i < n; i++) {
        s->lengths[i] = strlen(strings[i]);
        if (s->lengths[i] == 0 || s->lengths[i] > LIMIT_STOP_BYTES) {
            rc = error_set(e, ERR_INVALID, "a stop string must have 1 to %d bytes", LIMIT_STOP_BYTES);
        } else {
            s->strings[i] = strdup(strings[i]);
            s->count = i + 1;
            if (!s->strings[i]) rc = error_set(e, ERR_NOMEM, "no memory for the request");
        }
    }
    if (rc) {
        stops_free(s);
        return rc;
    }
    *out = s;
    return OK;
}

void stops_free(struct stops *s)
{
    if (!s) return;
    for (int i = 0; i < s->count; i++) free(s->strings[i]);
    buf_free(&s->held);
    free(s);
}

/* Where the earliest stop string begins in the held bytes, or held.len. */
static size_t find_stop(const struct stops *s)
{
    size_t earliest = s->held.len;
    for (int i = 0; i < s->count; i++) {
        const char *found = memmem(buf_text(&s->held), s->held.len, s->strings[i], s->lengths[i]);
        if (found && (size_t)(found - s->held.data) < earliest) earliest = (size_t)(found - s->held.data);
    }
    return earliest;
}

/* How many of the last bytes could be the beginning of a stop string. */
static size_t possible_start(const struct stops *s)
{
    size_t longest = 0;
    for (int i = 0; i < s->count; i++) {
        size_t n = s->lengths[i] - 1 < s->held.len ? s->lengths[i] - 1 : s->held.len;
        for (; n > longest; n--)
            if (memcmp(s->held.data + s->held.len - n, s->strings[i], n) == 0) longest = n;
    }
    return longest;
}

/* Append n bytes as valid UTF-8. */
static int release(struct stops *s, size_t n, struct buf *text)
{
    if (utf8_is_valid(buf_text(&s->held), n)) {
        buf_append(text, buf_text(&s->held), n);
    } else {
        for (size_t i = 0; i < n;) {
            uint32_t c;
            char encoded[4];
            i += utf8_decode(s->held.data + i, n - i, &c);
            buf_append(text, encoded, utf8_encode(c, encoded));
        }
    }
    buf_drop_front(&s->held, n);
    return buf_error(text);
}

int stops_feed(struct stops *s, const char *bytes, size_t n, struct buf *text, bool *stopped)
{
    *stopped = s->stopped;
    if (s->stopped) return OK;
    int rc = buf_append(&s->held, bytes, n);
    if (rc) return rc;
    size_t at = find_stop(s);
    if (at < s->held.len) {
        rc = release(s, at, text);
        buf_clear(&s->held);
        *stopped = s->stopped = true;
        return rc;
    }
    size_t free_bytes = s->held.len - possible_start(s);
    return release(s, utf8_complete_prefix(buf_text(&s->held), free_bytes), text);
}

int stops_finish(struct stops *s, struct buf *text)
{
    return s->stopped ? OK : release(s, s->held.len, text);
}
