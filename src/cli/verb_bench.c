/* verb_bench.c - how fast this machine is: after a warm-up, a prompt of 512 tokens, then 128 tokens decoded behind it;
 * with --sweep also other lengths and several sequences at once. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench_rounds.h"
#include "cli/engine_options.h"
#include "cli/machine_speed.h"
#include "cli/verbs.h"

enum { WARM_UP_TOKENS = 64, MAX_REPEAT = 100, SWEEP_TOKENS = 32, STREAM_PROMPT = 32, STREAM_TOKENS = 64 };

struct bench_options {
    struct engine_arguments engine;
    int prompt, gen, repeat, streams;
    bool json, sweep;
};

struct bench_figures {
    double prefill[MAX_REPEAT], decode[MAX_REPEAT]; /* tokens/s; with --streams decode is of all together */
    double load_s;
    size_t rss;
    struct machine_speed machine;
    json_t *sweep; /* owned; NULL without --sweep */
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

/* --- the sweep -------------------------------------------------------------------------------------------------------
 */

static const int sweep_prompts[] = {128, 512, 2048, 8000};
static const int sweep_streams[] = {1, 2, 4, 8, 16};
enum { SWEEP_PROMPTS = 4, SWEEP_STREAMS = 5, SWEEP_MOST_STREAMS = 16 };

static int sweep(struct engine *en, struct bench_figures *f, struct error *e)
{
    int rc = OK;
    json_t *contexts = json_array();
    json_t *batches = json_array();
    for (int i = 0; !rc && i < SWEEP_PROMPTS; i++) {
        double prefill = 0;
        double decode = 0;
        if (sweep_prompts[i] + SWEEP_TOKENS >= engine_max_length(en)) break;
        rc = bench_one(en, sweep_prompts[i], SWEEP_TOKENS, &prefill, &decode, e);
        json_array_append_new(contexts, json_pack("{s:i, s:f, s:f}", "context", sweep_prompts[i], "prefill_tps",
                                                  prefill, "decode_tps", decode));
    }
    for (int i = 0; !rc && i < SWEEP_STREAMS; i++) {
        double total = 0;
        rc = bench_streams(en, sweep_streams[i], STREAM_PROMPT, STREAM_TOKENS, &total, e);
        json_array_append_new(batches, json_pack("{s:i, s:f}", "streams", sweep_streams[i], "decode_tps", total));
    }
    f->sweep = json_pack("{s:o, s:o}", "contexts", contexts, "batches", batches);
    return rc;
}

/* --- all of it -------------------------------------------------------------------------------------------------------
 */

static int rounds(struct engine *en, const struct bench_options *o, struct bench_figures *f, struct error *e)
{
    double ignored[2];
    int warm_up = o->prompt < WARM_UP_TOKENS ? o->prompt : WARM_UP_TOKENS;
    int rc = bench_one(en, warm_up, 4, &ignored[0], &ignored[1], e);
    for (int i = 0; !rc && i < o->repeat; i++) {
        rc = o->streams > 1 ? bench_streams(en, o->streams, o->prompt, o->gen, &f->decode[i], e)
                            : bench_one(en, o->prompt, o->gen, &f->prefill[i], &f->decode[i], e);
    }
    if (!rc && o->sweep) rc = sweep(en, f, e);
    return rc;
}

static int measure(struct bench_options *o, struct bench_figures *f, struct error *e)
{
    struct engine_options options;
    struct engine *en = NULL;
    o->engine.slots = o->sweep ? SWEEP_MOST_STREAMS : o->streams;
    int needed = o->prompt + o->gen + 2 * o->streams + 8;
    if (!o->engine.max_length) o->engine.max_length = o->sweep ? 8192 : needed > 4096 ? needed : 4096;
    int rc = engine_arguments_resolve(&o->engine, &options, e);
    double start = clock_monotonic();
    if (!rc) rc = engine_open(&en, &options, e);
    if (rc) return rc;
    f->load_s = clock_monotonic() - start;
    rc = rounds(en, o, f, e);
    f->rss = resident_bytes();
    engine_close(en);
    /* last: touching that much memory before would make the load faster than it is */
    return rc ? rc : machine_speed_measure(&f->machine, o->engine.cpu, o->engine.threads, e);
}

