// The least of a few numbers.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourInts __attribute__((vector_size(16)));
typedef int64_t FourLongs __attribute__((vector_size(32)));
typedef float Eight __attribute__((vector_size(32)));
typedef int32_t EightInts __attribute__((vector_size(32)));

inline Four four(const float *p) { Four v; std::memcpy(&v, p, sizeof v); return v; }
inline FourInts four(const int32_t *p) { FourInts v; std::memcpy(&v, p, sizeof v); return v; }
inline FourLongs four(const uint64_t *p) { FourLongs v; std::memcpy(&v, p, sizeof v); return v; }
inline Eight eight(const float *p) { Eight v; std::memcpy(&v, p, sizeof v); return v; }
inline EightInts eight(const int32_t *p) { EightInts v; std::memcpy(&v, p, sizeof v); return v; }
template <class V, class T> inline void put(T *p, V v) { std::memcpy(p, &v, sizeof v); }
inline Eight lesser(Eight a, Eight b) { return b < a ? b : a; }

/// A bit for each lane.
inline uint32_t bits_of(EightInts mask) {
#if defined(__AVX__)
    return uint32_t(__builtin_ia32_movmskps256((Eight)mask));
#elif defined(__SSE2__)
    const Eight m = (Eight)mask;
    return uint32_t(__builtin_ia32_movmskps(Four{m[0], m[1], m[2], m[3]}) | __builtin_ia32_movmskps(Four{m[4], m[5], m[6], m[7]}) << 4);
#else
    uint32_t out = 0;
    for (int i = 0; i < 8; ++i) out |= uint32_t(mask[i] & 1) << i;
    return out;
#endif
}

/// The first of the least. (Loops over lanes wait for each comparison.)
template <int N> inline int first_least(const float (&values)[N]) {
    static_assert(N % 8 == 0);
    Eight least = eight(values);
    for (int i = 8; i < N; i += 8) least = lesser(least, eight(values + i));
    least = lesser(least, __builtin_shufflevector(least, least, 4, 5, 6, 7, 0, 1, 2, 3));
    least = lesser(least, __builtin_shufflevector(least, least, 2, 3, 0, 1, 6, 7, 4, 5));
    least = lesser(least, __builtin_shufflevector(least, least, 1, 0, 3, 2, 5, 4, 7, 6));
    if constexpr (N <= 64) {
        uint64_t equal = 0;
        for (int i = 0; i < N; i += 8) equal |= uint64_t(bits_of(eight(values + i) == least)) << i;
        return std::countr_zero(equal);
    }
    int at = 0;
    while (!bits_of(eight(values + at) == least)) at += 8;
    return at + std::countr_zero(bits_of(eight(values + at) == least));
}

}  // namespace
}  // namespace tinct::rate
