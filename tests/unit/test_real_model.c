/* test_real_model.c - the published 0.5B (Q4_K_M) against transformers on the same weights dequantised to float32,
 * teacher-forced along the reference's own tokens: the next token's choice, the mean negative log-likelihood of the
 * prompt, and the distance from the reference's distribution behind the prompt. Needs the weights: XIAOBEI_TEST_MODEL
 * or the models directory; skipped without. */
#include "golden/golden.h"

#include "base/json.h"
#include "base/limits.h"
#include "model/model_ref.h"

#define MODEL_ID  "qwen2.5-coder-0.5b-instruct-q4_k_m"
#define REFERENCE GOLDEN_DATA "qwen2.5-coder-0.5b-q4_k_m.json"

enum { STEP = 32, MAX_TABLES = 8, SAME_BITS_TOKENS = 6 };

/* What one run may differ by. */
struct bounds {
    double margin; /* where the reference's first choice leads by more, ours must be the same */
    double nll;    /* relative */
    double kl;
};

struct measured {
    int positions, flips; /* choices that differ, at any margin */
    double widest_flip, worst_nll, mean_kl, worst_kl;
};

static const char *model_path(void)
{
    static char path[LIMIT_PATH];
    struct error e = {0};
    const char *given = getenv("XIAOBEI_TEST_MODEL");
    if (given && *given) return given;
    if (model_resolve(MODEL_ID, path, sizeof path, &e) == OK) return path;
    print_message("skip: %s is not here; xiaobei pull %s brings it\n", MODEL_ID, MODEL_ID);
    skip();
    return NULL;
}

static json_t *reference_rows(json_t **root)
{
    struct buf text = BUF_INIT(MIB);
    struct error e = {0};
    golden_ok(file_read(&text, REFERENCE, &e), &e);
    golden_ok(json_read(root, buf_text(&text), text.len, &e), &e);
    buf_free(&text);
    json_t *rows = json_object_get(*root, "rows");
    assert_true(json_array_size(rows) > 0);
    return rows;
}

static int integer_at(const json_t *row, const char *key, size_t i)
{
    const json_t *value = json_array_get(json_object_get(row, key), i);
    assert_true(json_is_integer(value));
    return (int)json_integer_value(value);
}

