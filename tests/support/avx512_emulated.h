/* avx512_emulated.h - AVX-512 for machines without it: simde's versions of the intrinsics that v16_avx512.h uses, and
 * the few that it lacks. Included before the table's source (tests only; slow). */
#ifndef XIAOBEI_TESTS_AVX512_EMULATED_H
#define XIAOBEI_TESTS_AVX512_EMULATED_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <string.h>

static inline __m512 emulated_maskz_loadu_ps(__mmask16 mask, const float *p)
{
    float all[16] = {0};
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) all[i] = p[i];
    return _mm512_loadu_ps(all);
}

static inline void emulated_mask_storeu_ps(float *p, __mmask16 mask, __m512 a)
{
    float all[16];
    _mm512_storeu_ps(all, a);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) p[i] = all[i];
}

static inline __m512 emulated_join(__m256 lo, __m256 hi)
{
    float all[16];
    _mm256_storeu_ps(all, lo);
    _mm256_storeu_ps(all + 8, hi);
    return _mm512_loadu_ps(all);
}

static inline __m512 emulated_cvtph_ps(__m256i a)
{
    return emulated_join(_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
}

static inline __m256i emulated_cvtps_ph(__m512 a)
{
    float all[16];
    _mm512_storeu_ps(all, a);
    __m128i lo = _mm256_cvtps_ph(_mm256_loadu_ps(all), _MM_FROUND_TO_NEAREST_INT);
    __m128i hi = _mm256_cvtps_ph(_mm256_loadu_ps(all + 8), _MM_FROUND_TO_NEAREST_INT);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(lo), hi, 1);
}

/* A function of sixteen lanes from one of a lane. */
#define EMULATED_WIDEN(name, from, type, count)                                                                        \
    static inline __m512i name(from a)                                                                                 \
    {                                                                                                                  \
        type in[count];                                                                                                \
        int32_t out[16];                                                                                               \
        memcpy(in, &a, sizeof in);                                                                                     \
        for (int i = 0; i < 16; i++) out[i] = in[i];                                                                   \
        return _mm512_loadu_si512(out);                                                                                \
    }
EMULATED_WIDEN(emulated_cvtepi8_epi32, __m128i, int8_t, 16)
EMULATED_WIDEN(emulated_cvtepu8_epi32, __m128i, uint8_t, 16)
EMULATED_WIDEN(emulated_cvtepu16_epi32, __m256i, uint16_t, 16)
#undef EMULATED_WIDEN

static inline int32_t emulated_reduce_add_epi32(__m512i a)
{
    int32_t all[16];
    int32_t sum = 0;
    memcpy(all, &a, sizeof all);
    for (int i = 0; i < 16; i++) sum += all[i];
    return sum;
}

static inline __m128i emulated_cvtepi32_epi8(__m512i a)
{
    int32_t all[16];
    int8_t out[16];
    memcpy(all, &a, sizeof all);
    for (int i = 0; i < 16; i++) out[i] = (int8_t)all[i];
    return _mm_loadu_si128((const __m128i *)(const void *)out);
}

static inline __m512i emulated_cvttps_epi32(__m512 a)
{
    float all[16];
    _mm512_storeu_ps(all, a);
    __m256i lo = _mm256_cvttps_epi32(_mm256_loadu_ps(all));
    __m256i hi = _mm256_cvttps_epi32(_mm256_loadu_ps(all + 8));
    int32_t out[16];
    _mm256_storeu_si256((__m256i *)(void *)out, lo);
    _mm256_storeu_si256((__m256i *)(void *)(out + 8), hi);
    return _mm512_loadu_si512(out);
}

static inline __m512 emulated_cvtepi32_ps(__m512i a)
{
    int32_t all[16];
    memcpy(all, &a, sizeof all);
    return emulated_join(_mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)all)),
                         _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)(all + 8))));
}

static inline __m512i emulated_shift(__m512i a, __m128i count, int left)
{
    uint16_t all[32];
    uint64_t n;
    memcpy(all, &a, sizeof all);
    memcpy(&n, &count, sizeof n);
    for (int i = 0; i < 32; i++) all[i] = (uint16_t)(n > 15 ? 0 : left ? all[i] << n : all[i] >> n);
    return _mm512_loadu_si512(all);
}

static inline __m512 emulated_round(__m512 a)
{
    float all[16];
    _mm512_storeu_ps(all, a);
    return emulated_join(_mm256_round_ps(_mm256_loadu_ps(all), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                         _mm256_round_ps(_mm256_loadu_ps(all + 8), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline __m256i emulated_upper(__m512i a, int which)
{
    int32_t all[16];
    memcpy(all, &a, sizeof all);
    return _mm256_loadu_si256((const __m256i *)(const void *)(all + 8 * which));
}

static inline __m256 emulated_upper_ps(__m512 a, int which)
{
    float all[16];
    _mm512_storeu_ps(all, a);
    return _mm256_loadu_ps(all + 8 * which);
}

#undef _mm512_extracti32x8_epi32
#undef _mm512_extractf32x8_ps
#define _mm512_extracti32x8_epi32 emulated_upper
#define _mm512_extractf32x8_ps    emulated_upper_ps
#undef _mm512_cvtph_ps
#undef _mm512_cvtps_ph
#undef _mm512_cvtepi8_epi32
#undef _mm512_cvtepu8_epi32
#undef _mm512_cvtepu16_epi32
#undef _mm512_reduce_add_epi32
#undef _mm512_cvtepi32_epi8
#undef _mm512_cvttps_epi32
#undef _mm512_cvtepi32_ps
#undef _mm512_sll_epi16
#undef _mm512_srl_epi16
#undef _mm512_roundscale_ps
#define _mm512_cvtph_ps              emulated_cvtph_ps
#define _mm512_cvtps_ph(a, how)      emulated_cvtps_ph(a)
#define _mm512_cvtepi8_epi32         emulated_cvtepi8_epi32
#define _mm512_cvtepu8_epi32         emulated_cvtepu8_epi32
#define _mm512_cvtepu16_epi32        emulated_cvtepu16_epi32
#define _mm512_reduce_add_epi32      emulated_reduce_add_epi32
#define _mm512_cvtepi32_epi8         emulated_cvtepi32_epi8
#define _mm512_cvttps_epi32          emulated_cvttps_epi32
#define _mm512_cvtepi32_ps           emulated_cvtepi32_ps
#define _mm512_sll_epi16(a, n)       emulated_shift(a, n, 1)
#define _mm512_srl_epi16(a, n)       emulated_shift(a, n, 0)
#define _mm512_roundscale_ps(a, how) emulated_round(a)
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps

#endif
