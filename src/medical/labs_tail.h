/* labs_tail.h - what stands behind the name of an item: result, unit, printed range, mark. Part of labs_read.
 * Pure; any thread. */
#ifndef XIAOBEI_MEDICAL_LABS_TAIL_H
#define XIAOBEI_MEDICAL_LABS_TAIL_H

#include "medical/labs_read.h"

/* Fill answer, x, compare, unit, mark and printed of *row from s[0..n). `list` says that commas part its columns. */
void labs_tail_read(struct lab_row *row, const struct lab_tables *t, const char *s, size_t n, bool list);

/* Length of the unit at s[0..n), 0: none we know; *unit its index. */
size_t labs_tail_unit(const struct lab_tables *t, const char *s, size_t n, int *unit);

#endif
