// Visibility: how much an error shows where it stands. Errors hide in texture and show in smooth areas, so a
// pixel's weight falls with the activity around it: the local standard deviation of lightness.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "color/oklab.hpp"
#include "mapping/visibility_job.hpp"
#include "palette/distinct.hpp"
#include "threads/pool.hpp"

namespace tinct::visibility {

/// The index of a position outside of 0..n-1, mirrored at the borders (c b a | a b c | c b a).
inline int64_t mirrored(int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    i = (i % (2 * n) + 2 * n) % (2 * n);
    return i < n ? i : 2 * n - 1 - i;
}

/// Gaussian means of L and of L², row by row, of so many columns; of alpha too, which lies in the last of four coordinates.
template <int C> class Activity {
  public:
    Activity(const uint8_t *pixels, int64_t height, int64_t width, int64_t top, int64_t left, int64_t right)
        : pixels_(pixels), height_(height), width_(width), left_(left), columns_(right - left),
          first_(std::max<int64_t>(left - RADIUS, 0)), seen_(std::min(right + RADIUS, width) - first_),
          points_(size_t(seen_ * C)), padded_(size_t(columns_ + 2 * RADIUS)), rows_(size_t(ROWS * PLANES * columns_)),
          variance_(size_t(columns_)) {
        for (int64_t y = top - RADIUS; y < top + RADIUS; ++y) blur_row(y);
    }

    /// The weights along row y; rows are asked for from `top` down, none left out.
    void row(int64_t y, float *out) {
        blur_row(y + RADIUS);
        if (alike_ >= ROWS) {  // it and all rows around look like the one before
            std::copy_n(out - width_, columns_, out);
            return;
        }
        std::fill(variance_.begin(), variance_.end(), 0.0);
        for (int plane = 0; plane < PLANES; plane += 2) {
            const double *values[ROWS], *squares[ROWS];
            for (int r = 0; r < ROWS; ++r) {
                values[r] = line(y + r - RADIUS, plane);
                squares[r] = line(y + r - RADIUS, plane + 1);
            }
            lanes().add_variance(values, squares, columns_, variance_.data());
        }
        lanes().weigh(variance_.data(), columns_, out);
    }

  private:
    static constexpr int PLANES = C == 4 ? 4 : 2;

    double *line(int64_t y, int plane) {
        return rows_.data() + (((y + ROWS) % ROWS) * PLANES + plane) * columns_;
    }
    const uint8_t *seen(int64_t y) const { return pixels_ + (mirrored(y, height_) * width_ + first_) * C; }

    // (Rows that repeat the one before are a third of a screenshot, and more of its columns.)
    void blur_row(int64_t y) {
        const bool begun = std::exchange(begun_, true);
        if (begun && std::memcmp(seen(y), seen(y - 1), size_t(seen_ * C)) == 0) {
            std::copy_n(line(y - 1, 0), PLANES * columns_, line(y, 0));
            ++alike_;
            return;
        }
        alike_ = 0;
        color::points_of<C>(seen(y), seen_, points_.data());
        for (int plane = 0; plane < PLANES; ++plane) {
            if (plane % 2) std::transform(padded_.begin(), padded_.end(), padded_.begin(), [](double v) { return v * v; });
            else pad(plane ? C - 1 : 0);
            lanes().across(padded_.data() + RADIUS, columns_, line(y, plane));
        }
    }
    // One coordinate of the row's points, with a margin on either side.
    void pad(int part) {
        const auto put = [&](int64_t x) {
            padded_[size_t(x - left_ + RADIUS)] = points_[size_t((mirrored(x, width_) - first_) * C + part)];
        };
        for (int64_t x = left_ - RADIUS; x < first_; ++x) put(x);
        for (int64_t i = 0; i < seen_; ++i) padded_[size_t(first_ + i - left_ + RADIUS)] = points_[size_t(i * C + part)];
        for (int64_t x = first_ + seen_; x < left_ + columns_ + RADIUS; ++x) put(x);
    }

    const uint8_t *pixels_;
    int64_t height_, width_, left_, columns_, first_, seen_;  // the last two with a margin, if there is one
    bool begun_ = false;
    int alike_ = 0;  // the latest rows that repeat the one before
    std::vector<float> points_;
    std::vector<double> padded_, rows_, variance_;  // rows_: a ring of the last ROWS rows, blurred along the row
};

/// weights (h, w): 1 / (HALF + activity), scaled to a mean of 1.
template <int C> void weights_of(const uint8_t *pixels, int64_t height, int64_t width, int threads, float *weights) {
    constexpr int64_t BAND = 64;  // rows: RADIUS more above and below each are blurred twice
    constexpr int64_t STRIP = 256;  // columns, so that a ring of their rows fits a core's memory
    const int64_t bands = (height + BAND - 1) / BAND;
    std::vector<double> totals(size_t(height), 0.0);  // of the rows, so that threads change no bit
    const auto weigh = [&](int64_t band) {
        const int64_t top = band * BAND, bottom = std::min(top + BAND, height);
        for (int64_t left = 0; left < width; left += STRIP) {
            Activity<C> activity(pixels, height, width, top, left, std::min(left + STRIP, width));
            for (int64_t y = top; y < bottom; ++y) activity.row(y, weights + y * width + left);
        }
        for (int64_t y = top; y < bottom; ++y)
            for (int64_t x = 0; x < width; ++x) totals[size_t(y)] += double(weights[y * width + x]);
    };
    // Pixels for each thread: an icon of 256x256 takes as long with two as with one.
    constexpr int64_t WORTH = 1 << 16;
    ThreadPool(std::min({int64_t(threads ? threads : processors()), bands, height * width / WORTH}) - 1).each(bands, weigh, {});
    const double total = std::accumulate(totals.begin(), totals.end(), 0.0);
    const float scale = float(double(height * width) / total);
    in_parts(height * width, threads, [&](int64_t, int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) weights[i] *= scale;
    });
}

/// For each of the distinct `colors` (u, C), in the order of their keys, the sum of the square roots of its pixels'
/// weights. The root is what a palette should count: 2.9 % fewer bytes at the same score than pixels, 1.2 % fewer than
/// the weights.
template <int C>
void sum_by_color(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u, const float *weights, int threads,
                  double *sums) {
    constexpr int64_t MANY = 1 << 15, PART = 1 << 22, MOST = 4;
    const int64_t parts = std::min(even_parts(n, PART), MOST);  // each with sums of its own, so that threads change no bit
    std::vector<double> others(size_t((parts - 1) * u), 0.0);
    std::fill(sums, sums + u, 0.0);
    const auto add = [&](const auto &places) {
        const auto add_part = [&](int64_t part) {
            double *const own = part ? others.data() + (part - 1) * u : sums;
            for (int64_t i = n * part / parts, end = n * (part + 1) / parts; i < end;) {
                const uint8_t *pixel = pixels + i * C;  // most of a graphic's repeat the one before
                double sum = double(std::sqrt(weights[i]));
                for (++i; i < end && std::memcmp(pixel, pixels + i * C, C) == 0; ++i) sum += double(std::sqrt(weights[i]));
                if (const int64_t at = places.of(palette::Key<C>::of(pixel)); at >= 0) own[at] += sum;
            }
        };
        ThreadPool(std::min<int64_t>(threads ? threads : processors(), parts) - 1).each(parts, add_part, {});
    };
    if (C == 3 && u >= MANY) add(palette::Ranks(colors, u));
    else add(palette::Places<C>(colors, u));
    for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = 0; i < u; ++i) sums[i] += others[size_t((part - 1) * u + i)];
}

}  // namespace tinct::visibility
