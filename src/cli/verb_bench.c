/* verb_bench.c - how fast this machine is: after a warm-up, a prompt of 512 tokens, then 128 tokens decoded behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/engine_options.h"
#include "cli/verbs.h"

enum { WARM_UP_TOKENS = 64, MAX_REPEAT = 100 };

struct bench_options {
    struct engine_arguments engine;
    int prompt, gen, repeat;
    bool json;
};

struct bench_figures {
    double prefill[MAX_REPEAT], decode[MAX_REPEAT]; /* tokens/s */
    double load_s;
    size_t rss;
};

static size_t resident_bytes(void)
{
    unsigned long long total;
    unsigned long long resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    if (fscanf(f, "%20llu %20llu", &total, &resident) != 2) resident = 0;
    fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int one_round(struct engine *en, const int32_t *ids, int prompt, int gen, double *prefill, double *decode,
                     struct error *e)
{
    struct engine_result r;
    struct engine_request request = {.ids = ids, .n_ids = prompt, .max_tokens = gen + 1, .ignore_eos = true};
    sampling_defaults(&request.sampling);
    request.sampling.temperature = 0;
    int rc = engine_generate(en, &request, NULL, NULL, &r, e);
    if (rc) return rc;
    *prefill = prompt / r.usage.prefill_s; /* the first token comes out of the prefill's last row */
    *decode = gen / r.usage.decode_s;
    return OK;
}

static int measure(struct bench_options *o, struct bench_figures *f, struct error *e)
{
    struct engine_options options;
    struct engine *en = NULL;
    o->engine.slots = 1;
    if (!o->engine.max_length) o->engine.max_length = o->prompt + o->gen + 8 > 4096 ? o->prompt + o->gen + 8 : 4096;
    int rc = engine_arguments_resolve(&o->engine, &options, e);
    double start = clock_monotonic();
    if (!rc) rc = engine_open(&en, &options, e);
    if (rc) return rc;
    f->load_s = clock_monotonic() - start;
    int32_t *ids = malloc((size_t)o->prompt * sizeof *ids);
    if (!ids) rc = error_set(e, ERR_NOMEM, "no memory for the prompt");
    int usable = engine_config(en)->vocab_size < 50000 ? engine_config(en)->vocab_size : 50000;
    for (int i = 0; !rc && i < o->prompt; i++) ids[i] = (i * 7919 + 13) % usable;
    int warm_up = o->prompt < WARM_UP_TOKENS ? o->prompt : WARM_UP_TOKENS;
    double ignored[2];
    if (!rc) rc = one_round(en, ids, warm_up, 4, &ignored[0], &ignored[1], e);
    for (int i = 0; !rc && i < o->repeat; i++)
        rc = one_round(en, ids, o->prompt, o->gen, &f->prefill[i], &f->decode[i], e);
    f->rss = resident_bytes();
    free(ids);
    engine_close(en);
    return rc;
}

static int run(int argc, char **argv)
{
    struct bench_options o = {.prompt = 512, .gen = 128, .repeat = 3};
    const struct option_spec specs[] = {ENGINE_OPTIONS(&o.engine),        {"--prompt", OPTION_INT, &o.prompt},
                                        {"--gen", OPTION_INT, &o.gen},    {"--repeat", OPTION_INT, &o.repeat},
                                        {"--json", OPTION_FLAG, &o.json}, {0}};
    static struct bench_figures f;
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && (positional || o.prompt < 1 || o.gen < 1 || o.prompt > LIMIT_CONTEXT || o.gen > LIMIT_CONTEXT ||
                o.repeat < 1 || o.repeat > MAX_REPEAT))
        rc = error_set(&e, ERR_INVALID, "--prompt and --gen must be at least 1, --repeat from 1 to %d (--help)",
                       MAX_REPEAT);
    if (!rc) rc = measure(&o, &f, &e);
    if (rc) return cli_fail("bench", &e);
    double prefill = median(f.prefill, o.repeat);
    double decode = median(f.decode, o.repeat);
    if (o.json)
        printf("{\"prefill_tps\":%.3f,\"decode_tps\":%.3f,\"load_s\":%.3f,\"rss_bytes\":%zu}\n", prefill, decode,
               f.load_s, f.rss);
    else
        printf("prefill %d  %8.1f tokens/s\ndecode %d   %8.1f tokens/s\nload        %8.2f s\nresident    %8.2f GiB\n",
               o.prompt, prefill, o.gen, decode, f.load_s, (double)f.rss / (double)GIB);
    return 0;
}

const struct verb verb_bench = {
    .name = "bench",
    .run = run,
    .summary = "measure prefill, decode, load time and memory",
    .usage = "usage: xiaobei bench [--prompt 512] [--gen 128] [--repeat 3] [--json] [options]\n\n" ENGINE_USAGE
             "\nMedians of --repeat rounds. With --json: {\"prefill_tps\",\"decode_tps\",\"load_s\",\"rss_bytes\"}.\n",
};
