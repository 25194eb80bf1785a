/* grammar.c - see grammar.h: from a spec to an automaton, and from where an answer is to the tokens that may follow.
 *
 * A mask is one walk of the vocabulary's trie with the automaton's sets, branch by branch until nothing can follow. It
 * is kept with its set, so that the next time costs a copy. Inside a plain string the walk is spared: all plain tokens
 * that are short enough may come, and only the others are walked.
 */
#include "engine/grammar.h"

#include <stdlib.h>
#include <string.h>

#include "engine/grammar_run.h"
#include "engine/grammar_vocab.h"

struct grammar {
    atomic_int owners;
    const struct grammar_vocab *v;
    struct grammar_nfa a;
    int32_t root;
    int min_tokens;
    pthread_mutex_t lock; /* protects all below, and the sets of every state */
    struct grammar_run run;
    struct grammar_state *states;
};

struct grammar_state {
    struct grammar *g;
    struct grammar_state *previous, *next; /* of the same grammar */
    int32_t set;
};

/* --- from a spec to an automaton
 * ---------------------------------------------------------------------------------------- */

/* Any text in which `trigger` does not occur, then the parts: an automaton after Knuth, Morris and Pratt over bytes.
 * `to` is behind the parts; parts begin with the trigger, so their first bytes are read here. */
static void add_free_text(struct grammar_nfa *a, int32_t from, const char *trigger, int32_t parts, int32_t to)
{
    size_t n = strlen(trigger);
    int32_t at[32] = {from};
    if (n >= sizeof at / sizeof *at) n = sizeof at / sizeof *at - 1;
    for (size_t i = 1; i < n; i++) at[i] = nfa_node(a);
    for (size_t i = 0; i < n && !a->rc; i++) {
        nfa_empty(a, at[i], to);
        nfa_empty(a, at[i], parts);
        for (int b = 0; b < 256; b++) { /* the longest beginning of the trigger that ends with this byte */
            size_t k = i + 1;
            for (; k > 0; k--)
                if ((uint8_t)trigger[k - 1] == b && memcmp(trigger, trigger + i + 1 - k, k - 1) == 0) break;
            if (k < n) nfa_bytes(a, at[i], (uint8_t)b, (uint8_t)b, at[k]);
        }
    }
}

static int add_parts(struct grammar_nfa *a, const struct grammar_spec *s, int32_t from, int32_t to, struct error *e)
{
    int rc = OK;
    for (int i = 0; !rc && i < s->n_parts; i++) {
        const struct grammar_part *p = &s->parts[i];
        int32_t begin = p->before ? nfa_text(a, from, p->before) : from;
        int32_t end = nfa_node(a);
        if (p->schema)
            rc = nfa_schema(a, begin, p, end, s->param, s->param_size, e);
        else
            nfa_empty(a, begin, end);
        nfa_empty(a, p->after ? nfa_text(a, end, p->after) : end, to);
    }
    return rc;
}

static int build(struct grammar *g, const struct grammar_spec *s, struct error *e)
{
    struct grammar_nfa *a = &g->a;
    g->root = nfa_rule(a);
    if (a->rc) return OK;
    int32_t start = a->rules[g->root].start;
    int32_t end = a->rules[g->root].end;
    if (s->pattern) {
        const struct regex_use use = {.pattern = s->pattern, .as = CHARS_RAW, .max = UINT32_MAX};
        return nfa_regex(a, start, &use, end, e);
    }
    if (!s->separator && !s->trigger) return add_parts(a, s, start, end, e);
    int32_t parts = nfa_rule(a); /* one rule for each time they come */
    if (a->rc) return OK;
    int rc = add_parts(a, s, a->rules[parts].start, a->rules[parts].end, e);
    int32_t first = nfa_node(a);
    if (s->trigger)
        add_free_text(a, start, s->trigger, first, end);
    else
        nfa_empty(a, start, first);
    for (int i = 0; i < (s->separator ? LIMIT_GRAMMAR_CALLS : 1) && !a->rc; i++) {
        int32_t behind = nfa_node(a);
        nfa_call(a, first, parts, behind);
        nfa_empty(a, behind, end);
        first = s->separator ? nfa_text(a, behind, s->separator) : behind;
    }
    return rc;
}

static int refuse_path(const struct grammar_spec *s, int code, const char *what, struct error *e)
{
    const char *path = s->n_parts > 0 && s->parts[0].path ? s->parts[0].path : s->pattern ? "pattern" : "schema";
    if (s->param) snprintf(s->param, s->param_size, "%s", path);
    error_clear(e);
    return error_set(e, code, "%s: %s", path, what);
}

