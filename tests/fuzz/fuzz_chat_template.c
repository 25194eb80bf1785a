/* fuzz_chat_template.c - {"messages","tools"} from outside: rendered or refused with a sentence; control tokens in the
 * ids come from the template alone. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "model/chat_template.h"
#include "support/tiny_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *t;
    struct error e = {0};
    struct token_list ids = {0};
    struct buf text = BUF_INIT(MIB);
    json_t *root = NULL;
    if (!t) t = tiny_tokenizer_new();
    if (json_read(&root, (const char *)data, size, &e) == OK) {
        const json_t *messages = json_object_get(root, "messages");
        int rc = chat_template_render(t, messages, json_object_get(root, "tools"), true, &text, &ids, &e);
        if (rc && !e.text[0]) abort();
        size_t starts = 0;
        for (size_t i = 0; !rc && i < ids.len; i++) starts += ids.ids[i] == tokenizer_special_id(t, "<|im_start|>");
        if (!rc && starts > json_array_size(messages) + 2) abort(); /* a forged turn */
    }
    json_decref(root);
    token_list_free(&ids);
    buf_free(&text);
    return 0;
}
