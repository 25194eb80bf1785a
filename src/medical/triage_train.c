/* triage_train.c - see triage_train.h. */
#include "medical/triage_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "medical/triage_classifier.h"
#include "medical/triage_parts.h"

enum { VARIANTS = 4, EPOCHS = 12, FOLDS = 5, ONE_IN = 25, LONGEST = 400 };

static const float rate = 0.35f;
static const float decay = 2e-6f;

static const char notice[] =
    "小贝 triage classifier, trained by `xiaobei train-triage` from data/triage_training.jsonl. "
    "未经临床医师审核 / not yet reviewed by a clinician.";

/* A line in one of its forms. */
struct example {
    uint32_t first; /* in pool */
    uint16_t n, label;
    uint8_t fold;  /* of its line, by its text */
    bool whole;    /* the line as it was written */
    float flag;    /* probability of any flag, by a model that has not seen its line */
    uint16_t said; /* the likeliest flag */
};

struct trainer {
    const struct triage *t;
    uint16_t *pool; /* rows of all examples */
    size_t pool_n, pool_cap;
    struct example *examples;
    size_t n;
    const char *ids[TRIAGE_CLASSES_MAX];
    uint32_t classes;
    float *w, *g; /* [TRIAGE_ROWS][classes]: weights, sums of squared gradients */
    float bias[TRIAGE_CLASSES_MAX], bias_g[TRIAGE_CLASSES_MAX];
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static uint32_t text_hash(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++) h = (h ^ (uint8_t)*s) * 16777619u;
    return h ^ (h >> 16);
}

static int class_of(struct trainer *x, const char *id)
{
    for (uint32_t i = 0; i < x->classes; i++)
        if (strcmp(x->ids[i], id) == 0) return (int)i;
    int row = strcmp(id, "none") == 0 ? 0 : triage_flag_find(x->t->tables, id, strlen(id));
    if (row < 0 || x->classes == TRIAGE_CLASSES_MAX) return -1;
    x->ids[x->classes] = strcmp(id, "none") == 0 ? "none" : x->t->tables->flags[row].id;
    return (int)x->classes++;
}

/* How people frame the same words. The classifier must not learn the frame. */
static const char *const frames[2][12][2] = {
    {{"我爸", ""},
     {"我妈说", ""},
     {"医生,", ""},
     {"请问一下,", ""},
     {"我老婆", ",怎么办"},
     {"孩子", ""},
     {"", "啊"},
     {"", ",怎么办"},
     {"急,", ""},
     {"帮我看看,", "呢"},
     {"邻居大爷", ""},
     {"现在", ",谢谢医生"}},
    {{"my dad: ", ""},
     {"hi doctor, ", ""},
     {"my wife says ", ""},
     {"hello, ", " please help"},
     {"", " what should i do"},
     {"help ", ""},
     {"", " thanks"},
     {"my kid, ", ""},
     {"so ", ""},
     {"um ", " i think"},
     {"my friend says ", ""},
     {"", " now"}},
};

static int framed(const char *text, uint32_t pick, struct buf *out)
{
    bool latin = (text[0] & 0x80) == 0;
    const char *const *f = frames[latin][pick % 12];
    buf_clear(out);
    buf_append_text(out, f[0]);
    buf_append_text(out, text);
    return buf_append_text(out, f[1]);
}

/* Lose or swap one character. */
static size_t misspelt(uint32_t *cp, size_t n, uint32_t pick)
{
    if (n < 5) return n;
    size_t at = 1 + pick % (n - 3);
    if (pick & 0x10000) {
        memmove(cp + at, cp + at + 1, (n - at - 1) * sizeof *cp);
        return n - 1;
    }
    uint32_t c = cp[at];
    cp[at] = cp[at + 1];
    cp[at + 1] = c;
    return n;
}

