/* v16_avx512.h - the sixteen-lane vector in one AVX-512 register; meanings in v16_scalar.h. Needs F, BW, DQ, VL, VNNI.
 */
#ifndef XIAOBEI_KERNELS_V16_AVX512_H
#define XIAOBEI_KERNELS_V16_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define V16_NAME               "avx512"
#define V16_TILE_GROUPS        2
#define V16_TILE_TOKENS        6
#define V16_SMALL_BATCH        8
#define V16_DOT_RUN(bits)      ((bits) == 6 ? 4 : 8)
#define V16_UNROLL             1
#define V16_SCORE_QUERIES      8
#define V16_SCORE_TILES        2
#define V16_VALUE_QUERIES      4
#define V16_VALUE_VECTORS      4
#define V16_WIDE_DOT_IS_SIGNED 0
#define V16_HAS_PAIRS          0

typedef __m512 v16f;
typedef __m512i v16i;
typedef __m512i v16b;

static inline v16f v16_set1(float a)
{
    return _mm512_set1_ps(a);
}
static inline v16f v16_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void v16_store(float *p, v16f a)
{
    _mm512_storeu_ps(p, a);
}
static inline v16f v16_load_part(const float *p, int n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
}
static inline void v16_store_part(float *p, v16f a, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), a);
}
static inline v16f v16_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline v16f v16_load_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline void v16_store_f16(uint16_t *p, v16f a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
static inline v16f v16_load_u8(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
static inline v16i v16_load_i8(const int8_t *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline v16f v16_add(v16f a, v16f b)
{
    return _mm512_add_ps(a, b);
}
static inline v16f v16_sub(v16f a, v16f b)
{
    return _mm512_sub_ps(a, b);
}
static inline v16f v16_mul(v16f a, v16f b)
{
    return _mm512_mul_ps(a, b);
}
static inline v16f v16_div(v16f a, v16f b)
{
    return _mm512_div_ps(a, b);
}
static inline v16f v16_fma(v16f a, v16f b, v16f c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline v16f v16_max(v16f a, v16f b)
{
    return _mm512_max_ps(a, b);
}
static inline v16f v16_min(v16f a, v16f b)
{
    return _mm512_min_ps(a, b);
}
static inline float v16_peak(v16f a, v16f b)
{
    __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
    __m512i both = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a), magnitude),
                                    _mm512_and_si512(_mm512_castps_si512(b), magnitude));
    __m256i h = _mm256_max_epi32(_mm512_castsi512_si256(both), _mm512_extracti32x8_epi32(both, 1));
    __m128i c = _mm_max_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    c = _mm_max_epi32(c, _mm_shuffle_epi32(c, 0x4E));
    c = _mm_max_epi32(c, _mm_shuffle_epi32(c, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(c));
}
static inline v16f v16_zero_below(v16f value, v16f x, float limit)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(limit), _CMP_NLT_UQ), value);
}
static inline v16f v16_negate(v16f a)
{
    return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f));
}
static inline v16f v16_round(v16f a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline v16i v16_to_int(v16f a)
{
    return _mm512_cvttps_epi32(a);
}
static inline v16f v16_from_int(v16i a)
{
    return _mm512_cvtepi32_ps(a);
}
static inline v16f v16_exp2_int(v16i n)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}
static inline v16i v16_set1_int(int32_t a)
{
    return _mm512_set1_epi32(a);
}
static inline v16i v16_add_int(v16i a, v16i b)
{
    return _mm512_add_epi32(a, b);
}
static inline v16i v16_mul_int(v16i a, v16i b)
{
    return _mm512_mullo_epi32(a, b);
}
static inline void v16_store_i8(int8_t *p, v16i a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(a));
}
static inline int32_t v16_sum_int(v16i a)
{
    return _mm512_reduce_add_epi32(a);
}
static inline float v16_sum(v16f a)
{
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
static inline float v16_max_lane(v16f a)
{
    __m256 b = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}
static inline v16b v16_load_bytes(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}
static inline void v16_store_bytes(uint8_t *p, v16b a)
{
    _mm512_storeu_si512(p, a);
}
static inline v16b v16_and_bytes(v16b a, uint8_t mask)
{
    return _mm512_and_si512(a, _mm512_set1_epi8((char)mask));
}
static inline v16b v16_or_bytes(v16b a, v16b b)
{
    return _mm512_or_si512(a, b);
}
static inline v16b v16_shift_right(v16b a, int n)
{
    return _mm512_srl_epi16(a, _mm_cvtsi32_si128(n));
}
static inline v16b v16_shift_left(v16b a, int n)
{
    return _mm512_sll_epi16(a, _mm_cvtsi32_si128(n));
}
static inline v16i v16_quad(const int8_t *a)
{
    int32_t quad;
    memcpy(&quad, a, sizeof quad);
    return _mm512_set1_epi32(quad);
}
static inline v16i v16_part_begin(v16i acc)
{
    return acc;
}
static inline v16i v16_part_end(v16i acc, v16i part)
{
    (void)acc;
    return part;
}
static inline v16i v16_dot(v16i acc, v16b w, const int8_t *a)
{
    return _mm512_dpbusd_epi32(acc, w, v16_quad(a));
}
static inline v16i v16_dot_wide(v16i acc, v16b w, const int8_t *a)
{
    return _mm512_dpbusd_epi32(acc, w, v16_quad(a));
}

#endif
