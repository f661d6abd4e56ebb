// Where bands would show: where lightness changes little from pixel to pixel, but does change.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "color/oklab.hpp"
#include "picture/picture.hpp"

namespace tinct::mapping {

// Between them bands show less and less: mean differences of neighbors in Oklab's L, where a code is 0.003.
constexpr float CALM = 0.004f, ROUGH = 0.01f;
constexpr int64_t AROUND = 6;  // pixels to each side
constexpr float GRADIENTS = 0.2f;  // what they count in flat pictures; at 0.4 one took 6 % more bytes at quality 70

constexpr float ONE = 1 << 16;

/// Of the rows first...last: how much a band would show, from 0 (texture, or nothing but one lightness) to 1, by the mean
/// over a square that is cut at the picture's borders. Sums of whole numbers, so their order plays no part. In `flat`
/// pictures only gradients count, by how many pixels differ at all from those beside them, and less: bands there are
/// many, and cost more bytes.
class Smoothness {
  public:
    Smoothness(const Picture &picture, bool flat, int64_t first, int64_t last)
        : picture_(picture), w_(picture.width), h_(picture.height), next_(std::max<int64_t>(first - R, 0)),
          points_(size_t(w_ * picture.channels)), above_(size_t(w_)), here_(above_), steps_(size_t(ROWS * w_)),
          columns_(size_t(w_)), counts_(columns_), out(size_t((last - first) * w_)) {
        read_lightness(std::max<int64_t>(next_ - 1, 0), here_.data());
        for (int64_t y = first; y < last; ++y) {
            for (; next_ < std::min(y + R + 1, h_); ++next_) enter(next_);
            if (y > first && y > R) add(y - R - 1, -1);
            write(y, flat, &out[size_t((y - first) * w_)]);
        }
    }

  private:
    static constexpr int64_t R = AROUND, ROWS = 2 * R + 2;

    void read_lightness(int64_t y, float *out) {
        const int c = picture_.channels;
        (c == 4 ? color::points_of<4> : color::points_of<3>)(picture_.at(y * w_), w_, points_.data());
        for (int64_t x = 0; x < w_; ++x) out[x] = points_[size_t(x * c)];
    }
    int32_t *steps(int64_t y) { return &steps_[size_t(y % ROWS * w_)]; }

    // A row's differences to the left and upwards, in whole parts of ONE.
    void enter(int64_t y) {
        std::swap(above_, here_);
        const size_t bytes = size_t(w_ * picture_.channels);
        if (y > 0 && std::memcmp(picture_.at(y * w_), picture_.at((y - 1) * w_), bytes) == 0) here_ = above_;
        else read_lightness(y, here_.data());
        int32_t *row = steps(y);
        for (int64_t x = 0; x < w_; ++x) {
            const float l = here_[size_t(x)], left = here_[size_t(std::max<int64_t>(x - 1, 0))];
            row[x] = int32_t((std::abs(l - left) + std::abs(l - above_[size_t(x)])) * ONE);
        }
        add(y, 1);
    }
    void add(int64_t y, int32_t sign) {
        const int32_t *row = steps(y);
        for (int64_t x = 0; x < w_; ++x) {
            columns_[size_t(x)] += sign * row[x];
            counts_[size_t(x)] += sign * (row[x] != 0);
        }
    }
    void write(int64_t y, bool flat, float *row) const {
        const int64_t rows = std::min(y + R, h_ - 1) - std::max<int64_t>(y - R, 0) + 1;
        int64_t sum = 0, differ = 0;
        const auto add_column = [&](int64_t x, int sign) {
            sum += sign * columns_[size_t(x)];
            differ += sign * counts_[size_t(x)];
        };
        for (int64_t x = 0; x < std::min(R, w_); ++x) add_column(x, 1);
        for (int64_t x = 0; x < w_; ++x) {
            if (x + R < w_) add_column(x + R, 1);
            if (x > R) add_column(x - R - 1, -1);
            row[x] = 0.0f;
            if (sum == 0) continue;
            const int64_t pixels = rows * (std::min(x + R, w_ - 1) - std::max<int64_t>(x - R, 0) + 1);
            const float mean = float(sum) / (2 * ONE * float(pixels));
            const float differing = float(differ) / float(pixels), share = flat ? GRADIENTS * differing * differing : 1.0f;
            row[x] = share * std::clamp((ROUGH - mean) / (ROUGH - CALM), 0.0f, 1.0f);
        }
    }

    const Picture &picture_;
    const int64_t w_, h_;
    int64_t next_;
    std::vector<float> points_, above_, here_;
    std::vector<int32_t> steps_, columns_, counts_;  // a ring of rows; their sums over those around a row

  public:
    std::vector<float> out;
};

}  // namespace tinct::mapping
