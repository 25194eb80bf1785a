/* labs_json.h - the JSON form of a report and of what is said of it, one for the command line and the server.
 *
 * In:  {"text":"...","profile":{"age":40,"age_months":2,"age_days":5,"sex":"female","pregnant":false}}; everything in
 *      profile may be missing or null.
 * Out: {"items":[{"name","en","loinc","value","unit","range","source_of_range","flag","explanation","written"}],
 *       "patterns":[{"id","title","explanation"}],"unrecognised":["..."],"advice","notice"}
 *      value is a number, or a string such as "<0.5" or "阳性"; loinc is null where we are sure of none.
 *      source_of_range: report, report mark, the name of the standard, or null.
 * Thread: any. Ownership: *out by json_decref.
 */
#ifndef XIAOBEI_MEDICAL_LABS_JSON_H
#define XIAOBEI_MEDICAL_LABS_JSON_H

#include <jansson.h>

#include "medical/labs.h"

/* Read, judge and explain one input object. ERR_FORMAT says which member is wrong. */
int labs_json(json_t **out, const struct lab_tables *t, const json_t *in, struct error *e) MUST_USE;

#endif
