/* test_serving.c - many people at one engine: nothing of one tenant reaches another, nothing is lost when memory is
 * short, nobody waits for all of somebody else's requests. What a request must answer is what it answers alone, without
 * a cache, in an engine of its own. */
#include "support/check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "engine/engine_parts.h"
#include "golden/golden.h"

#define MODEL "tests/golden/data/tied-bf16"

enum { VOCAB = 512, LONGEST = 1024, PUBLIC = 300, COMMON = 420, MOST = 64 };

/* A sanitizer makes everything ten times as slow: `make tsan` sets this, and a fifth of the rounds is enough. */
static int rounds(int n)
{
    return getenv("XIAOBEI_TEST_ROWS") ? n / 5 : n;
}

static struct engine *open_engine(int slots, int kv_tokens)
{
    struct engine *en = NULL;
    struct error e = {0};
    struct engine_options o = {
        .model_path = MODEL, .threads = 2, .slots = slots, .max_length = LONGEST, .kv_tokens = kv_tokens};
    check_ok(engine_open(&en, &o, &e), &e);
    return en;
}

struct asked {
    int32_t ids[LONGEST];
    int n;
    int32_t tokens[LONGEST];
    int count, cancel_after;
    atomic_int finals;
    enum finish_reason reason;
    int error, cached;
    double ended;
};

static int watch(void *user, const struct engine_event *event)
{
    struct asked *a = user;
    if (event->kind == ENGINE_TOKEN) a->tokens[a->count++] = event->token;
    if (event->kind == ENGINE_DONE || event->kind == ENGINE_FAILED) {
        a->reason = event->reason;
        a->error = event->error ? event->error->code : OK;
        a->cached = event->usage->cached_tokens;
        a->ended = clock_monotonic();
        atomic_fetch_add(&a->finals, 1);
        return 0; /* *a is the test's again */
    }
    return a->cancel_after && a->count >= a->cancel_after;
}

/* The public prompt, words that everybody says, then a tenant's secret and what follows it. */
static void write_text(struct asked *a, int n, int secret, int conversation)
{
    a->n = n;
    for (int i = 0; i < n; i++) {
        a->ids[i] = i < PUBLIC ? i * 7 % VOCAB : i * 11 % VOCAB;
        if (i >= COMMON) a->ids[i] = (i * 37 + secret * 101 + conversation * 13) % VOCAB;
    }
}

static struct engine_request request_of(struct asked *a, uint64_t tenant, int max_tokens, float temperature)
{
    struct engine_request r = {.ids = a->ids,
                               .n_ids = a->n,
                               .max_tokens = max_tokens,
                               .ignore_eos = true,
                               .tenant = tenant,
                               .n_public = !tenant         ? 0
                                           : a->n < PUBLIC ? a->n
                                                           : PUBLIC,
                               .callback = watch,
                               .user = a};
    sampling_defaults(&r.sampling);
    r.sampling.temperature = temperature;
    r.sampling.seed = 11;
    return r;
}

static void submit(struct engine *en, const struct engine_request *r)
{
    struct error e = {0};
    uint64_t id;
    check_ok(engine_submit(en, r, &id, &e), &e);
}

static void wait_for(struct asked *a)
{
    while (atomic_load(&a->finals) == 0) clock_sleep(0.0005);
}

static void ask(struct engine *en, struct asked *a, uint64_t tenant, int max_tokens)
{
    struct engine_request r = request_of(a, tenant, max_tokens, 0.8f);
    submit(en, &r);
    wait_for(a);
    assert_int_equal(a->error, OK);
}

/* What it answers with nobody around and nothing kept. */
static void same_as_alone(struct engine *alone, const struct asked *a, int max_tokens)
{
    static struct asked b;
    memset(&b, 0, sizeof b);
    memcpy(b.ids, a->ids, sizeof b.ids);
    b.n = a->n;
    ask(alone, &b, 0, max_tokens);
    assert_int_equal(b.cached, 0);
    assert_true(a->count <= b.count);
    assert_memory_equal(a->tokens, b.tokens, sizeof *a->tokens * (size_t)a->count);
}

