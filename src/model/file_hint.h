/* file_hint.h - what a file that is not a model looks like instead: downloads that went wrong are always the same few
 * things. Pure; any thread. */
#ifndef XIAOBEI_MODEL_FILE_HINT_H
#define XIAOBEI_MODEL_FILE_HINT_H

#include <stddef.h>
#include <stdint.h>

/* Words to put behind "is not a ... file": " (it looks like a web page: ...)", or "" without an idea. Static. */
const char *file_hint(const uint8_t *data, size_t n);

#endif
