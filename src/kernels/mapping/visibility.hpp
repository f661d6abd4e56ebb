// Visibility: how much an error shows where it stands. Errors hide in texture and show in smooth areas, so a
// pixel's weight falls with the activity around it: the local standard deviation of lightness.
//
// Sums are written out in a fixed order, in doubles; only + - * / and sqrt, which IEEE 754 rounds exactly.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "color/oklab.hpp"
#include "palette/distinct.hpp"
#include "threads/pool.hpp"

namespace tinct::visibility {

// A Gaussian of sigma 1 pixel, from the middle outwards. Against sigma 1.5 it cost photographs 1.4 % of their
// bytes at the same score and saved graphics, whose smooth areas begin right beside edges, 3.5 %.
constexpr int RADIUS = 4;
constexpr double TAPS[RADIUS + 1] = {0.39894346935609776, 0.24197144565660073, 0.05399112742070441,
                                     0.0044318616200312655, 0.00013383062461474175};
// Activity at which an error counts half of what it counts where nothing happens: about two 8-bit codes. At
// 0.01 photographs took 0.8 % more bytes at the same score and graphics 2.7 %; at 0.004 nothing was won.
constexpr float HALF = 0.006f;

/// The index of a position outside of 0..n-1, mirrored at the borders (c b a | a b c | c b a).
inline int64_t mirrored(int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    i = (i % (2 * n) + 2 * n) % (2 * n);
    return i < n ? i : 2 * n - 1 - i;
}

/// Gaussian means of L and of L², row by row; of alpha too, which lies in the last of four coordinates.
template <int C> class Activity {
  public:
    Activity(const uint8_t *pixels, int64_t height, int64_t width, int64_t first)
        : pixels_(pixels), height_(height), width_(width), points_(size_t(width * C)),
          padded_(size_t(width + 2 * RADIUS)), rows_(size_t(ROWS * PLANES * width)) {
        for (int64_t y = first - RADIUS; y < first + RADIUS; ++y) blur_row(y);
    }

    /// The local standard deviation along row y; rows are asked for from `first` down, none left out.
    void row(int64_t y, float *out) {
        blur_row(y + RADIUS);
        std::vector<double> variance(size_t(width_), 0.0), mean(variance), square(variance);
        for (int plane = 0; plane < PLANES; plane += 2) {
            blur_down(y, plane, mean.data());
            blur_down(y, plane + 1, square.data());
            for (int64_t x = 0; x < width_; ++x)
                variance[x] += std::max(square[x] - mean[x] * mean[x], 0.0);
        }
        for (int64_t x = 0; x < width_; ++x) out[x] = float(std::sqrt(variance[x]));
    }

  private:
    static constexpr int ROWS = 2 * RADIUS + 1, PLANES = C == 4 ? 4 : 2;

    double *line(int64_t y, int plane) {
        return rows_.data() + (((y + ROWS) % ROWS) * PLANES + plane) * width_;
    }
    void blur_row(int64_t y) {
        color::points_of<C>(pixels_ + mirrored(y, height_) * width_ * C, width_, points_.data());
        for (int plane = 0; plane < PLANES; ++plane) {
            if (plane % 2) std::transform(padded_.begin(), padded_.end(), padded_.begin(), [](double v) { return v * v; });
            else pad(plane ? C - 1 : 0);
            double *out = line(y, plane);
            for (int64_t x = 0; x < width_; ++x) {
                const double *at = padded_.data() + x + RADIUS;
                double sum = TAPS[0] * at[0];
                for (int r = 1; r <= RADIUS; ++r) sum += TAPS[r] * (at[-r] + at[r]);
                out[x] = sum;
            }
        }
    }
    // One coordinate of the row's points, with a margin on either side.
    void pad(int part) {
        for (int64_t x = 0; x < width_; ++x) padded_[size_t(x + RADIUS)] = points_[size_t(x * C + part)];
        for (int64_t i = 1; i <= RADIUS; ++i) {
            padded_[size_t(RADIUS - i)] = points_[size_t(mirrored(-i, width_) * C + part)];
            padded_[size_t(RADIUS + width_ - 1 + i)] = points_[size_t(mirrored(width_ - 1 + i, width_) * C + part)];
        }
    }
    void blur_down(int64_t y, int plane, double *__restrict out) {
        const double *above[RADIUS + 1], *below[RADIUS + 1];
        for (int r = 0; r <= RADIUS; ++r) {
            above[r] = line(y - r, plane);
            below[r] = line(y + r, plane);
        }
        for (int64_t x = 0; x < width_; ++x) {
            double sum = TAPS[0] * above[0][x];
            for (int r = 1; r <= RADIUS; ++r) sum += TAPS[r] * (above[r][x] + below[r][x]);
            out[x] = sum;
        }
    }

    const uint8_t *pixels_;
    int64_t height_, width_;
    std::vector<float> points_;
    std::vector<double> padded_, rows_;  // rows_: a ring of the last ROWS rows, blurred along the row
};

/// weights (h, w): 1 / (HALF + activity), scaled to a mean of 1.
template <int C> void weights_of(const uint8_t *pixels, int64_t height, int64_t width, int threads, float *weights) {
    constexpr int64_t BAND = 64;  // rows: RADIUS more above and below each are blurred twice
    const int64_t bands = (height + BAND - 1) / BAND;
    std::vector<double> totals(size_t(height), 0.0);  // of the rows, so that threads change no bit
    const auto weigh = [&](int64_t band) {
        Activity<C> activity(pixels, height, width, band * BAND);
        for (int64_t y = band * BAND; y < std::min((band + 1) * BAND, height); ++y) {
            float *row = weights + y * width;
            activity.row(y, row);
            for (int64_t x = 0; x < width; ++x) {
                row[x] = 1.0f / (HALF + row[x]);
                totals[size_t(y)] += double(row[x]);
            }
        }
    };
    // Pixels for each thread: an icon of 256x256 takes as long with two as with one.
    constexpr int64_t WORTH = 1 << 16;
    ThreadPool(std::min({int64_t(threads ? threads : processors()), bands, height * width / WORTH}) - 1).each(bands, weigh, {});
    const double total = std::accumulate(totals.begin(), totals.end(), 0.0);
    const float scale = float(double(height * width) / total);
    for (int64_t i = 0; i < height * width; ++i) weights[i] *= scale;
}

/// For each of the distinct `colors` (u, C) the sum of the square roots of its pixels' weights. The root is
/// what a palette should count: 2.9 % fewer bytes at the same score than pixels, 1.2 % fewer than the weights.
template <int C>
void sum_by_color(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u, const float *weights,
                  double *sums) {
    palette::Places<C> places(colors, u);
    std::fill(sums, sums + u, 0.0);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t at = places.of(palette::Key<C>::of(pixels + i * C));
        if (at >= 0) sums[at] += double(std::sqrt(weights[i]));
    }
}

}  // namespace tinct::visibility
