/* labs_json.c - see labs_json.h. */
#include "medical/labs_json.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "medical/labs_explain.h"
#include "medical/labs_patterns.h"

static int read_age(double *age, const json_t *profile, struct error *e)
{
    static const struct {
        const char *name;
        double per_year;
    } parts[] = {{"age", 1}, {"age_months", 12}, {"age_days", 365.25}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const json_t *x = json_object_get(profile, parts[i].name);
        if (!x || json_is_null(x)) continue;
        if (!json_is_number(x) || !(json_number_value(x) >= 0))
            return error_set(e, ERR_FORMAT, "profile.%s must be a number that is not negative", parts[i].name);
        if (*age < 0) *age = 0;
        *age += json_number_value(x) / parts[i].per_year;
    }
    return OK;
}

static int read_profile(struct lab_patient *p, const json_t *profile, struct error *e)
{
    static const char *const male[] = {"male", "m", "M", "男"}, *const female[] = {"female", "f", "F", "女"};
    *p = (struct lab_patient){.age = -1, .pregnant = -1};
    if (!profile || json_is_null(profile)) return OK;
    if (!json_is_object(profile)) return error_set(e, ERR_FORMAT, "profile must be an object");
    const json_t *sex = json_object_get(profile, "sex");
    const json_t *pregnant = json_object_get(profile, "pregnant");
    if (sex && !json_is_null(sex) && !json_is_string(sex))
        return error_set(e, ERR_FORMAT, "profile.sex must be \"male\" or \"female\"");
    if (pregnant && !json_is_null(pregnant) && !json_is_boolean(pregnant))
        return error_set(e, ERR_FORMAT, "profile.pregnant must be true or false");
    for (size_t i = 0; i < 4 && json_is_string(sex); i++) {
        if (strcmp(json_string_value(sex), male[i]) == 0) p->sex = 'm';
        if (strcmp(json_string_value(sex), female[i]) == 0) p->sex = 'f';
    }
    if (json_is_boolean(pregnant)) p->pregnant = json_is_true(pregnant);
    return read_age(&p->age, profile, e);
}

static json_t *value_json(const struct lab_row *row)
{
    char text[48];
    if (row->answer == '+') return json_string("阳性 positive");
    if (row->answer == '-') return json_string("阴性 negative");
    if (row->answer == '?') return json_string("± borderline");
    if (!row->compare) return json_real(row->x);
    snprintf(text, sizeof text, "%c%.10g", row->compare, row->x);
    return json_string(text);
}

static json_t *range_json(const struct lab_judged *j)
{
    char text[64];
    if (j->row->printed_answer) return json_string(j->row->printed_answer == '-' ? "阴性 negative" : "阳性 positive");
    if (isnan(j->low) && j->source == LAB_FROM_TABLE) return json_string("阴性 negative");
    if (isnan(j->low)) return json_null();
    const struct lab_printed *p = j->source == LAB_FROM_REPORT ? &j->row->printed[0] : NULL;
    if (j->low == -INFINITY)
        snprintf(text, sizeof text, "%s%.10g", p && p->open_high ? "<" : "≤", j->high);
    else if (j->high == INFINITY)
        snprintf(text, sizeof text, "%s%.10g", p && p->open_low ? ">" : "≥", j->low);
    else
        snprintf(text, sizeof text, "%.10g-%.10g", j->low, j->high);
    return json_string(text);
}

static json_t *source_json(const struct lab_judged *j)
{
    switch (j->source) {
    case LAB_FROM_REPORT: return json_string("report");
    case LAB_FROM_MARK: return json_string("report mark");
    case LAB_FROM_TABLE: return json_string(j->range_source ? j->range_source : j->item->source);
    default: return json_null();
    }
}

/* What the user wrote between two places of the normalised text; a tab was read as a pipe. */
static json_t *written_json(const struct lab_report *r, const char *text, size_t start, size_t end)
{
    size_t a = r->text.origin[start], b = r->text.origin[end];
    json_t *s = json_stringn(text + a, b - a);
    return s ? s : json_stringn(r->text.text + start, end - start); /* bytes that are not UTF-8 */
}

static json_t *item_json(const struct lab_report *r, const struct lab_tables *t, const struct lab_judged *j,
                         const char *text, struct buf *words)
{
    buf_clear(words);
    if (labs_explain(words, t, j, &r->patient)) return NULL;
    const char *unit = j->unit >= 0 ? t->units[j->unit] : NULL;
    json_t *item =
        json_pack("{s:s, s:s, s:s?, s:o, s:s?, s:o, s:o, s:s, s:s, s:o}", "name", j->item->zh, "en", j->item->en,
                  "loinc", *j->item->loinc ? j->item->loinc : NULL, "value", value_json(j->row), "unit", unit, "range",
                  range_json(j), "source_of_range", source_json(j), "flag", labs_flag_name(j->flag), "explanation",
                  buf_text(words), "written", written_json(r, text, j->row->start, j->row->end));
    if (item && !isnan(j->own) && j->unit != j->item->unit && j->item->unit >= 0)
        json_object_set_new(item, "converted",
                            json_pack("{s:f, s:s}", "value", j->own, "unit", t->units[j->item->unit]));
    return item;
}

static int report_json(json_t **out, const struct lab_report *r, const struct lab_tables *t, const char *text,
                       struct error *e)
{
    struct buf words = BUF_INIT(LIMIT_MEDICAL_TEXT);
    json_t *items = json_array(), *unread = json_array(), *patterns = labs_patterns_json(r);
    int rc = OK;
    for (size_t i = 0; i < r->n_items && !rc; i++)
        if (json_array_append_new(items, item_json(r, t, &r->items[i], text, &words)))
            rc = error_set(e, ERR_NOMEM, "no memory for the answer");
    for (size_t i = 0; i < r->reading.n_unread; i++)
        json_array_append_new(unread, written_json(r, text, r->reading.unread[i].start, r->reading.unread[i].end));
    buf_clear(&words);
    if (!rc) rc = labs_explain_advice(&words, t, r);
    *out = rc ? NULL
              : json_pack("{s:O, s:O, s:O, s:s, s:s}", "items", items, "patterns", patterns, "unrecognised", unread,
                          "advice", buf_text(&words), "notice", "未经临床医师审核 / not yet reviewed by a clinician");
    if (!rc && !*out) rc = error_set(e, ERR_NOMEM, "no memory for the answer");
    json_decref(items);
    json_decref(unread);
    json_decref(patterns);
    buf_free(&words);
    return rc;
}

int labs_json(json_t **out, const struct lab_tables *t, const json_t *in, struct error *e)
{
    const json_t *text = json_object_get(in, "text");
    struct lab_patient patient;
    struct lab_report *r = NULL;
    *out = NULL;
    if (!json_is_string(text)) return error_set(e, ERR_FORMAT, "\"text\" must be a string: the report");
    int rc = read_profile(&patient, json_object_get(in, "profile"), e);
    if (!rc) rc = labs_assess(&r, t, json_string_value(text), json_string_length(text), &patient, e);
    if (!rc) rc = report_json(out, r, t, json_string_value(text), e);
    labs_report_free(r);
    return rc;
}
