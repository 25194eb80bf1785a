/* fuzz_chat_request.c - the body of a chat or completion request. The first byte chooses which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/chat_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct chat_request *r = malloc(sizeof *r);
    if (size == 0 || !r) {
        free(r);
        return 0;
    }
    int rc = chat_request_parse(r, data[0] == 'c', (const char *)data + 1, size - 1, &e);
    if (rc == OK)
        chat_request_fini(r);
    else if (!e.text[0] || strnlen(r->param, sizeof r->param) == sizeof r->param)
        abort(); /* a refusal without a sentence, or a path without an end */
    free(r);
    return 0;
}
