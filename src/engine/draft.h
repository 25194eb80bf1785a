/* draft.h - tokens that may come next, guessed from what was said before (prompt look-up: Saxena 2023; after
 * speculative decoding, Leviathan et al. 2023), and whether guessing pays.
 *
 * A guess costs rows in the next step and never changes the answer: every position is sampled from its own logits, with
 * the request's own generator, and a guess counts only if it is what was sampled. So the tokens are those of decoding
 * one by one, at any temperature. Pure bookkeeping. Thread: the engine's.
 */
#ifndef XIAOBEI_ENGINE_DRAFT_H
#define XIAOBEI_ENGINE_DRAFT_H

#include <stdint.h>

enum { DRAFT_MOST = 7 }; /* guesses for one sequence in one step */

/* Of one sequence. */
struct draft {
    float hit_rate; /* of recent first guesses; begins at 0 through draft_init */
    int rest;       /* steps until it may guess again */
};

/* What steps of few rows cost on this machine, learned while they run. */
struct draft_costs {
    double one;  /* seconds of a step of one row; 0: unknown */
    double more; /* seconds of each further row */
};

void draft_init(struct draft *d);

/* Up to `most` tokens that followed the last time ids[0, n) ended like now, into out; returns how many. */
int draft_find(const int32_t *ids, int n, int most, int32_t *out);

/* How many guesses are worth trying beside `rows` other rows of the step, when so many were found. */
int draft_worth(struct draft *d, const struct draft_costs *costs, int rows, int found);

/* `tried` guesses were computed and the first `hits` of them were right. */
void draft_learn(struct draft *d, int tried, int hits);

/* A step of decoding rows took so long. */
void draft_cost(struct draft_costs *costs, int rows, double seconds);

#endif
