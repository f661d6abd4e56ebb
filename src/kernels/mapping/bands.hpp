// What keeps bands out of skies: where the original is smooth, becoming flatter than it costs, and so does an error that
// adds up over an area. Both in proportion to the price of a bit, which is what makes areas flat.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "mapping/chains.hpp"
#include "mapping/flatness.hpp"
#include "mapping/least.hpp"
#include "mapping/rate_job.hpp"

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

template <int D, int COPIES> class Bands {
  public:
    // What flatness.hpp says, and DRIFT times the square of the errors before it and above, of which each counts KEPT of
    // the one after it: steps that are still there from afar, in lightness and color.
    //
    // CAMBI above pngquant's at SSIMULACRA2 70, of 5 photographs with smooth areas: 9.0 without (worst 17), 2.3 (5.8) with
    // FLATTER at 16,000, 0.9 (3.7) here; halved in size 2.7, 0.9, 1.0. The blurred error: 1.14 of pngquant's, 0.86, 0.86,
    // and 0.96 with DRIFT for lightness alone. Of 7 others 4.5 (11) and 1.5 (4.5), for 2 to 3 % of the bytes.
    static constexpr float DRIFT = 1000.0f, KEPT = 0.8f;

    Bands(const RateJob &job, const float (&planes)[4][256], const float (&palette)[256][4])
        : job_(job), planes_(planes), palette_(palette), price_(size_t(job.w)), across_(size_t(job.w)), down_(size_t(job.w)),
          before_(size_t(job.w)), above_(size_t(job.w)), drift_above_(size_t(job.w) * 4),
          before_sums_(size_t(job.w) * 4), points_(nullptr) {}

    bool matter(int x) const { return price_[size_t(x)] > 0; }

    /// The row's prices, and how the original differs from pixel to pixel.
    void begin(int y, const float *points) {
        if (!job_.smooth) return;
        points_ = points;
        first_ = job_.w, last_ = -1;
        const size_t start = size_t(y) * size_t(job_.w);
        for (size_t x = 0; x < size_t(job_.w); ++x) {
            const float here = points[x * D];
            price_[x] = job_.lambda * job_.smooth[start + x];
            if (price_[x] > 0) first_ = std::min(first_, int(x)), last_ = int(x);
            across_[x] = x == 0 ? 0.0f : std::max(std::abs(here - points[(x - 1) * D]), GRAIN);
            down_[x] = y == 0 ? 0.0f : std::max(std::abs(here - before_[x]), GRAIN);
            before_[x] = here;
            above_[x] = y == 0 ? 0.0f : planes_[0][job_.indices[start - size_t(job_.w) + x]];
        }
        leave();
    }
    /// Errors end to add up where no band would show.
    void leave() {
        if (!adds_up_) return;
        adds_up_ = false;
        for (auto &plane : drift_) for (float &v : plane) v = 0.0f;
        for (float &v : literal_) v = 0.0f;
    }

    /// Adds to the cost of each copy, which goes on from the best path where it was entered; `left` is the lightness
    /// that it had before, `here` the point it brings.
    void charge_copies(int x, float weight, int best, const int32_t *entered, const float *left,
                       const float (&here)[D][COPIES], float *cost) {
        const float flatter = FLATTER * weight * price_[x], drift = DRIFT * price_[x];
        adds_up_ = true;
        float hanging[3];
        for (int c = 0; c < 3; ++c) {
            entering_[c] = best == COPIES ? literal_[c] : drift_[c][best];
            hanging[c] = drift_above_[size_t(x * 4 + c)];
        }
        for (int s = 0; s < COPIES; s += 8) {
            const EightInts anew = eight(entered + s);
            Eight sum = flatter * lacking(across_[x], down_[x], eight(here[0] + s), eight(left + s), above_[x]);
            for (int c = 0; c < 3; ++c) {
                const Eight before = anew ? Eight{} + entering_[c] : eight(drift_[c] + s);
                const Eight mine = KEPT * before + (points_[x * D + c] - eight(here[c] + s)), all = mine + hanging[c];
                put(drift_[c] + s, mine);
                sum += drift * (all * all);
            }
            put(cost + s, eight(cost + s) + sum);
        }
    }

    /// Adds to the cost of literals, after the best path, whose lightness before is `left`.
    template <int N>
    void charge_literals(int x, float weight, const float (&planes)[D][N], float left, float (&cost)[N]) const {
        const float flatter = FLATTER * weight * price_[x], drift = DRIFT * price_[x];
        for (int i = 0; i < N; i += 8) {
            Eight sum = flatter * lacking(across_[x], down_[x], eight(planes[0] + i), Eight{} + left, above_[x]);
            for (int c = 0; c < 3; ++c) {
                const float aim = KEPT * entering_[c] + points_[x * D + c] + drift_above_[size_t(x * 4 + c)];
                const Eight e = aim - eight(planes[c] + i);
                sum += drift * (e * e);
            }
            put(cost + i, eight(cost + i) + sum);
        }
    }
    void take_literal(int x, int chosen) {
        for (int c = 0; c < 3; ++c) literal_[c] = KEPT * entering_[c] + (points_[x * D + c] - planes_[c][chosen]);
    }

    /// What the row's errors leave for the next one, from both sides.
    void end(int y) {
        if (!job_.smooth) return;
        for (int x = 0; x < 4 * first_; ++x) drift_above_[size_t(x)] = 0.0f;
        for (int x = 4 * (last_ + 1); x < 4 * job_.w; ++x) drift_above_[size_t(x)] = 0.0f;
        const uint8_t *row = job_.indices + size_t(y) * size_t(job_.w);
        const auto with = [&](Four sum, int x) { return KEPT * sum + (four(points_ + x * D) - four(palette_[row[x]])); };
        Four sum = {};
        for (int x = first_; x <= last_; ++x) put(&before_sums_[size_t(x) * 4], sum = matter(x) ? with(sum, x) : Four{});
        sum = Four{};
        for (int x = last_; x >= first_; --x) {
            float *const above = &drift_above_[size_t(x) * 4];
            put(above, matter(x) ? KEPT * (four(above) + four(&before_sums_[size_t(x) * 4]) + KEPT * sum) : Four{});
            sum = matter(x) ? with(sum, x) : Four{};
        }
    }

  private:
    const RateJob &job_;
    const float (&planes_)[4][256], (&palette_)[256][4];
    Buffer<float> price_;                    // lambda, where and as much as bands would show
    Buffer<float> across_, down_, before_;   // the original's differences in lightness; the row above
    Buffer<float> above_, drift_above_;      // the drawing's lightness above; what errors there add up to, [w][4]
    Buffer<float> before_sums_;              // and those to the left
    const float *points_;                    // the original's row, and four floats may be read at its end
    int first_ = 0, last_ = -1;              // where prices begin and end in it
    alignas(64) float drift_[3][COPIES] = {};  // what errors add up to on each path
    bool adds_up_ = false;
    float literal_[3] = {}, entering_[3] = {};  // of the literal, which is the state after the copies; of the best before
};

}  // namespace
}  // namespace tinct::rate
