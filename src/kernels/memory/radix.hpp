// Numbers sorted by their upper halves, with something else in the lower: points along a curve, colors by their keys.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>

#include "memory/buffer.hpp"

namespace tinct {

// Sort numbers by the bits from 32 up, least significant digit first, 11 bits at a time; ties keep their order.
// (Keys and indices in arrays of their own took half as long again: twice the pages to touch.)
inline void radix_sort(Buffer<uint64_t> &packed, int bits) {
    constexpr int DIGIT = 11, SIZE = 1 << DIGIT, MOST = 3;
    if (std::is_sorted(packed.begin(), packed.end())) return;
    const int digits = (bits + DIGIT - 1) / DIGIT;
    auto digit = [](uint64_t key, int at) { return key >> (32 + at * DIGIT) & (SIZE - 1); };
    uint32_t next[MOST][SIZE] = {};  // where the next number with this digit goes
    for (uint64_t key : packed)
        for (int at = 0; at < digits; ++at) ++next[at][digit(key, at)];
    Buffer<uint64_t> moved(packed.size());
    for (int at = 0; at < digits; ++at) {
        uint32_t start = 0;
        for (uint32_t &count : next[at]) start += std::exchange(count, start);
        for (uint64_t key : packed) moved[next[at][digit(key, at)]++] = key;
        packed.swap(moved);
    }
}

}  // namespace tinct
