/* triage_json.c - see triage_json.h. */
#include "medical/triage_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static int read_number(double *out, const json_t *profile, const char *name, struct error *e)
{
    const json_t *x = json_object_get(profile, name);
    *out = -1;
    if (!x || json_is_null(x)) return OK;
    if (!json_is_number(x) || json_number_value(x) < 0)
        return error_set(e, ERR_FORMAT, "profile.%s must be a number that is not negative", name);
    *out = json_number_value(x);
    return OK;
}

static int read_sex(char *out, const json_t *profile, struct error *e)
{
    const char *s = json_string_value(json_object_get(profile, "sex"));
    const json_t *x = json_object_get(profile, "sex");
    *out = 0;
    if (!x || json_is_null(x)) return OK;
    if (!s) return error_set(e, ERR_FORMAT, "profile.sex must be \"male\" or \"female\"");
    if (strcmp(s, "male") == 0 || strcmp(s, "m") == 0 || strcmp(s, "M") == 0 || strcmp(s, "男") == 0) *out = 'm';
    if (strcmp(s, "female") == 0 || strcmp(s, "f") == 0 || strcmp(s, "F") == 0 || strcmp(s, "女") == 0) *out = 'f';
    return OK; /* another word is taken as not known */
}

static int read_list(struct triage_profile *p, const json_t *profile, const char *name, struct error *e)
{
    const json_t *list = json_object_get(profile, name);
    if (!list || json_is_null(list)) return OK;
    const json_t *item = json_is_string(list) ? list : NULL; /* one string is read as a list of one */
    if (!item && !json_is_array(list)) return error_set(e, ERR_FORMAT, "profile.%s must be a list of strings", name);
    for (size_t i = 0; i < (item ? 1 : json_array_size(list)); i++) {
        const char *s = json_string_value(item ? item : json_array_get(list, i));
        if (!s) return error_set(e, ERR_FORMAT, "profile.%s must be a list of strings", name);
        if (p->n_lines == TRIAGE_PROFILE_LINES)
            return error_set(e, ERR_LIMIT, "the profile names more than %d conditions and medicines",
                             TRIAGE_PROFILE_LINES);
        p->lines[p->n_lines++] = s;
    }
    return OK;
}

static int read_profile(struct triage_profile *p, const json_t *from, struct error *e)
{
    *p = (struct triage_profile){.age = -1, .age_months = -1, .age_days = -1, .pregnant = -1};
    if (!from || json_is_null(from)) return OK;
    if (!json_is_object(from)) return error_set(e, ERR_FORMAT, "profile must be an object");
    int rc = read_number(&p->age, from, "age", e);
    if (!rc) rc = read_number(&p->age_months, from, "age_months", e);
    if (!rc) rc = read_number(&p->age_days, from, "age_days", e);
    if (!rc) rc = read_sex(&p->sex, from, e);
    if (!rc) rc = read_list(p, from, "conditions", e);
    if (!rc) rc = read_list(p, from, "medicines", e);
    const json_t *pregnant = json_object_get(from, "pregnant");
    if (json_is_boolean(pregnant))
        p->pregnant = json_is_true(pregnant);
    else if (pregnant && !json_is_null(pregnant) && !rc)
        rc = error_set(e, ERR_FORMAT, "profile.pregnant must be true or false");
    return rc;
}

int triage_input_read(struct triage_input *in, const json_t *from, struct error *e)
{
    const json_t *turns = json_object_get(from, "turns");
    size_t n = json_array_size(turns);
    memset(in, 0, sizeof *in);
    if (n == 0 || n > LIMIT_TRIAGE_TURNS)
        return error_set(e, ERR_FORMAT, "\"turns\" must be a list of 1 to %d messages", LIMIT_TRIAGE_TURNS);
    int rc = read_profile(&in->profile, json_object_get(from, "profile"), e);
    const char **list = rc ? NULL : calloc(n, sizeof *list);
    if (!rc && !list) rc = error_set(e, ERR_NOMEM, "no memory for the turns");
    for (size_t i = 0; i < n && !rc; i++) {
        list[i] = json_string_value(json_array_get(turns, i));
        if (!list[i]) rc = error_set(e, ERR_FORMAT, "\"turns\" must be a list of strings");
    }
    in->turns = list;
    in->n_turns = n;
    if (rc) triage_input_fini(in);
    return rc;
}

void triage_input_fini(struct triage_input *in)
{
    free((void *)in->turns);
    memset(in, 0, sizeof *in);
}

static json_t *texts(const char *const *list, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(out, json_string(list[i]));
    return out;
}

static json_t *flags(const struct triage_result *r)
{
    json_t *out = json_array();
    for (size_t i = 0; i < r->n_flags; i++) {
        const struct triage_flag *f = &r->flags[i];
        json_t *layers = json_array();
        if (f->layers & TRIAGE_RULES) json_array_append_new(layers, json_string("rules"));
        if (f->layers & TRIAGE_CLASSIFIER) json_array_append_new(layers, json_string("classifier"));
        json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", f->row->id, "level",
                                             triage_level_name(f->level), "evidence", f->evidence, "source",
                                             f->row->source, "layers", layers));
    }
    return out;
}

static json_t *departments(const struct triage_result *r)
{
    json_t *out = json_array();
    for (size_t i = 0; i < r->n_departments; i++)
        json_array_append_new(out, json_pack("{s:s, s:s}", "name", r->departments[i].department->name, "reason",
                                             r->departments[i].reason));
    return out;
}

json_t *triage_result_json(const struct triage_result *r)
{
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:{s:s, s:s}}", "level", triage_level_name(r->level), "flags",
                     flags(r), "departments", departments(r), "advice", r->advice, "asked", texts(r->asked, r->n_asked),
                     "notes", texts(r->notes, r->n_notes), "layers", "rules", triage_level_name(r->layer_level[0]),
                     "classifier", triage_level_name(r->layer_level[1]));
}
