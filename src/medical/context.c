/* context.c - see context.h. Every look around a hit ends after REACH characters: the whole stays linear. */
#include "medical/context.h"

#include <stdlib.h>
#include <string.h>

#include "medical/lex_parts.h"

enum { REACH = 160, NEG_HAN = 12, NEG_LATIN = 50, LIST_HAN = 30, LIST_LATIN = 110 };

#define BIT(cue) (1u << CONTEXT_##cue)

struct view {
    const uint32_t *cp;
    size_t n;
    uint32_t *starts; /* per character: cues that start there */
    uint32_t *covers; /* per character: cue_not_neg, cue_not_person, cue_idiom and cue_word that lie over it */
    uint32_t any;     /* cues of the whole text */
    bool lifted;
};

int context_cues(const struct lex *l, int ids[CONTEXT_CUE_COUNT], struct error *e)
{
    static const char *const names[] = {
#define X(name) #name,
        CONTEXT_CUES(X)
#undef X
    };
    for (int i = 0; i < CONTEXT_CUE_COUNT; i++) {
        ids[i] = lex_concept(l, names[i], strlen(names[i]));
        if (ids[i] < 0) return error_set(e, ERR_FORMAT, "concepts: there is no %s", names[i]);
    }
    return OK;
}

static bool ends_clause(uint32_t c)
{
    return triage_ends_sentence(c) || c == ',' || c == ':' || c == '(' || c == ')' || c == 0x2026;
}

static bool counts(const struct view *v, size_t at, uint32_t bits, uint32_t unless)
{
    return (v->starts[at] & bits) && !(unless && (v->covers[at] & unless));
}

/* A cue of `bits` in [a, b). */
static bool within(const struct view *v, size_t a, size_t b, uint32_t bits, uint32_t unless)
{
    for (size_t i = a; i < b && (v->any & bits); i++)
        if (counts(v, i, bits, unless)) return true;
    return false;
}

static size_t clause_start(const struct view *v, size_t at)
{
    size_t i = at;
    while (i > 0 && at - i < REACH && !ends_clause(v->cp[i - 1])) i--;
    return i;
}

static size_t clause_end(const struct view *v, size_t at)
{
    size_t i = at;
    while (i < v->n && i - at < REACH && !ends_clause(v->cp[i])) i++;
    return i;
}

static size_t sentence_start(const struct view *v, size_t at)
{
    size_t i = at;
    while (i > 0 && at - i < REACH && !triage_ends_sentence(v->cp[i - 1])) i--;
    return i;
}

static size_t sentence_end(const struct view *v, size_t at)
{
    size_t i = at;
    while (i < v->n && i - at < REACH && !triage_ends_sentence(v->cp[i])) i++;
    return i < v->n ? i + 1 : i;
}

/* "没有不想活": a phrase that opens with a negation is denied only by one right before it. */
static bool doubly_negated(const struct view *v, const struct lex_hit *h)
{
    for (size_t i = h->start; i-- > 0 && h->start - i <= 3 && !ends_clause(v->cp[i]);)
        if (counts(v, i, BIT(cue_neg), BIT(cue_not_neg))) return true;
    return false;
}

static bool negated_before(const struct view *v, const struct lex_hit *h)
{
    bool latin = lex_is_letter(v->cp[h->start]);
    size_t near = latin ? NEG_LATIN : NEG_HAN;
    size_t far = latin ? LIST_LATIN : LIST_HAN;
    bool crossed = false;
    bool bare = clause_end(v, h->end) - clause_start(v, h->start) <= h->end - h->start + 2;
    for (size_t i = h->start; i-- > 0 && h->start - i <= far;) {
        if (triage_ends_sentence(v->cp[i])) return false;
        if (ends_clause(v->cp[i])) crossed = true;
        if (v->starts[i] & BIT(cue_but)) return false;
        if (crossed && latin && counts(v, i, BIT(cue_neg), BIT(cue_not_neg)))
            return within(v, i, h->end + 12 < v->n ? h->end + 12 : v->n, BIT(cue_or), 0);
        if (crossed && bare && counts(v, i, BIT(cue_neg_list), BIT(cue_not_neg))) return true;
        if (crossed) continue;
        if (h->start - i <= near && counts(v, i, BIT(cue_neg), BIT(cue_not_neg))) return true;
        if (h->start - i <= 2 && counts(v, i, BIT(cue_neg_close), BIT(cue_not_neg))) return true;
    }
    return false;
}

