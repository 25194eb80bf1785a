/* bench_kernels.c - the matrix products alone, on all cores: GOP/s (2 per weight and token) and GB/s of packed weights,
 * per format, for 1, 8 and 512 tokens, at the shapes of the 1.5B model.
 *
 *   bench_kernels [--cpu scalar|avx2|avx512] [--threads N] [--type NAME] [--tokens N]
 *
 * Weights are copied until they exceed every cache, and the copies are taken in turn, as decoding does. The first
 * quartile of the runs, so that a neighbour on the machine does not decide. CSV on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/threadpool.h"
#include "kernels/half.h"
#include "kernels/kernels.h"

enum { WORKING_SET = 256 << 20, MAX_COPIES = 256, MAX_TOKENS = 512, MIN_SAMPLES = 4, MAX_SAMPLES = 4096 };
static const double MIN_SECONDS = 0.3;

struct bench {
    const struct kernel_table *kernels;
    struct threadpool *pool;
    struct packed_matrix copies[MAX_COPIES];
    int count;
    struct activations x;
    float *values, *out;
    char *scratch;
    const struct packed_matrix *current;
    int groups_per_chunk;
};

static uint64_t random_state = 1;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* 16 rows of valid blocks: any quants, one moderate scale. */
static void random_rows(enum dtype type, int cols, uint8_t *data)
{
    struct dtype_info info = dtype_info(type);
    size_t blocks = 16 * (size_t)cols / info.block_elems;
    uint16_t d = f32_to_f16(0.003f);
    uint16_t bf16 = 0x3B80;
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *block = data + b * info.block_bytes;
        float x = (float)(random_u32() % 1000) * 1e-5f;
        for (size_t i = 0; i < info.block_bytes; i++) block[i] = (uint8_t)random_u32();
        if (type == DTYPE_F32)
            memcpy(block, &x, 4);
        else if (type == DTYPE_BF16)
            memcpy(block, &bf16, 2);
        else
            memcpy(block + (type == DTYPE_Q6_K ? 208 : 0), &d, 2);
        if (info.block_bytes > 4 && type != DTYPE_Q6_K && type != DTYPE_Q8_0) memcpy(block + 2, &d, 2);
    }
}

static void fill(struct bench *b, enum dtype type, int rows, int cols)
{
    struct error e = {0};
    size_t bytes = 0;
    if (pack_size(type, rows, cols, &bytes, &e)) return;
    b->count = (int)((WORKING_SET + bytes - 1) / bytes);
    if (b->count > MAX_COPIES) b->count = MAX_COPIES;
    uint8_t *source = malloc(16 * (size_t)cols * 4);
    if (!source) exit(71);
    random_rows(type, cols, source);
    for (int i = 0; i < b->count; i++) {
        struct packed_matrix *m = &b->copies[i];
        if (pack_new(m, type, rows, cols, &e)) {
            fprintf(stderr, "%s\n", e.text);
            exit(71);
        }
        pack_group(m, 0, source);
        for (int g = 1; g < m->groups; g++) memcpy(m->data + (size_t)g * m->group_bytes, m->data, m->group_bytes);
    }
    free(source);
}