static json_t *figures_json(const struct bench_options *o, struct bench_figures *f)
{
    json_t *root = json_pack("{s:f, s:f, s:I, s:f, s:f}", "decode_tps", median(f->decode, o->repeat), "load_s",
                             f->load_s, "rss_bytes", (json_int_t)f->rss, "bandwidth_gbs", f->machine.bandwidth_gbs,
                             "int8_gops", f->machine.int8_gops);
    if (o->streams > 1)
        json_object_set_new(root, "streams", json_integer(o->streams));
    else
        json_object_set_new(root, "prefill_tps", json_real(median(f->prefill, o->repeat)));
    if (f->sweep) json_object_set_new(root, "sweep", json_incref(f->sweep));
    return root;
}

static void print_words(const struct bench_options *o, struct bench_figures *f)
{
    double decode = median(f->decode, o->repeat);
    if (o->streams > 1)
        printf("decode %4d x %-3d %8.1f tokens/s together\n", o->gen, o->streams, decode);
    else
        printf("prefill %-8d %8.1f tokens/s\ndecode  %-8d %8.1f tokens/s\n", o->prompt, median(f->prefill, o->repeat),
               o->gen, decode);
    printf("load             %8.2f s\nresident         %8.2f GiB\n", f->load_s, (double)f->rss / (double)GIB);
    printf("this machine     %8.1f GB/s read, %.0f int8 GOP/s\n", f->machine.bandwidth_gbs, f->machine.int8_gops);
    size_t i;
    const json_t *row;
    if (f->sweep) printf("\n%8s %16s %16s\n", "context", "prefill tokens/s", "decode tokens/s");
    json_array_foreach(json_object_get(f->sweep, "contexts"), i, row) printf(
        "%8lld %16.1f %16.1f\n", json_integer_value(json_object_get(row, "context")),
        json_real_value(json_object_get(row, "prefill_tps")), json_real_value(json_object_get(row, "decode_tps")));
    if (f->sweep) printf("\n%8s %16s\n", "streams", "together");
    json_array_foreach(json_object_get(f->sweep, "batches"), i, row)
        printf("%8lld %16.1f\n", json_integer_value(json_object_get(row, "streams")),
               json_real_value(json_object_get(row, "decode_tps")));
}

static int run(int argc, char **argv)
{
    struct bench_options o = {.prompt = 512, .gen = 128, .repeat = 3, .streams = 1};
    const struct option_spec specs[] = {ENGINE_OPTIONS(&o.engine),
                                        {"--prompt", OPTION_INT, &o.prompt},
                                        {"--gen", OPTION_INT, &o.gen},
                                        {"--repeat", OPTION_INT, &o.repeat},
                                        {"--streams", OPTION_INT, &o.streams},
                                        {"--json", OPTION_FLAG, &o.json},
                                        {"--sweep", OPTION_FLAG, &o.sweep},
                                        {0}};
    static struct bench_figures f;
    struct error e = {0};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && (positional || o.prompt < 1 || o.gen < 1 || o.prompt > LIMIT_CONTEXT || o.gen > LIMIT_CONTEXT ||
                o.repeat < 1 || o.repeat > MAX_REPEAT || o.streams < 1 || o.streams > (int)LIMIT_SLOTS))
        rc = error_set(&e, ERR_INVALID,
                       "--prompt and --gen must be at least 1, --repeat from 1 to %d, --streams from 1 to %d (--help)",
                       MAX_REPEAT, LIMIT_SLOTS);
    if (!rc) rc = measure(&o, &f, &e);
    if (!rc && o.json) {
        json_t *root = figures_json(&o, &f);
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(root);
    } else if (!rc) {
        print_words(&o, &f);
    }
    json_decref(f.sweep);
    return rc ? cli_fail("bench", &e) : 0;
}

const struct verb verb_bench = {
    .name = "bench",
    .run = run,
    .summary = "measure prefill, decode, load time and memory",
    .usage =
        "usage: xiaobei bench [--prompt 512] [--gen 128] [--repeat 3] [--streams 1] [--sweep] [--json] [options]\n\n"
        "Medians of --repeat rounds, beside what the machine can do at most (memory read, int8 products).\n"
        "--streams N decodes N sequences at once and counts all their tokens; --sweep adds contexts up to 8000\n"
        "tokens and up to 16 streams. With --json: {\"prefill_tps\",\"decode_tps\",\"load_s\",\"rss_bytes\",\n"
        "\"bandwidth_gbs\",\"int8_gops\"} and \"sweep\".\n\n" ENGINE_USAGE,
};
