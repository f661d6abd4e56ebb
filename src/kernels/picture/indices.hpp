// Planes of indices: counted, and each replaced by another.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "threads/pool.hpp"

namespace tinct {

// How many pixels have each index. Four tables in turn, because equal neighbours would wait for each other.
inline std::array<int64_t, 256> count_indices(const uint8_t *indices, int64_t size) {
    std::array<std::array<int64_t, 256>, 4> counts{};
    const int64_t whole = size / 4 * 4;
    for (int64_t i = 0; i < whole; i += 4)
        for (int lane = 0; lane < 4; ++lane) ++counts[lane][indices[i + lane]];
    for (int64_t i = whole; i < size; ++i) ++counts[0][indices[i]];
    for (int i = 0; i < 256; ++i) counts[0][i] += counts[1][i] + counts[2][i] + counts[3][i];
    return counts[0];
}
inline std::array<int64_t, 256> count_indices(const uint8_t *indices, int64_t size, int threads) {
    std::vector<std::array<int64_t, 256>> parts(size_t(parts_of(size)));
    in_parts(size, threads, [&](int64_t part, int64_t first, int64_t last) {
        parts[size_t(part)] = count_indices(indices + first, last - first);
    });
    std::array<int64_t, 256> counts{};
    for (const auto &part : parts) std::transform(part.begin(), part.end(), counts.begin(), counts.begin(), std::plus<>());
    return counts;
}

// By those of a table; `out` may be where they come from.
inline void replace_indices(const uint8_t *indices, int64_t size, const uint8_t *table, int threads, uint8_t *out) {
    in_parts(size, threads, [=](int64_t, int64_t first, int64_t last) {
        std::transform(indices + first, indices + last, out + first, [=](uint8_t index) { return table[index]; });
    });
}

}  // namespace tinct
