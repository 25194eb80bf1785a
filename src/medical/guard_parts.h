/* guard_parts.h - what guard.c and guard_stream.c share. */
#ifndef XIAOBEI_MEDICAL_GUARD_PARTS_H
#define XIAOBEI_MEDICAL_GUARD_PARTS_H

#include "medical/guard.h"
#include "medical/guard_lexicon.h"

const struct lexicon *guard_lexicon(const struct guard *g); /* borrowed */

#endif