static int add_example(struct trainer *x, const char *text, uint16_t label, uint8_t fold, bool whole, bool typo,
                       uint32_t pick, struct error *e)
{
    struct triage_text row;
    uint16_t rows[TRIAGE_GRAMS_MAX];
    int rc = triage_text_make(&row, x->t->lex, &text, 1, 0, e);
    if (rc) return rc;
    if (row.n > LONGEST) row.n = LONGEST;
    if (typo) row.n = misspelt(row.cp, row.n, pick);
    struct lex_hits hits = {0};
    if (lex_find(x->t->lex, row.cp, row.n, &hits) || context_judge(x->t->lex, x->t->cues, &row, &hits))
        rc = error_set(e, ERR_NOMEM, "no memory for the concepts");
    size_t n = rc ? 0 : triage_features(&(struct triage_sentence){row.cp, 0, row.n, x->t->lex, &hits}, rows);
    lex_hits_free(&hits);
    triage_text_free(&row);
    if (rc) return rc;
    if (x->pool_n + n > x->pool_cap) {
        size_t cap = 2 * x->pool_cap + TRIAGE_GRAMS_MAX;
        uint16_t *pool = cap <= 64 * LIMIT_TRIAGE_ITEMS ? realloc(x->pool, cap * sizeof *pool) : NULL;
        if (!pool) return error_set(e, ERR_NOMEM, "no memory for the features");
        x->pool = pool;
        x->pool_cap = cap;
    }
    memcpy(x->pool + x->pool_n, rows, n * sizeof *rows);
    x->examples[x->n++] = (struct example){(uint32_t)x->pool_n, (uint16_t)n, label, fold, whole, 0, 0};
    x->pool_n += n;
    return OK;
}

static int add_line(struct trainer *x, const struct triage_training_line *line, struct buf *frame, struct error *e)
{
    int label = class_of(x, line->flag);
    uint32_t h = text_hash(line->text);
    uint8_t fold = (uint8_t)(h % FOLDS);
    if (label < 0) return error_set(e, ERR_FORMAT, "there is no red flag of the id %s", line->flag);
    int rc = add_example(x, line->text, (uint16_t)label, fold, true, false, 0, e);
    for (uint32_t v = 1; v < VARIANTS && !rc; v++) {
        uint32_t pick = next_random(&h);
        const char *text = line->text;
        if (v >= 2 && framed(text, pick, frame)) return error_set(e, ERR_LIMIT, "a line is too long");
        if (v >= 2) text = buf_text(frame);
        rc = add_example(x, text, (uint16_t)label, fold, false, v != 2, next_random(&h), e);
    }
    return rc;
}

static void scores(const struct trainer *x, const struct example *ex, float p[TRIAGE_CLASSES_MAX])
{
    float norm = ex->n ? 1.0f / sqrtf((float)ex->n) : 0;
    float total = 0;
    float top = -1e30f;
    for (uint32_t k = 0; k < x->classes; k++) p[k] = 0;
    for (size_t i = 0; i < ex->n; i++) {
        const float *w = x->w + (size_t)x->pool[ex->first + i] * x->classes;
        for (uint32_t k = 0; k < x->classes; k++) p[k] += w[k];
    }
    for (uint32_t k = 0; k < x->classes; k++) {
        p[k] = p[k] * norm + x->bias[k];
        if (p[k] > top) top = p[k];
    }
    for (uint32_t k = 0; k < x->classes; k++) total += p[k] = expf(p[k] - top);
    for (uint32_t k = 0; k < x->classes; k++) p[k] /= total;
}

static void learn(struct trainer *x, const struct example *ex)
{
    float p[TRIAGE_CLASSES_MAX];
    float norm = ex->n ? 1.0f / sqrtf((float)ex->n) : 0;
    scores(x, ex, p);
    p[ex->label] -= 1;
    for (uint32_t k = 0; k < x->classes; k++) {
        x->bias_g[k] += p[k] * p[k];
        x->bias[k] -= rate * p[k] / sqrtf(x->bias_g[k] + 1e-6f);
    }
    for (size_t i = 0; i < ex->n; i++) {
        float *w = x->w + (size_t)x->pool[ex->first + i] * x->classes;
        float *g = x->g + (size_t)x->pool[ex->first + i] * x->classes;
        for (uint32_t k = 0; k < x->classes; k++) {
            float d = p[k] * norm + decay * w[k];
            g[k] += d * d;
            w[k] -= rate * d / sqrtf(g[k] + 1e-6f);
        }
    }
}

/* Learn all examples but those of one fold (FOLDS: all of them). */
static int train(struct trainer *x, int without, struct error *e)
{
    size_t *order = calloc(x->n, sizeof *order);
    uint32_t random = 12356;
    size_t weights = (size_t)TRIAGE_ROWS * x->classes;
    if (!x->w) x->w = calloc(weights, sizeof *x->w);
    if (!x->g) x->g = calloc(weights, sizeof *x->g);
    int rc = order && x->w && x->g ? OK : error_set(e, ERR_NOMEM, "no memory for the weights");
    if (!rc) {
        memset(x->w, 0, weights * sizeof *x->w);
        memset(x->g, 0, weights * sizeof *x->g);
        memset(x->bias, 0, sizeof x->bias);
        memset(x->bias_g, 0, sizeof x->bias_g);
    }
    for (size_t i = 0; i < x->n && !rc; i++) order[i] = i;
    for (int epoch = 0; epoch < EPOCHS && !rc; epoch++) {
        for (size_t i = x->n; i-- > 1;) {
            size_t k = next_random(&random) % (i + 1);
            size_t swap = order[i];
            order[i] = order[k];
            order[k] = swap;
        }
        for (size_t i = 0; i < x->n; i++)
            if (x->examples[order[i]].fold != without) learn(x, &x->examples[order[i]]);
    }
    free(order);
    return rc;
}