static void a_second_turn_finds_the_first(void **state)
{
    (void)state;
    static struct asked first, second, stranger;
    struct engine *en = open_engine(4, 0);
    struct engine *alone = open_engine(1, 0);
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    memset(&stranger, 0, sizeof stranger);
    write_text(&first, 500, 1, 1);
    ask(en, &first, 1, 40);
    assert_int_equal(first.cached, 0);
    memcpy(second.ids, first.ids, sizeof *first.ids * 500);
    memcpy(second.ids + 500, first.tokens, sizeof *first.tokens * 40);
    for (int i = 540; i < 600; i++) second.ids[i] = i % VOCAB;
    second.n = 600;
    ask(en, &second, 1, 40);
    assert_int_equal(second.cached, 539); /* all but the last token, which was never computed */
    memcpy(stranger.ids, second.ids, sizeof second.ids);
    stranger.n = 600;
    ask(en, &stranger, 2, 40); /* the same words from somebody else: only the public part */
    assert_int_equal(stranger.cached, PUBLIC);
    same_as_alone(alone, &first, 40);
    same_as_alone(alone, &second, 40);
    same_as_alone(alone, &stranger, 40);
    engine_close(en);
    engine_close(alone);
}

static void short_memory_costs_time_and_nothing_else(void **state)
{
    (void)state;
    enum { CROWD = 12, ANSWER = 200 };
    static struct asked a[CROWD];
    struct engine *en = open_engine(8, LONGEST); /* memory for one of full length */
    struct engine *alone = open_engine(1, 0);
    memset(a, 0, sizeof a);
    for (int i = 0; i < CROWD; i++) {
        write_text(&a[i], 320 + 11 * i, i, i);
        struct engine_request r = request_of(&a[i], (uint64_t)i + 1, ANSWER, 0.8f);
        submit(en, &r);
    }
    for (int i = 0; i < CROWD; i++) wait_for(&a[i]);
    struct engine_stats s;
    engine_get_stats(en, &s);
    assert_true(s.preemptions > 0);
    for (int i = 0; i < CROWD; i++) {
        assert_true(a[i].error == OK && a[i].count == ANSWER && atomic_load(&a[i].finals) == 1);
        same_as_alone(alone, &a[i], ANSWER);
    }
    engine_close(en);
    engine_close(alone);
}

static uint32_t dice(void)
{
    static uint64_t x = 5;
    x = x * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(x >> 33);
}

/* Tenants with secrets, conversations that go on, cancels, little memory: whoever finds something finds only his own.
 * bench/soak does the same for longer. */
static void secrets_stay_with_their_tenants(void **state)
{
    (void)state;
    enum { TENANTS = 12, ROUNDS = 40 };
    static struct asked a[MOST];
    static int longest_seen[TENANTS]; /* of each tenant's conversation 0 */
    struct engine *en = open_engine(8, 2 * LONGEST);
    struct engine *alone = open_engine(1, 0);
    uint64_t found = 0;
    for (int round = 0; round < rounds(ROUNDS); round++) {
        int n = 1 + (int)(dice() % 10);
        int tenant[MOST];
        memset(a, 0, sizeof a);
        for (int i = 0; i < n; i++) {
            tenant[i] = (int)(dice() % TENANTS);
            write_text(&a[i], PUBLIC + 1 + (int)(dice() % 500), tenant[i], 0);
            a[i].cancel_after = dice() % 4 == 0 ? 1 + (int)(dice() % 8) : 0;
            struct engine_request r = request_of(&a[i], (uint64_t)tenant[i] + 1, 8, 0.8f);
            submit(en, &r);
        }
        for (int i = 0; i < n; i++) wait_for(&a[i]);
        for (int i = 0; i < n; i++) {
            int own = longest_seen[tenant[i]];
            for (int k = 0; k < n; k++) /* those of this round may have helped each other */
                if (k != i && tenant[k] == tenant[i] && a[k].n + a[k].count > own) own = a[k].n + a[k].count;
            assert_true(a[i].cached <= (own > PUBLIC ? own : PUBLIC));
            found += a[i].cached > PUBLIC;
            same_as_alone(alone, &a[i], 8);
        }
        for (int i = 0; i < n; i++)
            if (a[i].n + a[i].count > longest_seen[tenant[i]]) longest_seen[tenant[i]] = a[i].n + a[i].count;
    }
    struct engine_stats s;
    engine_get_stats(en, &s);
    assert_true(found > (uint64_t)rounds(10) && s.evictions > (uint64_t)rounds(10));
    engine_close(en);
    engine_close(alone);
}

