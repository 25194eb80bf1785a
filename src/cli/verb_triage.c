/* verb_triage.c - triage of conversations from standard input; and the check of its tables. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_lines.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "medical/lex.h"
#include "medical/triage_json.h"

struct triage_run {
    struct triage *t;
    unsigned layers;
};

static int triage_line(void *user, const json_t *input, json_t **answer, struct error *e)
{
    const struct triage_run *run = user;
    static struct triage_result result; /* 50 KB: not for a stack; the verb has one thread */
    struct triage_input in;
    int rc = triage_input_read(&in, input, e);
    if (rc) return rc;
    rc = triage_assess(run->t, &in, run->layers, &result, e);
    if (!rc && !(*answer = triage_result_json(&result))) rc = error_set(e, ERR_NOMEM, "no memory for the answer");
    triage_input_fini(&in);
    return rc;
}

static int read_layer(const char *name, unsigned *layers, struct error *e)
{
    *layers = TRIAGE_BOTH;
    if (!name || strcmp(name, "both") == 0) return OK;
    *layers = strcmp(name, "rules") == 0 ? TRIAGE_RULES : strcmp(name, "classifier") == 0 ? TRIAGE_CLASSIFIER : 0;
    return *layers ? OK : error_set(e, ERR_INVALID, "--layer is rules, classifier or both");
}

static int run(int argc, char **argv)
{
    const char *layer = NULL;
    const char *rules = NULL;
    bool check = false;
    const struct option_spec specs[] = {{"--layer", OPTION_TEXT, &layer},
                                        {"--rules", OPTION_TEXT, &rules},
                                        {"--check-rules", OPTION_FLAG, &check},
                                        {0}};
    struct error e = {0};
    struct triage_run r = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional)
        rc = error_set(&e, ERR_INVALID,
                       "takes its conversations from standard input, one JSON object per line (--help)");
    if (!rc) rc = read_layer(layer, &r.layers, &e);
    if (!rc) rc = rules ? triage_open_dir(&r.t, rules, &e) : triage_open(&r.t, &e);
    if (!rc && check)
        printf("%zu red flags, %zu departments, %zu concepts, %zu phrasings, %zu rules: nothing to say\n",
               triage_tables(r.t)->n_flags, triage_tables(r.t)->n_departments, lex_concepts(triage_lex(r.t)),
               lex_patterns(triage_lex(r.t)), triage_rule_count(r.t));
    if (!rc && !check) rc = json_lines_run(triage_line, &r, &e);
    triage_close(r.t);
    return rc ? cli_fail("triage", &e) : 0;
}

const struct verb verb_triage = {
    .name = "triage",
    .run = run,
    .summary = "how urgent, which red flags, which department: JSON lines in and out, no model",
    .usage = "usage: xiaobei triage [--layer rules|classifier|both] [--rules DIR] [--check-rules]\n\n"
             "Reads {\"turns\":[...],\"profile\":{...}} per line, writes "
             "{\"level\",\"flags\",\"departments\",\"advice\",...}.\n"
             "--rules DIR    read the tables from a directory instead of those built in\n"
             "--check-rules  read the tables, say what is wrong with which line, or how many there are\n\n"
             "未经临床医师审核 / not yet reviewed by a clinician.\n",
};
