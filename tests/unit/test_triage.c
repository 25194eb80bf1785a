/* test_triage.c - triage before the model: what raises, what must not, and what the answer says. Sentences are our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "medical/triage_classifier.h"
#include "medical/triage_json.h"

static struct triage *t;
static struct triage_result result;

static int open_all(void **state)
{
    (void)state;
    struct error e = {0};
    int rc = triage_open(&t, &e);
    if (rc) print_error("%s\n", e.text);
    return rc;
}

static int close_all(void **state)
{
    (void)state;
    triage_close(t);
    return 0;
}

/* One case as JSON. */
static void assess_with(const char *json, unsigned layers)
{
    struct error e = {0};
    json_t *line = NULL;
    struct triage_input in;
    assert_int_equal(json_read(&line, json, strlen(json), &e), OK);
    if (triage_input_read(&in, line, &e) || triage_assess(t, &in, layers, &result, &e)) fail_msg("%s", e.text);
    triage_input_fini(&in);
    json_decref(line);
}

/* By the rules alone. */
static void assess(const char *json)
{
    assess_with(json, TRIAGE_RULES);
}

static void say(const char *text)
{
    char json[2048];
    snprintf(json, sizeof json, "{\"turns\":[\"%s\"]}", text);
    assess(json);
}

static bool has(const char *flag)
{
    for (size_t i = 0; i < result.n_flags; i++)
        if (strcmp(result.flags[i].row->id, flag) == 0) return true;
    return false;
}

static void raises(const char *text, const char *flag)
{
    say(text);
    if (!has(flag)) fail_msg("%s is not raised by: %s", flag, text);
}

static void is_quiet(const char *text)
{
    say(text);
    if (result.n_flags) fail_msg("%s is raised by: %s", result.flags[0].row->id, text);
    assert_true(result.level <= TRIAGE_CLINIC);
}

static void denials_end_with_their_clause(void **state)
{
    (void)state;
    is_quiet("没有胸口压榨样的疼，也不出冷汗");
    is_quiet("胸痛、咯血、气短都没有");
    is_quiet("no chest pain, slurred speech or weakness in one arm");
    is_quiet("我没有不想活");
    raises("没有发烧，就是胸口像压了石头，冒冷汗", "chest_acs");
    raises("胸口像压了石头，冒冷汗，没有发烧", "chest_acs"); /* the denial behind a comma is of the fever */
    raises("no fever but his face is drooping and his arm is weak", "stroke");
    raises("喘不上气，说不出话", "breath_severe"); /* a negation that is the symptom */
}

static void numbers_are_read_however_they_are_written(void **state)
{
    (void)state;
    assess("{\"turns\":[\"娃儿摸着烫，量了三十八度五\"],\"profile\":{\"age_days\":25}}");
    assert_true(has("neonate_fever"));
    assess("{\"turns\":[\"娃儿摸着烫，量了三十八度五\"],\"profile\":{\"age\":6}}");
    assert_false(has("neonate_fever"));
    raises("指夹血氧 ８６，喘", "breath_severe");
    raises("血糖2.1", "lab_critical");
    raises("my potassium is 6.9", "lab_critical");
    raises("出生二十天的宝宝，三十八度六", "neonate_fever");
    raises("怀孕34周，血压一百七比一百一十五", "preeclampsia");
    is_quiet("血压128/82，心率70，正常吗");
    is_quiet("体温36.6");
}

static void idioms_raise_nothing(void **state)
{
    (void)state;
    is_quiet("这个笑话笑死我了");
    is_quiet("累死了，头都大了");
    is_quiet("老板气得我快吐血");
    is_quiet("I was dying of laughter");
    is_quiet("nearly had a heart attack when I saw the bill");
    raises("my back pain is fine but I have crushing chest pain and I'm sweating", "chest_acs");
}

static void questions_past_and_family_raise_nothing(void **state)
{
    (void)state;
    is_quiet("胸痛的原因有哪些");
    is_quiet("what is a stroke?");
    is_quiet("三年前得过脑梗，半边身子没力，后来恢复了");
    is_quiet("我爷爷是脑出血走的，我要查什么");
    raises("请问嘴歪、一边手没劲是中风吗，我爸现在就这样", "stroke");
    raises("三年前得过脑梗，现在又半边身子没力了", "stroke");
}