static void tenants_take_turns(void **state)
{
    (void)state;
    enum { GREEDY = 12 };
    static struct asked many[GREEDY], one;
    struct engine *en = open_engine(1, 0);
    memset(many, 0, sizeof many);
    memset(&one, 0, sizeof one);
    for (int i = 0; i < GREEDY; i++) {
        write_text(&many[i], 400, 1, i);
        struct engine_request r = request_of(&many[i], 1, 30, 0);
        submit(en, &r);
    }
    write_text(&one, 400, 2, 1);
    struct engine_request r = request_of(&one, 2, 30, 0);
    submit(en, &r);
    for (int i = 0; i < GREEDY; i++) wait_for(&many[i]);
    wait_for(&one);
    int before = 0;
    for (int i = 0; i < GREEDY; i++) before += many[i].ended < one.ended;
    assert_true(before <= GREEDY / 2); /* those that ran before it was there, and one more */
    engine_close(en);
}

static void a_higher_priority_goes_first(void **state)
{
    (void)state;
    enum { CROWD = 8 };
    static struct asked a[CROWD];
    struct engine *en = open_engine(1, 0);
    memset(a, 0, sizeof a);
    for (int i = 0; i < CROWD; i++) {
        write_text(&a[i], 700, 1, i);
        struct engine_request r = request_of(&a[i], 1, 60, 0);
        r.priority = i == CROWD - 1;
        submit(en, &r);
    }
    for (int i = 0; i < CROWD; i++) wait_for(&a[i]);
    int before = 0;
    for (int i = 0; i < CROWD - 1; i++) before += a[i].ended < a[CROWD - 1].ended;
    assert_true(before <= CROWD / 2);
    engine_close(en);
}

/* A cancel may come at any moment, also while the request is on its way from the queue to its slot or back. */
static void a_cancel_is_never_lost(void **state)
{
    (void)state;
    enum { ROUNDS = 100, TOGETHER = 6 };
    static struct asked a[TOGETHER];
    struct engine *en = open_engine(4, LONGEST);
    for (int round = 0; round < rounds(ROUNDS); round++) {
        uint64_t ids[TOGETHER];
        struct error e = {0};
        memset(a, 0, sizeof a);
        for (int i = 0; i < TOGETHER; i++) {
            write_text(&a[i], 301 + (int)(dice() % 60), i, 0);
            struct engine_request r = request_of(&a[i], 1, 600, 0);
            check_ok(engine_submit(en, &r, &ids[i], &e), &e);
        }
        for (int i = 0; i < TOGETHER; i++) {
            for (uint32_t spin = dice() % 20000; spin > 0; spin--) __asm__ volatile("" ::: "memory");
            engine_cancel(en, ids[i]);
        }
        for (int i = 0; i < TOGETHER; i++) {
            wait_for(&a[i]);
            assert_int_equal(a[i].reason, FINISH_CANCELLED);
        }
    }
    engine_close(en);
}

