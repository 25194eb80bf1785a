/* pull_lock.h - one process at a time changes a model's directory. flock on MODELS/.locks/ID.lock, which holds the pid
 * of who has it; the kernel lets go when that process ends, however it ends. Thread: one owner. */
#ifndef XIAOBEI_HUB_PULL_LOCK_H
#define XIAOBEI_HUB_PULL_LOCK_H

#include <stdbool.h>

#include "base/error.h"
#include "hub/progress.h"

/* wait: say who holds it and wait until it is free; otherwise ERR_BUSY with that sentence. *fd: give to
 * pull_lock_release. */
int pull_lock_take(int *fd, const char *models, const char *id, bool wait, struct progress *p,
                   struct error *e) MUST_USE;
void pull_lock_release(int fd); /* -1 is fine */

#endif