static void a_disease_in_general_is_no_complaint(void **state)
{
    (void)state;
    is_quiet("热射病为什么会昏迷");
    is_quiet("我爸有高血压，会不会突然脑出血");
    raises("我爸高血压，半边脸歪了，会不会是脑出血", "stroke");
    is_quiet("我在写小说。那个女的喝了农药");
    raises("我在写小说。刚才我孩子喝了农药", "poison_od");
    is_quiet("很怕得脑膜炎");
    raises("很怕得脑膜炎，孩子发烧脖子硬低不下头", "meningitis");
}

static void everyday_words_are_not_signs(void **state)
{
    (void)state;
    is_quiet("要出国了，和大家告别");
    raises("要出国了，和大家告别，下辈子再见，遗书写好了", "self_harm_plan");
    is_quiet("血压高，舌头裂了");
    raises("血压高，鼻子血流不止", "major_bleed");
    is_quiet("今天抽了血");
    raises("孩子抽了五分钟", "seizure");
}

static void playing_it_down_changes_nothing(void **state)
{
    (void)state;
    raises("我妈说没啥，就是话有点说不利索", "stroke");
    raises("我爸说老毛病不用管，可他胸口压得慌，一身冷汗", "chest_acs");
    raises("he says he is fine, but his face is drooping on one side", "stroke");
}

static void evidence_adds_up_over_turns(void **state)
{
    (void)state;
    assess("{\"turns\":[\"月经推迟两周了\"]}");
    assert_false(has("ectopic"));
    assess("{\"turns\":[\"月经推迟两周了\",\"今天小肚子一边很痛\"],\"profile\":{\"sex\":\"female\"}}");
    assert_true(has("ectopic"));
    assert_non_null(strstr(result.flags[0].evidence, "月经推迟"));
}

static void risk_groups_raise(void **state)
{
    (void)state;
    say("昨天头撞了一下，有个包");
    assert_false(has("headinjury"));
    assess("{\"turns\":[\"昨天头撞了一下，有个包\"],\"profile\":{\"age\":76,\"medicines\":[\"利伐沙班\"]}}");
    assert_true(has("headinjury"));
    assess("{\"turns\":[\"今天发烧38.5\"],\"profile\":{\"age\":50,\"conditions\":[\"淋巴瘤化疗中\"]}}");
    assert_true(has("neutropenic"));
    assess("{\"turns\":[\"头痛得厉害\"],\"profile\":{\"age\":30,\"sex\":\"female\",\"pregnant\":true}}");
    assert_true(has("preeclampsia"));
}

static void every_spelling_is_read(void **state)
{
    (void)state;
    raises("突然講話不清楚，右手沒力", "stroke");
    raises("胸 口 压 得 慌，出 冷 汗", "chest_acs");
    raises("胸.口.压.得.慌，出冷汗", "chest_acs");
    raises("xiongkou tong，出冷汗", "chest_acs");
    raises("his speech is slured and his arm is week, face droping", "stroke");
}

static void self_harm_is_graded_and_kept_open(void **state)
{
    (void)state;
    static const char *const said[] = {"每天都觉得活着没意思", "遗书写好了，药也攒够了", "我刚才割腕了，在流血"};
    static const char *const flags[] = {"self_harm_passive", "self_harm_plan", "self_harm_act"};
    enum triage_level before = TRIAGE_SELF;
    for (int i = 0; i < 3; i++) {
        raises(said[i], flags[i]);
        assert_true(result.level >= before);
        before = result.level;
        assert_non_null(strstr(result.advice, "12356"));
        assert_non_null(strstr(result.advice, "120"));
        assert_null(strstr(result.advice, "安眠药"));
    }
    raises("我朋友说她不想活了，绳子都买好了", "self_harm_plan");
    is_quiet("论文题目是自杀干预，求文献");
}

static void departments_know_age_and_sex(void **state)
{
    (void)state;
    assess("{\"turns\":[\"咳嗽三天\"],\"profile\":{\"age\":4}}");
    assert_string_equal(result.departments[0].department->name, "儿科");
    assess("{\"turns\":[\"咳嗽三天\"],\"profile\":{\"age\":40}}");
    assert_string_equal(result.departments[0].department->name, "呼吸内科");
    assess("{\"turns\":[\"下腹隐隐不舒服，月经不规律\"],\"profile\":{\"age\":30,\"sex\":\"female\"}}");
    assert_string_equal(result.departments[0].department->name, "妇科");
    raises("突然嘴歪，右手没力", "stroke");
    assert_string_equal(result.departments[0].department->name, "急诊科");
    assert_true(strlen(result.departments[0].reason) > 0);
    assert_true(triage_department_find(triage_tables(t), "心内科", strlen("心内科")) ==
                triage_department_find(triage_tables(t), "心血管内科", strlen("心血管内科")));
}

