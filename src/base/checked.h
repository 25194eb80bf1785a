/* checked.h - arithmetic on sizes that come from outside: true means it fits, false means it would overflow.
 * Use before every allocation or offset derived from a file or a request. */
#ifndef XIAOBEI_BASE_CHECKED_H
#define XIAOBEI_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool checked_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* Is [offset, offset + length) inside [0, size)? */
static inline bool range_fits(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

#endif
