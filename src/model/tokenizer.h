/* tokenizer.h - Qwen2.5's tokenizer: NFC, the pre-tokenizer's regular expression, byte-level BPE, added tokens.
 *
 * Equal to Hugging Face's tokenizers on every input (tests/golden). Text from users is encoded with
 * TOKENIZE_PLAIN: a control token's spelling stays text, so nobody can forge a turn.
 * Immutable after tokenizer_new; encode and decode from any thread (the cache inside is per call or per thread).
 */
#ifndef XIAOBEI_MODEL_TOKENIZER_H
#define XIAOBEI_MODEL_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/model_file.h"

struct tokenizer; /* opaque */

enum tokenize_mode {
    TOKENIZE_SPECIAL, /* added tokens in the text are read as such, as the reference does */
    TOKENIZE_PLAIN,   /* added tokens are ordinary text */
};

/* A growable list of token ids; free with token_list_free. */
struct token_list {
    int32_t *ids;
    size_t len, cap;
};
void token_list_free(struct token_list *list);
int token_list_push(struct token_list *list, int32_t id) MUST_USE; /* ERR_NOMEM */

/* Build from a model's data (copied). ERR_FORMAT if it is not a byte-level BPE with Qwen's control tokens. */
int tokenizer_new(struct tokenizer **out, const struct tokenizer_data *data, struct error *e) MUST_USE;

/* Build from tokenizer.json text, for tests and for directories that carry only it. */
int tokenizer_new_from_json(struct tokenizer **out, const char *json, size_t n, struct error *e) MUST_USE;
void tokenizer_free(struct tokenizer *t);

/* Append the ids of text[0..n) (UTF-8; an invalid byte counts as U+FFFD, as the reference's input would). ERR_LIMIT
 * beyond LIMIT_TOKENIZE_BYTES. */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, enum tokenize_mode mode,
                     struct token_list *out, struct error *e) MUST_USE;

/* The bytes of one token: borrowed, may be a part of a character. NULL for an id outside the vocabulary. */
const char *tokenizer_token_bytes(const struct tokenizer *t, int32_t id, size_t *n);

/* Append the decoded text. Special tokens are written out unless skip_special. Invalid UTF-8 is left as bytes. */
int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, int skip_special,
                     struct buf *out) MUST_USE;

int32_t tokenizer_special_id(const struct tokenizer *t,
                             const char *token); /* "<|im_start|>" -> 151644; -1 if unknown */
int tokenizer_is_special(const struct tokenizer *t, int32_t id);
int tokenizer_size(const struct tokenizer *t); /* ids are [0, size): logits beyond are padding and must be masked */

#endif
