/* verbs.c - the table of verbs. A new verb adds its declaration and its row here, and its own file. */
#include "cli/verbs.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
#define VERBS(X)                                                                                                       \
    X(serve)                                                                                                           \
    X(chat)                                                                                                            \
    X(ask)                                                                                                             \
    X(plan)                                                                                                            \
    X(pull)                                                                                                            \
    X(ls)                                                                                                              \
    X(rm)                                                                                                              \
    X(verify)                                                                                                          \
    X(doctor)                                                                                                          \
    X(bench)                                                                                                           \
    X(quantize)                                                                                                        \
    X(make_random)                                                                                                     \
    X(guard)                                                                                                           \
    X(redact)                                                                                                          \
    X(eval)                                                                                                            \
    X(tokenize)                                                                                                        \
    X(template)                                                                                                        \
    X(logits)                                                                                                          \
    X(generate)                                                                                                        \
    X(labs)                                                                                                            \
    X(triage)                                                                                                          \
    X(train_triage)                                                                                                    \
    X(version)                                                                                                         \
    /* end of the list */
/* clang-format on */

#define X(name) extern const struct verb verb_##name;
VERBS(X)
#undef X

static const struct verb *const table[] = {
#define X(name) &verb_##name,
    VERBS(X)
#undef X
        NULL,
};

const struct verb *const *verbs_all(void)
{
    return table;
}

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; table[i]; i++)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}
