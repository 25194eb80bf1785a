/* verb_labs.c - laboratory reports from standard input, explained. */
#include "cli/json_lines.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "medical/labs_json.h"

static int labs_line(void *user, const json_t *input, json_t **answer, struct error *e)
{
    return labs_json(answer, user, input, e);
}

static int run(int argc, char **argv)
{
    const struct option_spec specs[] = {{0}};
    struct error e = {0};
    struct lab_tables *t = NULL;
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional)
        rc = error_set(&e, ERR_INVALID, "takes its reports from standard input, one JSON object per line (--help)");
    if (!rc) rc = labs_open(&t, &e);
    if (!rc) rc = json_lines_run(labs_line, t, &e);
    labs_close(t);
    return rc ? cli_fail("labs", &e) : 0;
}

const struct verb verb_labs = {
    .name = "labs",
    .run = run,
    .summary = "a laboratory or check-up report in plain words: JSON lines in and out, no model",
    .usage =
        "usage: xiaobei labs\n\n"
        "Reads {\"text\":\"the report as pasted\",\"profile\":{\"age\":40,\"sex\":\"female\",\"pregnant\":false}} per\n"
        "line, writes {\"items\":[{\"name\",\"loinc\",\"value\",\"unit\",\"range\",\"source_of_range\",\"flag\",\n"
        "\"explanation\"}],\"patterns\",\"unrecognised\",\"advice\"}. Explains; never a diagnosis, never a "
        "medicine.\n\n"
        "未经临床医师审核 / not yet reviewed by a clinician.\n",
};
