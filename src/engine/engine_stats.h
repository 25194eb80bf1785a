/* engine_stats.h - what an engine says about itself. Any thread. */
#ifndef XIAOBEI_ENGINE_ENGINE_STATS_H
#define XIAOBEI_ENGINE_ENGINE_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

struct engine_stats {
    int running, queued, slots;
    int kv_blocks, kv_blocks_used, kv_blocks_cached; /* of KV_BLOCK positions; used: by running sequences */
    uint64_t guessed_tokens, guesses_right;          /* draft.h */
    uint64_t preemptions, evictions, cached_tokens;
    double last_step; /* clock_monotonic() of the last completed step or of the last time it was idle */
    uint64_t steps, requests, finished, failed, cancelled;
    uint64_t prompt_tokens, completion_tokens;
    double prefill_seconds, decode_seconds;
};
void engine_get_stats(const struct engine *en, struct engine_stats *out); /* any thread */

/* False if there is work and no step has completed for `deadline` seconds: what /health reports. */
bool engine_is_alive(const struct engine *en, double deadline);

#endif
