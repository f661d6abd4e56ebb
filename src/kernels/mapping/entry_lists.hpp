// Which entries of a palette lie near each other, for the search of rate.hpp.
#pragma once
#include <algorithm>
#include <cstdint>

#include "mapping/least.hpp"

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

constexpr float NEVER = 1e30f;
constexpr int NEIGHBORS = 24;  // entries tried for a literal: the nearest entry's nearest
constexpr int GROUPS = 14;     // of entries, for the coarse hash; 24 cost 1.5 % more bytes, 64 2 %

/// Squared, over four coordinates; of opaque palettes the last is 0.
inline float apart(const float *a, const float *b) {
    float sum = 0;
    for (int c = 0; c < 4; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

/// The entries nearest to one that may be taken, itself first and again where there are too few.
template <class May>
void nearest_entries(const float (*palette)[4], int k, int entry, const May &may_take, int32_t *nearest) {
    alignas(64) float distance[256];
    for (int i = 0; i < 256; ++i) distance[i] = i < k && may_take(i) ? apart(palette[i], palette[entry]) : NEVER;
    distance[entry] = -1.0f;
    for (int n = 0; n < NEIGHBORS; ++n) {
        const int next = first_least(distance);
        nearest[n] = distance[next] < NEVER ? next : nearest[0];
        distance[next] = NEVER;
    }
}

/// Farthest-point clustering: four pixels in the same groups are worth comparing though no index is the same.
inline void group_entries(const float (*palette)[4], int k, uint8_t *group) {
    float distance[256];
    for (float &d : distance) d = NEVER;
    int leader = 0;
    for (int g = 0; g < std::min(GROUPS, k); ++g) {
        for (int j = 0; j < k; ++j) {
            const float d = apart(palette[j], palette[leader]);
            if (d < distance[j]) {
                distance[j] = d;
                group[j] = uint8_t(g);
            }
        }
        leader = 0;
        for (int j = 1; j < k; ++j) if (distance[j] > distance[leader]) leader = j;
    }
}

}  // namespace
}  // namespace tinct::rate
