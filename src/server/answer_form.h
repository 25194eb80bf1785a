/* answer_form.h - what a chat request says about its answer's form: response_format, guided_regex, tool_choice,
 * parallel_tool_calls and the tools' strict, and the grammar that keeps it.
 *
 * Read as strictly as the rest of the request: a field is kept or refused by its path. Thread: pure.
 */
#ifndef XIAOBEI_SERVER_ANSWER_FORM_H
#define XIAOBEI_SERVER_ANSWER_FORM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/limits.h"
#include "engine/grammar.h"

enum tool_choice { TOOLS_AUTO, TOOLS_NONE, TOOLS_REQUIRED, TOOLS_NAMED };

struct answer_form {
    bool json;               /* response_format other than text */
    const json_t *schema;    /* NULL: any object; borrowed from the request */
    const char *schema_path; /* static */
    const char *regex;       /* guided_regex or NULL */
    enum tool_choice choice;
    const char *tool;         /* of TOOLS_NAMED */
    bool one_call;            /* parallel_tool_calls: false */
    bool strict[LIMIT_TOOLS]; /* by tool: its calls keep its parameters' schema */
};

/* Readers of one field each; param[CHAT_PARAM_MAX] gets the path of what is refused. ERR_INVALID, ERR_UNSUPPORTED. */
int form_read_format(struct answer_form *f, const json_t *value, char *param, struct error *e) MUST_USE;
int form_read_choice(struct answer_form *f, const json_t *value, char *param, struct error *e) MUST_USE;
int form_read_regex(struct answer_form *f, const json_t *value, char *param, struct error *e) MUST_USE;
void form_read_strict(struct answer_form *f, const json_t *tools); /* before `strict` is taken out of them */

/* What does not go together. tools: NULL if there are none. */
int form_check(const struct answer_form *f, const json_t *tools, char *param, struct error *e) MUST_USE;

/* Does the answer need a grammar, and that grammar (one owner: the caller). */
bool form_is_free(const struct answer_form *f, const json_t *tools);
int form_compile(struct grammar **out, const struct answer_form *f, const json_t *tools, const struct grammar_vocab *v,
                 char *param, struct error *e) MUST_USE;

#endif
