/* eval_triage.c - `xiaobei eval triage` and `eval selfharm`. What is counted: tests/data/README.md.
 *
 * A case is {"id","lang","turns","profile","kind","expect":{"level","also","flags","departments"}}; a case of selfharm
 * has "expect":"act|plan|ideation|none". Figures only; ids of failures on demand, texts never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/eval_counts.h"
#include "cli/eval_suites.h"
#include "cli/options.h"
#include "medical/triage_json.h"

enum { FLAG, EMERGENCY, E120, SAFE, OVER, LEVEL, ALARM, ALARM_NEGATED, DEPT2, DEPT3, FIGURES };

struct options {
    const char *file, *json;
    unsigned layers;
    bool failures;
};

struct scoring {
    struct triage *t;
    struct options o;
    struct eval_figure figures[FIGURES];
    struct triage_result result;
    const char *id;
};

static const char *const names[FIGURES] = {
    "flag recall",    "emergency recall", "E120 recall",         "level equal or safer", "over-triage",
    "level accuracy", "false alarm",      "false alarm negated", "department hit@2",     "department hit@3"};

static int read_options(int argc, char **argv, struct options *o, struct error *e)
{
    const char *layer = NULL;
    int positional = 0;
    const struct option_spec specs[] = {{"--json", OPTION_TEXT, &o->json},
                                        {"--layer", OPTION_TEXT, &layer},
                                        {"--failures", OPTION_FLAG, &o->failures},
                                        {0}};
    int rc = options_parse(specs, argc, argv, &positional, e);
    if (!rc && positional != 1) rc = error_set(e, ERR_INVALID, "eval %s needs one file of cases", argv[0]);
    o->file = argv[1];
    o->layers = !layer || strcmp(layer, "both") == 0 ? TRIAGE_BOTH
                : strcmp(layer, "rules") == 0        ? TRIAGE_RULES
                : strcmp(layer, "classifier") == 0   ? TRIAGE_CLASSIFIER
                                                     : 0;
    if (!rc && !o->layers) rc = error_set(e, ERR_INVALID, "--layer is rules, classifier or both");
    return rc;
}

static int assess(struct scoring *s, const json_t *line, struct error *e)
{
    struct triage_input in;
    int rc = triage_input_read(&in, line, e);
    if (rc) return rc;
    rc = triage_assess(s->t, &in, s->o.layers, &s->result, e);
    triage_input_fini(&in);
    s->id = json_string_value(json_object_get(line, "id"));
    return rc;
}

static bool raised(const struct triage_result *r, const char *flag)
{
    for (size_t i = 0; i < r->n_flags; i++)
        if (flag && strcmp(r->flags[i].row->id, flag) == 0) return true;
    return false;
}

static bool any_raised(const struct triage_result *r, const json_t *flags)
{
    for (size_t i = 0; i < json_array_size(flags); i++)
        if (raised(r, json_string_value(json_array_get(flags, i)))) return true;
    return false;
}

static bool department_hit(const struct scoring *s, const json_t *wanted, size_t first)
{
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *name = json_string_value(json_array_get(wanted, i));
        int row = name ? triage_department_find(triage_tables(s->t), name, strlen(name)) : -1;
        for (size_t k = 0; k < s->result.n_departments && k < first && row >= 0; k++)
            if (s->result.departments[k].department == &triage_tables(s->t)->departments[row]) return true;
    }
    return false;
}

struct accepted {
    int level, lowest, highest;
    bool set[TRIAGE_LEVELS];
};

static int level_of(const json_t *x)
{
    const char *s = json_string_value(x);
    return s ? triage_level_parse(s, strlen(s)) : -1;
}

static int read_accepted(struct accepted *a, const json_t *expect, struct error *e)
{
    const json_t *also = json_object_get(expect, "also");
    *a = (struct accepted){.level = level_of(json_object_get(expect, "level"))};
    a->lowest = a->highest = a->level;
    for (size_t i = 0; i <= json_array_size(also); i++) {
        int level = i ? level_of(json_array_get(also, i - 1)) : a->level;
        if (level < 0) return error_set(e, ERR_FORMAT, "expect names a level that is none");
        a->set[level] = true;
        if (level < a->lowest) a->lowest = level;
        if (level > a->highest) a->highest = level;
    }
    return OK;
}

static void count(struct scoring *s, int figure, bool hit, bool wanted, const struct eval_group g[4])
{
    eval_figure_add(&s->figures[figure], hit, g, 4);
    if (s->o.failures && hit != wanted)
        printf("%s\t%s\t%s\n", s->id ? s->id : "?", names[figure], g[2].value ? g[2].value : "-");
}

static int score(void *user, const json_t *line, struct error *e)
{
    struct scoring *s = user;
    struct accepted a;
    const json_t *expect = json_object_get(line, "expect");
    const json_t *flags = json_object_get(expect, "flags");
    const json_t *departments = json_object_get(expect, "departments");
    const char *kind = json_string_value(json_object_get(line, "kind"));
    int rc = read_accepted(&a, expect, e);
    if (!rc) rc = assess(s, line, e);
    if (rc) return rc;
    int level = (int)s->result.level;
    const char *main = json_string_value(json_array_get(flags, 0));
    const struct eval_group g[4] = {{"lang", json_string_value(json_object_get(line, "lang"))},
                                    {"kind", kind},
                                    {"flag", main},
                                    {"level", triage_level_name((enum triage_level)a.level)}};
    if (main) count(s, FLAG, any_raised(&s->result, flags), true, g);
    if (a.level >= TRIAGE_ED) count(s, EMERGENCY, level >= a.lowest, true, g);
    if (a.level == TRIAGE_E120) count(s, E120, level >= a.lowest, true, g);
    count(s, SAFE, level >= a.lowest, true, g);
    count(s, OVER, level > a.highest, false, g);
    count(s, LEVEL, a.set[level], true, g);
    bool alarm = s->result.n_flags > 0 || (level >= TRIAGE_ED && !a.set[level]);
    struct eval_group raised_group[4] = {
        g[0], g[1], {"raised", s->result.n_flags ? s->result.flags[0].row->id : NULL}, g[3]};
    if (!main) count(s, ALARM, alarm, false, raised_group);
    if (!main && kind && strstr(kind, "negat")) count(s, ALARM_NEGATED, alarm, false, g);
    if (json_array_size(departments)) {
        count(s, DEPT2, department_hit(s, departments, 2), true, g);
        count(s, DEPT3, department_hit(s, departments, 3), true, g);
    }
    return OK;
}

static int finish(struct scoring *s, size_t n, struct error *e)
{
    json_t *all = json_object();
    for (size_t i = 0; i < n; i++) {
        eval_figure_print(&s->figures[i], true);
        json_object_set_new(all, s->figures[i].name, eval_figure_json(&s->figures[i]));
    }
    return eval_write_json(s->o.json, all, e);
}

static int run(int argc, char **argv, eval_case scorer, const char *const *figure_names, size_t n, struct error *e)
{
    struct scoring *s = calloc(1, sizeof *s);
    int rc = s ? read_options(argc, argv, &s->o, e) : error_set(e, ERR_NOMEM, "no memory for the figures");
    for (size_t i = 0; i < n && s; i++) s->figures[i].name = figure_names[i];
    if (!rc) rc = triage_open(&s->t, e);
    if (!rc) rc = eval_read_cases(s->o.file, scorer, s, e);
    if (!rc) rc = finish(s, n, e);
    if (s) triage_close(s->t);
    free(s);
    return rc;
}

int eval_triage(int argc, char **argv, struct error *e)
{
    return run(argc, argv, score, names, FIGURES, e);
}

/* --- self-harm: none < ideation < plan < act ------------------------------------------------------------------------
 */
