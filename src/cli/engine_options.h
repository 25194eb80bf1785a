/* engine_options.h - the options that every verb with an engine has, read once: --model --lora --cpu --threads
 * --max-length --quant --precise. Thread: start-up only. */
#ifndef XIAOBEI_CLI_ENGINE_OPTIONS_H
#define XIAOBEI_CLI_ENGINE_OPTIONS_H

#include <stdbool.h>

#include "base/limits.h"
#include "cli/options.h"
#include "engine/engine.h"

struct engine_arguments {
    const char *model, *lora, *cpu, *quant;
    int threads, max_length, slots, kv_tokens;
    bool precise;
    char path[LIMIT_PATH]; /* what model resolved to */
};

#define ENGINE_OPTIONS(a)                                                                                              \
    {"--model", OPTION_TEXT, &(a)->model}, {"--lora", OPTION_TEXT, &(a)->lora}, {"--cpu", OPTION_TEXT, &(a)->cpu},     \
        {"--quant", OPTION_TEXT, &(a)->quant}, {"--threads", OPTION_COUNT, &(a)->threads},                             \
        {"--max-length", OPTION_COUNT, &(a)->max_length},                                                              \
    {                                                                                                                  \
        "--precise", OPTION_FLAG, &(a)->precise                                                                        \
    }

#define ENGINE_USAGE                                                                                                   \
    "  --model M        an id, a GGUF file or a Hugging Face directory (default: the one that is here)\n"              \
    "  --lora DIR       a PEFT adapter\n"                                                                              \
    "  --quant Q        none (default), q8_0 or q4_k: quantise float weights when loading\n"                           \
    "  --max-length N   longest conversation and answer, tokens (default 8192 or the model's own limit)\n"             \
    "  --threads N      default: the cores this process may use\n"                                                     \
    "  --cpu ISA        scalar, avx2 or avx512 (default: the best this machine runs)\n"                                \
    "  --precise        float32 activations and K/V; slow\n"

/* name NULL: fine. ERR_INVALID for what is no instruction set's name, ERR_UNSUPPORTED for one this machine lacks. */
int cpu_option_check(const char *name, struct error *e) MUST_USE;

/* Check what can be checked, resolve the model and fill o; the strings in o point into a. */
int engine_arguments_resolve(struct engine_arguments *a, struct engine_options *o, struct error *e) MUST_USE;

#endif