static int compile(struct grammar *g, const struct grammar_spec *s, struct error *e)
{
    int rc = build(g, s, e);
    if (!rc && g->a.rc) rc = refuse_path(s, g->a.rc, g->a.rc == ERR_LIMIT ? "too large a form" : "no memory", e);
    if (rc) return rc;
    struct error why = {0};
    rc = nfa_costs(&g->a, g->v, &why);
    if (rc) return refuse_path(s, rc, why.text, e);
    rc = run_init(&g->run, &g->a);
    if (rc) return error_set(e, rc, "no memory for the form");
    const struct grammar_node *start = &g->a.nodes[g->a.rules[g->root].start];
    if (start->cost >= GRAMMAR_NEVER) return refuse_path(s, ERR_INVALID, "no finite text satisfies it", e);
    if (start->deep > LIMIT_GRAMMAR_DEPTH) return refuse_path(s, ERR_LIMIT, "it is nested too deeply", e);
    int32_t first = run_start(&g->run, g->root);
    if (g->run.rc) return refuse_path(s, g->run.rc, "it is too ambiguous", e);
    g->min_tokens = (int)g->run.sets[first].cost;
    return OK;
}

int grammar_new(struct grammar **out, const struct grammar_vocab *v, const struct grammar_spec *spec, struct error *e)
{
    *out = NULL;
    struct grammar *g = calloc(1, sizeof *g);
    if (!g) return error_set(e, ERR_NOMEM, "no memory for the form");
    g->v = v;
    g->a.in_counted = -1;
    atomic_store(&g->owners, 1);
    pthread_mutex_init(&g->lock, NULL);
    int rc = compile(g, spec, e);
    if (rc) {
        grammar_release(g);
        return rc;
    }
    *out = g;
    return OK;
}

struct grammar *grammar_retain(struct grammar *g)
{
    if (g) atomic_fetch_add(&g->owners, 1);
    return g;
}

