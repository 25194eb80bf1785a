/* labs_patterns.h - results that are read together: anaemia by size of the cells, liver, kidney, lipids, thyroid,
 * glucose, inflammation. A pattern says what doctors look at next, never which illness it is. Part of labs. Any thread.
 */
#ifndef XIAOBEI_MEDICAL_LABS_PATTERNS_H
#define XIAOBEI_MEDICAL_LABS_PATTERNS_H

#include <jansson.h>

#include "medical/labs.h"

json_t *labs_patterns_json(const struct lab_report *r); /* a new array; NULL: no memory */

#endif
