/* verb_ask.c - one question, one answer. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/dialogue.h"
#include "cli/verbs.h"
#include "medical/persona.h"

static int read_question(const char *argument, struct buf *text, struct error *e)
{
    int rc = argument && strcmp(argument, "-") != 0 ? buf_append_text(text, argument) : file_read(text, "-", e);
    if (rc) return error_set(e, rc, "the question is too long");
    buf_truncate(text, dialogue_trim(buf_text(text), text->len));
    return text->len ? OK
                     : error_set(e, ERR_INVALID, "there is no question; give it as an argument or on standard input");
}

static int run(int argc, char **argv)
{
    struct engine_arguments arguments = {0};
    struct dialogue d = {0};
    struct engine_result result;
    struct buf question = BUF_INIT(LIMIT_JSON_LINE);
    struct error e = {0};
    int positional = 0;
    const struct option_spec specs[] = {ENGINE_OPTIONS(&arguments),
                                        {"--raw", OPTION_FLAG, &d.raw},
                                        {"--seed", OPTION_UINT64, &d.seed},
                                        {"--max-tokens", OPTION_COUNT, &d.max_tokens},
                                        {0}};
    for (int i = 1; i < argc; i++) d.has_seed = d.has_seed || strncmp(argv[i], "--seed", 6) == 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional > 1) rc = error_set(&e, ERR_INVALID, "takes one question; put it in quotes");
    if (!rc) rc = read_question(positional ? argv[1] : NULL, &question, &e);
    if (!rc) rc = dialogue_open(&d, &arguments, &e);
    if (!rc) rc = dialogue_answer(&d, buf_text(&question), question.len, NULL, &result, &e);
    if (!rc) {
        putchar('\n');
        if (result.reason == FINISH_LENGTH) fputs("(the answer reached its length limit)\n", stderr);
        if (!d.raw) fprintf(stderr, "%s\n", persona_notice());
    }
    dialogue_close(&d);
    buf_free(&question);
    if (d.reader_gone) return cli_reader_gone();
    return rc ? cli_fail("ask", &e) : 0;
}

const struct verb verb_ask = {
    .name = "ask",
    .run = run,
    .summary = "ask one question on the terminal",
    .usage = "usage: xiaobei ask \"QUESTION\" [--raw] [--seed S] [--max-tokens N] [options]\n\n"
             "Without a question it is read from standard input. --raw asks the model itself, without "
             "小贝.\n\n" ENGINE_USAGE,
};
