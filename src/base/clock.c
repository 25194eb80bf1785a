/* clock.c - see clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <time.h>

double clock_monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t clock_unix(void)
{
    return (int64_t)time(NULL);
}

void clock_sleep(double seconds)
{
    if (seconds <= 0) return;
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) && errno == EINTR) continue;
}