static void cards_speak_the_language_of_the_question(void **state)
{
    (void)state;
    say("my husband's face is drooping and his speech is slurred");
    assert_true(result.english);
    assert_non_null(strstr(result.advice, "Call 120"));
    assert_non_null(strstr(result.advice, "Say: "));
    say("突然嘴歪，右手没力");
    assert_non_null(strstr(result.advice, "拨打 120"));
    for (size_t i = 0; i < triage_tables(t)->n_cards; i++) {
        const struct triage_card *c = &triage_tables(t)->cards[i];
        assert_null(strstr(c->now[0], "mg"));
        assert_null(strstr(c->aid[0], "毫克"));
    }
}

static void odd_input_has_an_answer(void **state)
{
    (void)state;
    struct error e = {0};
    say("");
    assert_int_equal(result.n_notes, 1);
    say("Привет, у меня болит голова и температура");
    assert_int_equal(result.n_notes, 1);
    assess("{\"turns\":[\"头痛\"],\"profile\":{\"age\":40,\"age_days\":3,\"sex\":\"male\",\"pregnant\":true}}");
    assert_int_equal(result.n_notes, 2);
    struct triage_input none = {.n_turns = 0};
    assert_int_equal(triage_assess(t, &none, TRIAGE_BOTH, &result, &e), ERR_INVALID);
    char *big = malloc(2 * MIB + 1);
    memset(big, 'a', 2 * MIB);
    big[2 * MIB] = '\0';
    const char *turns[] = {big};
    struct triage_input in = {
        .profile = {.age = -1, .age_months = -1, .age_days = -1, .pregnant = -1}, .turns = turns, .n_turns = 1};
    error_clear(&e);
    assert_int_equal(triage_assess(t, &in, TRIAGE_BOTH, &result, &e), ERR_LIMIT);
    assert_true(strlen(e.text) > 0);
    free(big);
}

static void refuses(const char *concepts, const char *rules, const char *why)
{
    struct error e = {0};
    struct lex *l = NULL;
    struct rules *r = NULL;
    int rc = lex_new(&l, concepts, strlen(concepts), &e);
    if (!rc) rc = rules_new(&r, rules, strlen(rules), l, &e);
    assert_int_equal(rc, ERR_FORMAT);
    if (!strstr(e.text, why)) fail_msg("\"%s\" does not say \"%s\"", e.text, why);
    rules_free(r);
    lex_free(l);
}

static void the_linter_names_line_and_reason(void **state)
{
    (void)state;
    refuses("= a\nx(\n", "", "concepts, line 2");
    refuses("= a\n疼\n= a\n痛\n", "", "line 3: a concept of that name");
    refuses("疼\n", "", "before the first");
    refuses("= a\n(疼|)\n", "", "empty alternative");
    refuses("= a\n$nothing\n", "", "a set that is not defined");
    refuses("= a\n疼\n", "flag x E120 b\n", "rules, line 1: no concept");
    refuses("= a\n疼\n", "flag x E121 a\n", "no level");
    refuses("= a\n疼\n", "flag x E120 (a\n", "without its )");
    refuses("= a\n疼\n", "flag x E120 a a\n", "cannot read from here");
    refuses("= a\n疼\n", "flag x E120 temp\n", "needs a comparison");
}

static void a_broken_classifier_is_refused(void **state)
{
    (void)state;
    struct triage_classifier c;
    struct error e = {0};
    char bytes[64] = "XBTC";
    assert_int_equal(triage_classifier_open(&c, bytes, sizeof bytes, &e), ERR_FORMAT);
    assert_int_equal(triage_classifier_open(&c, bytes, 3, &e), ERR_FORMAT);
}

/* --- figures on the development set ----------------------------------------------------------------------------------
 */
struct figures {
    size_t cases, emergencies, caught, quiet, alarms, flagged, recalled;
};

static void count_case(struct figures *f, const json_t *line)
{
    struct error e = {0};
    struct triage_input in;
    assert_int_equal(triage_input_read(&in, line, &e), OK);
    assert_int_equal(triage_assess(t, &in, TRIAGE_BOTH, &result, &e), OK);
    triage_input_fini(&in);
    const json_t *expect = json_object_get(line, "expect");
    const json_t *flags = json_object_get(expect, "flags");
    const char *level = json_string_value(json_object_get(expect, "level"));
    f->cases++;
    if (triage_level_parse(level, strlen(level)) >= TRIAGE_ED) {
        f->emergencies++;
        f->caught += result.level >= TRIAGE_ED;
    }
    f->flagged += json_array_size(flags) > 0;
    f->quiet += json_array_size(flags) == 0;
    f->alarms += json_array_size(flags) == 0 && result.n_flags > 0;
    for (size_t i = 0; i < json_array_size(flags); i++)
        if (has(json_string_value(json_array_get(flags, i)))) {
            f->recalled++;
            break;
        }
}