static double number_at(const json_t *row, const char *key, size_t i)
{
    const json_t *value = json_array_get(json_object_get(row, key), i);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Sum over the stored ids of p ln(p / q), and the rest of both distributions as one bucket. */
static double bucketed_kl(const json_t *row, const float *logits, double log_sum)
{
    size_t n = json_array_size(json_object_get(row, "top_ids"));
    double kl = 0;
    double rest_p = 1;
    double rest_q = 1;
    for (size_t i = 0; i < n; i++) {
        double lp = number_at(row, "top_logprobs", i);
        double lq = (double)logits[integer_at(row, "top_ids", i)] - log_sum;
        kl += exp(lp) * (lp - lq);
        rest_p -= exp(lp);
        rest_q -= exp(lq);
    }
    return rest_p > 0 ? kl + rest_p * log(rest_p / fmax(rest_q, 1e-12)) : kl;
}

struct forced {
    const json_t *row;
    size_t prompt, greedy; /* ids, and ids chosen by the reference behind them */
    int vocab;
    double nll;
    const struct bounds *bounds;
    struct measured *out;
};

/* Look at the logits of one position. */
static void judge(struct forced *f, size_t position, const float *logits)
{
    double log_sum = golden_log_sum(logits, f->vocab);
    if (position + 1 < f->prompt) {
        f->nll -= (double)logits[integer_at(f->row, "ids", position + 1)] - log_sum;
        return;
    }
    size_t at = position + 1 - f->prompt;
    if (at == 0) {
        double kl = bucketed_kl(f->row, logits, log_sum);
        f->out->mean_kl += kl;
        f->out->worst_kl = fmax(f->out->worst_kl, kl);
        assert_true(kl >= -1e-4 && kl < f->bounds->kl);
    }
    double margin = number_at(f->row, "greedy_margin", at);
    f->out->positions++;
    if (golden_best(logits, f->vocab) == integer_at(f->row, "greedy", at)) return;
    f->out->flips++;
    f->out->widest_flip = fmax(f->out->widest_flip, margin);
    if (margin > f->bounds->margin) fail_msg("another choice where the reference's leads by %.3f", margin);
}

static void force_row(struct golden_model *m, struct forced *f, float *logits)
{
    struct error e = {0};
    size_t total = f->prompt + f->greedy - 1;
    for (size_t first = 0; first < total; first += STEP) {
        struct forward_row rows[STEP];
        int n = total - first < STEP ? (int)(total - first) : STEP;
        for (int i = 0; i < n; i++) {
            size_t p = first + (size_t)i;
            int token = p < f->prompt ? integer_at(f->row, "ids", p) : integer_at(f->row, "greedy", p - f->prompt);
            rows[i] = (struct forward_row){.token = token, .position = (int)p, .want_logits = true};
        }
        golden_ok(forward_step(m->forward, rows, n, logits, &e), &e);
        for (int i = 0; i < n; i++) judge(f, first + (size_t)i, logits + (size_t)i * (size_t)f->vocab);
    }
    f->nll /= (double)(f->prompt - 1);
    double relative = fabs(f->nll / json_number_value(json_object_get(f->row, "mean_nll")) - 1);
    f->out->worst_nll = fmax(f->out->worst_nll, relative);
    assert_true(relative < f->bounds->nll);
}

/* Under a sanitizer a row takes minutes: XIAOBEI_TEST_ROWS says how many are enough. */
static size_t rows_to_follow(const json_t *rows)
{
    const char *limit = getenv("XIAOBEI_TEST_ROWS");
    size_t all = json_array_size(rows);
    size_t wanted = limit ? strtoul(limit, NULL, 10) : all;
    return wanted > 0 && wanted < all ? wanted : all;
}

static void follow_the_reference(bool precise, const struct bounds *bounds)
{
    struct golden_options o = {
        .path = model_path(), .precise = precise, .threads = 2, .max_batch = STEP, .max_length = 512};
    struct golden_model m;
    struct measured out = {0};
    json_t *root = NULL;
    const json_t *rows = reference_rows(&root);
    golden_open(&m, &o);
    float *logits = malloc((size_t)STEP * (size_t)m.config->vocab_size * sizeof *logits);
    size_t count = rows_to_follow(rows);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        struct forced f = {.row = row,
                           .prompt = json_array_size(json_object_get(row, "ids")),
                           .greedy = json_array_size(json_object_get(row, "greedy")),
                           .vocab = m.config->vocab_size,
                           .bounds = bounds,
                           .out = &out};
        assert_true(f.prompt > 1 && f.greedy > 0);
        force_row(&m, &f, logits);
    }
    print_message("%s: %d of %d choices differ (widest margin %.3f), NLL within %.4f %%, KL mean %.5f, worst %.5f\n",
                  precise ? "precise" : "fast", out.flips, out.positions, out.widest_flip, 100 * out.worst_nll,
                  out.mean_kl / (double)count, out.worst_kl);
    free(logits);
    golden_close(&m);
    json_decref(root);
}

static void fast_path_follows_the_reference(void **state)
{
    (void)state;
    static const struct bounds asked = {.margin = 0.3, .nll = 0.01, .kl = 0.02};
    follow_the_reference(false, &asked);
}

/* Without rounded activations only the order of sums differs. */
static void precise_path_equals_the_reference(void **state)
{
    (void)state;
    static const struct bounds tight = {.margin = 0.01, .nll = 1e-4, .kl = 1e-4};
    follow_the_reference(true, &tight);
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = kernels_list(tables, MAX_TABLES);
    struct error e = {0};
    json_t *root = NULL;
    const json_t *row = json_array_get(reference_rows(&root), 0);
    float *first = NULL;
    for (int t = 0; t < count; t++) {
        struct golden_options o = {
            .path = model_path(), .kernels = tables[t], .threads = 2, .max_batch = SAME_BITS_TOKENS};
        struct golden_model m;
        struct forward_row rows[SAME_BITS_TOKENS];
        golden_open(&m, &o);
        for (int i = 0; i < SAME_BITS_TOKENS; i++)
            rows[i] =
                (struct forward_row){.token = integer_at(row, "ids", (size_t)i), .position = i, .want_logits = true};
        size_t bytes = (size_t)SAME_BITS_TOKENS * (size_t)m.config->vocab_size * sizeof(float);
        float *logits = malloc(bytes);
        golden_ok(forward_step(m.forward, rows, SAME_BITS_TOKENS, logits, &e), &e);
        if (!first)
            first = logits;
        else if (memcmp(first, logits, bytes) != 0)
            fail_msg("%s and %s differ", tables[0]->name, tables[t]->name);
        if (logits != first) free(logits);
        golden_close(&m);
    }
    free(first);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_path_follows_the_reference),
        cmocka_unit_test(precise_path_equals_the_reference),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
