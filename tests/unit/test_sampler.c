/* test_sampler.c - each parameter against its definition; the distribution by a chi-square test; stop strings at every
 * split. */
#include "support/check.h"

#include <math.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "engine/sampler.h"
#include "engine/stops.h"

enum { VOCAB = 8 };

static struct sampler *make(const struct sampling *s, int usable)
{
    struct sampler *p = NULL;
    struct error e = {0};
    check_ok(sampler_new(&p, s, VOCAB, usable, &e), &e);
    return p;
}

static int32_t next(struct sampler *p, const float *logits)
{
    float copy[VOCAB];
    memcpy(copy, logits, sizeof copy);
    return sampler_next(p, copy, NULL, NULL, 0);
}

/* How often each token comes in many draws from fresh logits, without penalties. */
static void draw_many(const struct sampling *s, const float *logits, int draws, int counts[VOCAB])
{
    struct sampler *p = make(s, VOCAB);
    memset(counts, 0, sizeof(int) * VOCAB);
    for (int i = 0; i < draws; i++) counts[next(p, logits)]++;
    sampler_free(p);
}

static const float some[VOCAB] = {1.0f, 2.0f, 0.5f, -1.0f, 3.0f, 2.9f, -4.0f, 0.0f};

static void greedy_takes_the_best_and_the_lower_of_equals(void **state)
{
    (void)state;
    struct sampling s;
    sampling_defaults(&s);
    s.temperature = 0;
    struct sampler *p = make(&s, VOCAB);
    assert_int_equal(next(p, some), 4);
    static const float tied[VOCAB] = {0, 5, 5, 5, 0, 0, 0, 0};
    assert_int_equal(next(p, tied), 1);
    sampler_free(p);
}

static void padding_is_never_chosen(void **state)
{
    (void)state;
    static const float tempting[VOCAB] = {0, 0, 0, 0, 0, 0, 50, 50};
    for (int temperature = 0; temperature < 2; temperature++) {
        struct sampling s;
        sampling_defaults(&s);
        s.temperature = (float)temperature;
        struct sampler *p = make(&s, 6);
        for (int i = 0; i < 50; i++) assert_true(next(p, tempting) < 6);
        sampler_free(p);
    }
}

static void draws_follow_the_softmax(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    static const float temperatures[] = {0.5f, 1.0f, 1.7f};
    for (size_t k = 0; k < 3; k++) {
        struct sampling s;
        sampling_defaults(&s);
        s.temperature = temperatures[k];
        s.seed = 99 + k;
        int counts[VOCAB];
        draw_many(&s, some, DRAWS, counts);
        double total = 0;
        double chi = 0;
        for (int i = 0; i < VOCAB; i++) total += exp((double)some[i] / (double)temperatures[k]);
        for (int i = 0; i < VOCAB; i++) {
            double want = DRAWS * exp((double)some[i] / (double)temperatures[k]) / total;
            if (want > 1) chi += (counts[i] - want) * (counts[i] - want) / want;
        }
        assert_true(chi < 24.3); /* 7 degrees of freedom, p = 0.001 */
    }
}

static void top_k_top_p_and_min_p_cut_where_they_say(void **state)
{
    (void)state;
    int counts[VOCAB];
    struct sampling s;
    sampling_defaults(&s);
    s.top_k = 3;
    draw_many(&s, some, 3000, counts);
    for (int i = 0; i < VOCAB; i++) assert_int_equal(counts[i] > 0, i == 4 || i == 5 || i == 1);
    sampling_defaults(&s);
    s.top_p = 0.6f; /* 4: 0.385, 4 and 5: 0.733: the second is needed to reach it, a third is not */
    draw_many(&s, some, 3000, counts);
    for (int i = 0; i < VOCAB; i++) assert_int_equal(counts[i] > 0, i == 4 || i == 5);
    sampling_defaults(&s);
    s.min_p = 0.2f; /* of the best's probability: e^-1 and above stay, e^-2 goes */
    draw_many(&s, some, 3000, counts);
    for (int i = 0; i < VOCAB; i++) assert_int_equal(counts[i] > 0, i == 4 || i == 5 || i == 1);
    sampling_defaults(&s);
    s.top_p = 1e-6f;
    draw_many(&s, some, 200, counts);
    assert_int_equal(counts[4], 200);
}

