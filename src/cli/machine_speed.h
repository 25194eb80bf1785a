/* machine_speed.h - what this machine can do at most, measured beside what the engine reaches: a share of these is
 * worth more than a number of tokens. Thread: one caller; uses a pool of its own. */
#ifndef XIAOBEI_CLI_MACHINE_SPEED_H
#define XIAOBEI_CLI_MACHINE_SPEED_H

#include "base/error.h"

struct machine_speed {
    double bandwidth_gbs; /* 1e9 bytes read per second from memory, all threads together */
    double int8_gops;     /* 1e9 int8 operations per second (2 per product and sum), all threads together */
};

/* cpu: an instruction set's name or NULL; threads 0: all cores. The better of a few tries, half a second in all. */
int machine_speed_measure(struct machine_speed *out, const char *cpu, int threads, struct error *e) MUST_USE;

#endif
