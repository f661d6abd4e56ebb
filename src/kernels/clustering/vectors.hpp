// Vectors of the widest registers that a translation unit is compiled for.
#pragma once
#if defined(__SSE2__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 on its own AVX-512 header, bug 105593
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif

#include "clustering/kernels.hpp"
#include "memory/vector_bytes.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

template <class T> struct Vec;
template <> struct Vec<float> {
    typedef float F __attribute__((vector_size(VECTOR_BYTES)));
    typedef int32_t I __attribute__((vector_size(VECTOR_BYTES)));
    typedef I Narrow;
    typedef int32_t Int;
    static constexpr int width = VECTOR_BYTES / 4;
    // Candidate filters compare rounded distances: nothing within this relative margin is dropped.
    static constexpr float margin = 1.00001f, tiny = 1e-36f, huge = __FLT_MAX__, faraway = 1e18f;
};
template <> struct Vec<double> {
    typedef double F __attribute__((vector_size(VECTOR_BYTES)));
    typedef int64_t I __attribute__((vector_size(VECTOR_BYTES)));
    typedef int32_t Narrow __attribute__((vector_size(VECTOR_BYTES / 2)));
    typedef int64_t Int;
    static constexpr int width = VECTOR_BYTES / 8;
    static constexpr double margin = 1.00000000001, tiny = 1e-306, huge = __DBL_MAX__, faraway = 1e150;
};

template <class T> inline typename Vec<T>::F smaller(typename Vec<T>::F a, typename Vec<T>::F b) { return a < b ? a : b; }
template <class T> inline typename Vec<T>::F larger(typename Vec<T>::F a, typename Vec<T>::F b) { return a > b ? a : b; }
#if defined(__AVX__) && !defined(__AVX512F__)
// One instruction each, which GCC does not make of the comparison.
template <> inline Vec<float>::F smaller<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm256_min_ps((__m256)a, (__m256)b); }
template <> inline Vec<float>::F larger<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm256_max_ps((__m256)a, (__m256)b); }
#endif

#if defined(__AVX512F__)
template <> inline Vec<float>::F larger<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm512_max_ps((__m512)a, (__m512)b); }
template <> inline Vec<float>::F smaller<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm512_min_ps((__m512)a, (__m512)b); }
#endif

template <class T> inline T larger_of(T a, T b) { return a > b ? a : b; }

template <class T> inline typename Vec<T>::F load(const T *p) {
    typename Vec<T>::F v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
template <class T> inline void store(T *p, typename Vec<T>::F v) { __builtin_memcpy(p, &v, sizeof v); }

template <class T> inline unsigned bits(typename Vec<T>::I mask) {
    unsigned out = 0;
    for (int i = 0; i < Vec<T>::width; ++i) out |= unsigned(mask[i] & 1) << i;
    return out;
}
#if defined(__AVX__) && !defined(__AVX512F__)
template <> inline unsigned bits<float>(Vec<float>::I mask) { return _mm256_movemask_ps((__m256)mask); }
template <> inline unsigned bits<double>(Vec<double>::I mask) { return _mm256_movemask_pd((__m256d)mask); }
#elif defined(__SSE2__) && !defined(__AVX512F__)
template <> inline unsigned bits<float>(Vec<float>::I mask) { return _mm_movemask_ps((__m128)mask); }
template <> inline unsigned bits<double>(Vec<double>::I mask) { return _mm_movemask_pd((__m128d)mask); }
#elif defined(__AVX512F__)
template <> inline unsigned bits<float>(Vec<float>::I mask) { return _mm512_movepi32_mask((__m512i)mask); }
template <> inline unsigned bits<double>(Vec<double>::I mask) { return _mm512_movepi64_mask((__m512i)mask); }
#endif

// The smallest lane. (A loop over the lanes waits for each comparison: 60 cycles.)
template <class T> inline T least_lane(typename Vec<T>::F v) {
    T least = v[0];
    for (int i = 1; i < Vec<T>::width; ++i) least = v[i] < least ? v[i] : least;
    return least;
}
#if defined(__AVX512F__)
template <> inline float least_lane<float>(Vec<float>::F v) { return _mm512_reduce_min_ps((__m512)v); }
template <> inline double least_lane<double>(Vec<double>::F v) { return _mm512_reduce_min_pd((__m512d)v); }
#elif defined(__AVX__)
template <> inline float least_lane<float>(Vec<float>::F v) {
    __m128 half = _mm_min_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    half = _mm_min_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_min_ss(half, _mm_movehdup_ps(half)));
}
#endif

// Append the numbers of the lanes in `mask` (those below `many`) to a list with room for a whole vector more.
template <class T> inline int append(const int32_t *ids, int first, int many, unsigned mask, int32_t *kept, int count) {
    if (many - first < Vec<T>::width) mask &= (1u << (many - first)) - 1;
#if defined(__AVX512F__)
    if (sizeof(T) == 4) {
        const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i here = ids ? _mm512_maskz_loadu_epi32(__mmask16(mask), ids + first)
                                 : _mm512_add_epi32(lanes, _mm512_set1_epi32(first));
        _mm512_storeu_si512(kept + count, _mm512_maskz_compress_epi32(__mmask16(mask), here));
        return count + __builtin_popcount(mask);
    }
#endif
    for (; mask; mask &= mask - 1) {
        const int at = first + __builtin_ctz(mask);
        kept[count++] = ids ? ids[at] : at;
    }
    return count;
}

template <class T> inline typename Vec<T>::F multiply_add(typename Vec<T>::F a, typename Vec<T>::F b, typename Vec<T>::F c) {
    return a * b + c;
}
#if defined(__AVX512F__)
template <> inline Vec<float>::F multiply_add<float>(Vec<float>::F a, Vec<float>::F b, Vec<float>::F c) {
    return (Vec<float>::F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
template <> inline Vec<double>::F multiply_add<double>(Vec<double>::F a, Vec<double>::F b, Vec<double>::F c) {
    return (Vec<double>::F)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#elif defined(__FMA__)
template <> inline Vec<float>::F multiply_add<float>(Vec<float>::F a, Vec<float>::F b, Vec<float>::F c) {
    return (Vec<float>::F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
template <> inline Vec<double>::F multiply_add<double>(Vec<double>::F a, Vec<double>::F b, Vec<double>::F c) {
    return (Vec<double>::F)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#endif

}  // namespace
}  // namespace tinct