static bool negated_behind(const struct view *v, const struct lex_hit *h)
{
    bool latin = lex_is_letter(v->cp[h->start]);
    bool crossed = false;
    for (size_t i = h->end; i < v->n && i - h->end < 24; i++) {
        if (triage_ends_sentence(v->cp[i]) || (v->starts[i] & BIT(cue_but))) return false;
        if (counts(v, i, BIT(cue_post_neg_all), BIT(cue_not_neg))) return true;
        crossed = crossed || ends_clause(v->cp[i]); /* 胸痛,没有发烧: denies the fever */
        if (!crossed && i - h->end <= (latin ? 3 : 2) && counts(v, i, BIT(cue_post_neg), BIT(cue_not_neg))) return true;
    }
    return false;
}

static bool is_past(const struct view *v, const struct lex_hit *h)
{
    size_t a = sentence_start(v, h->start);
    size_t b = sentence_end(v, h->end);
    const bool over = within(v, h->end, b, BIT(cue_recovered), 0);
    if (within(v, a, b, BIT(cue_past_span), 0) && (over || !within(v, a, b, BIT(cue_now), 0))) return true;
    size_t clause = clause_start(v, h->start);
    size_t clause_behind = clause_end(v, h->end);
    if (within(v, clause, clause_behind, BIT(cue_now), 0)) return false;
    if (over && within(v, a, h->start, BIT(cue_past), 0)) return true;
    return within(v, clause, clause_behind, BIT(cue_past), 0);
}

/* A question for study. In the clause of the question only a person in it counts ("我爸有高血压,会不会突然中风"
 * tells of no stroke), beside it any person of the sentence. */
static bool is_asked(const struct view *v, const struct lex_hit *h, size_t a, size_t b)
{
    size_t from = clause_start(v, h->start);
    size_t to = clause_end(v, h->end);
    if (!within(v, a, b, BIT(cue_study), 0) || within(v, a, b, BIT(cue_really) | BIT(cue_own), 0)) return false;
    if (!within(v, from, to, BIT(cue_study), 0)) from = a, to = b;
    return !within(v, from, to, BIT(cue_person), BIT(cue_not_person));
}

/* "我在写小说。主角..." A strong cue covers what follows in its message, but for sentences that tell of today. */
static bool is_announced(const struct view *v, size_t a, size_t b)
{
    size_t i = a;
    while (i > 0 && a - i < REACH && v->cp[i - 1] != '\n') i--;
    return within(v, i, a, BIT(cue_study_strong), 0) && !within(v, a, b, BIT(cue_really) | BIT(cue_own), 0);
}

/* firm: only a strong cue makes it study. Who speaks of dying in a question may mean it. */
static bool is_study(const struct view *v, const struct lex_hit *h, bool firm)
{
    size_t a = sentence_start(v, h->start);
    size_t b = sentence_end(v, h->end);
    if (v->lifted) return false;
    if (within(v, a, b, BIT(cue_study_strong), 0) || is_announced(v, a, b)) return true;
    if (firm) return false;
    for (size_t i = h->start; i-- > a;)
        if (counts(v, i, BIT(cue_unreal), 0)) return !within(v, i, b, BIT(cue_really), 0);
    return within(v, clause_start(v, h->start), h->start, BIT(cue_fear), 0) || is_asked(v, h, a, b);
}

