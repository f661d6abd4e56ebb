// sRGB to Oklab, eight colors at a time. Every operation is one that IEEE 754 rounds exactly, in an order written here,
// so the same bits come out on every CPU.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

// Code compiled for one instruction set must not be merged with that for another: nothing is left to merge.
#define TINCT_INLINE [[gnu::always_inline]] inline

namespace tinct::color {

// The sRGB curve (IEC 61966-2-1) without a libm: x^2.4 = x^2 * fifth root of x^2, by Newton from above.
constexpr double to_linear(double x) {
    if (x <= 0.04045) return x / 12.92;
    const double v = (x + 0.055) / 1.055, square = v * v;
    double root = 1;
    for (int i = 0; i < 60; ++i) {
        const double fourth = root * root * root * root;
        root -= (root * fourth - square) / (5 * fourth);
    }
    return square * root;
}

// Light at the 256 codes and half way between them: the latter are the limits of rounding to a code.
constexpr int STEPS = 511;
constexpr std::array<double, STEPS> LINEAR_STEPS = [] {
    std::array<double, STEPS> steps{};
    for (int i = 0; i < STEPS; ++i) steps[i] = to_linear(i / 510.0);
    return steps;
}();
constexpr std::array<float, 256> LINEAR = [] {
    std::array<float, 256> codes{};
    for (int i = 0; i < 256; ++i) codes[i] = float(LINEAR_STEPS[2 * i]);
    return codes;
}();

// Ottosson, "A perceptual color space for image processing", 2020 (matrices of 2021-01-25).
constexpr float CONES[3][3] = {{0.4122214708f, 0.5363325363f, 0.0514459929f},
                               {0.2119034982f, 0.6806995451f, 0.1073969566f},
                               {0.0883024619f, 0.2817188376f, 0.6299787005f}};
constexpr float OPPONENTS[3][3] = {{0.2104542553f, 0.7936177850f, -0.0040720468f},
                                   {1.9779984951f, -2.4285922050f, 0.4505937099f},
                                   {0.0259040371f, 0.7827717662f, -0.8086757660f}};

constexpr int LANES = 8;
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));

// Cube root of x >= 0: a third of the exponent as first guess (within 4 %), then Halley twice. Written as a
// correction, the last step is good to one unit in the last place; x = 0 gives 0.
TINCT_INLINE Floats cube_root(Floats given) {
    const Floats x = given + 1e-30f;  // light is 0 or far above; the powers of 0's guess would be subnormal, and slow
    const Ints bits = std::bit_cast<Ints>(x);
    const Floats third = __builtin_convertvector(bits, Floats) * (1.0f / 3.0f);
    Floats y = std::bit_cast<Floats>(__builtin_convertvector(third, Ints) + 709921077);
    for (int i = 0; i < 2; ++i) {
        const Floats cube = y * y * y;
        y += y * ((x - cube) / (cube + cube + x));
    }
    return given > 0 ? y : Floats{};
}

TINCT_INLINE Floats row_product(const float (&row)[3], const Floats (&v)[3]) {
    return row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
}

// Points of eight colors. With alpha, the squared distance between two points is the mean of the squared
// Oklab distances over black and over white; see tinct/color.py for the algebra.
template <int C> TINCT_INLINE void eight_points(const uint8_t *const (&color)[LANES], Floats (&point)[C]) {
    Floats light[3], cones[3];
    for (int lane = 0; lane < LANES; ++lane)
        for (int j = 0; j < 3; ++j) light[j][lane] = LINEAR[color[lane][j]];
    for (int j = 0; j < 3; ++j) cones[j] = cube_root(row_product(CONES[j], light));
    for (int j = 0; j < 3; ++j) point[j] = row_product(OPPONENTS[j], cones);
    if constexpr (C == 4) {
        Floats alpha;
        for (int lane = 0; lane < LANES; ++lane) alpha[lane] = float(color[lane][3]) / 255.0f;
        point[3] = alpha * 0.5f;
        for (int j = 0; j < 3; ++j) point[j] *= alpha;
        point[0] -= point[3];
    }
}

// The points of n colors, written here for whichever instruction set inlines it.
template <int C> TINCT_INLINE void write_points(const uint8_t *colors, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += LANES) {
        // Flat pictures repeat themselves: a fifth of the time to draw an icon of 418 colors went without this.
        if (i >= LANES && i + LANES <= n && !std::memcmp(colors + i * C, colors + (i - LANES) * C, LANES * C)) {
            std::memcpy(out + i * C, out + (i - LANES) * C, sizeof(float) * LANES * C);
            continue;
        }
        const uint8_t *color[LANES];
        for (int lane = 0; lane < LANES; ++lane) color[lane] = colors + std::min(i + lane, n - 1) * C;
        Floats point[C];
        eight_points<C>(color, point);
        for (int64_t lane = 0; lane < std::min<int64_t>(LANES, n - i); ++lane)
            for (int j = 0; j < C; ++j) out[(i + lane) * C + j] = point[j][lane];
    }
}

// The same by the best instruction set that this CPU has: dispatch.cpp.
using PointsOf = void (*)(const uint8_t *colors, int64_t n, float *out);
template <int C> void points_of(const uint8_t *colors, int64_t n, float *out);
template <> void points_of<3>(const uint8_t *colors, int64_t n, float *out);
template <> void points_of<4>(const uint8_t *colors, int64_t n, float *out);
extern const PointsOf points3_baseline, points3_avx2, points3_avx512, points4_baseline, points4_avx2, points4_avx512;

}  // namespace tinct::color
