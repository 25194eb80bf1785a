/* fuzz_tokenize.c - any bytes through the tokenizer: ids are in range and, where the text is plain UTF-8 in NFC, decode
 * back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "support/tiny_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_ascii(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] >= 0x80) return 0;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *t;
    struct error e = {0};
    struct token_list ids = {0};
    struct buf back = BUF_INIT(MIB);
    if (!t) t = tiny_tokenizer_new();
    for (int mode = 0; mode < 2; mode++) {
        ids.len = 0;
        if (tokenizer_encode(t, (const char *)data, size, (enum tokenize_mode)mode, &ids, &e)) continue;
        for (size_t i = 0; i < ids.len; i++)
            if (ids.ids[i] < 0 || ids.ids[i] >= TINY_TOKENS) abort();
        buf_clear(&back);
        if (tokenizer_decode(t, ids.ids, ids.len, 0, &back) == OK && is_ascii(data, size) &&
            (back.len != size || (size && memcmp(back.data, data, size) != 0)))
            abort();
    }
    token_list_free(&ids);
    buf_free(&back);
    return 0;
}
