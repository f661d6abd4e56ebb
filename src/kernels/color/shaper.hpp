// Samples whose light is known, by a curve for each channel and a matrix, as sRGB's codes.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "color/points.hpp"
#include "threads/pool.hpp"

namespace tinct::color {

class Shaper {
  public:
    using Lights = std::array<std::vector<double>, 3>;

    // `lights`: of three channels the linear light of each value that a sample may have. `matrix`, row by row, from that
    // to the light of sRGB's; empty: none.
    Shaper(Lights lights, std::vector<double> matrix) : lights_(std::move(lights)), matrix_(std::move(matrix)) {}

    // How many a sample may have.
    int64_t values() const { return int64_t(lights_[0].size()); }

    // `out` may be where the samples are. A fourth channel is alpha, of 8 bits.
    template <class T> void to_srgb(const T *samples, int64_t pixels, int channels, int threads, uint8_t *out) const {
        constexpr int64_t PART = 1 << 16;
        const int64_t parts = (pixels + PART - 1) / PART;
        const auto show = [&](int64_t part) {
            T before[4] = {};
            uint8_t shown[4] = {};
            for (int64_t i = part * PART; i < std::min((part + 1) * PART, pixels); ++i) {
                const T *in = samples + i * channels;
                if (i == part * PART || !std::equal(in, in + channels, before)) {
                    std::copy_n(in, channels, before);
                    show_pixel(before, channels, shown);
                }
                std::copy_n(shown, channels, out + i * channels);
            }
        };
        ThreadPool(std::min<int64_t>(threads ? threads : processors(), parts) - 1).each(parts, show, [] {});
    }

  private:
    template <class T> void show_pixel(const T *in, int channels, uint8_t *out) const {
        const double r = lights_[0][in[0]], g = lights_[1][in[1]], b = lights_[2][in[2]], plain[3] = {r, g, b};
        for (size_t c = 0; c < 3; ++c) {
            const double *row = matrix_.data() + 3 * c;
            out[c] = light_to_code(matrix_.empty() ? plain[c] : r * row[0] + g * row[1] + b * row[2]);
        }
        if (channels == 4) out[3] = uint8_t(in[3]);
    }

    Lights lights_;
    std::vector<double> matrix_;
};

}  // namespace tinct::color
