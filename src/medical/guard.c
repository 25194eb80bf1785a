/* guard.c - see guard.h. */
#include "medical/guard.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "medical/guard_parts.h"

struct guard {
    struct lexicon *lexicon;
};

int guard_new(struct guard **out, const char *drugs, size_t n, struct error *e)
{
    struct guard *g = calloc(1, sizeof *g);
    *out = NULL;
    if (!g) return error_set(e, ERR_NOMEM, "no memory for the guard");
    int rc = lexicon_new(&g->lexicon, drugs, n, e);
    if (rc) {
        free(g);
        return rc;
    }
    *out = g;
    return OK;
}

void guard_free(struct guard *g)
{
    if (!g) return;
    lexicon_free(g->lexicon);
    free(g);
}

const struct lexicon *guard_lexicon(const struct guard *g)
{
    return g->lexicon;
}

size_t guard_drug_count(const struct guard *g)
{
    return lexicon_drug_count(g->lexicon);
}

static int collect(void *user, const char *text, size_t n)
{
    return buf_append(user, text, n);
}

int guard_check(const struct guard *g, const char *text, size_t n, struct guard_result *out, struct error *e)
{
    struct guard_stream *s = NULL;
    struct buf shown = BUF_INIT(8 * (size_t)LIMIT_MEDICAL_TEXT);
    *out = (struct guard_result){0};
    if (n > LIMIT_MEDICAL_TEXT) return error_set(e, ERR_LIMIT, "the text is too long to be checked");
    int rc = guard_stream_new(&s, g, NULL, collect, &shown, e);
    if (!rc) rc = guard_stream_feed(s, text, n, e);
    if (!rc) rc = guard_stream_end(s, out, e);
    guard_stream_free(s);
    if (!rc && !shown.data) rc = buf_append(&shown, "", 0);
    out->len = shown.len;
    out->text = rc ? NULL : shown.data ? buf_take(&shown) : strdup("");
    if (!rc && !out->text) rc = error_set(e, ERR_NOMEM, "no memory for the checked text");
    buf_free(&shown);
    if (rc) guard_result_free(out);
    return rc;
}

void guard_result_free(struct guard_result *r)
{
    free(r->spans);
    free(r->text);
    *r = (struct guard_result){0};
}

const char *guard_reason_id(enum guard_reason reason)
{
    static const char *const ids[] = {
#define X(constant, id) id,
        GUARD_REASONS(X)
#undef X
    };
    return ids[reason];
}

const char *guard_action_id(enum guard_action action)
{
    static const char *const ids[] = {"pass", "rewrite", "block"};
    return ids[action];
}

/* Each must pass the guard itself, whatever stands before it. */
const char *guard_replacement(enum guard_reason reason, bool chinese)
{
    static const char *const texts[GUARD_REASON_COUNT][2] = {
        [GUARD_DOSE] = {"please ask a doctor or pharmacist whether this is right for you and how to use it",
                        "是否适合用药以及具体用法，请咨询医生或药师"},
        [GUARD_HERB] = {"please ask a doctor of Chinese medicine or a pharmacist whether and how to use it",
                        "是否适合使用以及具体用法，请咨询中医师或药师"},
        [GUARD_CHANGE] = {"please let your doctor decide about any change of medicines",
                          "用药上的任何调整，请由医生决定"},
        [GUARD_CHOICE] = {"please let a doctor decide which medicine is suitable, if any",
                          "是否需要用药、选用哪种药，请由医生判断"},
        [GUARD_CONFIRM] = {"please ask the doctor or pharmacist who knows your case whether this is right for you",
                           "这样用药是否合适，请咨询开药的医生或药师"},
        [GUARD_EQUIVALENCE] = {"please ask a doctor or pharmacist before comparing medicines",
                               "不同药物之间如何比较，请咨询医生或药师"},
        [GUARD_ACCESS] = {"please see a doctor for anything that needs a prescription",
                          "需要处方的药物，请先到医院就诊"},
    };
    return texts[reason][chinese ? 1 : 0];
}
