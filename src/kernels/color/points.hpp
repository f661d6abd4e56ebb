// Colors as the points that K-means sees, in Oklab or in sRGB, with alpha or without, and the way back to 8 bits. What
// `tinct/color.py` promises is done here.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "color/oklab.hpp"

namespace tinct::color {

using Colors = std::vector<uint8_t>;  // [n][channels]

enum class Space { oklab, srgb };

constexpr double ROOT_3 = 1.7320508075688772;

// In sRGB every channel behaves as L does: (a·r - a/2, a·g - a/2, a·b - a/2, √3·a/2) with alpha.
inline void code_points(const uint8_t *colors, int64_t n, int channels, float *out) {
    static const std::array<float, 256> shares = [] {
        std::array<float, 256> all{};
        for (int code = 0; code < 256; ++code) all[size_t(code)] = float(code) / 255.0f;
        return all;
    }();
    if (channels == 3) {
        std::transform(colors, colors + n * 3, out, [&](uint8_t code) { return shares[code]; });
        return;
    }
    for (int64_t i = 0; i < n; ++i, colors += 4, out += 4) {
        for (int j = 0; j < 4; ++j) out[j] = shares[colors[j]];
        const float opacity = out[3];
        for (int j = 0; j < 3; ++j) out[j] = out[j] * opacity - opacity / 2;
        out[3] = opacity * float(ROOT_3 / 2);
    }
}

inline void to_points(const uint8_t *colors, int64_t n, int channels, Space space, float *out) {
    if (space == Space::srgb) code_points(colors, n, channels, out);
    else (channels == 4 ? points_of<4> : points_of<3>)(colors, n, out);
}

inline std::vector<float> to_points(const Colors &colors, int channels, Space space) {
    std::vector<float> points(colors.size());
    to_points(colors.data(), int64_t(colors.size()) / channels, channels, space, points.data());
    return points;
}

// The way back. Oklab to cone responses (cube roots) and these, cubed, to linear sRGB: Ottosson's inverses.
constexpr double FROM_OPPONENTS[3][3] = {{1.0, 0.3963377774, 0.2158037573},
                                         {1.0, -0.1055613458, -0.0638541728},
                                         {1.0, -0.0894841775, -1.2914855480}};
constexpr double FROM_CONES[3][3] = {{4.0767416621, -3.3077115913, 0.2309699292},
                                     {-1.2684380046, 2.6097574011, -0.3413193965},
                                     {-0.0041960863, -0.7034186147, 1.7076147010}};

inline double row_product(const double (&row)[3], const double *v) {
    return row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
}

// Up to which light each code is the nearest.
constexpr double most_light(int code) { return LINEAR_STEPS[size_t(2 * code + 1)]; }
// The code at which each of so many steps of light begins.
constexpr int CELLS = 4096;
constexpr std::array<uint8_t, CELLS> FIRST_CODES = [] {
    std::array<uint8_t, CELLS> first{};
    for (int cell = 0, code = 0; cell < CELLS; first[size_t(cell++)] = uint8_t(code))
        while (code < 255 && most_light(code) < double(cell) / CELLS) ++code;
    return first;
}();

// Light is rounded to the code whose limits it lies between, so no power is needed.
inline uint8_t light_to_code(double light) {
    if (!(light > 0)) return 0;
    if (light >= 1) return 255;
    int code = FIRST_CODES[size_t(light * CELLS)];
    while (code < 255 && most_light(code) < light) ++code;
    return uint8_t(code);
}

inline uint8_t share_to_code(double share) { return uint8_t(std::floor(std::clamp(share, 0.0, 1.0) * 255 + 0.5)); }

inline void oklab_to_code(const double *lab, uint8_t *color) {
    double cones[3];
    for (int j = 0; j < 3; ++j) {
        const double root = row_product(FROM_OPPONENTS[j], lab);
        cones[j] = root * root * root;
    }
    for (int j = 0; j < 3; ++j) color[j] = light_to_code(row_product(FROM_CONES[j], cones));
}

// Colors of n points, clipped and rounded; (0, 0, 0, 0) where the opacity rounds to 0.
inline void from_points(const double *points, int64_t n, int channels, Space space, uint8_t *out) {
    for (int64_t i = 0; i < n; ++i, points += channels, out += channels) {
        double color[3] = {points[0], points[1], points[2]};
        if (channels == 4) {
            const double half = points[3] / (space == Space::oklab ? 1 : ROOT_3);  // half the opacity
            const double opacity = std::clamp(2 * half, 0.0, 1.0);
            out[3] = share_to_code(opacity);
            for (int j = 0; j < 3; ++j) {
                if (j == 0 || space == Space::srgb) color[j] += half;
                color[j] /= std::max(opacity, 0.5 / 255);
            }
        }
        if (space == Space::oklab) oklab_to_code(color, out);
        else std::transform(color, color + 3, out, share_to_code);
        if (channels == 4 && out[3] == 0) std::fill(out, out + 3, uint8_t(0));
    }
}

}  // namespace tinct::color
