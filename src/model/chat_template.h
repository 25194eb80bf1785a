/* chat_template.h - Qwen2.5's chat template, written out (no Jinja): default system prompt, turns, tools, tool results.
 *
 * The result is token ids, not text: control tokens come only from the template, content is encoded TOKENIZE_PLAIN, so
 * "<|im_end|>" typed by a user stays text. Source: the chat_template of Qwen/Qwen2.5-7B-Instruct's
 * tokenizer_config.json.
 */
#ifndef XIAOBEI_MODEL_CHAT_TEMPLATE_H
#define XIAOBEI_MODEL_CHAT_TEMPLATE_H

#include <stdbool.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/tokenizer.h"

/* messages: JSON array of {"role","content","tool_calls"?}; tools: JSON array or NULL. Tool arguments may be an object
 * or JSON text. text (may be NULL) gets the rendered prompt for people and tests; ids (may be NULL with t NULL) the
 * tokens. ERR_INVALID names the message and field that is wrong. */
int chat_template_render(const struct tokenizer *t, const json_t *messages, const json_t *tools,
                         bool add_generation_prompt, struct buf *text, struct token_list *ids,
                         struct error *e) MUST_USE;

#endif
