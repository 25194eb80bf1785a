/* eval_counts.h - "x of n" with its 95 % Wilson interval, in total and by groups, printed and as JSON. Thread: one. */
#ifndef XIAOBEI_CLI_EVAL_COUNTS_H
#define XIAOBEI_CLI_EVAL_COUNTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { EVAL_GROUPS = 128, EVAL_GROUP_NAME = 48 };

struct eval_ratio {
    size_t hits, n;
};

/* One figure, and the same by group ("lang zh", "kind negated", "flag stroke"). */
struct eval_figure {
    const char *name; /* "flag recall" */
    struct eval_ratio all;
    struct {
        char name[EVAL_GROUP_NAME];
        struct eval_ratio r;
    } groups[EVAL_GROUPS];
    size_t n_groups;
};

void eval_wilson(struct eval_ratio r, double *low, double *high); /* 0..1; 0 and 1 when n is 0 */

/* Count one case, in total and in the groups "kind VALUE" named by pairs; a value may be NULL. */
struct eval_group {
    const char *kind, *value;
};
void eval_figure_add(struct eval_figure *f, bool hit, const struct eval_group *groups, size_t n);

void eval_figure_print(const struct eval_figure *f, bool groups);
json_t *eval_figure_json(const struct eval_figure *f);

#endif
