// The least of a few numbers.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

/// The first of the least: halves are compared lane by lane, which vectors do at once.
template <int N> inline int first_least(const float (&values)[N]) {
    alignas(64) float least[N];
    std::memcpy(least, values, sizeof least);
    int n = N;
    for (; n % 2 == 0 && n > 8; n /= 2)
        for (int i = 0; i < n / 2; ++i) least[i] = least[i + n / 2] < least[i] ? least[i + n / 2] : least[i];
    float smallest = least[0];
    for (int i = 1; i < n; ++i) smallest = least[i] < smallest ? least[i] : smallest;
    uint64_t equal = 0;
    for (int i = 0; i < N; ++i) equal |= uint64_t(values[i] == smallest) << i;
    return std::countr_zero(equal);
}

}  // namespace
}  // namespace tinct::rate
