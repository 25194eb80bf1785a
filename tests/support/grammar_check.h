/* grammar_check.h - what the tests of grammars share: a hand-made vocabulary, compiling, walks that are checked. */
#ifndef XIAOBEI_TESTS_GRAMMAR_CHECK_H
#define XIAOBEI_TESTS_GRAMMAR_CHECK_H

#include "support/check.h"

#include <locale.h>

#include "base/json.h"
#include "support/grammar_walk.h"
#include "support/schema_check.h"
#include "support/tiny_tokenizer.h"

static struct tokenizer *tokenizer;
static struct grammar_vocab *vocab;

static inline int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    setlocale(LC_ALL, "C.UTF-8"); /* for regcomp in schema_check.h */
    tokenizer = tiny_tokenizer_new();
    return !tokenizer || grammar_vocab_new(&vocab, tokenizer, &e) != OK;
}

static inline int tear_down(void **state)
{
    (void)state;
    grammar_vocab_free(vocab);
    tokenizer_free(tokenizer);
    return 0;
}

static inline int compile(struct grammar **g, const char *schema, json_t **root, char *param, struct error *e)
{
    check_ok(json_read(root, schema, strlen(schema), e), e);
    struct grammar_part part = {.schema = *root};
    struct grammar_spec spec = {.parts = &part, .n_parts = 1, .param = param, .param_size = 160};
    return grammar_new(g, vocab, &spec, e);
}

static inline struct grammar *compile_pattern(const char *pattern)
{
    struct grammar *g = NULL;
    struct error e = {0};
    struct grammar_spec spec = {.pattern = pattern};
    check_ok(grammar_new(&g, vocab, &spec, &e), &e);
    return g;
}

/* Every walk ends within max_tokens in JSON that satisfies the schema. */
static inline void check_walks(struct grammar *g, const char *schema, const json_t *root, int max_tokens, int walks)
{
    for (int i = 0; i < walks; i++) {
        struct buf text = BUF_INIT(MIB);
        json_error_t why;
        int used = grammar_walk(g, vocab, tokenizer, max_tokens, 3, (uint64_t)i, &text);
        if (used < 0) fail_msg("%s: walk %d stops (%d) after %s", schema, i, used, buf_text(&text));
        json_t *value = json_loadb(buf_text(&text), text.len, JSON_DECODE_ANY, &why);
        if (!value) fail_msg("%s: walk %d: %s: %s", schema, i, why.text, buf_text(&text));
        if (!schema_holds(root, root, value)) fail_msg("%s: walk %d writes %s", schema, i, buf_text(&text));
        json_decref(value);
        buf_free(&text);
    }
}

#endif
