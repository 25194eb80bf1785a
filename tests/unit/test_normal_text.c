/* test_normal_text.c - one spelling for many, and the way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "medical/normal_text.h"

static void reads_as(const char *written, const char *expected)
{
    struct normal_text t;
    assert_int_equal(normal_text_make(&t, written, strlen(written), NULL), OK);
    if (strcmp(t.text, expected)) fail_msg("'%s' is read as '%s', not as '%s'", written, t.text, expected);
    normal_text_free(&t);
}

static void forms_are_folded(void **state)
{
    (void)state;
    reads_as("ＡＢｃ１２３，：（）", "abc123,:()");
    reads_as("①⑫❸➋⓵ ½", "112321 1/2");
    reads_as("𝟓𝐦𝐠 ㎎ ㎖", "5mg mg ml");
    reads_as("×10⁹/L", "×10^9/l");
    reads_as("10¹²", "10^12");
    reads_as("naïve Crohn’s “x”", "naive crohn's \"x\"");
    reads_as("5‐10 5–10 5−10 5～10 一——二", "5-10 5-10 5-10 5~10 一——二");
    reads_as("5 мg, аspirin", "5 mg, aspirin");
}

static void emoji_and_hidden_characters_go(void **state)
{
    (void)state;
    reads_as("5️⃣0️⃣ 🔟 头\u200b痛\ufeff😀🤕", "50 10 头痛");
    reads_as("每天💊两粒", "每天药两粒");
    reads_as("a\u00adb\u202ec\x01"
             "d",
             "abcd");
}

static void chinese_is_simplified(void **state)
{
    (void)state;
    reads_as("頭痛發燒，胸悶氣短、藥", "头痛发烧,胸闷气短、药");
    reads_as("每日三次，兩片", "每日三次,两片");
}

static void spaces_and_lines(void **state)
{
    (void)state;
    reads_as("头 痛　三\u00a0天", "头痛三天");
    reads_as("  a \u2003 b  \r\n c\u2028d\te", "a b\nc\nd\te");
    reads_as("布洛芬 5 毫克 two 片", "布洛芬 5 毫克 two 片");
}

static void origins_lead_back(void **state)
{
    (void)state;
    const char *s = "服\u200b藥 ５ｍｇ";
    struct normal_text t;
    assert_int_equal(normal_text_make(&t, s, strlen(s), NULL), OK);
    const char *at = strstr(t.text, "5mg");
    assert_non_null(at);
    size_t a = t.origin[at - t.text];
    size_t b = t.origin[at - t.text + 3];
    assert_memory_equal(s + a, "５ｍｇ", strlen("５ｍｇ"));
    assert_int_equal(b, strlen(s));
    for (size_t i = 0; i < t.len; i++) assert_true(t.origin[i] <= t.origin[i + 1]);
    normal_text_free(&t);
}

static void bad_bytes_and_limits(void **state)
{
    (void)state;
    reads_as("a\xff\xe5"
             "b",
             "a\xef\xbf\xbd\xef\xbf\xbd"
             "b");
    reads_as("", "");
    struct normal_text t;
    struct error e = {0};
    char *big = calloc(1, LIMIT_MEDICAL_TEXT + 1);
    assert_non_null(big);
    memset(big, 'x', LIMIT_MEDICAL_TEXT + 1);
    assert_int_equal(normal_text_make(&t, big, LIMIT_MEDICAL_TEXT + 1, &e), ERR_LIMIT);
    assert_null(t.text);
    assert_int_equal(normal_text_make(&t, big, LIMIT_MEDICAL_TEXT, NULL), OK);
    normal_text_free(&t);
    for (size_t i = 0; i + 3 <= LIMIT_MEDICAL_TEXT; i += 3)
        memcpy(big + i, "\xef\xb7\xba", 3); /* U+FDFA: 18 characters */
    assert_int_equal(normal_text_make(&t, big, LIMIT_MEDICAL_TEXT, NULL), ERR_LIMIT);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_folded),      cmocka_unit_test(emoji_and_hidden_characters_go),
        cmocka_unit_test(chinese_is_simplified), cmocka_unit_test(spaces_and_lines),
        cmocka_unit_test(origins_lead_back),     cmocka_unit_test(bad_bytes_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
