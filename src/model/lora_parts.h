/* lora_parts.h - the inside of lora.c (tensors) and lora_config.c (adapter_config.json). */
#ifndef XIAOBEI_MODEL_LORA_PARTS_H
#define XIAOBEI_MODEL_LORA_PARTS_H

#include <jansson.h>
#include <stdbool.h>

#include "model/lora.h"

struct lora_config {
    json_t *root; /* owned: patterns and targets are looked up by the module's name */
    double rank, alpha;
    bool rslora;
    bool some_layers; /* layers_to_transform or exclude_modules: a target may lack tensors in a layer */
};

/* Read and check; what would change the mathematics and is not honoured is refused by name. */
int lora_config_read(struct lora_config *c, const char *directory, struct error *e) MUST_USE;
void lora_config_free(struct lora_config *c);

/* module: "model.layers.3.mlp.up_proj". The rank and the factor its config gives it. */
int lora_config_module(const struct lora_config *c, const char *module, double *rank, float *scale,
                       struct error *e) MUST_USE;

/* What target_modules says of a module. A regular expression says nothing: the tensors decide. */
enum lora_listed { LORA_LISTED, LORA_NOT_LISTED, LORA_UNKNOWN };
enum lora_listed lora_config_lists(const struct lora_config *c, const char *module);

/* Entry `index` of target_modules, NULL behind the last or if it is no list; does it name the module? */
const char *lora_config_target(const struct lora_config *c, size_t index);
bool lora_target_names(const char *target, const char *module);

#endif
