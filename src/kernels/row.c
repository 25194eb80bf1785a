/* row.c - rows of weights to and from floats, whatever the format (blocks.h). */
#include <string.h>

#include "kernels/block_read_impl.h"
#include "kernels/blocks.h"
#include "kernels/half.h"

size_t row_bytes(enum dtype type, int cols)
{
    struct dtype_info info = dtype_info(type);
    return (size_t)cols / info.block_elems * info.block_bytes;
}

typedef void (*block_writer)(const float *x, uint8_t *dst);

static void write_f32(const float *x, uint8_t *dst)
{
    memcpy(dst, x, sizeof *x);
}

static void write_f16(const float *x, uint8_t *dst)
{
    uint16_t v = f32_to_f16(*x);
    memcpy(dst, &v, sizeof v);
}

static void write_bf16(const float *x, uint8_t *dst)
{
    uint16_t v = f32_to_bf16(*x);
    memcpy(dst, &v, sizeof v);
}

static const block_writer writers[DTYPE_COUNT] = {
    [DTYPE_F32] = write_f32,         [DTYPE_F16] = write_f16,         [DTYPE_BF16] = write_bf16,
    [DTYPE_Q8_0] = block_write_q8_0, [DTYPE_Q4_0] = block_write_q4_0, [DTYPE_Q5_0] = block_write_q5_0,
    [DTYPE_Q4_K] = block_write_q4_k, [DTYPE_Q6_K] = block_write_q6_k};

bool row_can_write(enum dtype type)
{
    return type < DTYPE_COUNT && writers[type];
}

void row_write(enum dtype type, const float *x, int cols, uint8_t *dst)
{
    struct dtype_info info = dtype_info(type);
    for (size_t b = 0; b < (size_t)cols / info.block_elems; b++)
        writers[type](x + b * info.block_elems, dst + b * info.block_bytes);
}

static void read_floats(enum dtype type, const uint8_t *src, int cols, float *out)
{
    for (int c = 0; c < cols; c++) {
        uint16_t half;
        if (type == DTYPE_F32) {
            memcpy(out + c, src + 4 * (size_t)c, 4);
            continue;
        }
        memcpy(&half, src + 2 * (size_t)c, 2);
        out[c] = type == DTYPE_F16 ? f16_to_f32(half) : bf16_to_f32(half);
    }
}

/* What multiplies the quants of one run of 16 columns, and what is added to the product. */
static void run_of(enum dtype type, const struct block_values *b, int run, float *scale, float *offset)
{
    static const int zero_points[DTYPE_COUNT] = {
        [DTYPE_Q8_0] = 128, [DTYPE_Q4_0] = 8, [DTYPE_Q5_0] = 16, [DTYPE_Q6_K] = 32};
    float d = f16_to_f32(b->d);
    *scale = d;
    *offset = 0;
    if (type == DTYPE_Q6_K) {
        *scale = d * (float)(int8_t)b->scales[run];
    } else if (type == DTYPE_Q4_K || type == DTYPE_Q5_K) {
        *scale = d * (float)b->scales[run / 2];
        *offset = -(f16_to_f32(b->m) * (float)b->mins[run / 2]);
    } else if (type == DTYPE_Q4_1 || type == DTYPE_Q5_1) {
        *offset = f16_to_f32(b->m);
    }
    if (zero_points[type]) *offset = -*scale * (float)zero_points[type];
}

void row_read(enum dtype type, const uint8_t *src, int cols, float *out)
{
    struct dtype_info info = dtype_info(type);
    if (dtype_is_float(type)) {
        read_floats(type, src, cols, out);
        return;
    }
    for (size_t at = 0; at < (size_t)cols; at += info.block_elems, src += info.block_bytes) {
        struct block_values b;
        uint8_t quants[256];
        block_read(type, src, &b);
        memcpy(quants, b.quants, info.block_elems);
        for (size_t run = 0; run < info.block_elems / 16; run++) {
            float scale, offset;
            run_of(type, &b, (int)run, &scale, &offset);
            for (size_t i = 0; i < 16; i++) out[at + 16 * run + i] = scale * (float)quants[16 * run + i] + offset;
        }
    }
}
