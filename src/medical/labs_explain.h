/* labs_explain.h - what is said of one result and of the whole report, in Chinese and then English. Own words; what an
 * item is and what commonly moves it, never a diagnosis, never a medicine. 未经临床医师审核. Part of labs. Any thread.
 */
#ifndef XIAOBEI_MEDICAL_LABS_EXPLAIN_H
#define XIAOBEI_MEDICAL_LABS_EXPLAIN_H

#include "base/buf.h"
#include "medical/labs.h"

int labs_explain(struct buf *out, const struct lab_tables *t, const struct lab_judged *j,
                 const struct lab_patient *patient) MUST_USE;

/* What to repeat, with whom to discuss it, how soon. */
int labs_explain_advice(struct buf *out, const struct lab_tables *t, const struct lab_report *r) MUST_USE;

#endif