/* Answers that repeat what was said: guessed or one by one, at any temperature and beside others, the same tokens. */
static void guesses_change_nothing(void **state)
{
    (void)state;
    enum { CROWD = 3, ANSWER = 120 };
    static struct asked a[CROWD], b[CROWD];
    struct engine *en = open_engine(4, 0);
    struct engine *plain = open_engine(4, 0);
    for (int round = 0; round < 12; round++) {
        int crowd = round % 4 == 3 ? CROWD : 1;
        memset(a, 0, sizeof a);
        memset(b, 0, sizeof b);
        for (int i = 0; i < crowd; i++) {
            a[i].n = b[i].n = 200 + 17 * i;
            for (int k = 0; k < a[i].n; k++) a[i].ids[k] = b[i].ids[k] = 5 + (k * k) % (7 + round); /* it repeats */
            float temperature = round < 6 ? 0 : 0.1f * (float)round;
            struct engine_request r = request_of(&a[i], 0, ANSWER, temperature);
            struct engine_request s = request_of(&b[i], 0, ANSWER, temperature);
            if (round % 2) r.sampling.repetition_penalty = s.sampling.repetition_penalty = 1.1f;
            s.guessing = GUESS_NEVER;
            r.guessing = GUESS_ALWAYS;
            submit(en, &r);
            submit(plain, &s);
        }
        for (int i = 0; i < crowd; i++) {
            wait_for(&a[i]);
            wait_for(&b[i]);
            assert_true(a[i].error == OK && a[i].count == ANSWER && b[i].count == ANSWER);
            assert_memory_equal(a[i].tokens, b[i].tokens, sizeof *a[i].tokens * ANSWER);
        }
    }
    struct engine_stats s;
    engine_get_stats(en, &s);
    assert_true(s.guessed_tokens > 200 && s.guesses_right > 50);
    engine_get_stats(plain, &s);
    assert_int_equal(s.guessed_tokens, 0);
    engine_close(en);
    engine_close(plain);
}

static void guesses_follow_the_latest_longest_match(void **state)
{
    (void)state;
    int32_t out[DRAFT_MOST];
    static const int32_t text[] = {1, 2, 3, 4, 50, 51, 9, 1, 2, 3, 4, 60, 61, 8, 2, 3, 4, 70, 1, 2, 3, 4};
    assert_int_equal(draft_find(text, 22, 2, out), 2);
    assert_true(out[0] == 60 && out[1] == 61); /* four tokens matched, later than 50; three with 70 are fewer */
    assert_int_equal(draft_find(text, 7, 4, out), 0);
    static const int32_t same[] = {5, 5, 5, 5, 5, 5};
    assert_int_equal(draft_find(same, 6, DRAFT_MOST, out), 1);
    struct draft d;
    struct draft_costs costs = {.one = 1, .more = 0.05};
    draft_init(&d);
    assert_true(draft_worth(&d, &costs, 0, 7) >= 3); /* rows cost next to nothing */
    for (int i = 0; i < 30; i++) draft_learn(&d, 3, 0);
    costs.more = 0.5;
    assert_int_equal(draft_worth(&d, &costs, 0, 7), 0); /* never right and dear */
    assert_int_equal(draft_worth(&d, &costs, 0, 7), 0);
}

/* The reference's hidden states, pooled by the test itself; beside others and with little memory. */
static void pooled_texts_equal_the_reference(void **state)
{
    (void)state;
    enum { HIDDEN = 128, COPIES = 4 };
    static float got[COPIES][HIDDEN];
    static struct asked a[COPIES], other;
    struct error e = {0};
    int32_t *ids;
    size_t n;
    size_t count;
    check_ok(npy_read_ids(MODEL "/gold_input_ids.npy", &ids, &n, &e), &e);
    float *hidden = golden_floats(MODEL "/gold_hidden.npy", &count); /* [layers + 1][n][hidden] */
    struct engine *en = NULL;
    struct engine_options o = {.model_path = MODEL, .threads = 2, .slots = 8, .max_length = 256}; /* without YaRN */
    check_ok(engine_open(&en, &o, &e), &e);
    assert_int_equal(engine_config(en)->hidden_size, HIDDEN);
    const float *last_layer = hidden + count - n * HIDDEN;
    memset(a, 0, sizeof a);
    memset(&other, 0, sizeof other);
    write_text(&other, 200, 1, 1);
    struct engine_request r = request_of(&other, 1, 50, 0);
    submit(en, &r);
    for (int i = 0; i < COPIES; i++) {
        memcpy(a[i].ids, ids, n * sizeof *ids);
        a[i].n = (int)n;
        r = request_of(&a[i], 1, 1, 0);
        r.pooling = i % 2 ? POOL_MEAN : POOL_LAST;
        r.pooled = got[i];
        submit(en, &r);
    }
    for (int i = 0; i < COPIES; i++) {
        double want[HIDDEN] = {0};
        double dot = 0;
        double square = 0;
        double length = 0;
        wait_for(&a[i]);
        assert_true(a[i].error == OK && a[i].count == 0 && a[i].reason == FINISH_STOP);
        for (size_t p = i % 2 ? 0 : n - 1; p < n; p++)
            for (int d = 0; d < HIDDEN; d++) want[d] += (double)last_layer[p * HIDDEN + (size_t)d];
        for (int d = 0; d < HIDDEN; d++) {
            dot += want[d] * (double)got[i][d];
            square += want[d] * want[d];
            length += (double)got[i][d] * (double)got[i][d];
        }
        assert_true(fabs(length - 1) < 1e-5 && dot / sqrt(square) > 0.999);
    }
    assert_memory_equal(got[0], got[2], sizeof got[0]);
    assert_memory_equal(got[1], got[3], sizeof got[1]);
    wait_for(&other);
    engine_close(en);
    free(ids);
    free(hidden);
}

