// Error diffusion: pixels to palette entries, each with what its neighbors err.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "color/oklab.hpp"
#include "mapping/floyd_steinberg.hpp"
#include "mapping/light.hpp"
#include "mapping/nearest_grid.hpp"

namespace tinct::mapping {

struct Diffusion {
    float strength;  // share of the error that is passed on
    float limit;     // errors longer than this, or a longer step of the palette, are cut to it
    float flat;      // a color this near to its entry takes it and passes nothing on
    bool serpentine;
    bool light = true;  // whether the error is carried as light where steps are far apart, or as points everywhere
};

// A palette's steps, the distances from each entry to the next, decide how error is carried.
//
// Mixtures are seen as the mean of their light, so error is one of light: in Oklab a grey of 128 came out 60 % white on
// black and white (22 is right). Where the mean step is small both are the same, and Oklab does not make more of an error
// that goes from bright to dark: with 256 colors light cost 0.1 points of SSIMULACRA2 and 0.3 % of bytes (40 photographs,
// mean steps 0.012 to 0.038), with 64 it gains 0.1.
constexpr float FAR_APART = 0.04f;
// The share that is not passed on hides the grain of close steps and changes what far ones mix to. So of it the fourth
// power is left where steps are beyond the second, all below the first: a default of 0.75 is 0.996 on black and white.
constexpr float CLOSE_STEP = 0.1f, FAR_STEP = 0.3f;

// Rows [first, last) of a picture, of which those from `kept` on are written.
struct Band {
    int64_t first, kept, last;
};
static_assert(sizeof(Band) == 3 * sizeof(int64_t));

// Floyd and Steinberg 1976, on points. `nearest` holds each pixel's entry without diffusion; k: it has none. An opaque
// pixel takes an opaque entry, if there is one: it has no opacity to gain or lose, so of what it receives it takes the
// color, as seen over mid grey (the first three coordinates), alone.
template <int C>
class Diffuser {
  public:
    Diffuser(const uint8_t *pixels, int64_t width, const float *palette, int k, const uint8_t *nearest,
             const Diffusion &options, int64_t above, uint8_t *out)
        : pixels_(pixels), width_(width), nearest_(nearest), options_(options), above_(above), out_(out),
          grid_(palette, k, options.limit), palette_(k), carried_(k), shares_(k), limits_(k) {
        std::vector<float> opaque;
        for (int i = 0; i < k; ++i) {
            for (int j = 0; j < C; ++j) palette_[i][j] = palette[i * C + j];
            if (C == 3 || palette[i * C + 3] < OPAQUE) continue;
            opaque.insert(opaque.end(), palette + i * C, palette + (i + 1) * C);
            opaque_.push_back(uint8_t(i));
        }
        measure_steps();
        if (!opaque_.empty() && int(opaque_.size()) < k)
            opaque_grid_.emplace(opaque.data(), int(opaque_.size()), options.limit);
    }

    // N bands side by side: each pixel waits for the one before it, and meanwhile those of the other bands go on.
    template <int N> void run(const Band *bands) {
        Strand strands[N];
        int64_t common = bands[0].last - bands[0].first;
        for (int n = 0; n < N; ++n) {
            strands[n].start(width_, bands[n]);
            common = std::min(common, bands[n].last - bands[n].first);
        }
        for (int64_t y = 0; y < common; ++y) rows<N>(strands, y);
        for (int n = 0; n < N; ++n)
            for (int64_t y = common; y < bands[n].last - bands[n].first; ++y) rows<1>(strands + n, y);
    }

  private:
    struct Strand {
        std::vector<float> colors;
        std::vector<Four> here, below;  // errors from above; the picture has a margin of one pixel
        std::vector<uint8_t> taken;
        Four ahead;
        Band band;
        void start(int64_t width, const Band &its) {
            colors.resize(width * C + 4 - C);
            here.assign(width + 2, Four{});
            below.assign(width + 2, Four{});
            taken.resize(width);
            band = its;
        }
    };

    void measure_steps() {
        const int k = int(palette_.size());
        float sum = 0;
        for (int i = 0; i < k; ++i) {
            float least = std::numeric_limits<float>::max();
            for (int j = 0; j < k; ++j)
                if (j != i) least = std::min(least, length_squared<C>(palette_[i] - palette_[j]));
            const float step = k > 1 ? std::sqrt(least) : 0;
            sum += step;
            const float far = std::clamp((step - CLOSE_STEP) / (FAR_STEP - CLOSE_STEP), 0.0f, 1.0f);
            const float lost = 1 - options_.strength, square = lost * lost;
            shares_[i] = options_.light ? 1 - (lost + (square * square - lost) * far) : options_.strength;
            limits_[i] = options_.light ? std::max(options_.limit, step) : options_.limit;
        }
        light_ = options_.light && sum > FAR_APART * float(k);
        for (int i = 0; i < k; ++i) carried_[i] = light_ ? light_of<C>(palette_[i]) : palette_[i];
    }

