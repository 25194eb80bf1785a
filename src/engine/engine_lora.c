/* engine_lora.c - see engine_lora.h. */
#include "engine/engine_lora.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/engine_parts.h"

struct adapter {
    struct adapter *next;
    char name[LORA_NAME_MAX]; /* "" once it was replaced or removed */
    struct lora *lora;
    unsigned long long number;
    int users;
};

static int check_name(const char *name, struct error *e)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = strlen(name);
    if (n > 0 && n < LORA_NAME_MAX && strspn(name, allowed) == n && name[0] != '.') return OK;
    return error_set(e, ERR_INVALID,
                     "an adapter's name has 1 to %d letters, digits, - _ or . and begins with none of these",
                     LORA_NAME_MAX - 1);
}

/* Under lock. */
static struct adapter *find(struct engine *en, const char *name)
{
    for (struct adapter *a = en->adapters; a; a = a->next)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

/* Under lock: free those that have neither a name nor a user. */
static void collect(struct engine *en)
{
    for (struct adapter **link = &en->adapters; *link;) {
        struct adapter *a = *link;
        if (a->name[0] || a->users) {
            link = &a->next;
            continue;
        }
        *link = a->next;
        lora_free(a->lora);
        free(a);
    }
}

static int count_named(const struct engine *en)
{
    int n = 0;
    for (const struct adapter *a = en->adapters; a; a = a->next) n += a->name[0] != '\0';
    return n;
}

static int check_memory(const struct engine *en, const char *directory, struct error *e)
{
    size_t bytes = 0;
    int rc = lora_plan(directory, &en->config, &bytes, e);
    size_t available = memory_available();
    if (rc || available == SIZE_MAX || bytes < available) return rc;
    return error_set(e, ERR_MEMORY_PLAN, "the adapter needs %zu MiB and %zu MiB are available", bytes / MIB,
                     available / MIB);
}

int engine_lora_load(struct engine *en, const char *name, const char *directory, struct error *e)
{
    int rc = check_name(name, e);
    if (!rc) rc = check_memory(en, directory, e);
    struct adapter *fresh = rc ? NULL : calloc(1, sizeof *fresh);
    if (!rc && !fresh) rc = error_set(e, ERR_NOMEM, "no memory for the adapter");
    if (!rc) rc = lora_load(&fresh->lora, directory, &en->config, e);
    if (rc) {
        free(fresh);
        return rc;
    }
    memcpy(fresh->name, name, strlen(name) + 1);
    pthread_mutex_lock(&en->lock);
    struct adapter *old = find(en, name);
    if (!old && count_named(en) >= LORA_MOST) {
        rc = error_set(e, ERR_LIMIT, "there are %d adapters already; remove one first", LORA_MOST);
    } else {
        if (old) old->name[0] = '\0';
        fresh->number = ++en->adapter_numbers;
        fresh->next = en->adapters;
        en->adapters = fresh;
        collect(en);
    }
    pthread_mutex_unlock(&en->lock);
    if (rc) {
        lora_free(fresh->lora);
        free(fresh);
    }
    return rc;
}

int engine_lora_remove(struct engine *en, const char *name, struct error *e)
{
    pthread_mutex_lock(&en->lock);
    struct adapter *a = *name ? find(en, name) : NULL;
    if (a) a->name[0] = '\0';
    collect(en);
    pthread_mutex_unlock(&en->lock);
    return a ? OK : error_set(e, ERR_NOT_FOUND, "there is no adapter of that name");
}

int engine_lora_names(struct engine *en, char names[LORA_MOST][LORA_NAME_MAX])
{
    int n = 0;
    pthread_mutex_lock(&en->lock);
    for (const struct adapter *a = en->adapters; a && n < LORA_MOST; a = a->next)
        if (a->name[0]) memcpy(names[n++], a->name, LORA_NAME_MAX);
    pthread_mutex_unlock(&en->lock);
    return n;
}

int adapter_acquire(struct engine *en, const char *name, struct adapter **out, struct error *e)
{
    pthread_mutex_lock(&en->lock);
    *out = *name ? find(en, name) : NULL;
    if (*out) (*out)->users++;
    pthread_mutex_unlock(&en->lock);
    return *out ? OK : error_set(e, ERR_NOT_FOUND, "the adapter is not here; /v1/models lists what is");
}

void adapter_release(struct engine *en, struct adapter *a)
{
    if (!a) return;
    pthread_mutex_lock(&en->lock);
    a->users--;
    collect(en);
    pthread_mutex_unlock(&en->lock);
}

const struct lora *adapter_lora(const struct adapter *a)
{
    return a->lora;
}

unsigned long long adapter_number(const struct adapter *a)
{
    return a->number;
}

void adapters_free(struct engine *en)
{
    for (struct adapter *a = en->adapters; a; a = a->next) a->name[0] = '\0';
    collect(en);
}
