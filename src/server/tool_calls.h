/* tool_calls.h - Qwen2.5 writes tool calls as <tool_call>{"name","arguments"}</tool_call> in its text; this finds them.
 * Pure; any thread. */
#ifndef XIAOBEI_SERVER_TOOL_CALLS_H
#define XIAOBEI_SERVER_TOOL_CALLS_H

#include <jansson.h>
#include <stddef.h>

/* Length of the part of text that cannot belong to a call: what may be shown now. */
size_t tool_calls_free_prefix(const char *text, size_t n);

/* OpenAI's tool_calls array (new reference) from text that begins with a call, or NULL if any of it is malformed. */
json_t *tool_calls_parse(const char *text, size_t n, const char *id);

#endif
