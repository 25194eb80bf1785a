/* machine_speed.c - see machine_speed.h. */
#include "cli/machine_speed.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/pages.h"
#include "base/threadpool.h"
#include "kernels/kernels.h"

enum { TRIES = 4, PIECE = 1 << 20, DOT_PIECES = 40 };
static const size_t READ_BYTES = 384 * MIB; /* more than any cache */
static const long DOT_ROUNDS = 100 * 1000;

struct reading {
    const uint8_t *data;
    uint64_t sums[LIMIT_THREADS];
};

static void read_piece(void *argument, size_t piece, int worker)
{
    typedef uint64_t quad __attribute__((vector_size(32), aligned(32), may_alias));
    struct reading *r = argument;
    const quad *at = (const quad *)(const void *)(r->data + piece * PIECE);
    quad a = {0};
    quad b = {0};
    for (size_t i = 0; i < PIECE / sizeof(quad); i += 2) {
        a += at[i];
        b += at[i + 1];
    }
    a += b;
    r->sums[worker] += a[0] + a[1] + a[2] + a[3];
}

static int measure_bandwidth(struct threadpool *pool, double *out, struct error *e)
{
    static struct reading r;
    void *memory = pages_map(READ_BYTES);
    if (!memory) return error_set(e, ERR_NOMEM, "no memory to measure its speed");
    memset(memory, 1, READ_BYTES);
    r.data = memory;
    for (int i = 0; i < TRIES; i++) {
        double start = clock_monotonic();
        threadpool_for(pool, READ_BYTES / PIECE, read_piece, &r);
        double speed = (double)READ_BYTES / (clock_monotonic() - start) / 1e9;
        if (speed > *out) *out = speed;
    }
    pages_unmap(memory, READ_BYTES);
    return OK;
}

struct dotting {
    const struct kernel_table *kernels;
    double operations[LIMIT_THREADS]; /* by worker */
};

static void dot_piece(void *argument, size_t piece, int worker)
{
    struct dotting *d = argument;
    (void)piece;
    d->operations[worker] += d->kernels->dot_loop(DOT_ROUNDS);
}

static double measure_dots(struct threadpool *pool, const struct kernel_table *kernels)
{
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        struct dotting d = {.kernels = kernels};
        double start = clock_monotonic();
        threadpool_for(pool, (size_t)threadpool_size(pool) * DOT_PIECES, dot_piece, &d);
        double seconds = clock_monotonic() - start;
        double done = 0;
        for (int t = 0; t < threadpool_size(pool); t++) done += d.operations[t];
        if (done / seconds > best) best = done / seconds;
        if (seconds > 1) break; /* the scalar table */
    }
    return best / 1e9;
}

int machine_speed_measure(struct machine_speed *out, const char *cpu, int threads, struct error *e)
{
    struct threadpool *pool = NULL;
    const struct kernel_table *kernels;
    *out = (struct machine_speed){0};
    int rc = kernels_select(&kernels, cpu, e);
    if (!rc) rc = threadpool_new(&pool, threads, e);
    if (!rc) rc = measure_bandwidth(pool, &out->bandwidth_gbs, e);
    if (!rc) out->int8_gops = measure_dots(pool, kernels);
    threadpool_free(pool);
    return rc;
}