static void penalties_reach_what_they_name(void **state)
{
    (void)state;
    struct sampling s;
    static const int32_t prompt[] = {4};
    static const float close_call[VOCAB] = {0, 0, 0, -1.0f, 3.0f, 2.9f, 0, 0};
    sampling_defaults(&s);
    s.temperature = 0;
    s.repetition_penalty = 1.1f; /* over prompt and answer */
    struct sampler *p = make(&s, VOCAB);
    sampler_accept_prompt(p, prompt, 1);
    assert_int_equal(next(p, close_call), 5);
    assert_int_equal(next(p, close_call), 4); /* now both are penalised: 2.727 against 2.636 */
    sampler_free(p);
    s.repetition_penalty = 1;
    s.presence_penalty = 0.2f; /* over the answer alone */
    p = make(&s, VOCAB);
    sampler_accept_prompt(p, prompt, 1);
    assert_int_equal(next(p, close_call), 4);
    assert_int_equal(next(p, close_call), 5);
    assert_int_equal(next(p, close_call), 4); /* presence counts once */
    sampler_free(p);
    s.presence_penalty = 0;
    s.frequency_penalty = 0.06f;
    p = make(&s, VOCAB);
    static const int32_t want[] = {4, 4, 5, 4, 5, 4};
    for (int i = 0; i < 6; i++) assert_int_equal(next(p, close_call), want[i]);
    sampler_free(p);
}

static void bias_is_added_first(void **state)
{
    (void)state;
    static const struct logit_bias bias[] = {{4, -100}, {7, 10}};
    struct sampling s;
    sampling_defaults(&s);
    s.temperature = 0;
    s.bias = bias;
    s.bias_count = 2;
    struct sampler *p = make(&s, VOCAB);
    assert_int_equal(next(p, some), 7);
    sampler_free(p);
}

static void a_mask_comes_before_everything_else(void **state)
{
    (void)state;
    static const struct logit_bias bias[] = {{4, 100}};
    static const uint64_t mask[] = {1u << 0 | 1u << 2 | 1u << 7};
    for (int temperature = 0; temperature < 2; temperature++) {
        struct sampling s;
        sampling_defaults(&s);
        s.temperature = (float)temperature;
        s.bias = bias;
        s.bias_count = 1;
        struct sampler *p = make(&s, VOCAB);
        for (int i = 0; i < 200; i++) {
            float copy[VOCAB];
            float logprob;
            struct sampled_logprob top[5];
            memcpy(copy, some, sizeof copy);
            sampler_allow(p, copy, mask, 1);
            int32_t id = sampler_next(p, copy, &logprob, top, 5);
            assert_true(id == 0 || id == 2 || id == 7);
            assert_true(isfinite(logprob));
            assert_int_equal(top[0].token, 0);
            assert_int_equal(top[3].token, -1); /* three are allowed: no more have a probability */
        }
        float copy[VOCAB];
        memcpy(copy, some, sizeof copy);
        sampler_allow(p, copy, mask, 0);
        assert_int_equal(sampler_next(p, copy, NULL, NULL, 0), -1);
        sampler_free(p);
    }
}

static void logprobs_are_of_the_unmodified_distribution(void **state)
{
    (void)state;
    static const struct logit_bias bias[] = {{4, -100}};
    struct sampling s;
    sampling_defaults(&s);
    s.temperature = 0;
    s.bias = bias;
    s.bias_count = 1;
    struct sampler *p = make(&s, VOCAB);
    float copy[VOCAB];
    float logprob;
    struct sampled_logprob top[3];
    memcpy(copy, some, sizeof copy);
    assert_int_equal(sampler_next(p, copy, &logprob, top, 3), 5);
    double total = 0;
    for (int i = 0; i < VOCAB; i++) total += exp((double)some[i]);
    assert_true(fabs((double)logprob - ((double)some[5] - log(total))) < 1e-5);
    assert_int_equal(top[0].token, 4);
    assert_int_equal(top[1].token, 5);
    assert_int_equal(top[2].token, 1);
    sampler_free(p);
}

static void no_choice_is_said(void **state)
{
    (void)state;
    struct sampling s;
    sampling_defaults(&s);
    struct sampler *p = make(&s, VOCAB);
    float nothing[VOCAB];
    for (int i = 0; i < VOCAB; i++) nothing[i] = i % 2 ? NAN : -INFINITY;
    assert_int_equal(next(p, nothing), -1);
    sampler_free(p);
}

