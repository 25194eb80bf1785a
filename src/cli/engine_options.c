/* engine_options.c - see engine_options.h. */
#include "cli/engine_options.h"

#include <string.h>

#include "kernels/kernels.h"
#include "model/model_ref.h"

int cpu_option_check(const char *name, struct error *e)
{
    const struct kernel_table *table;
    if (name && strcmp(name, "scalar") != 0 && strcmp(name, "avx2") != 0 && strcmp(name, "avx512") != 0)
        return error_set(e, ERR_INVALID, "--cpu is scalar, avx2 or avx512, not \"%.32s\"", name);
    return kernels_select(&table, name, e);
}

int engine_arguments_resolve(struct engine_arguments *a, struct engine_options *o, struct error *e)
{
    *o = (struct engine_options){.model_path = a->path,
                                 .lora_path = a->lora,
                                 .cpu = a->cpu,
                                 .threads = a->threads,
                                 .max_length = a->max_length,
                                 .slots = a->slots,
                                 .kv_tokens = a->kv_tokens,
                                 .precise = a->precise};
    int rc = cpu_option_check(a->cpu, e);
    if (!rc && a->quant) rc = quant_mode_parse(a->quant, &o->quant, e);
    return rc ? rc : model_resolve(a->model, a->path, sizeof a->path, e);
}
