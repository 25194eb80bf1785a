/* pages.h - large runs of memory straight from the kernel, on huge pages where it has them.
 *
 * For what is streamed through (weights): a page table entry for 2 MiB instead of 4 KiB is worth a few percent of the
 * bandwidth, and populating in large calls costs a fifth of touching page after page. Any thread.
 */
#ifndef XIAOBEI_BASE_PAGES_H
#define XIAOBEI_BASE_PAGES_H

#include <stddef.h>

/* Zeroed memory, aligned to 2 MiB if it is larger than that, taken as it is touched; NULL if there is none. */
void *pages_map(size_t bytes);
void pages_unmap(void *memory, size_t bytes); /* the bytes of pages_map; NULL is fine */

/* Take [at, at + bytes) now, in one call; at on a page boundary. On kernels older than 5.14 it does nothing, no harm.
 */
void pages_populate(void *at, size_t bytes);

#endif
