/* grammar_run.h - a grammar's automaton on its way through bytes, made deterministic as far as it is visited.
 *
 * Where a grammar can be after some bytes is a set of items (node, stack of callers, characters counted). Stacks and
 * sets are stored once each and have numbers; a set learns its successor for each class of bytes when it is first
 * asked, and its mask when it is first needed. All of it may be thrown away and found again.
 */
#ifndef XIAOBEI_ENGINE_GRAMMAR_RUN_H
#define XIAOBEI_ENGINE_GRAMMAR_RUN_H

#include "engine/grammar_parts.h"

enum { SET_DEAD = 0, SET_UNKNOWN = -1 }; /* set 0: nothing can follow */

struct grammar_item {
    int32_t node, stack;
    uint32_t count;
};

struct grammar_stack {    /* 0: the bottom */
    int32_t parent, back; /* where to go on */
    uint32_t cost;        /* tokens from here to the end */
    uint32_t depth;
};

struct grammar_set {
    struct grammar_item *items; /* nodes that read bytes, sorted */
    int32_t n;
    uint32_t hash;
    bool may_end;
    uint32_t cost;  /* tokens to the end, bounded from above */
    uint32_t worst; /* with a mask: the highest cost behind one of its tokens */
    uint64_t *mask; /* NULL: not made yet */
    int32_t *next;  /* [classes] set, SET_DEAD or SET_UNKNOWN */
};

struct grammar_run {
    const struct grammar_nfa *a;
    uint8_t class_of[256], byte_of[256]; /* bytes that no edge tells apart */
    int classes;
    struct grammar_set *sets;
    struct grammar_stack *stacks;
    int32_t n_sets, cap_sets, n_stacks, cap_stacks;
    int32_t *set_index, *stack_index; /* open addressing, -1 empty */
    int32_t set_slots, stack_slots;   /* powers of two */
    size_t bytes;                     /* allocated in all */
    uint32_t work;                    /* items looked at since it was set to 0 */
    struct grammar_item *open;        /* [4 LIMIT_GRAMMAR_CASES] the set in the making: all that was visited */
    struct grammar_item *core;        /* [same] those that read bytes */
    uint32_t *seen;                   /* open addressing over open: stamp << 13 | index */
    uint32_t n_open, stamp;
    bool may_end;
    int rc; /* ERR_LIMIT or ERR_NOMEM; sticky until run_clear */
};

int run_init(struct grammar_run *r, const struct grammar_nfa *a) MUST_USE;
void run_fini(struct grammar_run *r);
/* Forget all sets and stacks; old numbers are void. */
int run_clear(struct grammar_run *r) MUST_USE;

int32_t run_start(struct grammar_run *r, int32_t rule); /* the set a rule begins with */
int32_t run_learn(struct grammar_run *r, int32_t set, int class);

/* The set behind one byte. */
static inline int32_t run_next(struct grammar_run *r, int32_t set, uint8_t byte)
{
    int class = r->class_of[byte];
    int32_t next = r->sets[set].next[class];
    return next == SET_UNKNOWN ? run_learn(r, set, class) : next;
}

/* The same set in another run of the same automaton. */
int32_t run_copy_set(struct grammar_run *to, const struct grammar_run *from, int32_t set);

#endif