static void chunk(void *argument, size_t index, int worker)
{
    const struct bench *b = argument;
    int begin = (int)index * b->groups_per_chunk;
    int end = begin + b->groups_per_chunk;
    struct matmul_job job = {.w = b->current,
                             .x = &b->x,
                             .out = b->out,
                             .ld = (size_t)b->current->rows,
                             .scratch = b->scratch + (size_t)worker * KERNELS_SCRATCH};
    b->kernels->matmul(&job, begin, end < b->current->groups ? end : b->current->groups);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct bench *b, int n)
{
    const struct packed_matrix *m = &b->copies[0];
    b->x.n = n;
    b->x.cols = m->cols;
    b->groups_per_chunk = n <= 8 ? 4 : 8;
    size_t chunks = (size_t)((m->groups + b->groups_per_chunk - 1) / b->groups_per_chunk);
    if (!dtype_is_float(m->type))
        for (int t = 0; t < n; t++) b->kernels->quantize_row(&b->x, t);
    double samples[MAX_SAMPLES];
    double total = 0;
    int taken = 0;
    for (int i = -1; taken < MAX_SAMPLES && (taken < MIN_SAMPLES || total < MIN_SECONDS); i++) {
        b->current = &b->copies[(i + b->count) % b->count];
        double start = clock_monotonic();
        threadpool_for(b->pool, chunks, chunk, b);
        double seconds = clock_monotonic() - start;
        if (i < 0) continue; /* a warm-up */
        total += seconds;
        samples[taken++] = seconds;
    }
    qsort(samples, (size_t)taken, sizeof *samples, by_value);
    double best = samples[taken / 4];
    double operations = 2.0 * m->rows * m->cols * n;
    double bytes = (double)m->group_bytes * m->groups;
    printf("%s,%s,%d,%d,%d,%.1f,%.2f\n", b->kernels->name, dtype_info(m->type).name, m->rows, m->cols, n,
           operations / best * 1e-9, bytes / best * 1e-9);
    fflush(stdout);
}

static void open_bench(struct bench *b, const char *cpu, int threads)
{
    struct error e = {0};
    int widest = 8960;
    if (kernels_select(&b->kernels, cpu, &e) || threadpool_new(&b->pool, threads, &e)) {
        fprintf(stderr, "%s\n", e.text);
        exit(64);
    }
    size_t count = (size_t)MAX_TOKENS * (size_t)widest;
    b->values = malloc(count * sizeof(float));
    b->out = malloc(count * sizeof(float));
    b->x.q = malloc(count);
    b->x.scale = malloc(count / 32 * sizeof(float));
    b->x.dsum = malloc(count / 32 * sizeof(float));
    b->x.sum16 = malloc(count / 16 * sizeof(int32_t));
    b->scratch = aligned_alloc(64, (size_t)KERNELS_SCRATCH * (size_t)threadpool_size(b->pool));
    if (!b->values || !b->out || !b->x.q || !b->x.scale || !b->x.dsum || !b->x.sum16 || !b->scratch) exit(71);
    b->x.x = b->values;
    for (size_t i = 0; i < count; i++) b->values[i] = (float)(random_u32() % 2001) * 1e-3f - 1.0f;
}

static void close_bench(struct bench *b)
{
    free(b->values);
    free(b->out);
    free(b->x.q);
    free(b->x.scale);
    free(b->x.dsum);
    free(b->x.sum16);
    free(b->scratch);
    threadpool_free(b->pool);
}

int main(int argc, char **argv)
{
    static const int shapes[][2] = {{1536, 1536}, {8960, 1536}, {1536, 8960}};
    static const int tokens[] = {1, 8, 512};
    const char *cpu = NULL;
    const char *only = NULL;
    long threads = 0;
    long only_tokens = 0;
    static struct bench b;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--cpu") == 0) cpu = argv[i + 1];
        if (strcmp(argv[i], "--type") == 0) only = argv[i + 1];
        if (strcmp(argv[i], "--threads") == 0) threads = strtol(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--tokens") == 0) only_tokens = strtol(argv[i + 1], NULL, 10);
    }
    if (threads < 0 || threads > 256 || only_tokens < 0 || only_tokens > MAX_TOKENS) return 64;
    open_bench(&b, cpu, (int)threads);
    printf("cpu,type,rows,cols,tokens,gops,gbps\n");
    for (enum dtype type = 0; type < DTYPE_COUNT; type++) {
        if (only && strcmp(only, dtype_info(type).name) != 0) continue;
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            fill(&b, type, shapes[s][0], shapes[s][1]);
            for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++)
                if (only_tokens == 0 || only_tokens == tokens[t]) measure(&b, tokens[t]);
            if (only_tokens && only_tokens != 1 && only_tokens != 8 && only_tokens != 512)
                measure(&b, (int)only_tokens);
            for (int i = 0; i < b.count; i++) pack_free(&b.copies[i]);
        }
    }
    close_bench(&b);
    return 0;
}
