/* labs_judge.h - one row against critical values, the printed range, the mark and the table. Part of labs.
 * Pure; any thread. */
#ifndef XIAOBEI_MEDICAL_LABS_JUDGE_H
#define XIAOBEI_MEDICAL_LABS_JUDGE_H

#include "medical/labs.h"

void labs_judge(struct lab_judged *out, const struct lab_tables *t, const struct lab_row *row,
                const struct lab_patient *patient);

#endif
