/* test_tool_calls.c - calls in a model's text: found, passed on unchanged, and left as text if they are none. */
#include "support/check.h"

#include "base/json.h"
#include "server/tool_calls.h"

static const char *arguments_of(const json_t *calls, size_t i)
{
    const json_t *function = json_object_get(json_array_get(calls, i), "function");
    return json_string_value(json_object_get(function, "arguments"));
}

static json_t *parse(const char *text)
{
    return tool_calls_parse(text, strlen(text), "x");
}

static void arguments_are_passed_on_byte_for_byte(void **state)
{
    (void)state;
    static const char *const cases[] = {"{}", "{\"dose\": 0.1, \"factor\": 1e-7, \"whole\": 5.0}",
                                        "{\"id\": 123456789012345678901234567890, \"low\": -9223372036854775809}",
                                        "{ \"a\" :[1 , {\"b\":\"}],\\\"\"}] }",
                                        "{\"名\": \"空腹血糖\", \"u\": \"\\u4f60\", \"arguments\": {\"c\": null}}"};
    static const char *const forms[][2] = {
        {"<tool_call>\n{\"name\": \"f\", \"arguments\": ", "}\n</tool_call>"},
        {"<tool_call>{\"arguments\":", " ,\"name\":\"f\"}</tool_call>\n"},
        {" <tool_call>{\"x\":[\"arguments\",{\"arguments\":1}],\"name\":\"f\",\"arguments\" : ", "}</tool_call>"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            char text[512];
            snprintf(text, sizeof text, "%s%s%s", forms[k][0], cases[i], forms[k][1]);
            json_t *calls = parse(text);
            if (!calls) fail_msg("no call: %s", text);
            assert_int_equal(json_array_size(calls), 1);
            assert_string_equal(arguments_of(calls, 0), cases[i]);
            json_decref(calls);
        }
}

static void several_calls_keep_their_order(void **state)
{
    (void)state;
    json_t *calls = parse("<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":1}}</tool_call>\n"
                          "<tool_call>{\"name\":\"g\",\"arguments\":{\"a\":2}}</tool_call>");
    assert_int_equal(json_array_size(calls), 2);
    assert_string_equal(arguments_of(calls, 1), "{\"a\":2}");
    json_decref(calls);
}

static void what_is_no_call_stays_text(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "<tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":{}}",
        "<tool_call>{\"name\":\"f\"}</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":\"x\"}</tool_call>",
        "<tool_call>{\"name\":5,\"arguments\":{}}</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":{},\"arguments\":{}}</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":01}}</tool_call>",
        "<tool_call>[\"arguments\"]</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call> and more",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_null(parse(cases[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_passed_on_byte_for_byte),
        cmocka_unit_test(several_calls_keep_their_order),
        cmocka_unit_test(what_is_no_call_stays_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
