/* fuzz_config.c - any bytes as one of the text files of a Hugging Face directory; the first byte says which. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/config.h"
#include "model/model_file_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_config(const char *text, size_t n)
{
    struct model_config c;
    struct error e = {0};
    float frequency[LIMIT_HEAD_SIZE / 2];
    float factor;
    config_init(&c);
    if (config_parse_hf(&c, text, n, &e) || config_validate(&c, &e)) return;
    if (config_native_context(&c) < 1) abort();
    if (config_extend_context(&c, 65536, &e) && !e.text[0]) abort();
    config_rope_frequencies(&c, frequency, &factor);
    for (int i = 0; i < c.head_size / 2; i++)
        if (!isfinite(frequency[i])) abort();
    if (!isfinite(factor)) abort();
}

static void read_generation(const char *text, size_t n)
{
    struct model_config c;
    struct error e = {0};
    config_init(&c);
    if (config_parse_generation(&c, text, n, &e) && !e.text[0]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int (*const tokenizer_parts[])(struct tokenizer_store *, const char *, size_t, struct error *) = {
        tokenizer_store_parse_json, tokenizer_store_parse_vocab, tokenizer_store_parse_merges,
        tokenizer_store_parse_added, tokenizer_store_parse_template};
    if (n == 0) return 0;
    const char *text = (const char *)data + 1;
    size_t kind = data[0] % 7;
    n--;
    if (kind == 0) {
        read_config(text, n);
    } else if (kind == 1) {
        read_generation(text, n);
    } else {
        struct tokenizer_store s = {0};
        struct error e = {0};
        if (tokenizer_parts[kind - 2](&s, text, n, &e) && !e.text[0]) abort();
        tokenizer_store_free(&s);
    }
    return 0;
}
