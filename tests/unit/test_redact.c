/* test_redact.c - check digits, numbers in every spelling, offsets in characters, what is left alone, and how much of
 * tests/data/redact_dev.jsonl is masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "medical/redact.h"

static struct redactor *redactor;

static int setup(void **state)
{
    (void)state;
    return redactor_new(&redactor, NULL);
}

static int teardown(void **state)
{
    (void)state;
    redactor_free(redactor);
    return 0;
}

static void masked(const char *text, const char *expected)
{
    struct redact_result r;
    assert_int_equal(redact_run(redactor, text, strlen(text), &r, NULL), OK);
    assert_string_equal(r.text, expected);
    redact_result_free(&r);
}

static void untouched(const char *text)
{
    masked(text, text);
}

static void check_digits(void **state)
{
    (void)state;
    assert_true(redact_id_check("11010519491231002X"));
    assert_true(redact_id_check("11010519491231002x"));
    assert_false(redact_id_check("110105194912310021"));
    assert_false(redact_id_check("11010519491232002X"));
    assert_true(redact_luhn_check("4111111111111111", 16));
    assert_false(redact_luhn_check("4111111111111112", 16));
    assert_false(redact_luhn_check("0", 1));
}

static void numbers_in_every_spelling(void **state)
{
    (void)state;
    masked("电话一三八零零一三八零零零。", "电话[电话]。");
    masked("打幺三八〇〇幺三八〇〇〇一直没人接", "打[电话]一直没人接");
    masked("１３８-００１３-８０００", "[电话]");
    masked("身份证 110105 19491231 002X 查一下", "身份证 [身份证] 查一下");
    masked("身份证110105491231002", "身份证[身份证]");
    masked("11010519491231002X", "[身份证]");
    masked("座机(0571)87654321转802", "座机[电话]");
    masked("卡 4111 1111 1111 1111", "卡 [银行卡]");
}

static void wrong_check_digit_needs_context(void **state)
{
    (void)state;
    untouched("流水号110105194912310021");
    untouched("数字 110105194912310021 是什么");
    masked("身份证号110105194912310021", "身份证号[身份证]");
}

static void left_alone(void **state)
{
    (void)state;
    untouched("王医生和李女士都说去北京协和医院找张主任。");
    untouched("帕金森病、阿尔茨海默病，李时珍和 Crohn disease");
    untouched("拨打120、12320、12356或400-820-8820，国药准字H20044310，批号20230815");
    untouched("订单号13800138000，2024年3月15日，白细胞6.5×10^9/L");
}

static void offsets_are_characters(void **state)
{
    (void)state;
    const char *text = "😀é我叫王小明，𠮷\xff 13800138000";
    struct redact_result r;
    assert_int_equal(redact_run(redactor, text, strlen(text), &r, NULL), OK);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.spans[0].type, REDACT_NAME);
    assert_int_equal(r.spans[0].start, 4);
    assert_int_equal(r.spans[0].end, 7);
    assert_int_equal(r.spans[1].type, REDACT_PHONE);
    assert_int_equal(r.spans[1].start, 11);
    assert_int_equal(r.spans[1].end, 22);
    assert_string_equal(r.text, "😀é我叫[姓名]，𠮷\xff [电话]");
    redact_result_free(&r);
}

static void tables_by_their_heads(void **state)
{
    (void)state;
    masked("姓名,住院号,诊断\n金大川,0023,肺炎\n\n金大川,0023",
           "姓名,住院号,诊断\n[姓名],[病历号],肺炎\n\n[姓名],0023");
}

static void too_long(void **state)
{
    (void)state;
    struct redact_result r;
    char *text = test_calloc(LIMIT_MEDICAL_TEXT + 1, 1);
    memset(text, '1', LIMIT_MEDICAL_TEXT + 1);
    assert_int_equal(redact_run(redactor, text, LIMIT_MEDICAL_TEXT + 1, &r, NULL), ERR_LIMIT);
    assert_null(r.text);
    test_free(text);
}

struct tally {
    size_t spans, found, masked, inside, texts, clean;
};

static void count_case(struct tally *n, const json_t *item)
{
    const char *text = json_string_value(json_object_get(item, "text"));
    const json_t *spans = json_object_get(item, "spans");
    struct redact_result r;
    size_t index;
    const json_t *span;
    assert_int_equal(redact_run(redactor, text, strlen(text), &r, NULL), OK);
    size_t length = utf8_count(text, strlen(text));
    char *gold = test_calloc(length + 1, 1);
    json_array_foreach(spans, index, span)
    {
        size_t start = (size_t)json_integer_value(json_object_get(span, "start"));
        size_t end = (size_t)json_integer_value(json_object_get(span, "end"));
        size_t left = end - start;
        assert_true(end <= length);
        memset(gold + start, 1, end - start);
        for (size_t i = 0; i < r.count; i++)
            for (size_t k = r.spans[i].start; k < r.spans[i].end; k++) left -= k >= start && k < end;
        n->spans++;
        n->found += left == 0;
    }
    for (size_t i = 0; i < r.count; i++)
        for (size_t k = r.spans[i].start; k < r.spans[i].end; k++) {
            n->masked++;
            n->inside += gold[k] != 0;
        }
    n->texts++;
    n->clean += json_array_size(spans) == 0;
    test_free(gold);
    redact_result_free(&r);
}

static void development_set(void **state)
{
    (void)state;
    struct buf file = BUF_INIT(LIMIT_EVAL_FILE);
    struct tally n = {0};
    assert_int_equal(file_read(&file, "tests/data/redact_dev.jsonl", NULL), OK);
    for (size_t i = 0; i < file.len;) {
        const char *line = buf_text(&file) + i;
        size_t length = strcspn(line, "\n");
        json_t *item = NULL;
        assert_int_equal(json_read(&item, line, length, NULL), OK);
        count_case(&n, item);
        json_decref(item);
        i += length + 1;
    }
    buf_free(&file);
    assert_true(n.texts >= 250);
    assert_true(n.clean >= 60);
    assert_true(100 * n.found >= 99 * n.spans);
    assert_true(100 * n.inside >= 95 * n.masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_digits),
        cmocka_unit_test(numbers_in_every_spelling),
        cmocka_unit_test(wrong_check_digit_needs_context),
        cmocka_unit_test(left_alone),
        cmocka_unit_test(offsets_are_characters),
        cmocka_unit_test(tables_by_their_heads),
        cmocka_unit_test(too_long),
        cmocka_unit_test(development_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
