/* test_grammar_real.c - forms with Qwen2.5's own vocabulary of 151,665 tokens: tokens that cross the borders of values,
 * hold parts of characters, or hold many brackets at once. Needs the weights' file (its tokenizer): XIAOBEI_TEST_MODEL
 * or the models directory; skipped without. */
#include "support/check.h"

#include <locale.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/model_file.h"
#include "model/model_ref.h"
#include "support/grammar_walk.h"
#include "support/schema_check.h"

enum { WALKS = 40 };

static struct model_file *model;
static struct tokenizer *tokenizer;
static struct grammar_vocab *vocab;

static int set_up(void **state)
{
    (void)state;
    static char path[LIMIT_PATH];
    struct error e = {0};
    const char *given = getenv("XIAOBEI_TEST_MODEL");
    setlocale(LC_ALL, "C.UTF-8");
    if (given && *given)
        snprintf(path, sizeof path, "%s", given);
    else if (model_resolve("qwen2.5-coder-0.5b-instruct-q4_k_m", path, sizeof path, &e))
        return 0;
    if (model_file_open(&model, path, &e) || tokenizer_new(&tokenizer, model_file_tokenizer(model), &e)) return -1;
    return grammar_vocab_new(&vocab, tokenizer, &e);
}

static int tear_down(void **state)
{
    (void)state;
    grammar_vocab_free(vocab);
    tokenizer_free(tokenizer);
    model_file_close(model);
    return 0;
}

static void need_model(void)
{
    if (vocab) return;
    print_message("skip: no 0.5B model is here; xiaobei pull qwen2.5-0.5b-instruct-q4_k_m brings it\n");
    skip();
}

static struct grammar *compile(const char *schema, json_t **root)
{
    struct grammar *g = NULL;
    struct error e = {0};
    check_ok(json_read(root, schema, strlen(schema), &e), &e);
    struct grammar_part part = {.schema = *root};
    struct grammar_spec spec = {.parts = &part, .n_parts = 1};
    double start = clock_monotonic();
    check_ok(grammar_new(&g, vocab, &spec, &e), &e);
    assert_true(clock_monotonic() - start < 5); /* it takes a millisecond; a machine may be busy */
    return g;
}

static const char *const schemas[] = {
    "{\"type\":\"object\"}",
    "{\"type\":\"object\",\"properties\":{\"姓名\":{\"type\":\"string\",\"maxLength\":8},\"age\":{\"type\":\"integer\","
    "\"minimum\":0,"
    "\"maximum\":120},\"sex\":{\"enum\":[\"男\",\"女\"]},\"t\":{\"type\":[\"number\",\"null\"],\"minimum\":34,"
    "\"maximum\":43}},"
    "\"required\":[\"姓名\",\"age\",\"sex\"]}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}},\"additionalProperties\":{\"type\":\"boolean\"}}",
    "{\"type\":\"string\",\"minLength\":5,\"maxLength\":12}",
    "{\"type\":\"string\",\"pattern\":\"^[^a-z\\\"]{3,9}[男女老幼]$\"}",
    "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"array\"}}}",
    "{\"$ref\":\"#/$defs/"
    "n\",\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"string\"},\"kids\":{\"type\":"
    "\"array\","
    "\"items\":{\"$ref\":\"#/$defs/n\"}}},\"required\":[\"v\",\"kids\"]}}}",
    "{\"anyOf\":[{\"type\":\"string\",\"maxLength\":3},{\"const\":\"hello "
    "world\"},{\"type\":\"object\",\"properties\":{\"x\":{}},"
    "\"required\":[\"x\"]}]}",
};

static void check_walk(struct grammar *g, const char *schema, const json_t *root, int max_tokens, uint64_t seed)
{
    struct buf text = BUF_INIT(MIB);
    int used = grammar_walk(g, vocab, tokenizer, max_tokens, 3, seed, &text);
    if (used < 0 || used > max_tokens) fail_msg("%s: stops (%d) after %s", schema, used, buf_text(&text));
    json_t *value = json_loadb(buf_text(&text), text.len, JSON_DECODE_ANY, NULL);
    if (!value || !schema_holds(root, root, value)) fail_msg("%s: writes %s", schema, buf_text(&text));
    json_decref(value);
    buf_free(&text);
}

static void every_walk_ends_in_what_the_schema_allows(void **state)
{
    (void)state;
    need_model();
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        json_t *root = NULL;
        struct grammar *g = compile(schemas[i], &root);
        for (uint64_t seed = 0; seed < WALKS; seed++) {
            check_walk(g, schemas[i], root, 300, seed);
            check_walk(g, schemas[i], root, grammar_min_tokens(g) + (int)(seed % 12), seed);
        }
        grammar_release(g);
        json_decref(root);
    }
}

/* An ordinary tokenizer's own way through a text must be open. */
static void the_usual_tokens_are_allowed(void **state)
{
    (void)state;
    need_model();
    static const char text[] = "{\"姓名\": \"张三\", \"age\": 45, \"sex\": \"男\", \"t\": 38.5}";
    json_t *root = NULL;
    struct grammar *g = compile(schemas[1], &root);
    struct grammar_state *s = NULL;
    struct token_list ids = {0};
    struct error e = {0};
    uint64_t *mask = calloc(grammar_vocab_words(vocab), sizeof *mask);
    check_ok(tokenizer_encode(tokenizer, text, strlen(text), TOKENIZE_PLAIN, &ids, &e), &e);
    check_ok(grammar_state_new(&s, g, &e), &e);
    assert_true(grammar_min_tokens(g) <= (int)ids.len + 8); /* the bound is not far from what a text takes */
    for (size_t i = 0; i < ids.len; i++) {
        check_ok(grammar_mask(s, 100, mask, &e), &e);
        assert_true(walk_allows(mask, ids.ids[i]));
        assert_false(walk_allows(mask, tokenizer_special_id(tokenizer, "<|im_end|>")));
        check_ok(grammar_accept(s, ids.ids[i], &e), &e);
    }
    assert_true(grammar_must_end(s));
    grammar_state_free(s);
    grammar_release(g);
    token_list_free(&ids);
    json_decref(root);
    free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_walk_ends_in_what_the_schema_allows),
        cmocka_unit_test(the_usual_tokens_are_allowed),
    };
    return cmocka_run_group_tests_name("grammar with a real vocabulary", tests, set_up, tear_down);
}