/* What the model says of the lines of a fold that it has not seen. */
static void judge_fold(struct trainer *x, int fold)
{
    float p[TRIAGE_CLASSES_MAX];
    for (size_t i = 0; i < x->n; i++) {
        struct example *ex = &x->examples[i];
        if (ex->fold != fold || !ex->whole) continue;
        scores(x, ex, p);
        uint32_t best = 1;
        for (uint32_t k = 2; k < x->classes; k++)
            if (p[k] > p[best]) best = k;
        ex->said = (uint16_t)best;
        ex->flag = 1 - p[0];
    }
}

static void measure(const struct trainer *x, float threshold, struct triage_training_report *r)
{
    r->none = r->none_raised = r->flagged = r->flagged_raised = r->right = 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct example *ex = &x->examples[i];
        if (!ex->whole) continue;
        bool raised = ex->flag >= threshold;
        if (ex->label == 0) {
            r->none++;
            r->none_raised += raised;
        } else {
            r->flagged++;
            r->flagged_raised += raised;
            r->right += raised && ex->said == ex->label;
        }
    }
    r->threshold = threshold;
}

static void put_u32(struct buf *out, uint32_t x)
{
    for (int i = 0; i < 4; i++) buf_append_char(out, (char)(x >> 8 * i));
}

static void put_f32(struct buf *out, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    put_u32(out, bits);
}

static int write_file(const struct trainer *x, float threshold, struct buf *out)
{
    float scale[TRIAGE_CLASSES_MAX];
    char text[TRIAGE_NOTICE] = {0};
    buf_append(out, "XBTC", 4);
    put_u32(out, 1);
    put_u32(out, TRIAGE_ROWS);
    put_u32(out, x->classes);
    put_f32(out, threshold);
    memcpy(text, notice, sizeof notice);
    buf_append(out, text, sizeof text);
    for (uint32_t k = 0; k < x->classes; k++) {
        char id[TRIAGE_CLASS_ID] = {0};
        memcpy(id, x->ids[k], strnlen(x->ids[k], sizeof id - 1));
        buf_append(out, id, sizeof id);
    }
    for (uint32_t k = 0; k < x->classes; k++) {
        float most = 1e-6f;
        for (size_t i = 0; i < TRIAGE_ROWS; i++) most = fmaxf(most, fabsf(x->w[i * x->classes + k]));
        scale[k] = most / 127;
        put_f32(out, scale[k]);
        put_f32(out, x->bias[k]);
    }
    for (size_t i = 0; i < TRIAGE_ROWS; i++)
        for (uint32_t k = 0; k < x->classes; k++)
            buf_append_char(out, (char)(int8_t)lrintf(x->w[i * x->classes + k] / scale[k]));
    return buf_error(out);
}

int triage_train(const struct triage *t, const struct triage_training_line *lines, size_t n, struct buf *out,
                 struct triage_training_report *report, struct error *e)
{
    struct trainer x = {.t = t, .examples = calloc(n * VARIANTS + 1, sizeof *x.examples)};
    struct buf frame = BUF_INIT(LIMIT_MEDICAL_TEXT);
    int rc = x.examples ? OK : error_set(e, ERR_NOMEM, "no memory for the lines");
    class_of(&x, "none");
    for (size_t i = 0; i < n && !rc; i++) {
        rc = add_line(&x, &lines[i], &frame, e);
        if (rc) error_context(e, "line %zu", i + 1);
    }
    for (int fold = 0; fold < FOLDS && !rc; fold++) {
        rc = train(&x, fold, e);
        if (!rc) judge_fold(&x, fold);
    }
    if (!rc) rc = train(&x, FOLDS, e);
    if (!rc) {
        float threshold = 0.50f;
        measure(&x, threshold, report);
        while (threshold < 0.99f && report->none_raised * ONE_IN > report->none)
            measure(&x, threshold += 0.005f, report);
        report->lines = n;
        report->classes = x.classes;
        if (write_file(&x, threshold, out)) rc = error_set(e, buf_error(out), "no memory for the classifier");
    }
    buf_free(&frame);
    free(x.pool);
    free(x.examples);
    free(x.w);
    free(x.g);
    return rc;
}
