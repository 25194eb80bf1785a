/* engine_lora.h - adapters that come and go while the engine works (PEFT directories, model/lora.h).
 *
 * Any thread. A request names its adapter when it is submitted and keeps it to its end, whatever happens to the name
 * meanwhile: replaced or removed adapters are freed when their last request has ended. Mixed batches are one step; rows
 * without an adapter pay nothing.
 */
#ifndef XIAOBEI_ENGINE_ENGINE_LORA_H
#define XIAOBEI_ENGINE_ENGINE_LORA_H

#include <stddef.h>

#include "base/error.h"

struct engine;

enum { LORA_NAME_MAX = 64, LORA_MOST = 32 }; /* a name with its NUL; adapters with a name at once */

/* Load a directory under a name: letters, digits, - _ and . ; an adapter of that name is replaced. ERR_INVALID for the
 * name, ERR_FORMAT for an adapter of another base or shape, ERR_LIMIT when there are LORA_MOST, ERR_MEMORY_PLAN when it
 * does not fit. Blocks while it reads. */
int engine_lora_load(struct engine *en, const char *name, const char *directory, struct error *e) MUST_USE;
int engine_lora_remove(struct engine *en, const char *name, struct error *e) MUST_USE; /* ERR_NOT_FOUND */
int engine_lora_names(struct engine *en, char names[LORA_MOST][LORA_NAME_MAX]);        /* returns how many */

/* The rest is the engine's own. */
struct adapter;
struct lora;
/* ERR_NOT_FOUND names it. The reference is given back by adapter_release (NULL is fine). */
int adapter_acquire(struct engine *en, const char *name, struct adapter **out, struct error *e) MUST_USE;
void adapter_release(struct engine *en, struct adapter *a);
const struct lora *adapter_lora(const struct adapter *a);
unsigned long long adapter_number(const struct adapter *a); /* never given twice */
void adapters_free(struct engine *en);

#endif
