/* test_answer_form.c - tool calls that must come: whatever way is taken through the masks, the answer reads as calls of
 * the offered tools with arguments their schemas allow. */
#include "support/check.h"

#include "base/json.h"
#include "server/answer_form.h"
#include "server/chat_messages.h"
#include "server/tool_calls.h"
#include "support/grammar_walk.h"
#include "support/schema_check.h"
#include "support/tiny_tokenizer.h"

enum { WALKS = 150, ROOMY = 600 };

static struct tokenizer *tokenizer;
static struct grammar_vocab *vocab;

static int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    tokenizer = tiny_tokenizer_new();
    return !tokenizer || grammar_vocab_new(&vocab, tokenizer, &e) != OK;
}

static int tear_down(void **state)
{
    (void)state;
    grammar_vocab_free(vocab);
    tokenizer_free(tokenizer);
    return 0;
}

static json_t *two_tools(void)
{
    static const char text[] =
        "[{\"type\":\"function\",\"function\":{\"name\":\"lab\",\"strict\":true,\"parameters\":{\"type\":\"object\","
        "\"properties\":{"
        "\"test\":{\"type\":\"string\",\"maxLength\":9},\"sex\":{\"enum\":[\"男\",\"女\"]}},\"required\":[\"sex\"]}}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"no\\\"w\"}}]";
    json_t *tools = NULL;
    struct error e = {0};
    check_ok(json_read(&tools, text, strlen(text), &e), &e);
    return tools;
}

static struct grammar *compile(const struct answer_form *f, const json_t *tools)
{
    char param[CHAT_PARAM_MAX] = "";
    struct error e = {0};
    struct grammar *g = NULL;
    check_ok(form_check(f, tools, param, &e), &e);
    assert_false(form_is_free(f, tools));
    check_ok(form_compile(&g, f, tools, vocab, param, &e), &e);
    return g;
}

static void check_call(const json_t *tools, const json_t *call)
{
    const json_t *function = json_object_get(call, "function");
    const char *name = json_string_value(json_object_get(function, "name"));
    json_t *arguments = json_loads(json_string_value(json_object_get(function, "arguments")), 0, NULL);
    assert_true(json_is_object(arguments));
    if (strcmp(name, "lab") == 0) {
        const json_t *schema = json_object_get(json_object_get(json_array_get(tools, 0), "function"), "parameters");
        assert_true(schema_holds(schema, schema, arguments));
    } else {
        assert_string_equal(name, "no\"w");
        assert_int_equal(json_object_size(arguments), 0);
    }
    json_decref(arguments);
}

/* How many calls all walks together wrote; each walk writes from `least` to `most`. */
static size_t check_walks(const struct answer_form *f, const json_t *tools, size_t least, size_t most)
{
    struct grammar *g = compile(f, tools);
    size_t all = 0;
    for (uint64_t seed = 0; seed < WALKS; seed++) {
        struct buf text = BUF_INIT(MIB);
        int max = seed % 2 ? ROOMY : grammar_min_tokens(g) + (int)seed;
        assert_true(grammar_walk(g, vocab, tokenizer, max, 2, seed, &text) >= 0);
        size_t free_bytes = tool_calls_free_prefix(buf_text(&text), text.len);
        bool called = memmem(buf_text(&text), text.len, "<tool_call>", 11) != NULL;
        json_t *calls = called ? tool_calls_parse(buf_text(&text) + free_bytes, text.len - free_bytes, "x") : NULL;
        if (called && !calls) fail_msg("not calls: %s", buf_text(&text));
        if (json_array_size(calls) < least || json_array_size(calls) > most) fail_msg("%s", buf_text(&text));
        for (size_t i = 0; i < json_array_size(calls); i++) check_call(tools, json_array_get(calls, i));
        all += json_array_size(calls);
        json_decref(calls);
        buf_free(&text);
    }
    grammar_release(g);
    return all;
}

static void required_calls_come(void **state)
{
    (void)state;
    json_t *tools = two_tools();
    struct answer_form f = {.choice = TOOLS_REQUIRED};
    assert_true(check_walks(&f, tools, 1, LIMIT_GRAMMAR_CALLS) > WALKS); /* sometimes more than one */
    f.one_call = true;
    check_walks(&f, tools, 1, 1);
    f = (struct answer_form){.choice = TOOLS_NAMED, .tool = "no\"w"};
    check_walks(&f, tools, 1, LIMIT_GRAMMAR_CALLS);
    json_decref(tools);
}

static void optional_calls_keep_their_form(void **state)
{
    (void)state;
    json_t *tools = two_tools();
    struct answer_form f = {.one_call = true};
    form_read_strict(&f, tools);
    assert_true(f.strict[0] && !f.strict[1]);
    json_t *first = json_array_get(tools, 0);
    json_t *one = json_pack("[O]", first);
    check_walks(&f, one, 0, 1);
    json_decref(one);
    json_decref(tools);
}

static void a_tag_in_a_string_does_not_end_a_call(void **state)
{
    (void)state;
    static const char text[] =
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"x</tool_call>\\\"y\"}}\n</tool_call>\n"
        "<tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>";
    json_t *calls = tool_calls_parse(text, strlen(text), "1");
    assert_int_equal(json_array_size(calls), 2);
    json_decref(calls);
    assert_null(tool_calls_parse(text, strlen(text) - 3, "1"));
    static const char unclosed[] = "<tool_call>{\"name\": \"g\", \"arguments\": {\"a\": \"</tool_call>";
    assert_null(tool_calls_parse(unclosed, strlen(unclosed), "1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_calls_come),
        cmocka_unit_test(optional_calls_keep_their_form),
        cmocka_unit_test(a_tag_in_a_string_does_not_end_a_call),
    };
    return cmocka_run_group_tests_name("answer form", tests, set_up, tear_down);
}
