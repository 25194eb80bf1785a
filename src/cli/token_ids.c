/* token_ids.c - see token_ids.h. */
#include "cli/token_ids.h"

#include <stdlib.h>

#include "base/limits.h"
#include "model/npy.h"

int token_ids_read(const char *path, int32_t **ids, size_t *n, struct error *e)
{
    int rc = npy_read_ids(path, ids, n, e);
    if (rc || (*n > 0 && *n <= LIMIT_CONTEXT)) return rc;
    free(*ids);
    *ids = NULL;
    return error_set(e, ERR_FORMAT, "the ids file holds %zu tokens; 1 to %d are possible", *n, LIMIT_CONTEXT);
}

int token_ids_check(const struct model_config *c, const int32_t *ids, size_t n, struct error *e)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= c->vocab_size)
            return error_set(e, ERR_FORMAT, "the id %d at place %zu is outside the model's vocabulary, 0 to %d", ids[i],
                             i, c->vocab_size - 1);
    return OK;
}
