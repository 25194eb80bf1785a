/* test_persona.c - what the assistant is told must name the ways out of danger and the bounds of what it may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "medical/persona.h"

static void says(const char *text, const char *words)
{
    if (!strstr(text, words)) fail_msg("the persona does not say %s", words);
}

static void danger_has_a_number_to_call(void **state)
{
    (void)state;
    const char *p = persona_system_prompt();
    says(p, "120");
    says(p, "自伤");
    says(p, "12356"); /* the crisis line */
    says(persona_notice(), "120");
}

static void those_who_worsen_fast_are_sent_early(void **state)
{
    (void)state;
    says(persona_system_prompt(), "不满3个月的婴儿");
    says(persona_system_prompt(), "孕妇");
}

static void neither_doctor_nor_dose(void **state)
{
    (void)state;
    const char *p = persona_system_prompt();
    says(p, "不是医生");
    says(p, "不开处方");
    says(p, "剂量");
    says(persona_notice(), "AI");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(danger_has_a_number_to_call),
        cmocka_unit_test(those_who_worsen_fast_are_sent_early),
        cmocka_unit_test(neither_doctor_nor_dose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
