/* verb_template.c - the chat template, checkable from outside. */
#include "base/limits.h"
#include "cli/json_lines.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "model/chat_template.h"
#include "model/model_ref.h"

static int template_line(void *user, const json_t *input, json_t **answer, struct error *e)
{
    const struct tokenizer *t = user;
    const json_t *prompt = json_object_get(input, "add_generation_prompt");
    struct token_list ids = {0};
    struct buf text = BUF_INIT(LIMIT_PROMPT_BYTES);
    if (prompt && !json_is_boolean(prompt))
        return error_set(e, ERR_FORMAT, "\"add_generation_prompt\" must be true or false");
    int rc = chat_template_render(t, json_object_get(input, "messages"), json_object_get(input, "tools"),
                                  !prompt || json_is_true(prompt), &text, &ids, e);
    if (rc == ERR_INVALID) rc = e->code = ERR_FORMAT; /* bad data: exit 65 */
    json_t *list = json_array();
    for (size_t i = 0; !rc && i < ids.len; i++)
        if (json_array_append_new(list, json_integer(ids.ids[i])))
            rc = error_set(e, ERR_NOMEM, "no memory for the answer");
    if (!rc) *answer = json_pack("{s:s%, s:O}", "prompt", buf_text(&text), text.len, "ids", list);
    if (!rc && !*answer) rc = error_set(e, ERR_NOMEM, "no memory for the answer");
    json_decref(list);
    buf_free(&text);
    token_list_free(&ids);
    return rc;
}

static int run(int argc, char **argv)
{
    const char *model = NULL;
    const struct option_spec specs[] = {{"--model", OPTION_TEXT, &model}, {0}};
    struct error e = {0};
    struct model_file *file = NULL;
    struct tokenizer *t = NULL;
    char path[LIMIT_PATH];
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional)
        rc = error_set(&e, ERR_INVALID, "takes its chats from standard input, one JSON object per line (--help)");
    if (!rc) rc = model_resolve(model, path, sizeof path, &e);
    if (!rc) rc = model_file_open(&file, path, &e);
    if (!rc) rc = tokenizer_new(&t, model_file_tokenizer(file), &e);
    if (!rc) rc = json_lines_run(template_line, t, &e);
    tokenizer_free(t);
    model_file_close(file);
    return rc ? cli_fail("template", &e) : 0;
}

const struct verb verb_template = {
    .name = "template",
    .run = run,
    .summary = "chats to prompts, JSON lines in and out",
    .usage = "usage: xiaobei template [--model M]\n\n"
             "Reads {\"messages\",\"tools\"?,\"add_generation_prompt\"?} per line, writes {\"prompt\",\"ids\"}. "
             "Control tokens\n"
             "spelled in a message stay text.\n",
};
