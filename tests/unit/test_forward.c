/* test_forward.c - what must not change a sequence's logits, bit for bit: how its prompt is cut, its neighbours in the
 * batch, the number of threads, what its slot held before; and that bad rows and damaged weights are refused. Small
 * models, sequences over three chunks of attention. */
#include "golden/golden.h"
#include "model/lora.h"

enum { TOKENS = 600, MAX_BATCH = 640, SLOTS = 3, MAX_TABLES = 8 };

struct variant {
    const char *model;
    enum quant_mode quant;
    bool precise;
};

/* BF16 weights with shared heads, int8 with shared heads, F32 with one K/V head and no 32-column blocks, precise. */
static const struct variant variants[] = {{GOLDEN_DATA "tied-bf16", QUANT_NONE, false},
                                          {GOLDEN_DATA "tied-bf16", QUANT_Q8_0, false},
                                          {GOLDEN_DATA "untied-f32", QUANT_NONE, false},
                                          {GOLDEN_DATA "yarn-bf16", QUANT_Q8_0, true}};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void open_variant(struct golden_model *m, const struct variant *v, const struct kernel_table *kernels,
                         int threads)
{
    struct golden_options o = {.path = v->model,
                               .kernels = kernels,
                               .quant = v->quant,
                               .precise = v->precise,
                               .threads = threads,
                               .max_batch = MAX_BATCH,
                               .max_length = 1024,
                               .slots = SLOTS};
    golden_open(m, &o);
}

/* Token i of sequence s: any fixed ids below 512. */
static int token_of(int sequence, int i)
{
    uint32_t x = (uint32_t)(sequence * 100003 + i) * 2654435761u;
    return (int)((x >> 13) % 512);
}

static struct forward_row row_of(int sequence, int slot, int i)
{
    return (struct forward_row){.token = token_of(sequence, i), .slot = slot, .position = i, .want_logits = true};
}

static void step(struct golden_model *m, const struct forward_row *rows, int n, float *logits)
{
    struct error e = {0};
    golden_ok(forward_step(m->forward, rows, n, logits, &e), &e);
}

static float *new_logits(const struct golden_model *m, int rows)
{
    return malloc((size_t)rows * (size_t)m->config->vocab_size * sizeof(float));
}

/* Positions [from, to) of a sequence, `cut` at a time. */
static void prefill(struct golden_model *m, int sequence, int slot, int from, int to, int cut, float *logits)
{
    struct forward_row rows[MAX_BATCH];
    for (int first = from; first < to; first += cut) {
        int n = to - first < cut ? to - first : cut;
        for (int i = 0; i < n; i++) rows[i] = row_of(sequence, slot, first + i);
        step(m, rows, n, logits + (size_t)first * (size_t)m->config->vocab_size);
    }
}

static void same_bits(const struct golden_model *m, const float *a, const float *b, int from, int to, const char *words)
{
    size_t width = (size_t)m->config->vocab_size;
    for (int i = from; i < to; i++)
        if (memcmp(a + (size_t)i * width, b + (size_t)i * width, width * sizeof *a) != 0)
            fail_msg("%s: the logits of position %d differ", words, i);
}

/* The whole sequence in one step on one thread: what everything else must equal. free(). */
static float *reference_logits(const struct variant *v, int sequence)
{
    struct golden_model m;
    open_variant(&m, v, NULL, 1);
    float *logits = new_logits(&m, TOKENS);
    prefill(&m, sequence, 0, 0, TOKENS, TOKENS, logits);
    golden_close(&m);
    return logits;
}

static void cutting_a_prompt_changes_nothing(void **state)
{
    (void)state;
    static const int cuts[] = {1, 5, 17, 64, 256, 257};
    for (int v = 0; v < VARIANTS; v++) {
        float *want = reference_logits(&variants[v], 1);
        struct golden_model m;
        open_variant(&m, &variants[v], NULL, 2);
        float *got = new_logits(&m, TOKENS);
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
            memset(got, 0, (size_t)TOKENS * (size_t)m.config->vocab_size * sizeof *got);
            prefill(&m, 1, (int)c % SLOTS, 0, TOKENS, cuts[c], got);
            same_bits(&m, got, want, 0, TOKENS, "cut");
        }
        free(got);
        golden_close(&m);
        free(want);
    }
}