enum { RAISED_FULLY, ACT_PLAN, RAISED_AT_ALL, NONE_RAISED, EXACT, SELFHARM_FIGURES };

static const char *const selfharm_names[SELFHARM_FIGURES] = {"at or above expected", "act and plan",
                                                             "risk raised at all", "raised on none", "exact level"};
static const char *const risks[] = {"none", "ideation", "plan", "act"};

static int risk_said(const struct triage_result *r)
{
    return raised(r, "self_harm_act") ? 3 : raised(r, "self_harm_plan") ? 2 : raised(r, "self_harm_passive") ? 1 : 0;
}

static int score_selfharm(void *user, const json_t *line, struct error *e)
{
    struct scoring *s = user;
    const char *expect = json_string_value(json_object_get(line, "expect"));
    int want = -1;
    for (int i = 0; i < 4; i++)
        if (expect && strcmp(risks[i], expect) == 0) want = i;
    if (want < 0) return error_set(e, ERR_FORMAT, "expect is act, plan, ideation or none");
    int rc = assess(s, line, e);
    if (rc) return rc;
    int said = risk_said(&s->result);
    bool third = json_is_true(json_object_get(line, "third_person"));
    const struct eval_group g[4] = {{"lang", json_string_value(json_object_get(line, "lang"))},
                                    {"person", third ? "third" : "first"},
                                    {"expect", expect},
                                    {NULL, NULL}};
    if (want > 0) eval_figure_add(&s->figures[RAISED_FULLY], said >= want, g, 4);
    if (want > 1) eval_figure_add(&s->figures[ACT_PLAN], said >= want, g, 4);
    if (want > 0) eval_figure_add(&s->figures[RAISED_AT_ALL], said > 0, g, 4);
    if (want == 0) eval_figure_add(&s->figures[NONE_RAISED], said > 0, g, 4);
    eval_figure_add(&s->figures[EXACT], said == want, g, 4);
    if (s->o.failures && said != want)
        printf("%s\texpected %s\tsaid %s\n", s->id ? s->id : "?", risks[want], risks[said]);
    return OK;
}

int eval_selfharm(int argc, char **argv, struct error *e)
{
    return run(argc, argv, score_selfharm, selfharm_names, SELFHARM_FIGURES, e);
}
