// Where bands would show: where lightness changes little from pixel to pixel, but does change.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "color/oklab.hpp"
#include "picture/picture.hpp"

namespace tinct::mapping {

// Between them bands show less and less: mean differences of neighbors in Oklab's L, where a code is 0.003.
constexpr float CALM = 0.004f, ROUGH = 0.01f;
constexpr int64_t AROUND = 6;  // pixels to each side
constexpr float GRADIENTS = 0.2f;  // what they count in flat pictures; at 0.4 one took 6 % more bytes at quality 70

/// The sums of differences to the left and upwards in each pixel's row, in whole parts of ONE.
constexpr float ONE = 1 << 16;
template <int C> void differences_of(const uint8_t *above, const uint8_t *here, int64_t width, int32_t *out) {
    std::vector<float> mine(size_t(width * C)), theirs(mine);
    color::points_of<C>(here, width, mine.data());
    color::points_of<C>(above, width, theirs.data());
    for (int64_t x = 0; x < width; ++x) {
        const float l = mine[size_t(x * C)], left = mine[size_t(std::max<int64_t>(x - 1, 0) * C)];
        out[x] = int32_t((std::abs(l - left) + std::abs(l - theirs[size_t(x * C)])) * ONE);
    }
}

/// [h][w]: how much a band would show, from 0 (texture, or nothing but one lightness) to 1, by the mean over a square
/// that is cut at the borders. Sums of whole numbers, so their order plays no part. In `flat` pictures only gradients
/// count, by how many pixels differ at all from those beside them, and less: bands there are many, and cost more bytes.
inline std::vector<float> smoothness(const Picture &picture, bool flat) {
    const int64_t w = picture.width, h = picture.height, r = AROUND;
    std::vector<int32_t> steps(size_t(w * h)), columns(size_t(w), 0), counts(columns);
    for (int64_t y = 0; y < h; ++y)
        (picture.channels == 4 ? differences_of<4> : differences_of<3>)(picture.at(std::max<int64_t>(y - 1, 0) * w),
                                                                        picture.at(y * w), w, &steps[size_t(y * w)]);
    const auto add_row = [&](int64_t y, int32_t sign) {
        for (int64_t x = 0; y >= 0 && y < h && x < w; ++x) {
            columns[size_t(x)] += sign * steps[size_t(y * w + x)];
            counts[size_t(x)] += sign * (steps[size_t(y * w + x)] != 0);
        }
    };
    std::vector<float> out(size_t(w * h));
    for (int64_t y = 0; y < r; ++y) add_row(y, 1);
    for (int64_t y = 0; y < h; ++y) {
        add_row(y + r, 1);
        add_row(y - r - 1, -1);
        const int64_t rows = std::min(y + r, h - 1) - std::max<int64_t>(y - r, 0) + 1;
        int64_t sum = 0, differ = 0;
        const auto add_column = [&](int64_t x, int sign) {
            sum += sign * columns[size_t(x)];
            differ += sign * counts[size_t(x)];
        };
        for (int64_t x = 0; x < std::min(r, w); ++x) add_column(x, 1);
        for (int64_t x = 0; x < w; ++x) {
            if (x + r < w) add_column(x + r, 1);
            if (x > r) add_column(x - r - 1, -1);
            const int64_t pixels = rows * (std::min(x + r, w - 1) - std::max<int64_t>(x - r, 0) + 1);
            const float mean = float(sum) / (2 * ONE * float(pixels));
            const float differing = float(differ) / float(pixels), share = flat ? GRADIENTS * differing * differing : 1.0f;
            out[size_t(y * w + x)] = sum == 0 ? 0.0f : share * std::clamp((ROUGH - mean) / (ROUGH - CALM), 0.0f, 1.0f);
        }
    }
    return out;
}

}  // namespace tinct::mapping
