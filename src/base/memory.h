/* memory.h - how many bytes this process may still take: what the machine has (MemAvailable), what its control groups
 * leave (v2 memory.max, v1 memory.limit_in_bytes, every level up to the root) and what RLIMIT_AS and RLIMIT_DATA
 * leave, the least of them. Clean page cache counts as free: the kernel gives it back. Reads files; any thread. */
#ifndef XIAOBEI_BASE_MEMORY_H
#define XIAOBEI_BASE_MEMORY_H

#include <stddef.h>

size_t memory_available(void); /* bytes; SIZE_MAX if the system does not say */

/* The same with every path below root ("" = the real one) and without the process's own limits: for tests. */
size_t memory_available_under(const char *root);

#endif