static void bad_values_are_refused_by_name(void **state)
{
    (void)state;
    struct sampling s;
    struct error e = {0};
    sampling_defaults(&s);
    s.temperature = NAN;
    check_refused(sampling_validate(&s, VOCAB, &e), &e, ERR_INVALID, "temperature");
    sampling_defaults(&s);
    s.top_p = 0;
    error_clear(&e);
    check_refused(sampling_validate(&s, VOCAB, &e), &e, ERR_INVALID, "top_p");
    for (int i = 0; i < 2; i++) {
        sampling_defaults(&s);
        s.top_k = i ? INT32_MAX : -1;
        error_clear(&e);
        check_refused(sampling_validate(&s, VOCAB, &e), &e, ERR_INVALID, "top_k");
    }
    static const struct logit_bias outside[] = {{VOCAB, 1}};
    sampling_defaults(&s);
    s.bias = outside;
    s.bias_count = 1;
    error_clear(&e);
    check_refused(sampling_validate(&s, VOCAB, &e), &e, ERR_INVALID, "logit_bias");
}

/* Feed text cut into pieces at every byte where the bits of `cuts` say so; everything released, joined. */
static bool feed(const char *text, unsigned cuts, const char *const *stop, int n_stop, struct buf *out)
{
    struct stops *s = NULL;
    struct error e = {0};
    bool stopped = false;
    check_ok(stops_new(&s, stop, n_stop, &e), &e);
    size_t start = 0;
    size_t n = strlen(text);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && !(cuts >> (i - 1) & 1)) continue;
        assert_int_equal(stops_feed(s, text + start, i - start, out, &stopped), OK);
        assert_true(utf8_is_valid(buf_text(out), out->len)); /* never a torn character */
        start = i;
    }
    if (!stopped) assert_int_equal(stops_finish(s, out), OK);
    stops_free(s);
    return stopped;
}

static void stop_strings_work_at_every_split(void **state)
{
    (void)state;
    static const char *const stop[] = {"aab", "痛!"};
    static const struct {
        const char *text, *released;
        bool stopped;
    } cases[] = {{"xaaab", "xa", true},
                 {"胸痛!好", "胸", true},
                 {"aa痛aa", "aa痛aa", false},
                 {"aaaaa", "aaaaa", false},
                 {"ab痛?", "ab痛?", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        for (unsigned cuts = 0; cuts < 1u << (n - 1); cuts++) {
            struct buf out = BUF_INIT(1024);
            assert_int_equal(feed(cases[i].text, cuts, stop, 2, &out), cases[i].stopped);
            assert_string_equal(buf_text(&out), cases[i].released);
            buf_free(&out);
        }
    }
}

static void text_without_stops_is_not_held_back(void **state)
{
    (void)state;
    struct stops *s = NULL;
    struct error e = {0};
    struct buf out = BUF_INIT(1024);
    bool stopped;
    check_ok(stops_new(&s, NULL, 0, &e), &e);
    assert_int_equal(stops_feed(s, "胸\xE7", 4, &out, &stopped), OK);
    assert_string_equal(buf_text(&out), "胸");
    assert_int_equal(stops_feed(s, "\x97\x9B", 2, &out, &stopped), OK);
    assert_string_equal(buf_text(&out), "胸痛");
    assert_int_equal(stops_feed(s, "\xE7", 1, &out, &stopped), OK);
    assert_int_equal(stops_finish(s, &out), OK);
    assert_string_equal(buf_text(&out), "胸痛\xEF\xBF\xBD");
    stops_free(s);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_best_and_the_lower_of_equals),
        cmocka_unit_test(padding_is_never_chosen),
        cmocka_unit_test(draws_follow_the_softmax),
        cmocka_unit_test(top_k_top_p_and_min_p_cut_where_they_say),
        cmocka_unit_test(penalties_reach_what_they_name),
        cmocka_unit_test(bias_is_added_first),
        cmocka_unit_test(a_mask_comes_before_everything_else),
        cmocka_unit_test(logprobs_are_of_the_unmodified_distribution),
        cmocka_unit_test(no_choice_is_said),
        cmocka_unit_test(bad_values_are_refused_by_name),
        cmocka_unit_test(stop_strings_work_at_every_split),
        cmocka_unit_test(text_without_stops_is_not_held_back),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
