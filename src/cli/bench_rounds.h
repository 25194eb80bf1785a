/* bench_rounds.h - the rounds that `bench` is made of, on an open engine. Thread: one caller. */
#ifndef XIAOBEI_CLI_BENCH_ROUNDS_H
#define XIAOBEI_CLI_BENCH_ROUNDS_H

#include "engine/engine.h"

/* One sequence: a prompt of `prompt` tokens, then gen tokens behind it; tokens/s of each phase. */
int bench_one(struct engine *en, int prompt, int gen, double *prefill, double *decode, struct error *e) MUST_USE;

/* `streams` sequences at once, each with a prompt of its own: tokens/s of all together, counted from when the last one
 * decodes until the first one has its gen tokens. streams: at most the engine's slots. */
int bench_streams(struct engine *en, int streams, int prompt, int gen, double *total, struct error *e) MUST_USE;

#endif
