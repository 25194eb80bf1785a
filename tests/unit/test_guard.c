/* test_guard.c - nothing that doses, prescribes or changes a medicine gets out, and what helps does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "medical/guard.h"
#include "medical/guard_sentence.h"
#include "medical/guard_lex.h"

static struct guard *g;

static int open_guard(void **state)
{
    (void)state;
    struct error e = {0};
    return guard_new(&g, NULL, 0, &e);
}

static int close_guard(void **state)
{
    (void)state;
    guard_free(g);
    return 0;
}

static struct guard_result check(const char *text)
{
    struct guard_result r;
    assert_int_equal(guard_check(g, text, strlen(text), &r, NULL), OK);
    return r;
}

static void blocks(const char *text, enum guard_reason reason)
{
    struct guard_result r = check(text);
    if (r.action == GUARD_PASS) fail_msg("got out: %s", text);
    if (r.spans[0].reason != reason) fail_msg("%s is %s", text, guard_reason_id(r.spans[0].reason));
    guard_result_free(&r);
}

static void passes(const char *text)
{
    struct guard_result r = check(text);
    if (r.action != GUARD_PASS || strcmp(r.text, text)) fail_msg("touched: %s -> %s", text, r.text);
    guard_result_free(&r);
}

static void reads_number(const char *text, double value, size_t len)
{
    double got = -1;
    assert_int_equal(guard_number(text, strlen(text), &got), len);
    if (got < value - 1e-9 || got > value + 1e-9) fail_msg("%s is %f", text, got);
}

static void numbers_in_every_spelling(void **state)
{
    (void)state;
    reads_number("0.5g", .5, 3);
    reads_number("1,000 mg", 1000, 5);
    reads_number("1/2片", .5, 3);
    reads_number("三百五十毫克", 350, strlen("三百五十"));
    reads_number("半片", .5, 3);
    reads_number("两片", 2, 3);
    reads_number("伍佰", 500, 6);
    reads_number("零点五", .5, 9);
    reads_number("一片半", 1, 3);
    reads_number("5万", 50000, 4);
    reads_number("twenty-five mg", 25, strlen("twenty-five"));
    reads_number("five hundred", 500, strlen("five hundred"));
    reads_number("4oo mg", 400, 3);
    reads_number("liang pian", 2, 5);
    reads_number("oneself", -1, 0);
}

static void a_drug_beside_a_number(void **state)
{
    (void)state;
    blocks("缬沙坦一天一粒，早上吃。", GUARD_DOSE);
    blocks("缬沙坦 80 qd", GUARD_DOSE);
    blocks("Take naproxen 250 mg twice daily.", GUARD_DOSE);
    blocks("萘普生每八小时用一次。", GUARD_DOSE);
    blocks("萘普生连着吃五天。", GUARD_DOSE);
    blocks("萘普生塞到肛门里。", GUARD_DOSE);
    blocks("当归12克，川芎6克，煎汤。", GUARD_HERB);
    blocks("一次两片，一天三次。", GUARD_DOSE); /* no name at all */
}

static void names_never_listed(void **state)
{
    (void)state;
    blocks("诺贝沙坦每天一片。", GUARD_DOSE);
    blocks("Zorvatinib 50, every morning for a month.", GUARD_DOSE);
    passes("April has 30 days and the concept is simple.");
}

static void context_is_carried(void **state)
{
    (void)state;
    blocks("萘普生止痛效果不错。这个药一次用一片。", GUARD_DOSE);
    blocks("药名：萘普生\n用量：250\n次数：2", GUARD_DOSE);
    blocks("| 药 | 每次 |\n|---|---|\n| 萘普生 | 250 |", GUARD_DOSE);
    blocks("每次一粒，早晚各一。\n就是萘普生。", GUARD_DOSE);
    passes("萘普生是一种止痛药。每天步行30分钟，每周五次。");
}

static void changes_choices_and_the_rest(void **state)
{
    (void)state;
    blocks("血压好了，氯沙坦可以停了。", GUARD_CHANGE);
    blocks("把氯沙坦换成缬沙坦。", GUARD_CHANGE);
    blocks("Stop your losartan for now.", GUARD_CHANGE);
    blocks("这种感染首选头孢克洛。", GUARD_CHOICE);
    blocks("您现在的剂量是合适的。", GUARD_CONFIRM);
    blocks("缬沙坦80毫克约等于氯沙坦50毫克。", GUARD_EQUIVALENCE);
    blocks("找代购就能买到曲马多，不需要处方。", GUARD_ACCESS);
}

