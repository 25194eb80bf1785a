/* tiny_tokenizer.h - a byte-level tokenizer of 256 bytes, a few merges and Qwen's control tokens, made in memory: for
 * tests that need a tokenizer but no model. */
#ifndef TESTS_SUPPORT_TINY_TOKENIZER_H
#define TESTS_SUPPORT_TINY_TOKENIZER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/tokenizer.h"

enum { TINY_TOKENS = 256 + 4 + 3 };

/* The caller frees it with tokenizer_free; NULL if it cannot be made. */
static inline struct tokenizer *tiny_tokenizer_new(void)
{
    static char texts[TINY_TOKENS][24];
    static const char *tokens[TINY_TOKENS];
    static uint8_t kinds[TINY_TOKENS];
    static const char *const merged[] = {"he", "ll", "hell", "hello"};
    static const char *const merges[] = {"h e", "l l", "he ll", "hell o"};
    static const char *const control[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    int next = 256;
    for (int b = 0; b < 256; b++) {
        int printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        size_t n = utf8_encode((uint32_t)(printable ? b : next++), texts[b]);
        texts[b][n] = '\0';
    }
    for (int i = 0; i < 4; i++) snprintf(texts[256 + i], sizeof texts[0], "%s", merged[i]);
    for (int i = 0; i < 3; i++) snprintf(texts[260 + i], sizeof texts[0], "%s", control[i]);
    for (int i = 0; i < TINY_TOKENS; i++) {
        tokens[i] = texts[i];
        kinds[i] = i >= 260;
    }
    struct tokenizer_data data = {.present = true,
                                  .vocab_size = TINY_TOKENS,
                                  .tokens = tokens,
                                  .kinds = kinds,
                                  .merge_count = 4,
                                  .merges = merges};
    struct tokenizer *t = NULL;
    struct error e = {0};
    return tokenizer_new(&t, &data, &e) == OK ? t : NULL;
}

#endif
