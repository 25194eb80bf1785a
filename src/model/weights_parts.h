/* weights_parts.h - the inside of weights.c (the list of tensors, plans) and weights_load.c (packing). */
#ifndef XIAOBEI_MODEL_WEIGHTS_PARTS_H
#define XIAOBEI_MODEL_WEIGHTS_PARTS_H

#include "model/weights.h"

enum role { ROLE_MATRIX, ROLE_EMBEDDING, ROLE_VECTOR };

/* One tensor of the list: where it goes and what it must look like. */
struct slot {
    char name[96];
    enum role role;
    int rows, cols;
    struct packed_matrix *matrix; /* target of matrices; NULL while planning */
    float **vector;               /* target of vectors */
};

typedef int (*slot_visitor)(void *user, const struct slot *s, struct error *e);

struct walk {
    slot_visitor visit;
    void *user;
    struct error *e;
};

/* Visit every tensor that a model of this config has; m NULL while planning. Stops at the first error. */
int weights_walk(const struct walk *w, const struct model_config *c, struct model_weights *m);

/* The tensor for a slot, checked. */
int weights_find(const struct model_file *f, const struct slot *s, const struct tensor_view **out, struct error *e);

/* What a matrix becomes: only float matrices are quantised, and only if their columns fit the blocks. */
enum dtype weights_stored_type(const struct tensor_view *t, enum role role, enum quant_mode quant);

#endif
