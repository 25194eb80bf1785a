/* gguf_check.c - see gguf_check.h. Sorted copies of pointers: hostile tables of any order cost n log n. */
#include "model/gguf_check.h"

#include <stdlib.h>
#include <string.h>

static int compare_texts(const struct gguf_text *a, const struct gguf_text *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->data, b->data, n);
    if (order) return order;
    return a->len < b->len ? -1 : a->len > b->len;
}

static int by_text(const void *a, const void *b)
{
    return compare_texts(*(const struct gguf_text *const *)a, *(const struct gguf_text *const *)b);
}

static int by_place(const void *a, const void *b)
{
    const struct gguf_tensor *x = *(const struct gguf_tensor *const *)a;
    const struct gguf_tensor *y = *(const struct gguf_tensor *const *)b;
    return x->data < y->data ? -1 : x->data > y->data;
}

static int check_twice(const struct gguf_text **texts, size_t n, const char *what, struct error *e)
{
    qsort(texts, n, sizeof *texts, by_text);
    for (size_t i = 1; i < n; i++)
        if (compare_texts(texts[i - 1], texts[i]) == 0)
            return error_set(e, ERR_FORMAT, "the %s %.*s is there twice; the file is damaged, pull it again", what,
                             (int)texts[i]->len, texts[i]->data);
    return OK;
}

static int check_overlap(const struct gguf_tensor **tensors, size_t n, struct error *e)
{
    qsort(tensors, n, sizeof *tensors, by_place);
    for (size_t i = 1; i < n; i++)
        if (tensors[i - 1]->data + tensors[i - 1]->bytes > tensors[i]->data)
            return error_set(e, ERR_FORMAT, "the tensors %.*s and %.*s overlap; the file is damaged, pull it again",
                             (int)tensors[i - 1]->name.len, tensors[i - 1]->name.data, (int)tensors[i]->name.len,
                             tensors[i]->name.data);
    return OK;
}

int gguf_check(const struct gguf *g, struct error *e)
{
    size_t most = g->pair_count > g->tensor_count ? g->pair_count : g->tensor_count;
    const struct gguf_text **texts = malloc((most + 1) * sizeof *texts);
    const struct gguf_tensor **tensors = malloc((g->tensor_count + 1) * sizeof *tensors);
    int rc = texts && tensors ? OK : error_set(e, ERR_NOMEM, "no memory for the model's tensor table");
    if (!rc) {
        for (size_t i = 0; i < g->pair_count; i++) texts[i] = &g->pairs[i].key;
        rc = check_twice(texts, g->pair_count, "metadata key", e);
    }
    if (!rc) {
        for (size_t i = 0; i < g->tensor_count; i++) texts[i] = &g->tensors[i].name;
        rc = check_twice(texts, g->tensor_count, "tensor", e);
    }
    if (!rc) {
        for (size_t i = 0; i < g->tensor_count; i++) tensors[i] = &g->tensors[i];
        rc = check_overlap(tensors, g->tensor_count, e);
    }
    free(tensors);
    free(texts);
    return rc;
}

const char *gguf_foreign_type(uint32_t number)
{
    static const struct {
        uint32_t number;
        const char *name;
    } foreign[] = {{9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
                   {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
                   {24, "I8"},      {25, "I16"},   {26, "I32"},    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},
                   {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"}};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (foreign[i].number == number) return foreign[i].name;
    return NULL;
}
