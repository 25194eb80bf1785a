/* engine_queue.c - who waits, and whose turn it is.
 *
 * Preempted jobs come first, then higher priorities. Among equals the tenant with the fewest running sequences goes
 * first, then the one that was admitted longest ago, then the oldest request: ten requests of one tenant never make
 * another one wait for all ten.
 */
#include "base/clock.h"
#include "engine/engine_parts.h"

/* Everything here under lock. */

static struct job *unlink_job(struct engine *en, struct job *wanted)
{
    struct job **link = &en->queue_head;
    struct job *previous = NULL;
    while (*link != wanted) {
        previous = *link;
        link = &previous->next;
    }
    *link = wanted->next;
    if (en->queue_tail == wanted) en->queue_tail = previous;
    wanted->next = NULL;
    en->queue_length--;
    en->stats.queued--;
    return wanted;
}

static struct tenant_turn *turn_of(struct engine *en, uint64_t tenant)
{
    struct tenant_turn *oldest = &en->turns[0];
    for (int i = 0; i < TENANT_TURNS; i++) {
        struct tenant_turn *t = &en->turns[i];
        if (t->admitted && t->tenant == tenant) return t;
        if (t->admitted < oldest->admitted) oldest = t;
    }
    *oldest = (struct tenant_turn){.tenant = tenant};
    return oldest;
}

static uint64_t last_turn(const struct engine *en, uint64_t tenant)
{
    for (int i = 0; i < TENANT_TURNS; i++)
        if (en->turns[i].admitted && en->turns[i].tenant == tenant) return en->turns[i].admitted;
    return 0;
}

static int running_of(const struct engine *en, uint64_t tenant)
{
    int n = 0;
    for (int i = 0; i < en->slots; i++) n += en->running[i] && en->running[i]->tenant == tenant;
    return n;
}

/* Does a go before b, which was queued earlier? */
static bool goes_before(const struct engine *en, const struct job *a, const struct job *b)
{
    if (a->resumed != b->resumed) return a->resumed;
    if (a->resumed) return a->id < b->id;
    if (a->priority != b->priority) return a->priority > b->priority;
    if (a->tenant == b->tenant) return false;
    int running_a = running_of(en, a->tenant);
    int running_b = running_of(en, b->tenant);
    if (running_a != running_b) return running_a < running_b;
    return last_turn(en, a->tenant) < last_turn(en, b->tenant);
}

/* --- the doors -------------------------------------------------------------------------------------------------------
 */

struct job *queue_take_over(struct engine *en)
{
    double now = clock_monotonic();
    struct job *j;
    pthread_mutex_lock(&en->lock);
    for (j = en->queue_head; j; j = j->next)
        if (atomic_load(&j->cancelled) || (j->deadline > 0 && now > j->deadline)) break;
    if (j) unlink_job(en, j);
    pthread_mutex_unlock(&en->lock);
    return j;
}

struct job *queue_take_next(struct engine *en)
{
    pthread_mutex_lock(&en->lock);
    struct job *best = en->queue_head;
    for (struct job *j = best ? best->next : NULL; j; j = j->next)
        if (goes_before(en, j, best)) best = j;
    if (best && en->stats.running > 0 && !job_fits(en, best)) best = NULL; /* alone it always fits */
    if (best) {
        en->moving = unlink_job(en, best);
        if (!best->resumed) turn_of(en, best->tenant)->admitted = ++en->admissions;
    }
    pthread_mutex_unlock(&en->lock);
    return best;
}

struct job *queue_take_any(struct engine *en)
{
    pthread_mutex_lock(&en->lock);
    struct job *j = en->queue_head ? unlink_job(en, en->queue_head) : NULL;
    pthread_mutex_unlock(&en->lock);
    return j;
}

void queue_put_back(struct engine *en, struct job *j)
{
    pthread_mutex_lock(&en->lock);
    en->moving = NULL;
    j->next = en->queue_head;
    en->queue_head = j;
    if (!en->queue_tail) en->queue_tail = j;
    en->queue_length++;
    en->stats.queued++;
    en->stats.preemptions++;
    pthread_mutex_unlock(&en->lock);
}