static void the_development_set_keeps_its_figures(void **state)
{
    (void)state;
    struct buf file = BUF_INIT(LIMIT_EVAL_FILE);
    struct error e = {0};
    struct figures f = {0};
    if (file_read(&file, "tests/data/triage_dev.jsonl", &e)) {
        print_message("skip: run from the source tree\n");
        skip();
    }
    for (size_t i = 0; i < file.len;) {
        const char *line = buf_text(&file) + i;
        size_t n = strcspn(line, "\n");
        json_t *json = NULL;
        assert_int_equal(json_read(&json, line, n, &e), OK);
        count_case(&f, json);
        json_decref(json);
        i += n + 1;
    }
    buf_free(&file);
    print_message("%zu cases: emergencies %zu/%zu, flags %zu/%zu, false alarms %zu/%zu\n", f.cases, f.caught,
                  f.emergencies, f.recalled, f.flagged, f.alarms, f.quiet);
    assert_true(f.cases >= 250);
    assert_true(f.caught * 100 >= f.emergencies * 97);
    assert_true(f.recalled * 100 >= f.flagged * 94);
    assert_true(f.alarms * 100 <= f.quiet * 5);
}

/* What people say most often, in a few words, must not send them to hospital: none of these stands in the training
 * lines. Two of 93 still do: a nosebleed that
 * goes on, by a rule. */
static void bare_complaints_are_no_emergencies(void **state)
{
    (void)state;
    static const char *const complaints[] = {"偏头痛犯了", "恶心",   "发烧",     "嗓子疼",     "鼻子出血", "眼睛酸",
                                             "头晕",       "背疼",   "手麻",     "起疹子",     "蚊子咬了", "没力气",
                                             "月经量多",   "肚子胀", "血糖偏高", "孩子流鼻涕", "打鼾"};
    static const char *const ways[] = {"%s", "我%s", "%s三天了", "%s怎么回事", "这两天%s"};
    static const char *const english[] = {
        "my shoulder hurts", "I have a sore knee",        "a bit of a cough",  "I feel a little dizzy",
        "my elbow hurts",    "I have a cold and a cough", "my hands are cold", "I snore"};
    enum { COMPLAINTS = sizeof complaints / sizeof *complaints, WAYS = 5, ENGLISH = 8, KNOWN = 2 };
    int sent = 0;
    for (int i = 0; i < COMPLAINTS * WAYS + ENGLISH; i++) {
        char text[128];
        char json[160];
        if (i < COMPLAINTS * WAYS)
            snprintf(text, sizeof text, ways[i % WAYS], complaints[i / WAYS]);
        else
            snprintf(text, sizeof text, "%s", english[i - COMPLAINTS * WAYS]);
        snprintf(json, sizeof json, "{\"turns\":[\"%s\"]}", text);
        assess_with(json, TRIAGE_BOTH);
        if (result.level < TRIAGE_ED) continue;
        print_message("%s: %s\n", text, triage_level_name(result.level));
        sent++;
    }
    assert_true(sent <= KNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denials_end_with_their_clause),
        cmocka_unit_test(numbers_are_read_however_they_are_written),
        cmocka_unit_test(idioms_raise_nothing),
        cmocka_unit_test(questions_past_and_family_raise_nothing),
        cmocka_unit_test(a_disease_in_general_is_no_complaint),
        cmocka_unit_test(everyday_words_are_not_signs),
        cmocka_unit_test(playing_it_down_changes_nothing),
        cmocka_unit_test(evidence_adds_up_over_turns),
        cmocka_unit_test(risk_groups_raise),
        cmocka_unit_test(every_spelling_is_read),
        cmocka_unit_test(self_harm_is_graded_and_kept_open),
        cmocka_unit_test(departments_know_age_and_sex),
        cmocka_unit_test(cards_speak_the_language_of_the_question),
        cmocka_unit_test(odd_input_has_an_answer),
        cmocka_unit_test(the_linter_names_line_and_reason),
        cmocka_unit_test(a_broken_classifier_is_refused),
        cmocka_unit_test(bare_complaints_are_no_emergencies),
        cmocka_unit_test(the_development_set_keeps_its_figures),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
