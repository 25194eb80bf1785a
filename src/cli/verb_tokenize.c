/* verb_tokenize.c - the tokenizer, checkable from outside. */
#include <stdbool.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "cli/json_lines.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "model/model_ref.h"
#include "model/tokenizer.h"

struct tokenize_run {
    struct tokenizer *t;
    enum tokenize_mode mode;
};

/* A token may be a part of a character: what is not UTF-8 becomes U+FFFD, as the reference prints it. */
static json_t *printable(const struct buf *bytes)
{
    struct buf clean = BUF_INIT(3 * bytes->max);
    for (size_t i = 0; i < bytes->len;) {
        uint32_t cp;
        char encoded[4];
        i += utf8_decode(bytes->data + i, bytes->len - i, &cp);
        buf_append(&clean, encoded, utf8_encode(cp, encoded));
    }
    json_t *string = buf_error(&clean) ? NULL : json_stringn(buf_text(&clean), clean.len);
    buf_free(&clean);
    return string;
}

static int tokenize_line(void *user, const json_t *input, json_t **answer, struct error *e)
{
    const struct tokenize_run *r = user;
    const json_t *text = json_object_get(input, "text");
    struct token_list ids = {0};
    struct buf decoded = BUF_INIT(2 * LIMIT_JSON_LINE);
    if (!json_is_string(text)) return error_set(e, ERR_FORMAT, "has no string \"text\"");
    int rc = tokenizer_encode(r->t, json_string_value(text), json_string_length(text), r->mode, &ids, e);
    if (!rc) rc = tokenizer_decode(r->t, ids.ids, ids.len, 0, &decoded);
    json_t *list = json_array();
    for (size_t i = 0; !rc && i < ids.len; i++)
        if (json_array_append_new(list, json_integer(ids.ids[i]))) rc = ERR_NOMEM;
    json_t *back = rc ? NULL : printable(&decoded);
    *answer = json_pack("{s:O, s:O}", "ids", list, "decoded", back);
    json_decref(list);
    json_decref(back);
    buf_free(&decoded);
    token_list_free(&ids);
    return !rc && *answer ? OK : error_set(e, rc ? rc : ERR_NOMEM, "no memory for the answer");
}

static int run(int argc, char **argv)
{
    const char *model = NULL;
    bool plain = false;
    const struct option_spec specs[] = {{"--model", OPTION_TEXT, &model}, {"--plain", OPTION_FLAG, &plain}, {0}};
    struct error e = {0};
    struct tokenize_run r = {0};
    struct model_file *file = NULL;
    char path[LIMIT_PATH];
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional)
        rc = error_set(&e, ERR_INVALID, "takes its texts from standard input, one JSON object per line (--help)");
    r.mode = plain ? TOKENIZE_PLAIN : TOKENIZE_SPECIAL;
    if (!rc) rc = model_resolve(model, path, sizeof path, &e);
    if (!rc) rc = model_file_open(&file, path, &e);
    if (!rc) rc = tokenizer_new(&r.t, model_file_tokenizer(file), &e);
    if (!rc) rc = json_lines_run(tokenize_line, &r, &e);
    tokenizer_free(r.t);
    model_file_close(file);
    return rc ? cli_fail("tokenize", &e) : 0;
}

const struct verb verb_tokenize = {
    .name = "tokenize",
    .run = run,
    .summary = "texts to token ids, JSON lines in and out",
    .usage = "usage: xiaobei tokenize [--model M] [--plain]\n\n"
             "Reads {\"text\"} per line, writes {\"ids\",\"decoded\"}. Control tokens spelled in the text are read as "
             "such;\n"
             "with --plain they stay text, as in chat content.\n",
};
