/* fuzz_schema.c - a JSON schema as an answer's form: it is refused with a sentence and a path, or every way through its
 * masks ends in JSON. */
#include <stdlib.h>

#include "base/json.h"
#include "support/grammar_walk.h"
#include "support/tiny_tokenizer.h"

enum { ROOM = 60, WALKS = 3, MOST_TOKENS = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct grammar *g, const struct grammar_vocab *v, const struct tokenizer *t)
{
    int shortest = grammar_min_tokens(g);
    for (uint64_t seed = 0; seed < WALKS && shortest < MOST_TOKENS; seed++) {
        struct buf text = BUF_INIT(1 << 20);
        int used = grammar_walk(g, v, t, shortest + (int)seed * ROOM, 3, seed, &text);
        if (used == -1) abort(); /* no way on, or out of tokens before the end */
        json_t *value = used >= 0 ? json_loadb(buf_text(&text), text.len, JSON_DECODE_ANY, NULL) : NULL;
        if (used >= 0 && !value) abort();
        json_decref(value);
        buf_free(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *t;
    static struct grammar_vocab *v;
    struct error e = {0};
    char param[160] = "";
    json_t *schema = NULL;
    struct grammar *g = NULL;
    if (!t) t = tiny_tokenizer_new();
    if (!v && grammar_vocab_new(&v, t, &e)) return 0;
    if (json_read(&schema, (const char *)data, size, &e)) return 0;
    struct grammar_part part = {.schema = schema, .path = "schema"};
    struct grammar_spec spec = {.parts = &part, .n_parts = 1, .param = param, .param_size = sizeof param};
    if (grammar_new(&g, v, &spec, &e)) {
        if (!e.text[0] || strncmp(param, "schema", 6) != 0 || !utf8_is_valid(e.text, strlen(e.text))) abort();
    } else {
        walk(g, v, t);
        grammar_release(g);
    }
    json_decref(schema);
    return 0;
}
