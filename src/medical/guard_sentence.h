/* guard_sentence.h - where a sentence ends: what the guard judges and a stream holds back. Pure; any thread. */
#ifndef XIAOBEI_MEDICAL_GUARD_SENTENCE_H
#define XIAOBEI_MEDICAL_GUARD_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the first sentence of text[0..n) with its end sign, 0 if more bytes are needed to know. With last set
 * nothing more will come. The answer depends on the text alone, never on how much of it is here. At most
 * LIMIT_GUARD_SENTENCE. */
size_t guard_sentence(const char *text, size_t n, bool last);

#endif
