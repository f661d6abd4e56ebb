// How far two pictures are apart, as squared differences of codes; with alpha as seen over black, white and mid grey.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace tinct::difference {

constexpr int GROUNDS[] = {0, 255, 128};
using Totals = std::array<uint64_t, 3>;  // of the three color channels, over each ground

inline int seen(const uint8_t *color, int j, int ground) {
    return (color[j] * color[3] + ground * (255 - color[3]) + 127) / 255;
}

// Add the squared differences of n pixels; `other(i)` is the i-th of the other picture. Whole numbers: exact in any
// order.
template <int C, int D, class Other> void add(Totals &totals, const uint8_t *pixels, int64_t n, const Other &other) {
    const auto square = [](int apart) { return uint32_t(apart * apart); };
    uint64_t alike = 0;  // over each ground
    for (int64_t i = 0; i < n;) {
        const uint8_t *pixel = pixels + i * C, *color = other(i);
        int64_t run = 1;  // of equal pixels that are drawn in one entry
        while (i + run < n && other(i + run) == color && std::memcmp(pixel, pixel + run * C, C) == 0) ++run;
        i += run;
        if ((C == 3 || pixel[3] == 255) && (D == 3 || color[3] == 255)) {
            alike += uint64_t(run) * (square(pixel[0] - color[0]) + square(pixel[1] - color[1]) + square(pixel[2] - color[2]));
        } else if (C == D && pixel[3] == color[3] && std::equal(pixel, pixel + 3, color)) {
            continue;
        } else {
            for (int g = 0; g < 3; ++g)
                for (int j = 0; j < 3; ++j)
                    totals[size_t(g)] += uint64_t(run) * square((C == 3 ? pixel[j] : seen(pixel, j, GROUNDS[g])) -
                                                                (D == 3 ? color[j] : seen(color, j, GROUNDS[g])));
        }
    }
    for (uint64_t &total : totals) total += alike;
}

}  // namespace tinct::difference
