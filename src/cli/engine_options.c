/* engine_options.c - see engine_options.h. */
#include "cli/engine_options.h"

#include "model/model_ref.h"

int engine_arguments_resolve(struct engine_arguments *a, struct engine_options *o, struct error *e)
{
    *o = (struct engine_options){.model_path = a->path,
                                 .lora_path = a->lora,
                                 .cpu = a->cpu,
                                 .threads = a->threads,
                                 .max_length = a->max_length,
                                 .slots = a->slots,
                                 .precise = a->precise};
    if (a->threads < 0) return error_set(e, ERR_INVALID, "--threads must be at least 1");
    int rc = a->quant ? quant_mode_parse(a->quant, &o->quant, e) : OK;
    return rc ? rc : model_resolve(a->model, a->path, sizeof a->path, e);
}
