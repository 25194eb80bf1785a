/* fuzz_tokenizer_json.c - tokenizer.json, and a text through whatever tokenizer it makes. */
#include <stdint.h>
#include <stdlib.h>

#include "model/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct tokenizer *t = NULL;
    int rc = tokenizer_new_from_json(&t, (const char *)data, size, &e);
    if (rc == OK) {
        struct token_list ids = {0};
        if (tokenizer_encode(t, (const char *)data, size, TOKENIZE_SPECIAL, &ids, &e) == OK)
            for (size_t i = 0; i < ids.len; i++)
                if (ids.ids[i] < 0 || ids.ids[i] >= tokenizer_size(t)) abort();
        token_list_free(&ids);
    } else if (!e.text[0]) {
        abort();
    }
    tokenizer_free(t);
    return 0;
}
