/* clock.h - time. Monotonic seconds for durations, wall-clock seconds for stamps. Any thread. */
#ifndef XIAOBEI_BASE_CLOCK_H
#define XIAOBEI_BASE_CLOCK_H

#include <stdint.h>

double clock_monotonic(void); /* seconds since an arbitrary start; never goes back */
int64_t clock_unix(void);     /* whole seconds since 1970 */
void clock_sleep(double seconds);

#endif
