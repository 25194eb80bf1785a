/* triage_json.h - the JSON form of a conversation and of its triage, one for the command line and the server.
 *
 * In:  {"turns":["..."],"profile":{"age":70,"age_months":2,"age_days":5,"sex":"female","pregnant":true,
 *      "conditions":["..."],"medicines":["..."]}}; everything in profile may be missing or null; other members of the
 *      two objects are left alone.
 * Out:
 * {"level","flags":[{"id","level","evidence","source","layers"}],"departments":[{"name","reason"}],"advice","asked":[],
 *      "notes":[],"layers":{"rules":"ED","classifier":"SELF"}}.
 * Thread: any. Ownership: triage_input_fini; *out by json_decref.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_JSON_H
#define XIAOBEI_MEDICAL_TRIAGE_JSON_H

#include <jansson.h>

#include "medical/triage.h"

/* Borrows the strings of `from`. ERR_FORMAT says which member is wrong. */
int triage_input_read(struct triage_input *in, const json_t *from, struct error *e) MUST_USE;
void triage_input_fini(struct triage_input *in);

json_t *triage_result_json(const struct triage_result *r); /* NULL: no memory */

#endif