static void what_explains_a_number(void **state)
{
    (void)state;
    passes("空腹血糖6.5 mmol/L，略高。");
    passes("环孢素血药浓度 150 ng/mL。");
    passes("每天喝水2000毫升，盐不超过5克。");
    passes("快走30分钟，每周五次。");
    passes("冷敷15分钟，一天三次。");
    passes("三天后不好转请就医。");
    passes("不要自行停药，也不要把药量加倍。");
    passes("具体用量请看说明书或问药师。");
    passes("抱歉，我不能告诉您该吃几片。");
    passes("您说医生给您开的是缬沙坦80mg每天一次，请按医嘱服用。");
    passes("孩子误服了10片萘普生，请立即拨打120。");
    passes("服药期间不要喝酒。");
    passes("这些事不要自己做：\n- 停药\n- 换成别的降压药\n");
    blocks("我不能开药，不过可以参考：\n- 停药\n", GUARD_CHANGE);
}

static void disguises(void **state)
{
    (void)state;
    blocks("萘·普·生 两片", GUARD_DOSE);
    blocks("**萘普生** `2片`", GUARD_DOSE);
    blocks("n-a-p-r-o-x-e-n 500mg", GUARD_DOSE);
    blocks("naprox3n 5OO mg", GUARD_DOSE);
    blocks("萘普生 ２片 ／ 次", GUARD_DOSE);
    blocks("萘\n普\n生\n两\n片", GUARD_DOSE);
    blocks("{\"drug\":\"naproxen\",\"value\":250}", GUARD_DOSE);
    blocks("naproxen,250,2", GUARD_DOSE);
}

static void the_rest_of_the_text_stays(void **state)
{
    (void)state;
    struct guard_result r = check("先休息。萘普生一次一片，一天两次。多喝水。");
    assert_int_equal(r.action, GUARD_REWRITE);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.spans[0].start, strlen("先休息。"));
    assert_int_equal(r.spans[0].end, strlen("先休息。萘普生一次一片，一天两次"));
    assert_string_equal(r.text, "先休息。是否适合用药以及具体用法，请咨询医生或药师。多喝水。");
    guard_result_free(&r);
    r = check("Rest. Take naproxen 250 mg twice daily. Drink water.");
    assert_string_equal(
        r.text,
        "Rest. Please ask a doctor or pharmacist whether this is right for you and how to use it. Drink water.");
    guard_result_free(&r);
    r = check("- 萘普生一次一片\n- 缬沙坦每天一片\n");
    assert_int_equal(r.action, GUARD_BLOCK);
    assert_string_equal(r.text, "- 是否适合用药以及具体用法，请咨询医生或药师\n"); /* said once */
    guard_result_free(&r);
}

static void replacements_pass_themselves(void **state)
{
    (void)state;
    for (int i = 0; i < GUARD_REASON_COUNT; i++)
        for (int chinese = 0; chinese < 2; chinese++) {
            char text[400];
            snprintf(text, sizeof text, "%s%s%s",
                     chinese ? "萘普生，" : "Naproxen: ", guard_replacement((enum guard_reason)i, chinese),
                     chinese ? "。" : ".");
            passes(text);
        }
}

/* --- streams ---------------------------------------------------------------------------------------------------------
 */
static int append(void *user, const char *text, size_t n)
{
    return buf_append(user, text, n);
}

