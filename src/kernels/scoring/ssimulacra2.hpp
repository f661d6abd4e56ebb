// SSIMULACRA2 (Jon Sneyers, Cloudinary, 2022; this is its version 2.1 of 2023, whose definition and weights are
// those of libjxl's tools/ssimulacra2.cc and of the PyPI package ssimulacra2, both under the BSD 3-clause license).
//
// Two pictures are compared in XYB at six scales, each half as large as the one before, by three maps: how much
// structure differs (SSIM), which edges were added, which were lost. Means and 4-norms of the maps over each
// channel and scale, weighted, make the score. Half of the 108 weights are 0, most of them at full size, where two
// channels count by their edges alone: maps that count nothing are not made, nor blurs for them.
//
// The blur is the package's: pictures are continued by 0 (of XYB made positive) to the left and right, mirrored at
// top and bottom. libjxl's recursive one continues by 0 on all sides.
//
// Rows are worked through from the top down, with the blurred rows that a result needs in a ring that fits the
// cache; of the other picture only linear light is kept, from the second scale on. Any span of rows can be done by
// any thread: what a row adds is kept by itself and summed at the end, in order. Copies for AVX2 and AVX-512, as
// simd.cpp makes them, took 20 % less time, which isn't worth a table of functions.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "color/oklab.hpp"
#include "threads/pool.hpp"

