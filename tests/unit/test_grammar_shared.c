/* test_grammar_shared.c - a grammar in the hands of many: several states, threads, more places than are remembered,
 * large and hostile forms. */
#include "support/grammar_check.h"

#include <pthread.h>

static void states_share_a_grammar_and_outlive_it(void **state)
{
    (void)state;
    struct grammar *g = compile_pattern("[ab]{3}");
    struct error e = {0};
    struct grammar_state *one = NULL;
    struct grammar_state *two = NULL;
    check_ok(grammar_state_new(&one, g, &e), &e);
    grammar_release(g);
    check_ok(grammar_accept(one, 'a', &e), &e);
    check_ok(grammar_state_clone(&two, one, &e), &e);
    check_ok(grammar_accept(two, 'b', &e), &e);
    check_refused(grammar_accept(two, 'c', &e), &e, ERR_INVALID, "does not fit");
    error_clear(&e);
    check_ok(grammar_accept(two, 'b', &e), &e);
    assert_true(grammar_must_end(two) && !grammar_may_end(one));
    check_refused(grammar_accept(one, 262, &e), &e, ERR_INVALID, "control");
    error_clear(&e);
    grammar_state_free(two);
    assert_int_equal(grammar_state_min_tokens(one), 2);
    grammar_state_free(one);
}

/* Many states of a grammar whose sets never repeat: what is remembered is thrown away again and again, and the answers
 * stay right. */
static void forgetting_changes_nothing(void **state)
{
    (void)state;
    struct grammar *g = NULL;
    struct error e = {0};
    json_t *root = NULL;
    struct buf text = BUF_INIT(MIB);
    check_ok(compile(&g, "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":100000}}", &root, NULL, &e),
             &e);
    assert_true(grammar_walk(g, vocab, tokenizer, 60000, 2, 5, &text) >= 0);
    json_t *value = json_loadb(buf_text(&text), text.len, 0, NULL);
    assert_true(value && schema_holds(root, root, value));
    json_decref(value);
    buf_free(&text);
    grammar_release(g);
    json_decref(root);
}

struct shared_walks {
    struct grammar *g;
    uint64_t first_seed;
    struct buf text; /* all answers, one after the other */
    int failed;
};

static void *walk_many(void *argument)
{
    struct shared_walks *w = argument;
    for (uint64_t seed = w->first_seed; seed < w->first_seed + 30; seed++)
        if (grammar_walk(w->g, vocab, tokenizer, 300, 3, seed, &w->text) < 0) w->failed++;
    return NULL;
}

static void threads_may_share_a_grammar(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct grammar *g = NULL;
    struct error e = {0};
    json_t *root = NULL;
    pthread_t threads[THREADS];
    struct shared_walks shared[THREADS];
    check_ok(compile(&g, "{\"type\":\"object\"}", &root, NULL, &e), &e);
    for (int i = 0; i < THREADS; i++) {
        shared[i] = (struct shared_walks){.g = g, .first_seed = (uint64_t)i * 30, .text = BUF_INIT(MIB)};
        assert_int_equal(pthread_create(&threads[i], NULL, walk_many, &shared[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        struct shared_walks alone = {.g = g, .first_seed = (uint64_t)i * 30, .text = BUF_INIT(MIB)};
        walk_many(&alone);
        assert_int_equal(shared[i].failed + alone.failed, 0);
        assert_string_equal(buf_text(&shared[i].text), buf_text(&alone.text)); /* company changes nothing */
        buf_free(&shared[i].text);
        buf_free(&alone.text);
    }
    grammar_release(g);
    json_decref(root);
}

static void large_schemas_are_followed(void **state)
{
    (void)state;
    json_t *properties = json_object();
    json_t *names = json_array();
    for (int i = 0; i < 1500; i++) {
        char name[32];
        snprintf(name, sizeof name, "property %d", i);
        json_object_set_new(properties, name, json_pack("{s:s, s:i}", "type", "integer", "minimum", i % 7));
        json_array_append_new(names, json_string(name));
    }
    json_t *roots[] = {json_pack("{s:s, s:O}", "type", "object", "properties", properties),
                       json_pack("{s:s, s:O, s:O}", "type", "object", "properties", properties, "required", names),
                       json_pack("{s:O}", "enum", names),
                       json_pack("{s:s, s:{s:O}, s:i}", "type", "array", "items", "enum", names, "maxItems", 100000)};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        struct grammar *g = NULL;
        struct error e = {0};
        struct grammar_part part = {.schema = roots[i]};
        struct grammar_spec spec = {.parts = &part, .n_parts = 1};
        check_ok(grammar_new(&g, vocab, &spec, &e), &e);
        check_walks(g, "a large schema", roots[i], grammar_min_tokens(g) + 2000, 2);
        grammar_release(g);
        json_decref(roots[i]);
    }
    json_decref(properties);
    json_decref(names);
}

static void what_is_too_ambiguous_is_said(void **state)
{
    (void)state;
    struct grammar *g = compile_pattern("(a|b)*a(a|b){15}"); /* 2^16 places at once in the worst case */
    struct buf text = BUF_INIT(MIB);
    int used = grammar_walk(g, vocab, tokenizer, 3000, 1000000, 1, &text);
    assert_true(used >= 0 || used == -2); /* either followed or refused: never wrong, never without end */
    buf_free(&text);
    grammar_release(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_share_a_grammar_and_outlive_it), cmocka_unit_test(forgetting_changes_nothing),
        cmocka_unit_test(threads_may_share_a_grammar),           cmocka_unit_test(large_schemas_are_followed),
        cmocka_unit_test(what_is_too_ambiguous_is_said),
    };
    return cmocka_run_group_tests_name("grammar, shared", tests, set_up, tear_down);
}
