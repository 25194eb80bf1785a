/* lora.h - PEFT LoRA adapters (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models").
 *
 * Reads adapter_config.json (r, lora_alpha, rank_pattern, alpha_pattern, use_rslora, target_modules) and
 * adapter_model.safetensors. y += scale * B (A x), in float32. What we do not honour (DoRA, bias, fan_in_fan_out,
 * modules_to_save, initialisations that change the base) is refused by name, and so is an adapter whose tensors are not
 * those its config names. Immutable once loaded; any thread.
 */
#ifndef XIAOBEI_MODEL_LORA_H
#define XIAOBEI_MODEL_LORA_H

#include <stddef.h>

#include "base/error.h"
#include "model/config.h"

enum lora_target { LORA_Q, LORA_K, LORA_V, LORA_O, LORA_GATE, LORA_UP, LORA_DOWN, LORA_TARGETS };

struct lora_pair {
    int rank; /* 0: this projection has no adapter */
    int in, out;
    float scale; /* alpha / r, or alpha / sqrt(r) with rslora */
    float *a;    /* [rank][in] */
    float *b;    /* [out][rank] */
};

struct lora {
    int layers;
    struct lora_pair (*pairs)[LORA_TARGETS]; /* [layers][LORA_TARGETS] */
    int max_rank;
};

int lora_load(struct lora **out, const char *directory, const struct model_config *config, struct error *e) MUST_USE;

/* Bytes that lora_load will hold; checks all that the load would, copies nothing. */
int lora_plan(const char *directory, const struct model_config *config, size_t *bytes, struct error *e) MUST_USE;
void lora_free(struct lora *l);

#endif
