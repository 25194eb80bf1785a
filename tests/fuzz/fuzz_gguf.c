/* fuzz_gguf.c - any bytes as a GGUF file: the container, then the whole model as `plan` reads it (through a file in
 * memory). Whatever a parse hands out is touched, so that a view outside the data is seen. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/gguf.h"
#include "model/model_file.h"
#include "model/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile unsigned sink;

static void touch(const struct gguf *g)
{
    unsigned sum = 0;
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        if (t->bytes) sum += t->data[0] + t->data[t->bytes - 1];
    }
    for (size_t i = 0; i < g->pair_count; i++) {
        const uint8_t *at = g->pairs[i].value;
        for (uint64_t k = 0; g->pairs[i].type == GGUF_STRING && k < g->pairs[i].count; k++) {
            struct gguf_text text = gguf_next_text(&at);
            if (text.len) sum += (unsigned char)text.data[text.len - 1];
        }
    }
    sink = sum;
}

static void open_model(const uint8_t *data, size_t n)
{
    char path[64];
    struct error e = {0};
    struct model_file *f;
    size_t bytes;
    int fd = memfd_create("model", MFD_CLOEXEC);
    if (fd < 0) return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, n) == (ssize_t)n && model_file_open(&f, path, &e) == OK) {
        if (weights_plan(f, QUANT_Q4_K, &bytes, NULL, &e) && !e.text[0]) abort();
        model_file_close(f);
    } else if (!e.text[0]) {
        abort(); /* refused without a word */
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gguf g;
    struct error e = {0};
    if (gguf_parse(&g, data, n, &e)) return 0;
    touch(&g);
    gguf_free(&g);
    open_model(data, n);
    return 0;
}
