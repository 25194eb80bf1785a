/* fuzz_labs.c - any bytes as a laboratory report: rows inside the text, flags and answers that JSON can hold. */
#include <stdint.h>
#include <stdlib.h>

#include "medical/labs_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab_tables *t;
    struct lab_patient patient = {.age = size % 3 ? 40 : -1, .sex = size % 2 ? 'f' : 0, .pregnant = -1};
    struct lab_report *r = NULL;
    if (!t && labs_open(&t, NULL)) abort();
    if (labs_assess(&r, t, (const char *)data, size, &patient, NULL)) return 0;
    for (size_t i = 0; i < r->n_items; i++) {
        const struct lab_row *row = r->items[i].row;
        if (row->start > row->end || row->end > r->text.len) abort();
        if (r->items[i].flag >= LAB_LOW && !row->answer) abort();
    }
    for (size_t i = 0; i < r->reading.n_unread; i++)
        if (r->reading.unread[i].start >= r->reading.unread[i].end || r->reading.unread[i].end > r->text.len) abort();
    labs_report_free(r);
    json_t *in = json_pack("{s:s%}", "text", (const char *)data, size);
    json_t *out = NULL;
    if (in && labs_json(&out, t, in, NULL) == 0) {
        char *text = json_dumps(out, 0);
        if (!text) abort();
        free(text);
    }
    json_decref(out);
    json_decref(in);
    return 0;
}
