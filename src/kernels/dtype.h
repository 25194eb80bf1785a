/* dtype.h - the number formats of stored tensors.
 *
 * A row of `cols` elements is cols / block_elems blocks of block_bytes, rows follow one another without gaps. The block
 * formats are those of GGUF v3 (github.com/ggml-org/ggml docs/gguf.md); numbers are ours, gguf.c maps the file's.
 */
#ifndef XIAOBEI_KERNELS_DTYPE_H
#define XIAOBEI_KERNELS_DTYPE_H

#include <stddef.h>

/*      name  text   elements bytes  per block */
#define DTYPES(X)                                                                                                      \
    X(F32, "F32", 1, 4)                                                                                                \
    X(F16, "F16", 1, 2)                                                                                                \
    X(BF16, "BF16", 1, 2)                                                                                              \
    X(Q8_0, "Q8_0", 32, 34)                                                                                            \
    X(Q4_0, "Q4_0", 32, 18)                                                                                            \
    X(Q4_1, "Q4_1", 32, 20)                                                                                            \
    X(Q5_0, "Q5_0", 32, 22)                                                                                            \
    X(Q5_1, "Q5_1", 32, 24)                                                                                            \
    X(Q4_K, "Q4_K", 256, 144)                                                                                          \
    X(Q5_K, "Q5_K", 256, 176)                                                                                          \
    X(Q6_K, "Q6_K", 256, 210)

enum dtype {
#define X(name, text, elems, bytes) DTYPE_##name,
    DTYPES(X)
#undef X
        DTYPE_COUNT
};

struct dtype_info {
    const char *name;
    size_t block_elems;
    size_t block_bytes;
};

static inline struct dtype_info dtype_info(enum dtype type)
{
    static const struct dtype_info table[] = {
#define X(name, text, elems, bytes) {text, elems, bytes},
        DTYPES(X)
#undef X
    };
    return table[type];
}

static inline int dtype_is_float(enum dtype type)
{
    return type <= DTYPE_BF16;
}

#endif
