/* eval_counts.c - see eval_counts.h. */
#include "cli/eval_counts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void eval_wilson(struct eval_ratio r, double *low, double *high)
{
    const double z = 1.959963984540054;
    double n = (double)r.n;
    double p = r.n ? (double)r.hits / n : 0;
    *low = 0;
    *high = 1;
    if (r.n == 0) return;
    double middle = p + z * z / (2 * n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double all = 1 + z * z / n;
    *low = fmax(0, (middle - half) / all);
    *high = fmin(1, (middle + half) / all);
}

static void count(struct eval_ratio *r, bool hit)
{
    r->n++;
    r->hits += hit;
}

void eval_figure_add(struct eval_figure *f, bool hit, const struct eval_group *groups, size_t n)
{
    count(&f->all, hit);
    for (size_t i = 0; i < n; i++) {
        char name[EVAL_GROUP_NAME];
        size_t at = 0;
        if (!groups[i].value) continue;
        snprintf(name, sizeof name, "%s %.30s", groups[i].kind, groups[i].value);
        while (at < f->n_groups && strcmp(f->groups[at].name, name) != 0) at++;
        if (at == EVAL_GROUPS) continue;
        if (at == f->n_groups) memcpy(f->groups[f->n_groups++].name, name, sizeof name);
        count(&f->groups[at].r, hit);
    }
}

static void print_ratio(const char *name, struct eval_ratio r, int indent)
{
    double low;
    double high;
    eval_wilson(r, &low, &high);
    printf("%*s%-*s %4zu/%-4zu %5.1f %%  [%.1f, %.1f]\n", indent, "", 28 - indent, name, r.hits, r.n,
           r.n ? 100.0 * (double)r.hits / (double)r.n : 0.0, 100 * low, 100 * high);
}

void eval_figure_print(const struct eval_figure *f, bool groups)
{
    print_ratio(f->name, f->all, 0);
    for (size_t i = 0; groups && i < f->n_groups; i++) print_ratio(f->groups[i].name, f->groups[i].r, 2);
}

static json_t *ratio_json(struct eval_ratio r)
{
    double low;
    double high;
    eval_wilson(r, &low, &high);
    return json_pack("{s:I, s:I, s:f, s:f}", "hits", (json_int_t)r.hits, "n", (json_int_t)r.n, "low", low, "high",
                     high);
}

json_t *eval_figure_json(const struct eval_figure *f)
{
    json_t *out = ratio_json(f->all);
    json_t *groups = json_object();
    for (size_t i = 0; i < f->n_groups; i++) json_object_set_new(groups, f->groups[i].name, ratio_json(f->groups[i].r));
    json_object_set_new(out, "groups", groups);
    return out;
}