    template <int N> void rows(Strand *strands, int64_t y) {
        const uint8_t *pixels[N], *nearest[N];
        for (int n = 0; n < N; ++n) {
            pixels[n] = pixels_ + (strands[n].band.first + y) * width_ * C;
            nearest[n] = nearest_ + (strands[n].band.first + y) * width_;
            color::points_of<C>(pixels[n], width_, strands[n].colors.data());
            strands[n].ahead = Four{};
        }
        const bool backwards = options_.serpentine && y % 2;
        const int64_t step = backwards ? -1 : 1;
        int64_t x = backwards ? width_ - 1 : 0;
        for (int64_t i = 0; i < width_; ++i, x += step)
            for (int n = 0; n < N; ++n) {
                const int alpha = C == 4 ? pixels[n][x * C + 3] : 255;
                strands[n].taken[x] = take(strands[n], x, step, nearest[n][x], alpha);
            }
        for (int n = 0; n < N; ++n) {
            strands[n].here.swap(strands[n].below);
            std::fill(strands[n].below.begin(), strands[n].below.end(), Four{});
            const int64_t row = strands[n].band.first + y;
            if (row >= strands[n].band.kept)
                std::copy(strands[n].taken.begin(), strands[n].taken.end(), out_ + (row - above_) * width_);
        }
    }

    uint8_t take(Strand &strand, int64_t x, int64_t step, uint8_t nearest, int alpha) {
        Four point;
        std::memcpy(&point, strand.colors.data() + x * C, sizeof point);
        if constexpr (C == 3) point[3] = 0;
        const bool visible = alpha && nearest < palette_.size();
        if (visible && length_squared<C>(point - palette_[nearest]) > options_.flat * options_.flat)
            return spread(strand, point, x, step, C == 4 && alpha == 255 && !opaque_.empty());
        strand.ahead = Four{};
        return nearest;
    }

    // Take the entry nearest to the point plus the error it received, and pass the new error on: to the next
    // pixel by `ahead`, in a register, and to the row below.
    uint8_t spread(Strand &strand, Four point, int64_t x, int64_t step, bool opaque) {
        Four aim = (light_ ? light_of<C>(point) : point) + (strand.here[x + 1] + strand.ahead);
        if (opaque) aim[3] = point[3];
        const Four target = light_ ? point_of<C>(aim) : aim;
        const int entry = opaque && opaque_grid_ ? opaque_[size_t(opaque_grid_->find(target))] : grid_.find(target);
        const float length = length_squared<C>(target - palette_[entry]), limit = limits_[entry];
        float share = shares_[entry];
        if (length > limit * limit) share *= limit / std::sqrt(length);
        const Four part = (aim - carried_[entry]) * share;
        strand.ahead = part * (AHEAD / ALL);
        Four *below = strand.below.data() + x + 1;
        below[-step] += part * (BELOW_BEHIND / ALL);
        below[0] += part * (BELOW / ALL);
        below[step] += part * (BELOW_AHEAD / ALL);
        return uint8_t(entry);
    }

    const uint8_t *pixels_;
    int64_t width_;
    const uint8_t *nearest_;
    Diffusion options_;
    int64_t above_;  // rows of the picture before the first in out_
    uint8_t *out_;
    static constexpr float OPAQUE = 0.5f;  // the last coordinate of what is
    NearestGrid<C> grid_;                  // of all entries
    std::optional<NearestGrid<C>> opaque_grid_;
    std::vector<uint8_t> opaque_;          // the opaque entries
    std::vector<Four> palette_, carried_;  // points, and what error is measured from
    std::vector<float> shares_, limits_;   // of an entry's error: what is passed on, and at most
    bool light_ = false;                   // whether error is one of light
};

// Bands that follow one another; `out` holds the rows that they keep.
template <int C>
void diffuse(const uint8_t *pixels, int64_t width, const float *palette, int k, const uint8_t *nearest,
             const Diffusion &options, const Band *bands, int64_t count, uint8_t *out) {
    Diffuser<C> diffuser(pixels, width, palette, k, nearest, options, bands[0].kept, out);
    for (int64_t i = 0; i + 1 < count; i += 2) diffuser.template run<2>(bands + i);
    if (count % 2) diffuser.template run<1>(bands + count - 1);
}

}  // namespace tinct::mapping
