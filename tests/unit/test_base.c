/* test_base.c - strings, errors and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/utf8.h"

static void buf_refuses_to_pass_its_limit(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(8);
    assert_int_equal(buf_append_text(&b, "12345678"), OK);
    assert_int_equal(buf_append_char(&b, '9'), ERR_LIMIT);
    assert_string_equal(buf_text(&b), "12345678");
    assert_int_equal(buf_append_text(&b, ""), ERR_LIMIT); /* the error sticks */
    buf_clear(&b);
    assert_int_equal(buf_append_text(&b, "ok"), OK);
    buf_free(&b);
}

static void utf8_rejects_what_rfc3629_forbids(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xC0\xAF",         "\xE0\x80\x80", "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80", "\xFF",         "\xE4\xBD"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
    assert_true(utf8_is_valid("你好 é 🩺", strlen("你好 é 🩺")));
}

static void utf8_prefix_never_splits_a_character(void **state)
{
    (void)state;
    const char *text = "胸痛🩺a";
    size_t n = strlen(text);
    for (size_t cut = 0; cut <= n; cut++) {
        size_t safe = utf8_complete_prefix(text, cut);
        assert_true(safe <= cut && cut - safe <= 3);
        assert_true(utf8_is_valid(text, safe));
    }
    assert_int_equal(utf8_complete_prefix("a\xFF", 2), 2); /* an invalid byte never becomes valid: do not wait */
}

static void utf8_fit_and_mend(void **state)
{
    (void)state;
    char text[] = "\xFF胸\xE4\xBD-\xF0\x9F";
    assert_int_equal(utf8_fit("胸痛", 7), 6);
    assert_int_equal(utf8_fit("胸痛", 5), 3);
    assert_int_equal(utf8_fit("ab", 100), 2);
    utf8_mend(text);
    assert_string_equal(text, "?胸?"
                              "?-?"
                              "?");
}

static void error_text_is_utf8_whatever_went_into_it(void **state)
{
    (void)state;
    struct error e = {0};
    error_set(&e, ERR_FORMAT, "%.4s is not here", "胸痛");
    assert_string_equal(e.text, "胸? is not here");
    error_context(&e, "%s", "nm\xFF");
    assert_string_equal(e.text, "nm?: 胸? is not here");
}

static void error_text_is_cut_at_a_character(void **state)
{
    (void)state;
    char longer[3 * ERROR_TEXT_MAX];
    for (size_t i = 0; i + 3 < sizeof longer; i += 3) memcpy(longer + i, "痛", 4);
    for (size_t shift = 0; shift < 3; shift++) {
        struct error e = {0};
        error_set(&e, ERR_FORMAT, "%.*s%s", (int)shift, "ab", longer);
        assert_true(utf8_is_valid(e.text, strlen(e.text)));
        assert_true(strlen(e.text) > ERROR_TEXT_MAX - 5);
    }
}

static void first_error_wins(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(error_set(&e, ERR_FORMAT, "first"), ERR_FORMAT);
    assert_int_equal(error_set(&e, ERR_IO, "second"), ERR_IO);
    assert_string_equal(e.text, "first");
    error_context(&e, "%s", "file");
    assert_string_equal(e.text, "file: first");
    assert_int_equal(error_exit_code(ERR_FORMAT), 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_refuses_to_pass_its_limit),
        cmocka_unit_test(utf8_rejects_what_rfc3629_forbids),
        cmocka_unit_test(utf8_prefix_never_splits_a_character),
        cmocka_unit_test(utf8_fit_and_mend),
        cmocka_unit_test(error_text_is_utf8_whatever_went_into_it),
        cmocka_unit_test(error_text_is_cut_at_a_character),
        cmocka_unit_test(first_error_wins),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
