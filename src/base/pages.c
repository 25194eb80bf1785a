/* pages.c - see pages.h. */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20, POPULATE_WRITE = 23 /* MADV_POPULATE_WRITE */ };

void *pages_map(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t slack = bytes >= HUGE_PAGE ? HUGE_PAGE : 0;
    if (bytes == 0 || bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + page - 1) / page * page;
    char *memory = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    if (!slack) return memory;
    size_t before = (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE; /* give the ends back */
    if (before) munmap(memory, before);
    if (before < slack) munmap(memory + before + bytes, slack - before);
    memory += before;
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

void pages_unmap(void *memory, size_t bytes)
{
    if (memory) munmap(memory, bytes);
}

void pages_populate(void *at, size_t bytes)
{
    madvise(at, bytes, POPULATE_WRITE);
}