void grammar_release(struct grammar *g)
{
    if (!g || atomic_fetch_sub(&g->owners, 1) > 1) return;
    run_fini(&g->run);
    nfa_free(&g->a);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

int grammar_min_tokens(const struct grammar *g)
{
    return g->min_tokens;
}

/* --- states
 * --------------------------------------------------------------------------------------------------------------- */

static int add_state(struct grammar_state **out, struct grammar *g, const struct grammar_state *from, struct error *e)
{
    struct grammar_state *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return error_set(e, ERR_NOMEM, "no memory for the request");
    s->g = grammar_retain(g);
    pthread_mutex_lock(&g->lock);
    g->run.work = 0;
    s->set = from ? from->set : run_start(&g->run, g->root);
    s->next = g->states;
    if (g->states) g->states->previous = s;
    g->states = s;
    int rc = g->run.rc;
    pthread_mutex_unlock(&g->lock);
    if (rc) {
        grammar_state_free(s);
        return error_set(e, rc, "the form of the answer cannot be followed");
    }
    *out = s;
    return OK;
}

int grammar_state_new(struct grammar_state **out, struct grammar *g, struct error *e)
{
    return add_state(out, g, NULL, e);
}

int grammar_state_clone(struct grammar_state **out, const struct grammar_state *from, struct error *e)
{
    return add_state(out, from->g, from, e);
}

void grammar_state_free(struct grammar_state *s)
{
    if (!s) return;
    struct grammar *g = s->g;
    pthread_mutex_lock(&g->lock);
    if (s->next) s->next->previous = s->previous;
    *(s->previous ? &s->previous->next : &g->states) = s->next;
    pthread_mutex_unlock(&g->lock);
    free(s);
    grammar_release(g);
}

/* Make room before a step, under the lock: beyond half of what may be remembered, everything is forgotten but where the
 * running answers are. */
static int make_room(struct grammar *g)
{
    struct grammar_run fresh;
    g->run.work = 0;
    if (g->run.bytes < LIMIT_GRAMMAR_CACHE / 2 && !g->run.rc) return OK;
    int rc = run_init(&fresh, &g->a);
    for (struct grammar_state *s = g->states; !rc && s; s = s->next) {
        run_copy_set(&fresh, &g->run, s->set);
        rc = fresh.rc;
    }
    if (rc) {
        run_fini(&fresh);
        return rc;
    }
    for (struct grammar_state *s = g->states; s; s = s->next) s->set = run_copy_set(&fresh, &g->run, s->set);
    run_fini(&g->run);
    g->run = fresh;
    return OK;
}

/* --- masks
 * ---------------------------------------------------------------------------------------------------------------- */

static void set_bits(const struct trie *t, uint32_t node, uint64_t *mask)
{
    for (uint32_t i = t->nodes[node].first; i < t->nodes[node + 1].first; i++)
        mask[t->tokens[i] / 64] |= (uint64_t)1 << (t->tokens[i] % 64);
}

/* Add the tokens behind which the cost is at most limit; returns the highest cost behind any that fits the form. */
static uint32_t walk(struct grammar_run *r, const struct trie *t, int32_t set, uint32_t limit, uint64_t *mask)
{
    int32_t at[VOCAB_DEPTH + 1] = {set};
    uint32_t worst = 0;
    for (uint32_t i = 1; i < t->n;) {
        const struct trie_node *node = &t->nodes[i];
        int32_t next = run_next(r, at[node->depth - 1], node->byte);
        if (next == SET_DEAD) {
            if (r->rc) return worst;
            i = node->skip;
            continue;
        }
        at[node->depth] = next;
        if (trie_has_token(t, i)) {
            uint32_t cost = r->sets[next].cost;
            if (cost > worst) worst = cost;
            if (cost <= limit) set_bits(t, i, mask);
        }
        i++;
    }
    return worst;
}

/* Is this set between two characters of one plain string and nowhere else? Then how many may still come; 0: it is not.
 */
static uint32_t plain_room(const struct grammar *g, const struct grammar_set *s)
{
    const struct grammar_item *one = NULL;
    const struct grammar_item *leave = NULL;
    const struct grammar_rule *rule = NULL;
    for (int32_t i = 0; i < s->n && i < 2; i++) {
        const struct grammar_node *n = &g->a.nodes[s->items[i].node];
        if (n->counted != COUNTED_CHAR || g->a.rules[n->rule].one != s->items[i].node) continue;
        one = &s->items[i];
        leave = &s->items[1 - i];
        rule = &g->a.rules[n->rule];
    }
    if (!one || s->n > 2 || s->may_end) return 0;
    if (s->n == 2 && (leave->node != rule->leave || leave->stack != one->stack || leave->count != one->count)) return 0;
    return rule->max == UINT32_MAX ? VOCAB_PLAIN_CHARS : rule->max - one->count;
}

static uint32_t fill_mask(struct grammar *g, int32_t set, uint32_t limit, uint64_t *mask)
{
    uint32_t room = plain_room(g, &g->run.sets[set]);
    uint32_t cost = g->run.sets[set].cost;
    if (room == 0 || cost > limit) { /* a plain token inside a string never makes the end farther */
        memset(mask, 0, g->v->words * sizeof *mask);
        return walk(&g->run, &g->v->all, set, limit, mask);
    }
    if (room > VOCAB_PLAIN_CHARS) room = VOCAB_PLAIN_CHARS;
    memcpy(mask, g->v->plain[room], g->v->words * sizeof *mask);
    uint32_t worst = walk(&g->run, &g->v->rough, set, limit, mask);
    return worst > cost ? worst : cost;
}

static int fill_kept_mask(struct grammar *g, int32_t set)
{
    size_t bytes = g->v->words * sizeof(uint64_t);
    uint64_t *mask = malloc(bytes + 1);
    if (!mask) return ERR_NOMEM;
    uint32_t worst = fill_mask(g, set, GRAMMAR_NEVER, mask);
    if (g->run.rc) {
        free(mask);
        return g->run.rc;
    }
    g->run.sets[set].mask = mask;
    g->run.sets[set].worst = worst;
    g->run.bytes += bytes;
    return OK;
}

int grammar_mask(struct grammar_state *s, int remaining, uint64_t *mask, struct error *e)
{
    struct grammar *g = s->g;
    uint32_t limit = remaining > 0 ? (uint32_t)remaining - 1 : 0;
    pthread_mutex_lock(&g->lock);
    int rc = make_room(g);
    if (!rc && !g->run.sets[s->set].mask) rc = fill_kept_mask(g, s->set);
    if (!rc && remaining <= 0)
        memset(mask, 0, g->v->words * sizeof *mask);
    else if (!rc && g->run.sets[s->set].worst <= limit)
        memcpy(mask, g->run.sets[s->set].mask, g->v->words * sizeof *mask);
    else if (!rc)
        fill_mask(g, s->set, limit, mask);
    if (!rc) rc = g->run.rc;
    pthread_mutex_unlock(&g->lock);
    if (rc) error_set(e, rc, "the form of the answer is too ambiguous to be followed");
    return rc;
}

int grammar_accept(struct grammar_state *s, int32_t token, struct error *e)
{
    struct grammar *g = s->g;
    size_t n = 0;
    const char *bytes = tokenizer_token_bytes(g->v->t, token, &n);
    if (!bytes || n == 0 || tokenizer_is_special(g->v->t, token))
        return error_set(e, ERR_INVALID, "a control token is no part of the form");
    pthread_mutex_lock(&g->lock);
    int rc = make_room(g);
    int32_t set = s->set;
    for (size_t i = 0; !rc && i < n && set != SET_DEAD; i++) set = run_next(&g->run, set, (uint8_t)bytes[i]);
    if (!rc) rc = g->run.rc;
    if (!rc && set == SET_DEAD) rc = ERR_INVALID;
    if (!rc) s->set = set;
    pthread_mutex_unlock(&g->lock);
    if (rc) error_set(e, rc, "the token does not fit the form of the answer");
    return rc;
}

static struct grammar_set look(const struct grammar_state *s)
{
    pthread_mutex_lock(&s->g->lock);
    struct grammar_set set = s->g->run.sets[s->set];
    pthread_mutex_unlock(&s->g->lock);
    return set;
}

bool grammar_may_end(const struct grammar_state *s)
{
    return look(s).may_end;
}

bool grammar_must_end(const struct grammar_state *s)
{
    struct grammar_set set = look(s);
    return set.may_end && set.n == 0;
}

int grammar_state_min_tokens(const struct grammar_state *s)
{
    return (int)look(s).cost;
}