static void nothing_gets_out_before_its_sentence(void **state)
{
    (void)state;
    struct guard_stream *s;
    struct buf out = BUF_INIT(MIB);
    struct guard_result r;
    assert_int_equal(guard_stream_new(&s, g, NULL, append, &out, NULL), OK);
    const char *parts[] = {"先休息。萘普", "生一次", "一片", "，一天三", "次"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_int_equal(guard_stream_feed(s, parts[i], strlen(parts[i]), NULL), OK);
    assert_string_equal(buf_text(&out), "先休息。");
    assert_int_equal(guard_stream_end(s, &r, NULL), OK);
    assert_int_equal(r.action, GUARD_REWRITE);
    assert_null(strstr(buf_text(&out), "一片"));
    guard_result_free(&r);
    guard_stream_free(s);
    buf_free(&out);
}

static void the_question_is_known(void **state)
{
    (void)state;
    struct guard_stream *s;
    struct buf out = BUF_INIT(MIB);
    struct guard_result r;
    assert_int_equal(guard_stream_new(&s, g, "萘普生一天吃几次？", append, &out, NULL), OK);
    assert_int_equal(guard_stream_feed(s, "一天三次。", strlen("一天三次。"), NULL), OK);
    assert_int_equal(guard_stream_end(s, &r, NULL), OK);
    assert_int_equal(r.action, GUARD_BLOCK);
    guard_result_free(&r);
    guard_stream_free(s);
    buf_free(&out);
    passes("一天三次。");
}

static void a_sentence_without_end_is_cut(void **state)
{
    (void)state;
    char text[4 * LIMIT_GUARD_SENTENCE];
    memset(text, 'x', sizeof text);
    assert_int_equal(guard_sentence(text, LIMIT_GUARD_SENTENCE, false), 0);
    assert_int_equal(guard_sentence(text, sizeof text, false), LIMIT_GUARD_SENTENCE);
    text[LIMIT_GUARD_SENTENCE - 10] = ',';
    assert_int_equal(guard_sentence(text, sizeof text, false), LIMIT_GUARD_SENTENCE - 9);
    assert_int_equal(guard_sentence("0.5 mg.", 7, false), 0); /* is it the end? */
    assert_int_equal(guard_sentence("Stop. Go", 8, false), 5);
    assert_int_equal(guard_sentence("Dr. Li says", 11, true), 11);
    assert_int_equal(guard_sentence("1. 休息。", strlen("1. 休息。"), false), strlen("1. 休息。"));
}

/* --- the tables ------------------------------------------------------------------------------------------------------
 */
static void tables_are_large_and_can_grow(void **state)
{
    (void)state;
    struct guard *more;
    struct guard_result r;
    struct error e = {0};
    assert_true(guard_drug_count(g) >= 2500);
    const char *drugs = "# ours\n院内一号\tzh\tpatent\r\n";
    passes("院内一号很受欢迎，价格300元。");
    assert_int_equal(guard_new(&more, drugs, strlen(drugs), &e), OK);
    assert_int_equal(guard_check(more, "院内一号 2", strlen("院内一号 2"), &r, NULL), OK);
    assert_int_equal(r.action, GUARD_BLOCK);
    assert_int_equal(r.spans[0].reason, GUARD_HERB);
    guard_result_free(&r);
    guard_free(more);
}

static void refused(const char *drugs, const char *line, const char *why)
{
    struct guard *bad;
    struct error e = {0};
    assert_int_equal(guard_new(&bad, drugs, strlen(drugs), &e), ERR_FORMAT);
    assert_null(bad);
    if (!strstr(e.text, line) || !strstr(e.text, why)) fail_msg("says: %s", e.text);
}

static void bad_tables_are_named(void **state)
{
    (void)state;
    refused("院内一号\n", "line 1", "three columns");
    refused("# x\n院内一号\tzh\tpatent\n院内二号\tfr\tpatent\n", "line 3", "neither zh nor en");
    refused("院内一号\tzh\t\n", "line 1", "class is empty");
    refused("x\ten\tnsaid\n", "line 1", "too short");
}

static void limits(void **state)
{
    (void)state;
    struct guard_result r;
    char *big = malloc(LIMIT_MEDICAL_TEXT + 1);
    assert_non_null(big);
    memset(big, 'a', LIMIT_MEDICAL_TEXT + 1);
    assert_int_equal(guard_check(g, big, LIMIT_MEDICAL_TEXT + 1, &r, NULL), ERR_LIMIT);
    assert_int_equal(guard_check(g, big, LIMIT_MEDICAL_TEXT, &r, NULL), OK);
    assert_int_equal(r.len, LIMIT_MEDICAL_TEXT);
    guard_result_free(&r);
    free(big);
}

/* --- the development set ---------------------------------------------------------------------------------------------
 */
static void development_set(void **state)
{
    (void)state;
    struct buf file = BUF_INIT(8 * MIB);
    size_t blocks_n = 0, missed = 0, allows_n = 0, touched = 0;
    assert_int_equal(file_read(&file, "tests/data/guard_dev.jsonl", NULL), OK);
    for (char *line = file.data; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = '\0';
        json_t *item = json_loads(line, 0, NULL);
        assert_non_null(item);
        const char *text = json_string_value(json_object_get(item, "text"));
        bool block = strcmp(json_string_value(json_object_get(item, "expect")), "block") == 0;
        struct guard_result r = check(text);
        bool acted = r.action != GUARD_PASS;
        if (acted != block) print_message("%s: %s\n", block ? "got out" : "touched", text);
        blocks_n += block;
        allows_n += !block;
        missed += block && !acted;
        touched += !block && acted;
        guard_result_free(&r);
        json_decref(item);
        line = end ? end + 1 : NULL;
    }
    buf_free(&file);
    assert_true(blocks_n >= 400 && allows_n >= 300);
    assert_true(missed * 1000 <= blocks_n * 5);
    assert_true(touched * 100 <= allows_n * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_every_spelling),
        cmocka_unit_test(a_drug_beside_a_number),
        cmocka_unit_test(names_never_listed),
        cmocka_unit_test(context_is_carried),
        cmocka_unit_test(changes_choices_and_the_rest),
        cmocka_unit_test(what_explains_a_number),
        cmocka_unit_test(disguises),
        cmocka_unit_test(the_rest_of_the_text_stays),
        cmocka_unit_test(replacements_pass_themselves),
        cmocka_unit_test(nothing_gets_out_before_its_sentence),
        cmocka_unit_test(the_question_is_known),
        cmocka_unit_test(a_sentence_without_end_is_cut),
        cmocka_unit_test(tables_are_large_and_can_grow),
        cmocka_unit_test(bad_tables_are_named),
        cmocka_unit_test(limits),
        cmocka_unit_test(development_set),
    };
    return cmocka_run_group_tests(tests, open_guard, close_guard);
}