static void threads_and_instruction_sets_change_nothing(void **state)
{
    (void)state;
    const struct kernel_table *tables[MAX_TABLES];
    int count = kernels_list(tables, MAX_TABLES);
    for (int v = 0; v < VARIANTS; v++) {
        float *want = reference_logits(&variants[v], 2);
        for (int t = 0; t < count; t++)
            for (int threads = 1; threads <= 3; threads++) {
                struct golden_model m;
                open_variant(&m, &variants[v], tables[t], threads);
                float *got = new_logits(&m, TOKENS);
                prefill(&m, 2, 0, 0, 300, 300, got);
                prefill(&m, 2, 0, 300, 310, 1, got);
                prefill(&m, 2, 0, 310, TOKENS, 100, got);
                same_bits(&m, got, want, 0, TOKENS, tables[t]->name);
                free(got);
                golden_close(&m);
            }
        free(want);
    }
}

/* Steps that mix three sequences: uneven chunks of each, rows interleaved, each at its own place. */
static void neighbours_change_nothing(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        struct golden_model m;
        float *want[SLOTS];
        float *got[SLOTS];
        int at[SLOTS] = {0};
        open_variant(&m, &variants[v], NULL, 2);
        size_t width = (size_t)m.config->vocab_size;
        float *out = new_logits(&m, MAX_BATCH);
        for (int s = 0; s < SLOTS; s++) {
            want[s] = reference_logits(&variants[v], s);
            got[s] = new_logits(&m, TOKENS);
        }
        for (int turn = 0; at[0] < TOKENS || at[1] < TOKENS || at[2] < TOKENS; turn++) {
            struct forward_row rows[MAX_BATCH];
            int from[SLOTS];
            int n = 0;
            memcpy(from, at, sizeof from);
            for (int k = 0; k < 90; k++) /* one row of each in turn, until its share is used */
                for (int s = 0; s < SLOTS; s++) {
                    int share = (turn + s) % 3 == 0 ? 1 : 13 + 31 * ((turn + s) % 3);
                    if (k < share && at[s] < TOKENS) rows[n++] = row_of(s, s, at[s]++);
                }
            step(&m, rows, n, out);
            for (int i = 0; i < n; i++)
                memcpy(got[rows[i].slot] + (size_t)rows[i].position * width, out + (size_t)i * width,
                       width * sizeof *out);
        }
        for (int s = 0; s < SLOTS; s++) {
            same_bits(&m, got[s], want[s], 0, TOKENS, "mixed");
            free(want[s]);
            free(got[s]);
        }
        free(out);
        golden_close(&m);
    }
}

/* A sequence is given up in the middle of its prompt and another takes its slot; then positions are taken back. */
static void a_reused_slot_remembers_nothing(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        float *want = reference_logits(&variants[v], 5);
        struct golden_model m;
        open_variant(&m, &variants[v], NULL, 2);
        float *got = new_logits(&m, TOKENS);
        prefill(&m, 6, 1, 0, 400, 128, got);
        prefill(&m, 5, 1, 0, 350, 100, got);
        prefill(&m, 7, 1, 340, 360, 1, got); /* a guess that was not taken */
        prefill(&m, 5, 1, 340, TOKENS, 33, got);
        same_bits(&m, got, want, 0, TOKENS, "reused");
        free(got);
        golden_close(&m);
        free(want);
    }
}

