/* pretokenize.h - Qwen2.5's pre-tokenizer: its regular expression, written out as a matcher.
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * (tokenizer.json of Qwen/Qwen2.5-7B-Instruct). Categories come from utf8proc; \s is Unicode's White_Space. Pure; any
 * thread.
 */
#ifndef XIAOBEI_MODEL_PRETOKENIZE_H
#define XIAOBEI_MODEL_PRETOKENIZE_H

#include <stddef.h>

/* Length in bytes of the piece that starts at s[0..n), n > 0: always at least 1. s is valid UTF-8. */
size_t pretokenize_next(const char *s, size_t n);

#endif