namespace tinct::ssimulacra2 {

constexpr int SCALES = 6, LEAST = 8;  // a scale below 8 x 8 pixels doesn't count
constexpr int NORMS = 6;              // per row and channel: SSIM, added, lost: the terms and their 4th powers

using color::Floats, color::LANES;  // lanes are pixels of a row

// A Gaussian of sigma 1.5 as the measure has it, from the middle outwards.
constexpr int BLUR = 5, RING = 2 * BLUR + 1;
constexpr float TAPS[BLUR + 1] = {0.2660117248617943f,  0.21300553771125366f,  0.1093606895097f,
                                  0.03600077212843082f, 0.007598758135239184f, 0.0010283800844791099f};
// Planes hold XYB, made positive as the measure does, less these. Centered, squares are small, and so is what
// rounding does to a variance.
constexpr float MIDDLE[3] = {0.42f, 0.45404579945075138f, 0.55f};

// By channel, scale, norm (1, 4) and map (SSIM, added, lost).
constexpr double WEIGHTS[108] = {
    0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0,
    0, 0.0004371155730107379, 0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752,
    0, 0.0016406437456599754, 0, 1.8422455520539298, 11.441172603757666, 0,
    0.0007989109436015163, 0.000176816438078653, 0, 1.8787594979546387, 10.94906990605142, 0,
    0.0007289346991508072, 0.9677937080626833, 0, 0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
    0.0004550992113792063, 0, 0, 0.0013648766163243398, 0, 0,
    0, 0, 0, 7.466890328078848, 0, 17.445833984131262,
    0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264,
    225.20515300849274, 0, 0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985,
    176.39317598450694, 0, 0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408,
    0, 0, 0, 34.77906344483772, 44.835625328877896, 0,
    0, 0, 0, 0, 0, 0,
    0, 0.0008680556573291698, 0, 0, 0, 0,
    0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0,
    0, 0, 0, 0.0004179171803251336, 0.0017290828234722833, 0,
    0.0020827005846636437, 0, 0, 8.826982764996862, 23.19243343998926, 0,
    95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0012286405048278493, 171.2667255897307, 0.9807858872435379,
    0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537};

// Rows are padded to whole vectors; what stands in the padding is finite and counts nowhere.
inline Floats load(const float *p) {
    Floats v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline void store(float *p, Floats v) { std::memcpy(p, &v, sizeof v); }
inline Floats magnitude(Floats x) { return std::bit_cast<Floats>(std::bit_cast<color::Ints>(x) & 0x7fffffff); }

// Linear light [3][stride] to XYB [3][stride], less MIDDLE.
inline void xyb(const float *light, float *out, int64_t stride) {
    constexpr float BIAS = 0.0037930732552754493f;
    constexpr float CONES[3][3] = {{0.30f, 0.622f, 0.078f},
                                   {0.23f, 0.692f, 0.078f},
                                   {0.24342268924547819f, 0.20476744424496821f, 0.55180986650955360f}};
    for (int64_t x = 0; x < stride; x += LANES) {
        const Floats r = load(light + x), g = load(light + stride + x), b = load(light + 2 * stride + x);
        Floats cone[3];
        for (int c = 0; c < 3; ++c)
            cone[c] = color::cube_root(CONES[c][0] * r + CONES[c][1] * g + CONES[c][2] * b + BIAS);
        const Floats half = (cone[0] + cone[1]) * 0.5f;
        store(out + x, (cone[0] - cone[1]) * 7.0f);
        store(out + stride + x, half - 0.6f);
        store(out + 2 * stride + x, cone[2] - half);
    }
}

// One channel of two pictures: the difference, its square, and the sum of the squares.
inline void differ(const float *original, const float *other, float *difference, float *square, float *both,
                   int64_t stride) {
    for (int64_t x = 0; x < stride; x += LANES) {
        const Floats a = load(original + x), b = load(other + x), d = b - a;
        store(difference + x, d);
        store(square + x, d * d);
        store(both + x, a * a + b * b);
    }
}

// TAPS along a row, which has BLUR more numbers on either side.
inline void blur_along(const float *in, float *out, int64_t stride) {
    for (int64_t x = 0; x < stride; x += LANES) {
        Floats sum = TAPS[0] * load(in + x);
        for (int i = 1; i <= BLUR; ++i) sum += TAPS[i] * (load(in + x - i) + load(in + x + i));
        store(out + x, sum);
    }
}

// TAPS down the columns of 2 BLUR + 1 rows.
inline void blur_down(const float *const *rows, float *out, int64_t stride) {
    for (int64_t x = 0; x < stride; x += LANES) {
        Floats sum = TAPS[0] * load(rows[BLUR] + x);
        for (int i = 1; i <= BLUR; ++i) sum += TAPS[i] * (load(rows[BLUR - i] + x) + load(rows[BLUR + i] + x));
        store(out + x, sum);
    }
}

// Sum of the positive terms, or of the negative ones without their sign, and of their fourth powers. Those are made
// in double: in float they would drown in subnormal numbers, which are slow. Pixel x is added to sum x % LANES.
template <bool NEGATIVE> void add_up(float *terms, int64_t width, double *sums) {
    typedef double Doubles __attribute__((vector_size(8 * LANES)));
    for (int64_t x = width; x % LANES; ++x) terms[x] = 0;
    Doubles one{}, four{};
    for (int64_t x = 0; x < width; x += LANES) {
        const Floats term = load(terms + x), size = magnitude(term);
        const Floats twice = NEGATIVE ? size - term : size + term;
        const Doubles part = __builtin_convertvector(twice * 0.5f, Doubles), square = part * part;
        one += part;
        four += square * square;
    }
    for (const Doubles &p : {one, four})
        *sums++ = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
}

// With m the blurred means, v the variances, e the difference of the pictures, 1 - SSIM is
//     1 - (1 - m(e)²) (v1 + v2 - v(e) + C) / (v1 + v2 + C) = m(e)² + (1 - m(e)²) v(e) / (v1 + v2 + C)
// because twice the covariance is v1 + v2 - v(e). Nothing cancels here: where the pictures are equal it is 0, and
// floats suffice. `square` and `both` are blurred: means of e² and of the sum of both squares.
inline void structure(const float *mean, const float *shift, const float *square, const float *both, int64_t width,
                      float *terms, double *sums) {
    constexpr float C = 0.0009f;
    for (int64_t x = 0; x < width; x += LANES) {
        const Floats m1 = load(mean + x), dm = load(shift + x), m2 = m1 + dm, dm2 = dm * dm;
        const Floats variance = load(both + x) - (m1 * m1 + m2 * m2) + C;
        const Floats apart = (load(square + x) - dm2) / variance;
        store(terms + x, dm2 + (apart - dm2 * apart));
    }
    add_up<false>(terms, width, sums);
}

// Edges that only the other picture has, and edges that it lost.
inline void edges(const float *original, const float *mean, const float *difference, const float *shift,
                  int64_t width, float *terms, double *sums) {
    for (int64_t x = 0; x < width; x += LANES) {
        const Floats edge = load(original + x) - load(mean + x);
        const Floats ours = magnitude(edge), theirs = magnitude(edge + (load(difference + x) - load(shift + x)));
        store(terms + x, (theirs - ours) / (1.0f + ours));
    }
    add_up<false>(terms, width, sums);
    add_up<true>(terms, width, sums + 2);
}

struct Size {
    int64_t height, width;
    int64_t stride() const { return (width + LANES - 1) / LANES * LANES; }
    Size half() const { return {(height + 1) / 2, (width + 1) / 2}; }
};

/// Linear light of a picture at every scale. Full size is looked up in the pixels, which must stay alive.
class Light {
  public:
    Light(const uint8_t *pixels, Size size, int channels, uint8_t ground)
        : pixels_(pixels), channels_(channels), ground_(ground) {
        for (Size s = size; sizes.size() < SCALES && std::min(s.height, s.width) >= LEAST; s = s.half())
            sizes.push_back(s);
        for (size_t scale = 1; scale < sizes.size(); ++scale) halve(int(scale));
    }

    /// Row y at a scale, [3][stride]; `room` is for so many floats, where there is no such row to point to.
    const float *row(int scale, int64_t y, float *room) const {
        const Size size = sizes[scale];
        if (scale) return planes_[scale].get() + y * 3 * size.stride();
        const uint8_t *pixel = pixels_ + y * size.width * channels_;
        for (int64_t x = 0; x < size.width; ++x, pixel += channels_)
            for (int c = 0; c < 3; ++c) room[c * size.stride() + x] = color::LINEAR[seen(pixel, c)];
        return room;
    }

    std::vector<Size> sizes;

  private:
    // As seen over the ground, rounded to whole steps.
    uint32_t seen(const uint8_t *pixel, int c) const {
        return channels_ == 3 ? pixel[c] : (pixel[c] * pixel[3] + ground_ * (255u - pixel[3]) + 127) / 255;
    }

    // Means of 2 x 2 pixels; the last row and column count twice where their number is odd.
    void halve(int scale) {
        const Size from = sizes[scale - 1], to = sizes[scale];
        planes_[scale] = std::make_unique<float[]>(size_t(to.height * 3 * to.stride()));
        std::vector<float> room(size_t(6 * from.stride()));
        for (int64_t y = 0; y < to.height; ++y) {
            float *out = planes_[scale].get() + y * 3 * to.stride();
            const float *above = row(scale - 1, 2 * y, room.data());
            const float *below = row(scale - 1, std::min(2 * y + 1, from.height - 1), room.data() + 3 * from.stride());
            for (int c = 0; c < 3; ++c, above += from.stride(), below += from.stride(), out += to.stride()) {
                for (int64_t x = 0; x < from.width / 2; ++x)
                    out[x] = ((above[2 * x] + above[2 * x + 1]) + (below[2 * x] + below[2 * x + 1])) * 0.25f;
                if (from.width % 2) out[to.width - 1] = (above[from.width - 1] + below[from.width - 1]) * 0.5f;
            }
        }
    }

    const uint8_t *pixels_;
    int channels_;
    uint32_t ground_;  // what pixels that are not opaque are seen over, in all channels
    std::array<std::unique_ptr<float[]>, SCALES> planes_;
};

/// The last rows, [planes][stride] each with room on either side, found by their number, mirrored at the borders.
class Ring {
  public:
    Ring(Size size, int planes)
        : height_(size.height), width_(size.width), plane_(size.stride() + 2 * LANES), planes_(planes),
          rows_(size_t(RING * planes * plane_)) {}

    float *row(int64_t y, int plane) {
        if (y < 0) y = -1 - y;
        if (y >= height_) y = 2 * height_ - 1 - y;
        return rows_.data() + ((y % RING) * planes_ + plane) * plane_ + LANES;
    }

    /// What continues a row to the left and right.
    void pad(float *row, float value) const {
        std::fill(row - BLUR, row, value);
        std::fill(row + width_, row + width_ + BLUR, value);
    }

    /// The 2 BLUR + 1 rows around y.
    std::array<const float *, RING> around(int64_t y, int plane) {
        std::array<const float *, RING> rows;
        for (int i = 0; i < RING; ++i) rows[size_t(i)] = row(y + i - BLUR, plane);
        return rows;
    }

  private:
    int64_t height_, width_, plane_;
    int planes_;
    std::vector<float> rows_;
};

/// Take in the rows that the rows first...last - 1 need, and give these as soon as they can be had.
template <class Take, class Give> void stream(int64_t height, int64_t first, int64_t last, Take take, Give give) {
    int64_t next = std::max<int64_t>(first - BLUR, 0);
    for (int64_t y = first; y < last; ++y) {
        while (next <= std::min(y + BLUR, height - 1)) take(next++);
        give(y);
    }
}

/// Call work(scale, first, last) for spans of rows that cover all scales, on as many threads as are worth it.
template <class Work> void each_span(const std::vector<Size> &sizes, int threads, const Work &work) {
    constexpr int64_t ROWS = 64, WORTH = 1 << 16;  // rows that a thread is worth, pixels that threads at all are
    threads = sizes[0].height * sizes[0].width < WORTH ? 1 : threads ? threads : processors();
    struct Span {
        int scale;
        int64_t first, last;
    };
    std::vector<Span> spans;
    for (int scale = 0; scale < int(sizes.size()); ++scale) {
        const int64_t height = sizes[size_t(scale)].height, step = std::max((height + threads - 1) / threads, ROWS);
        for (int64_t first = 0; first < height; first += step) spans.push_back({scale, first, std::min(first + step, height)});
    }
    const auto one = [&](int64_t i) { work(spans[size_t(i)].scale, spans[size_t(i)].first, spans[size_t(i)].last); };
    ThreadPool(threads - 1).each(int64_t(spans.size()), one, {});
}

/// The original: its XYB planes and their blurred means, at every scale.
class Reference {
  public:
    Reference(const uint8_t *pixels, Size size, int channels, uint8_t ground, int threads)
        : light(pixels, size, channels, ground) {
        for (size_t scale = 0; scale < light.sizes.size(); ++scale) {
            const size_t floats = size_t(light.sizes[scale].height * 3 * light.sizes[scale].stride());
            planes_[scale].reset(new float[floats]);
            means_[scale].reset(new float[floats]);
        }
        each_span(light.sizes, threads, [this](int scale, int64_t first, int64_t last) { prepare(scale, first, last); });
    }

    const float *plane(int scale, int64_t y, int c) const { return at(planes_, scale, y, c); }
    const float *mean(int scale, int64_t y, int c) const { return at(means_, scale, y, c); }

    Light light;

  private:
    /// Make rows first...last - 1 of a scale.
    void prepare(int scale, int64_t first, int64_t last) {
        const Size size = light.sizes[size_t(scale)];
        const int64_t stride = size.stride();
        Ring blurred(size, 3), padded(size, 1);
        std::vector<float> room(size_t(6 * stride));
        float *now = room.data() + 3 * stride;
        stream(
            size.height, first, last,
            [&](int64_t y) {
                xyb(light.row(scale, y, room.data()), now, stride);
                if (y >= first && y < last) std::copy(now, now + 3 * stride, plane(scale, y, 0));
                for (int c = 0; c < 3; ++c) {
                    float *row = padded.row(0, 0);
                    std::copy(now + c * stride, now + (c + 1) * stride, row);
                    padded.pad(row, -MIDDLE[c]);
                    blur_along(row, blurred.row(y, c), stride);
                }
            },
            [&](int64_t y) {
                for (int c = 0; c < 3; ++c) blur_down(blurred.around(y, c).data(), mean(scale, y, c), stride);
            });
    }

    using Planes = std::array<std::unique_ptr<float[]>, SCALES>;

    float *at(const Planes &planes, int scale, int64_t y, int c) const {
        return planes[size_t(scale)].get() + (y * 3 + c) * light.sizes[size_t(scale)].stride();
    }
    float *plane(int scale, int64_t y, int c) { return at(planes_, scale, y, c); }
    float *mean(int scale, int64_t y, int c) { return at(means_, scale, y, c); }

    Planes planes_, means_;
};

/// x^0.6276336467831387 of x > 0 by + - * / alone: a libm's last bit differs from machine to machine.
inline double final_power(double x) {
    constexpr double POWER = 0.6276336467831387, LN2 = 0.69314718055994530942;
    int exponent;
    double m = std::frexp(x, &exponent);  // exact, as is ldexp
    if (m < 0.70710678118654752) m *= 2, --exponent;
    const double s = (m - 1) / (m + 1), square = s * s;
    double log = 0;
    for (int i = 25; i >= 1; i -= 2) log = log * square + 2.0 / i;
    const double t = POWER * (exponent * LN2 + log * s);
    const double whole = std::floor(t / LN2 + 0.5), rest = t - whole * LN2;
    double sum = 1;
    for (int i = 16; i >= 1; --i) sum = 1 + sum * rest / i;
    return std::ldexp(sum, int(whole));
}

/// Another picture beside the original.
class Comparison {
  public:
    Comparison(const Reference &reference, const uint8_t *pixels, int channels, uint8_t ground, int threads)
        : reference_(reference), light_(pixels, reference.light.sizes[0], channels, ground) {
        for (size_t scale = 0; scale < light_.sizes.size(); ++scale)
            sums_[scale].resize(size_t(light_.sizes[scale].height * 3 * NORMS));
        each_span(light_.sizes, threads, [this](int scale, int64_t first, int64_t last) { compare(scale, first, last); });
    }

    double score() const {
        const int scales = int(light_.sizes.size());
        double total = 0;
        for (int c = 0; c < 3; ++c)
            for (int scale = 0; scale < scales; ++scale) {
                const std::array<double, NORMS> norms = norms_of(scale, c);
                const double *weights = WEIGHTS + (c * scales + scale) * NORMS;
                for (int norm = 0; norm < 2; ++norm)
                    for (int map = 0; map < 3; ++map) total += weights[3 * norm + map] * norms[size_t(2 * map + norm)];
            }
        total *= 0.9562382616834844;
        total = 2.326765642916932 * total - 0.020884521182843837 * total * total +
                6.248496625763138e-05 * total * total * total;
        return total > 0 ? 100 - 10 * final_power(total) : 100;
    }

  private:
    /// Look at rows first...last - 1 of a scale.
    void compare(int scale, int64_t first, int64_t last) {
        const Size size = light_.sizes[size_t(scale)];
        const int64_t stride = size.stride();
        Ring differences(size, 3), blurred(size, 9), padded(size, 2);
        std::vector<float> room(size_t(6 * stride)), means(size_t(4 * stride));
        float *now = room.data() + 3 * stride, *shift = means.data(), *square = shift + stride;
        float *both = square + stride, *terms = both + stride;
        stream(
            size.height, first, last,
            [&](int64_t y) {
                xyb(light_.row(scale, y, room.data()), now, stride);
                for (int c = 0; c < 3; ++c) {
                    if (!counts(scale, c, true) && !counts(scale, c, false)) continue;
                    float *e = differences.row(y, c), *e2 = padded.row(0, 0), *s = padded.row(0, 1);
                    differ(reference_.plane(scale, y, c), now + c * stride, e, e2, s, stride);
                    differences.pad(e, 0);
                    blur_along(e, blurred.row(y, c), stride);
                    if (!counts(scale, c, true)) continue;
                    padded.pad(e2, 0);
                    padded.pad(s, 2 * MIDDLE[c] * MIDDLE[c]);
                    blur_along(e2, blurred.row(y, 3 + c), stride);
                    blur_along(s, blurred.row(y, 6 + c), stride);
                }
            },
            [&](int64_t y) {
                for (int c = 0; c < 3; ++c) {
                    double *sums = sums_[size_t(scale)].data() + (y * 3 + c) * NORMS;
                    const float *mean = reference_.mean(scale, y, c);
                    const bool inner = counts(scale, c, true), outer = counts(scale, c, false);
                    if (inner || outer) blur_down(blurred.around(y, c).data(), shift, stride);
                    if (inner) {
                        blur_down(blurred.around(y, 3 + c).data(), square, stride);
                        blur_down(blurred.around(y, 6 + c).data(), both, stride);
                        structure(mean, shift, square, both, size.width, terms, sums);
                    }
                    if (outer)
                        edges(reference_.plane(scale, y, c), mean, differences.row(y, c), shift, size.width, terms,
                              sums + 2);
                }
            });
    }

    // Whether some weight of the structure, or of the edges, is not 0. With fewer scales, weights meant for
    // others are used: so it is defined, by a counter that runs on.
    bool counts(int scale, int c, bool structure) const {
        const double *w = WEIGHTS + (c * int(light_.sizes.size()) + scale) * NORMS;
        return structure ? w[0] != 0 || w[3] != 0 : w[1] != 0 || w[2] != 0 || w[4] != 0 || w[5] != 0;
    }

    // Mean and 4-norm of each of the three maps.
    std::array<double, NORMS> norms_of(int scale, int c) const {
        const Size size = light_.sizes[size_t(scale)];
        std::array<double, NORMS> norms{};
        for (int64_t y = 0; y < size.height; ++y)
            for (int i = 0; i < NORMS; ++i) norms[size_t(i)] += sums_[size_t(scale)][size_t((y * 3 + c) * NORMS + i)];
        for (int i = 0; i < NORMS; ++i) {
            norms[size_t(i)] /= double(size.height * size.width);
            if (i % 2) norms[size_t(i)] = std::sqrt(std::sqrt(norms[size_t(i)]));
        }
        return norms;
    }

    const Reference &reference_;
    Light light_;
    std::array<std::vector<double>, SCALES> sums_;
};

}  // namespace tinct::ssimulacra2