static void an_adapter_touches_only_its_rows(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++) {
        struct golden_model m;
        struct error e = {0};
        struct lora *lora = NULL;
        struct forward_row rows[80];
        open_variant(&m, &variants[v], NULL, 2);
        golden_ok(lora_load(&lora, GOLDEN_DATA "tied-bf16-lora", m.config, &e), &e);
        float *alone[2] = {new_logits(&m, 40), new_logits(&m, 40)};
        float *mixed = new_logits(&m, 80);
        size_t width = (size_t)m.config->vocab_size;
        for (int with = 0; with < 2; with++) {
            for (int i = 0; i < 40; i++) {
                rows[i] = row_of(3, with, i);
                rows[i].lora = with ? lora : NULL;
            }
            step(&m, rows, 40, alone[with]);
        }
        assert_memory_not_equal(alone[0], alone[1], 40 * width * sizeof(float));
        for (int i = 0; i < 80; i++) {
            rows[i] = row_of(3, i % 2, i / 2);
            rows[i].lora = i % 2 ? lora : NULL;
        }
        step(&m, rows, 80, mixed);
        for (int i = 0; i < 80; i++)
            assert_memory_equal(mixed + (size_t)i * width, alone[i % 2] + (size_t)(i / 2) * width,
                                width * sizeof(float));
        free(alone[0]);
        free(alone[1]);
        free(mixed);
        lora_free(lora);
        golden_close(&m);
    }
}

static void only_wanted_rows_give_logits(void **state)
{
    (void)state;
    float *want = reference_logits(&variants[1], 4);
    struct golden_model m;
    struct forward_row rows[20];
    open_variant(&m, &variants[1], NULL, 2);
    size_t width = (size_t)m.config->vocab_size;
    float *got = new_logits(&m, 20);
    for (int i = 0; i < 20; i++) {
        rows[i] = row_of(4, 0, i);
        rows[i].want_logits = i == 3 || i == 11 || i == 19;
    }
    got[3 * width] = 12345;
    step(&m, rows, 20, got);
    assert_memory_equal(got, want + 3 * width, width * sizeof *got);
    assert_memory_equal(got + width, want + 11 * width, width * sizeof *got);
    assert_memory_equal(got + 2 * width, want + 19 * width, width * sizeof *got);
    assert_true(got[3 * width] == 12345.0f); /* nothing is written behind them */
    for (int i = 0; i < 20; i++) rows[i].want_logits = false;
    step(&m, rows, 20, NULL);
    free(got);
    golden_close(&m);
    free(want);
}

static void refused(struct golden_model *m, const struct forward_row *rows, int n, float *logits)
{
    struct error e = {0};
    assert_int_equal(forward_step(m->forward, rows, n, logits, &e), ERR_INVALID);
    assert_true(e.text[0] != '\0');
}

