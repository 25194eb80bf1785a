/* draft.c - see draft.h. */
#include "engine/draft.h"

#include <string.h>

enum { LONGEST_MATCH = 8, SHORTEST_MATCH = 3, REST = 16 };

/* A first guess that follows three known tokens is right more often than not where text is quoted at all. */
static const float FIRST_HIT_RATE = 0.6f;
static const float LEARNING = 0.2f;
/* Expected tokens for the time must be better by this much: the estimate is rough, and the loss must stay small. */
static const double MARGIN = 1.05;
/* Before a step of several rows was seen: a guess at the cost of one more. */
static const double FIRST_MORE = 0.3;

void draft_init(struct draft *d)
{
    *d = (struct draft){.hit_rate = FIRST_HIT_RATE};
}

/* How many tokens before `end` are the same as those before n, at most LONGEST_MATCH. */
static int match_length(const int32_t *ids, int end, int n)
{
    int length = 0;
    while (length < LONGEST_MATCH && length < end && ids[end - 1 - length] == ids[n - 1 - length]) length++;
    return length;
}

int draft_find(const int32_t *ids, int n, int most, int32_t *out)
{
    int best = 0;
    int best_end = 0;
    for (int end = n - 1; end >= SHORTEST_MATCH && best < LONGEST_MATCH; end--) { /* the latest of the longest */
        if (ids[end - 1] != ids[n - 1]) continue;
        int length = match_length(ids, end, n);
        if (length <= best) continue;
        best = length;
        best_end = end;
    }
    if (best < SHORTEST_MATCH) return 0;
    int count = n - best_end < most ? n - best_end : most;
    memcpy(out, ids + best_end, sizeof *out * (size_t)count);
    return count;
}

int draft_worth(struct draft *d, const struct draft_costs *costs, int rows, int found)
{
    if (d->rest > 0) {
        d->rest--;
        return 0;
    }
    double one = costs->one > 0 ? costs->one : 1;
    double more = costs->more > 0 ? costs->more : FIRST_MORE * one;
    double base = one + more * rows; /* this sequence's row and the others */
    double p = (double)d->hit_rate;
    double expected = 1;
    double reach = 1;
    double best = MARGIN / base;
    int choice = 0;
    for (int k = 1; k <= found; k++) {
        reach *= p;
        expected += reach;
        double speed = (rows + expected) / (base + more * k) / (rows + 1);
        if (speed <= best) continue;
        best = speed;
        choice = k;
    }
    if (choice == 0 && found > 0) {
        d->rest = REST;
        d->hit_rate += LEARNING * (FIRST_HIT_RATE - d->hit_rate); /* the text may have changed: try again some day */
    }
    return choice;
}

void draft_learn(struct draft *d, int tried, int hits)
{
    for (int i = 0; i < tried && i <= hits; i++) d->hit_rate += LEARNING * ((i < hits ? 1.0f : 0.0f) - d->hit_rate);
}

void draft_cost(struct draft_costs *costs, int rows, double seconds)
{
    static const double weight = 0.1;
    if (rows == 1) {
        costs->one = costs->one > 0 ? costs->one + weight * (seconds - costs->one) : seconds;
    } else if (costs->one > 0) {
        double more = (seconds - costs->one) / (rows - 1);
        if (more < 0) more = 0.001 * costs->one;
        costs->more = costs->more > 0 ? costs->more + weight * (more - costs->more) : more;
    }
}
