/* metrics.h - counters and histograms of the server, written as Prometheus text (exposition format 0.0.4). One lock;
 * any thread. */
#ifndef XIAOBEI_SERVER_METRICS_H
#define XIAOBEI_SERVER_METRICS_H

#include <pthread.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/engine.h"

enum { METRICS_BUCKETS = 12, METRICS_SERIES = 64 };

struct histogram {
    const double *bounds; /* [METRICS_BUCKETS - 1], the last bucket is +Inf */
    uint64_t counts[METRICS_BUCKETS];
    double sum;
};

struct metrics {
    pthread_mutex_t lock; /* protects all below */
    struct {
        char route[40];
        int status;
        uint64_t count;
    } requests[METRICS_SERIES];
    int series;
    struct histogram first_token; /* seconds from request to first token */
    struct histogram token_gap;   /* seconds between two tokens of one answer */
};

void metrics_init(struct metrics *m);
void metrics_count_request(struct metrics *m, const char *route, int status);
void metrics_first_token(struct metrics *m, double seconds);
void metrics_token_gap(struct metrics *m, double seconds);
int metrics_write(struct metrics *m, const struct engine_stats *engine, struct buf *out); /* engine may be NULL */

#endif