/* Adapters come, change and go while requests run; each keeps the one it was given, mixed with others in one batch. */
static void adapters_come_and_go_while_others_run(void **state)
{
    (void)state;
    enum { CROWD = 6, ANSWER = 40 };
    static struct asked with[CROWD], without[CROWD], late;
    struct error e = {0};
    struct engine *en = open_engine(16, 4 * LONGEST);
    struct engine *alone = open_engine(1, 0);
    struct engine *adapted = NULL;
    struct engine_options o = {
        .model_path = MODEL, .lora_path = MODEL "-lora", .threads = 2, .slots = 1, .max_length = LONGEST};
    check_ok(engine_open(&adapted, &o, &e), &e);
    memset(with, 0, sizeof with);
    memset(without, 0, sizeof without);
    memset(&late, 0, sizeof late);
    check_ok(engine_lora_load(en, "a", MODEL "-lora", &e), &e);
    for (int i = 0; i < CROWD; i++) {
        write_text(&with[i], 310 + i, 3, 1);
        write_text(&without[i], 310 + i, 3, 1); /* the same words of the same tenant */
        struct engine_request r = request_of(&with[i], 1, ANSWER, 0.8f);
        struct engine_request s = request_of(&without[i], 1, ANSWER, 0.8f);
        r.lora = "a";
        submit(en, &r);
        submit(en, &s);
    }
    check_ok(engine_lora_load(en, "a", MODEL "-lora", &e), &e); /* replaced under them */
    check_ok(engine_lora_remove(en, "a", &e), &e);
    write_text(&late, 400, 3, 1);
    struct engine_request r = request_of(&late, 1, ANSWER, 0);
    uint64_t id;
    r.lora = "a";
    check_refused(engine_submit(en, &r, &id, &e), &e, ERR_NOT_FOUND, "adapter");
    for (int i = 0; i < CROWD; i++) {
        wait_for(&with[i]);
        wait_for(&without[i]);
        same_as_alone(adapted, &with[i], ANSWER);
        same_as_alone(alone, &without[i], ANSWER);
    }
    char names[LORA_MOST][LORA_NAME_MAX];
    assert_int_equal(engine_lora_names(en, names), 0);
    e = (struct error){0};
    check_refused(engine_lora_load(en, "../a", MODEL "-lora", &e), &e, ERR_INVALID, "name");
    engine_shutdown(en);
    assert_null(en->adapters); /* the last user freed it */
    engine_close(en);
    engine_close(alone);
    engine_close(adapted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_turn_finds_the_first),    cmocka_unit_test(short_memory_costs_time_and_nothing_else),
        cmocka_unit_test(secrets_stay_with_their_tenants),  cmocka_unit_test(tenants_take_turns),
        cmocka_unit_test(a_higher_priority_goes_first),     cmocka_unit_test(a_cancel_is_never_lost),
        cmocka_unit_test(guesses_change_nothing),           cmocka_unit_test(adapters_come_and_go_while_others_run),
        cmocka_unit_test(pooled_texts_equal_the_reference), cmocka_unit_test(guesses_follow_the_latest_longest_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
