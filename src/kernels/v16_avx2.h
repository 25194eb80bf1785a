/* v16_avx2.h - the sixteen-lane vector in two AVX2 registers; meanings in v16_scalar.h. Needs AVX2, FMA, F16C. */
#ifndef XIAOBEI_KERNELS_V16_AVX2_H
#define XIAOBEI_KERNELS_V16_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define V16_NAME               "avx2"
#define V16_TILE_GROUPS        1
#define V16_TILE_TOKENS        4
#define V16_SMALL_BATCH        4
#define V16_DOT_RUN(bits)      ((bits) == 4 ? 8 : (bits) == 5 ? 4 : (bits) == 6 ? 2 : 1)
#define V16_UNROLL             1
#define V16_SCORE_QUERIES      4
#define V16_SCORE_TILES        1
#define V16_VALUE_QUERIES      2
#define V16_VALUE_VECTORS      2
#define V16_WIDE_DOT_IS_SIGNED 1
#define V16_HAS_PAIRS          1

typedef struct {
    __m256 lo, hi;
} v16f;
typedef struct {
    __m256i lo, hi;
} v16i;
typedef v16i v16b;

static inline v16f v16_set1(float a)
{
    return (v16f){_mm256_set1_ps(a), _mm256_set1_ps(a)};
}
static inline v16f v16_load(const float *p)
{
    return (v16f){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline void v16_store(float *p, v16f a)
{
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}
static inline v16f v16_load_part(const float *p, int n)
{
    float all[16] = {0};
    memcpy(all, p, sizeof(float) * (size_t)n);
    return v16_load(all);
}
static inline void v16_store_part(float *p, v16f a, int n)
{
    float all[16];
    v16_store(all, a);
    memcpy(p, all, sizeof(float) * (size_t)n);
}
static inline v16f v16_load_f16(const uint16_t *p)
{
    return (v16f){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)),
                  _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 8)))};
}
static inline __m256 v16_widen_bf16(const uint16_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
static inline v16f v16_load_bf16(const uint16_t *p)
{
    return (v16f){v16_widen_bf16(p), v16_widen_bf16(p + 8)};
}
static inline void v16_store_f16(uint16_t *p, v16f a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(a.lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)(void *)(p + 8), _mm256_cvtps_ph(a.hi, _MM_FROUND_TO_NEAREST_INT));
}
static inline v16f v16_load_u8(const uint8_t *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (v16f){_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                  _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))};
}
static inline v16i v16_load_i8(const int8_t *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (v16i){_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
#define V16_BOTH(type, name, operation)                                                                                \
    static inline type name(type a, type b)                                                                            \
    {                                                                                                                  \
        return (type){operation(a.lo, b.lo), operation(a.hi, b.hi)};                                                   \
    }
V16_BOTH(v16f, v16_add, _mm256_add_ps)
V16_BOTH(v16f, v16_sub, _mm256_sub_ps)
V16_BOTH(v16f, v16_mul, _mm256_mul_ps)
V16_BOTH(v16f, v16_div, _mm256_div_ps)
V16_BOTH(v16f, v16_max, _mm256_max_ps)
V16_BOTH(v16f, v16_min, _mm256_min_ps)
V16_BOTH(v16i, v16_add_int, _mm256_add_epi32)
V16_BOTH(v16i, v16_mul_int, _mm256_mullo_epi32)
V16_BOTH(v16i, v16_or_bytes, _mm256_or_si256)
#undef V16_BOTH
static inline v16f v16_fma(v16f a, v16f b, v16f c)
{
    return (v16f){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
static inline float v16_peak(v16f a, v16f b)
{
    __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
    __m256i lo = _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(a.lo), magnitude),
                                  _mm256_and_si256(_mm256_castps_si256(a.hi), magnitude));
    __m256i hi = _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(b.lo), magnitude),
                                  _mm256_and_si256(_mm256_castps_si256(b.hi), magnitude));
    lo = _mm256_max_epi32(lo, hi);
    __m128i c = _mm_max_epi32(_mm256_castsi256_si128(lo), _mm256_extracti128_si256(lo, 1));
    c = _mm_max_epi32(c, _mm_shuffle_epi32(c, 0x4E));
    c = _mm_max_epi32(c, _mm_shuffle_epi32(c, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(c));
}
static inline v16f v16_zero_below(v16f value, v16f x, float limit)
{
    __m256 edge = _mm256_set1_ps(limit);
    return (v16f){_mm256_andnot_ps(_mm256_cmp_ps(x.lo, edge, _CMP_LT_OQ), value.lo),
                  _mm256_andnot_ps(_mm256_cmp_ps(x.hi, edge, _CMP_LT_OQ), value.hi)};
}
static inline v16f v16_negate(v16f a)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return (v16f){_mm256_xor_ps(a.lo, sign), _mm256_xor_ps(a.hi, sign)};
}
static inline v16f v16_round(v16f a)
{
    return (v16f){_mm256_round_ps(a.lo, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                  _mm256_round_ps(a.hi, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
static inline v16i v16_to_int(v16f a)
{
    return (v16i){_mm256_cvttps_epi32(a.lo), _mm256_cvttps_epi32(a.hi)};
}
static inline v16f v16_from_int(v16i a)
{
    return (v16f){_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}
static inline __m256 v16_exp2_half(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
static inline v16f v16_exp2_int(v16i n)
{
    return (v16f){v16_exp2_half(n.lo), v16_exp2_half(n.hi)};
}
static inline v16i v16_set1_int(int32_t a)
{
    return (v16i){_mm256_set1_epi32(a), _mm256_set1_epi32(a)};
}
static inline void v16_store_i8(int8_t *p, v16i a)
{
    int32_t all[16];
    _mm256_storeu_si256((__m256i *)(void *)all, a.lo);
    _mm256_storeu_si256((__m256i *)(void *)(all + 8), a.hi);
    for (int i = 0; i < 16; i++) p[i] = (int8_t)all[i];
}
static inline int32_t v16_sum_int(v16i a)
{
    int32_t all[8];
    _mm256_storeu_si256((__m256i *)(void *)all, _mm256_add_epi32(a.lo, a.hi));
    return all[0] + all[1] + all[2] + all[3] + all[4] + all[5] + all[6] + all[7];
}
static inline float v16_sum(v16f a)
{
    __m256 b = _mm256_add_ps(a.lo, a.hi);
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
static inline float v16_max_lane(v16f a)
{
    __m256 b = _mm256_max_ps(a.lo, a.hi);
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}
static inline v16b v16_load_bytes(const uint8_t *p)
{
    return (v16b){_mm256_loadu_si256((const __m256i *)(const void *)p),
                  _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
}
static inline void v16_store_bytes(uint8_t *p, v16b a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, a.lo);
    _mm256_storeu_si256((__m256i *)(void *)(p + 32), a.hi);
}
static inline v16b v16_and_bytes(v16b a, uint8_t mask)
{
    __m256i m = _mm256_set1_epi8((char)mask);
    return (v16b){_mm256_and_si256(a.lo, m), _mm256_and_si256(a.hi, m)};
}
static inline v16b v16_shift_right(v16b a, int n)
{
    return (v16b){_mm256_srli_epi16(a.lo, n), _mm256_srli_epi16(a.hi, n)};
}
static inline v16b v16_shift_left(v16b a, int n)
{
    return (v16b){_mm256_slli_epi16(a.lo, n), _mm256_slli_epi16(a.hi, n)};
}
static inline __m256i v16_quad(const int8_t *a)
{
    int32_t quad;
    memcpy(&quad, a, sizeof quad);
    return _mm256_set1_epi32(quad);
}
/* Runs are summed in 16 bits, pairs of columns apart, as long as they fit: 8 * 2 * 15 * 127, 4 * 2 * 31 * 127 and
 * 2 * 2 * 63 * 127 are below 32768. */
static inline v16i v16_part_begin(v16i acc)
{
    (void)acc;
    return (v16i){_mm256_setzero_si256(), _mm256_setzero_si256()};
}
/* acc + the pairs of part times those of scale; in assembly for the reason given below. */
static inline __m256i v16_pairs_end(__m256i acc, __m256i part, __m256i scale)
{
    __m256i sum;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(acc), "=x"(sum) : "x"(part), "x"(scale));
    return acc;
}
static inline v16i v16_part_end(v16i acc, v16i part)
{
    __m256i one = _mm256_set1_epi16(1);
    return (v16i){v16_pairs_end(acc.lo, part.lo, one), v16_pairs_end(acc.hi, part.hi, one)};
}
/* part + w * a in 16 bits. In assembly because compilers reorder the sums into a tree: all products first, kept in
 * memory for want of registers, at half the speed. Two instructions that stay together need one register for both. */
static inline __m256i v16_dot_half(__m256i part, __m256i w, __m256i a)
{
    __m256i product;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(part), "=x"(product) : "x"(w), "x"(a));
    return part;
}
static inline v16i v16_dot(v16i part, v16b w, const int8_t *a)
{
    __m256i quad = v16_quad(a);
    return (v16i){v16_dot_half(part.lo, w.lo, quad), v16_dot_half(part.hi, w.hi, quad)};
}
/* Pairs of 16 bits per lane: a in the lower half, b in the upper. As a part's sums are pairs too, one multiplication
 * scales and adds them. */
static inline __m256i v16_pair_half(__m128i a, __m128i b)
{
    return _mm256_blend_epi16(_mm256_cvtepi8_epi32(a), _mm256_slli_epi32(_mm256_cvtepi8_epi32(b), 16), 0xAA);
}
static inline v16i v16_load_pairs(const int8_t *a, const int8_t *b)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
    __m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
    return (v16i){v16_pair_half(x, y), v16_pair_half(_mm_srli_si128(x, 8), _mm_srli_si128(y, 8))};
}
static inline v16i v16_part_end_scaled(v16i acc, v16i part, v16i pairs)
{
    return (v16i){v16_pairs_end(acc.lo, part.lo, pairs.lo), v16_pairs_end(acc.hi, part.hi, pairs.hi)};
}
/* pairs.a * x + pairs.b * y, times 32; x and y fit 16 bits. */
static inline v16i v16_pairs_dot_32(v16i pairs, int32_t x, int32_t y)
{
    __m256i both = _mm256_set1_epi32((int32_t)(((uint32_t)x & 0xFFFF) | (uint32_t)y << 16));
    return (v16i){_mm256_slli_epi32(_mm256_madd_epi16(pairs.lo, both), 5),
                  _mm256_slli_epi32(_mm256_madd_epi16(pairs.hi, both), 5)};
}
/* Eight-bit weights would overflow 16 bits as unsigned: |w - 128| * (a with the sign of w - 128) is at most 2 * 128 *
 * 127. */
static inline __m256i v16_dot_wide_half(__m256i part, __m256i w, __m256i a)
{
    __m256i s = _mm256_xor_si256(w, _mm256_set1_epi8((char)0x80));
    return _mm256_add_epi16(part, _mm256_maddubs_epi16(_mm256_abs_epi8(s), _mm256_sign_epi8(a, s))); /* part is 0 */
}
static inline v16i v16_dot_wide(v16i part, v16b w, const int8_t *a)
{
    __m256i quad = v16_quad(a);
    return (v16i){v16_dot_wide_half(part.lo, w.lo, quad), v16_dot_wide_half(part.hi, w.hi, quad)};
}

#endif