/* "血压高,头上冒汗" bleeds not, "指头裂了" is no headache. */
static bool is_cut_word(const struct view *v, const struct lex_hit *h, bool blood)
{
    if (blood && (v->starts[h->start] & BIT(cue_word))) return true;
    if (h->start > 0 && (v->covers[h->start] & v->covers[h->start - 1] & BIT(cue_word)) &&
        !(v->starts[h->start] & BIT(cue_word)))
        return true;
    return h->end < v->n && (v->covers[h->end - 1] & v->covers[h->end] & BIT(cue_word)) &&
           !(v->starts[h->end] & BIT(cue_word));
}

static bool is_idiom(const struct view *v, const struct lex_hit *h)
{
    for (size_t i = h->start; i < h->end; i++)
        if (v->covers[i] & BIT(cue_idiom)) return true;
    return false;
}

/* What is given away or said goodbye to because one moves house. */
static bool is_everyday(const struct view *v, const struct lex_hit *h)
{
    size_t a = sentence_start(v, h->start);
    size_t b = sentence_end(v, h->end);
    return within(v, a, b, BIT(cue_plain), 0) && !within(v, a, b, BIT(cue_death), 0);
}

static bool is_family(const struct view *v, const struct lex_hit *h)
{
    return within(v, clause_start(v, h->start), clause_end(v, h->end), BIT(cue_family), 0);
}

static enum lex_off judge(const struct view *v, const struct triage_text *t, const struct lex_hit *h,
                          enum lex_kind kind, const char *name)
{
    bool profile = h->start < t->profile_end;
    bool firm = strncmp(name, "sh_", 3) == 0;
    if (kind == LEX_CUE) return LEX_ON;
    if (profile) return kind == LEX_FACT ? LEX_ON : LEX_PROFILE;
    if (is_cut_word(v, h, strncmp(name, "bleed_", 6) == 0)) return LEX_IDIOM;
    /* Only what may be a plan: an act, or a wish to die, is not excused by a working day. */
    bool may_be_plan = strcmp(name, "sh_plan") == 0;
    if (is_idiom(v, h) || (may_be_plan && is_everyday(v, h))) return LEX_IDIOM;
    if (h->starts_negative ? doubly_negated(v, h) : negated_before(v, h) || negated_behind(v, h)) return LEX_NEGATED;
    if (is_family(v, h)) return LEX_FAMILY;
    if (kind == LEX_FACT) return LEX_ON;
    if (is_past(v, h)) return LEX_PAST;
    return is_study(v, h, firm) ? LEX_STUDY : LEX_ON;
}

static int cue_of(const int ids[CONTEXT_CUE_COUNT], int concept)
{
    for (int i = 0; i < CONTEXT_CUE_COUNT; i++)
        if (ids[i] == concept) return i;
    return -1;
}

int context_judge(const struct lex *l, const int ids[CONTEXT_CUE_COUNT], const struct triage_text *t,
                  struct lex_hits *hits)
{
    struct view v = {t->cp, t->n, calloc(t->n + 1, sizeof *v.starts), calloc(t->n + 1, sizeof *v.covers), 0, false};
    const uint32_t covering = BIT(cue_not_neg) | BIT(cue_not_person) | BIT(cue_idiom) | BIT(cue_word);
    int rc = v.starts && v.covers ? OK : ERR_NOMEM;
    for (size_t i = 0; i < hits->n && !rc; i++) {
        const struct lex_hit *h = &hits->items[i];
        int cue = lex_kind(l, h->concept) == LEX_CUE ? cue_of(ids, h->concept) : -1;
        if (cue < 0) continue;
        v.starts[h->start] |= 1u << cue;
        v.any |= 1u << cue;
        if (cue == CONTEXT_cue_lift) v.lifted = true;
        if (covering & (1u << cue))
            for (size_t at = h->start; at < h->end; at++) v.covers[at] |= 1u << cue;
    }
    for (size_t i = 0; i < hits->n && !rc; i++)
        hits->items[i].off = (uint8_t)judge(&v, t, &hits->items[i], lex_kind(l, hits->items[i].concept),
                                            lex_name(l, hits->items[i].concept));
    free(v.starts);
    free(v.covers);
    return rc;
}
