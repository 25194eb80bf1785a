/* chat_messages.h - the nested parts of a chat request: messages and tools. Read as strictly as the top
 * level: a field at any depth is honoured or refused by its path ("tools[0].function.strict"). Pure; any thread.
 */
#ifndef XIAOBEI_SERVER_CHAT_MESSAGES_H
#define XIAOBEI_SERVER_CHAT_MESSAGES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

enum { CHAT_PARAM_MAX = 160 };

/* All return ERR_INVALID with the sentence in e and the field's path in param[CHAT_PARAM_MAX], or ERR_NOMEM. */

/* Parts of content become one string; the role developer becomes system. */
int chat_messages_read(json_t *messages, char *param, struct error *e) MUST_USE;
/* strict is read elsewhere (answer_form.h) and taken out, so that the prompt does not change. */
int chat_tools_read(json_t *tools, char *param, struct error *e) MUST_USE;

/* Is it exactly this string? A NUL inside makes it another one. */
bool chat_is_text(const json_t *value, const char *text);

#endif
