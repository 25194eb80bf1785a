/* context.h - which of the concepts that were found are said of this patient, now.
 *
 * Cue concepts (data/triage_concepts.txt, cue_*) decide: negation and its scope, the past, family history, questions
 * asked for study, idioms. Scope ends with the clause (a comma), but for lists ("no A, B or C"; "A、B都没有"), and at
 * words such as 但是/就是/but. A relative who plays it down ("没啥,就是...") negates nothing.
 * Source of the idea: NegEx and ConText (Chapman 2001, Harkema 2009); the Chinese cues are ours.
 * Errors: ERR_NOMEM. Pure; any thread.
 */
#ifndef XIAOBEI_MEDICAL_CONTEXT_H
#define XIAOBEI_MEDICAL_CONTEXT_H

#include "medical/lex.h"
#include "medical/triage_text.h"

/* The cues by number; lex concepts of these names must exist. */
#define CONTEXT_CUES(X)                                                                                                \
    X(cue_neg)          /* 没有, no, denies: reaches to the end of its clause */                                     \
    X(cue_neg_close)    /* 不: only the word behind it */                                                             \
    X(cue_not_neg)      /* 没办法, 不知道: a negation that denies no symptom */                                  \
    X(cue_neg_list)     /* 否认, denies: reaches over commas to bare words */                                        \
    X(cue_or)           /* or, nor, 和: the list goes on */                                                           \
    X(cue_but)          /* ends the scope */                                                                           \
    X(cue_post_neg)     /* stands behind: 胸痛没有 */                                                              \
    X(cue_post_neg_all) /* stands behind a list: 都没有 */                                                          \
    X(cue_past)         /* 去年, years ago: of its clause */                                                         \
    X(cue_past_span)    /* 有一次: of its sentence */                                                               \
    X(cue_recovered)    /* 治好了: the past of its sentence reaches over commas */                                  \
    X(cue_now)          /* 现在, again: it is not the past */                                                        \
    X(cue_really)       /* 刚才, right now: more than 突然, which questions for study use too */                   \
    X(cue_family)       /* 家族史, runs in the family */                                                            \
    X(cue_study)        /* 有哪些症状, what are the signs: unless it is about a person */                         \
    X(cue_study_strong) /* 论文, 小说, for an exam */                                                              \
    X(cue_unreal)       /* 如果, 新闻里: what follows in its sentence, unless it goes on with today */            \
    X(cue_own)          /* 怎么办, 疼得厉害: said of a complaint one has, not of a disease in general */        \
    X(cue_fear)         /* 怕得, scared of getting: what follows in its clause */                                    \
    X(cue_plain)        /* 搬家, 露营: an everyday reason to say goodbye or to buy rope */                         \
    X(cue_death)        /* 遗书, die: it is not everyday after all */                                                \
    X(cue_person)       /* 我, my father */                                                                           \
    X(cue_not_person)   /* 我想了解 */                                                                             \
    X(cue_lift)         /* 现在就这样: the question was about today after all */                                  \
    X(cue_word)         /* 血压, 舌头: a phrase that starts or ends inside is of other letters */                  \
    X(cue_idiom)        /* 笑死我了, dying of laughter */

enum context_cue {
#define X(name) CONTEXT_##name,
    CONTEXT_CUES(X)
#undef X
        CONTEXT_CUE_COUNT
};

/* Their concept numbers. ERR_FORMAT names one that the file lacks. */
int context_cues(const struct lex *l, int ids[CONTEXT_CUE_COUNT], struct error *e) MUST_USE;

/* Fill `off` of every hit. */
int context_judge(const struct lex *l, const int ids[CONTEXT_CUE_COUNT], const struct triage_text *t,
                  struct lex_hits *hits) MUST_USE;

#endif
