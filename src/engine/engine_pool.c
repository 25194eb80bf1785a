/* engine_pool.c - a text as one vector: its positions' hidden states behind the final norm, pooled and of length 1.
 *
 * Positions are added in order, whatever the steps they were computed in. What is kept in the prefix cache has no
 * hidden states, so these jobs compute their text whole.
 */
#include <math.h>
#include <string.h>

#include "engine/engine_parts.h"

static void take_rows(const struct engine *en, struct job *j, const float *hidden, int n)
{
    int size = en->config.hidden_size;
    int first = j->step_first - en->probe_first;
    for (int i = first < 0 ? -first : 0; i < j->step_rows && first + i < n; i++) {
        const float *row = hidden + (size_t)(first + i) * (size_t)size;
        bool last = j->computed + i == j->n_ids - 1;
        if (j->computed + i != j->pooled_to) continue;
        j->pooled_to++;
        if (j->pooling == POOL_LAST && last) memcpy(j->pooled, row, sizeof *row * (size_t)size);
        for (int d = 0; j->pooling == POOL_MEAN && d < size; d++) j->pooled[d] += row[d];
    }
}

static void on_hidden(void *user, int layer, const float *hidden, int n)
{
    struct engine *en = user;
    if (layer != en->config.layers) return;
    for (int i = 0; i < en->slots; i++) {
        struct job *j = en->running[i];
        if (j && j->pooling && j->step_rows) take_rows(en, j, hidden, n);
    }
}

void pool_watch(struct engine *en, bool on, int first_row)
{
    en->probe_first = first_row;
    forward_set_probe(en->forward, on ? on_hidden : NULL, en);
}

bool pool_finish(const struct engine *en, struct job *j)
{
    if (j->computed < j->n_ids) return false;
    double square = 0;
    for (int d = 0; d < en->config.hidden_size; d++) square += (double)j->pooled[d] * (double)j->pooled[d];
    double length = sqrt(square);
    for (int d = 0; length > 0 && d < en->config.hidden_size; d++)
        j->pooled[d] = (float)((double)j->pooled[d] / length);
    return true;
}
