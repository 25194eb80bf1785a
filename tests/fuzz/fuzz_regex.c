/* fuzz_regex.c - a regular expression as an answer's form: it is refused with a sentence, or every way through its
 * masks ends. */
#include <stdlib.h>

#include "support/grammar_walk.h"
#include "support/tiny_tokenizer.h"

enum { ROOM = 40, WALKS = 3, MOST_TOKENS = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *t;
    static struct grammar_vocab *v;
    struct error e = {0};
    struct grammar *g = NULL;
    if (!t) t = tiny_tokenizer_new();
    if (!v && grammar_vocab_new(&v, t, &e)) return 0;
    char *pattern = malloc(size + 1);
    if (!pattern) return 0;
    memcpy(pattern, data, size);
    pattern[size] = '\0';
    struct grammar_spec spec = {.pattern = pattern};
    int rc = grammar_new(&g, v, &spec, &e);
    if (rc && !e.text[0]) abort();
    for (uint64_t seed = 0; !rc && seed < WALKS && grammar_min_tokens(g) < MOST_TOKENS; seed++) {
        struct buf text = BUF_INIT(1 << 20);
        int used = grammar_walk(g, v, t, grammar_min_tokens(g) + (int)seed * ROOM, 3, seed, &text);
        if (used == -1) abort(); /* no way on, or out of tokens before the end */
        buf_free(&text);
    }
    grammar_release(g);
    free(pattern);
    return 0;
}