static void bad_rows_are_refused(void **state)
{
    (void)state;
    struct golden_model m;
    struct error e = {0};
    struct forward_row rows[MAX_BATCH + 1];
    open_variant(&m, &variants[0], NULL, 1);
    float *logits = new_logits(&m, 4);
    rows[0] = row_of(0, 0, 0);
    refused(&m, rows, 0, logits);
    refused(&m, rows, MAX_BATCH + 1, logits);
    refused(&m, rows, 1, NULL);
    const struct forward_row bad[] = {{.token = -1},    {.token = 512},     {.slot = -1},   {.slot = SLOTS},
                                      {.position = -1}, {.position = 1024}, {.position = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(&m, &bad[i], 1, logits);
    step(&m, rows, 1, logits);
    rows[0] = row_of(0, 0, 1);
    rows[1] = row_of(0, 0, 1);
    refused(&m, rows, 2, logits); /* one place twice */
    rows[1] = row_of(0, 0, 3);
    refused(&m, rows, 2, logits); /* a gap */
    rows[1] = row_of(0, 0, 2);
    step(&m, rows, 2, logits);
    rows[0] = row_of(0, 0, 0); /* another sequence starts: what was behind it is gone */
    step(&m, rows, 1, logits);
    rows[0] = row_of(0, 0, 2);
    refused(&m, rows, 1, logits);
    free(logits);
    golden_close(&m);
    struct forward *f = NULL;
    struct forward_options none = {.max_batch = 0, .max_length = 1, .slots = 1};
    assert_int_equal(forward_new(&f, &none, &e), ERR_INVALID);
    assert_null(f);
}

static void a_damaged_weight_names_its_layer(void **state)
{
    (void)state;
    struct golden_model m;
    struct error e = {0};
    struct forward_row row = row_of(0, 0, 0);
    open_variant(&m, &variants[0], NULL, 2);
    float *logits = new_logits(&m, 1);
    float kept = m.weights.layers[1].ffn_norm[5];
    m.weights.layers[1].ffn_norm[5] = NAN;
    assert_int_equal(forward_step(m.forward, &row, 1, logits, &e), ERR_INTERNAL);
    assert_non_null(strstr(e.text, "layer 2 of 3"));
    m.weights.layers[1].ffn_norm[5] = kept;
    step(&m, &row, 1, logits); /* the next step is judged by itself */
    m.weights.layers[2].attn_norm[0] = INFINITY;
    error_clear(&e);
    assert_int_equal(forward_step(m.forward, &row, 1, logits, &e), ERR_INTERNAL);
    assert_non_null(strstr(e.text, "layer 3 of 3"));
    free(logits);
    golden_close(&m);
}

static void damage_behind_the_layers_is_noticed(void **state)
{
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        struct golden_model m;
        struct error e = {0};
        struct forward_row rows[3] = {row_of(0, 0, 0), row_of(0, 0, 1), row_of(0, 0, 2)};
        open_variant(&m, &variants[v], NULL, 2);
        float *logits = new_logits(&m, 3);
        m.weights.final_norm[3] = NAN;
        assert_int_equal(forward_step(m.forward, rows, 3, logits, &e), ERR_INTERNAL);
        assert_non_null(strstr(e.text, "model.norm"));
        rows[0].want_logits = rows[1].want_logits = rows[2].want_logits = false;
        step(&m, rows, 3, NULL); /* nobody asked for what is broken */
        free(logits);
        golden_close(&m);
    }
}

/* One weight of lm_head spoils one token's logit: all others look as they should. */
static void one_bad_logit_is_noticed(void **state)
{
    (void)state;
    static const float broken[] = {NAN, INFINITY, -INFINITY};
    struct golden_model m;
    struct forward_row row = row_of(0, 0, 0);
    open_variant(&m, &variants[2], NULL, 2); /* untied, F32 */
    float *logits = new_logits(&m, 1);
    int groups = m.weights.lm_head.groups;
    for (int g = 0; g < groups; g += groups - 1)
        for (size_t b = 0; b < sizeof broken / sizeof *broken; b++) {
            struct error e = {0};
            float *weight = (float *)(void *)(m.weights.lm_head.data + (size_t)g * m.weights.lm_head.group_bytes) + 7;
            float kept = *weight;
            *weight = broken[b];
            assert_int_equal(forward_step(m.forward, &row, 1, logits, &e), ERR_INTERNAL);
            assert_non_null(strstr(e.text, "lm_head"));
            *weight = kept;
        }
    step(&m, &row, 1, logits);
    free(logits);
    golden_close(&m);
}

static void a_plan_says_what_is_allocated(void **state)
{
    (void)state;
    struct golden_model m;
    open_variant(&m, &variants[0], NULL, 1);
    struct forward_options o = {.config = m.config, .max_batch = 1, .max_length = 100, .slots = 2};
    size_t kv;
    size_t scratch;
    size_t sum = forward_bytes(&o, &kv, &scratch);
    assert_int_equal(kv, (size_t)2 * 2 * 2 * 3 * 2 * 256 *
                             16); /* K V, f16, slots, layers, heads, positions in blocks, size */
    assert_int_equal(sum, kv + scratch);
    o.precise = true;
    forward_bytes(&o, &kv, &scratch);
    assert_int_equal(kv, (size_t)2 * 4 * 2 * 3 * 2 * 256 * 16);
    golden_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting_a_prompt_changes_nothing),
        cmocka_unit_test(threads_and_instruction_sets_change_nothing),
        cmocka_unit_test(neighbours_change_nothing),
        cmocka_unit_test(a_reused_slot_remembers_nothing),
        cmocka_unit_test(an_adapter_touches_only_its_rows),
        cmocka_unit_test(only_wanted_rows_give_logits),
        cmocka_unit_test(bad_rows_are_refused),
        cmocka_unit_test(a_damaged_weight_names_its_layer),
        cmocka_unit_test(damage_behind_the_layers_is_noticed),
        cmocka_unit_test(one_bad_logit_is_noticed),
        cmocka_unit_test(a_plan_says_what_is_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
