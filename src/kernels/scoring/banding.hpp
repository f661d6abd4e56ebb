// Bands that a drawing has and its original has not: areas of one lightness that lie side by side, a small step apart.
//
// The idea is CAMBI's (Tandon, Afonso, Sole, Krasula, Netflix 2021): where neighbors are equal, a histogram in which
// two levels are both common is a band's edge. Here histograms are those of blocks, at full size and
// halved, where dots melt and what the eye takes for one area becomes one. The two add up.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "picture/picture.hpp"
#include "scoring/difference.hpp"

namespace tinct::banding {

constexpr int CODE = 256;                // lightness: 8-bit codes (BT.709 weights) in 256ths
constexpr int64_t SIDE = 32;             // of a block
constexpr int64_t AROUND = 3;            // an area is what has equal neighbors in most of the 7 x 7 pixels around
// Larger steps are edges and not counted, but where most of the original is smooth, and for no more than NEAR.
constexpr int NEAR = 8, FAR = 40;
constexpr int SMOOTH = 3 * CODE;

struct Plane {
    std::vector<uint16_t> light;  // [height][width]
    int64_t height, width;
    int at(int64_t y, int64_t x) const { return light[size_t(y * width + x)]; }
    /// Whether the pixels to the right and below, those there are, differ by so little.
    bool equal(int64_t y, int64_t x, int most) const {
        const int here = at(y, x);
        return std::abs(here - at(y, std::min(x + 1, width - 1))) <= most &&
               std::abs(here - at(std::min(y + 1, height - 1), x)) <= most;
    }
};

inline Plane light_of(const Picture &picture, int ground) {
    Plane out{std::vector<uint16_t>(size_t(picture.size())), picture.height, picture.width};
    for (int64_t i = 0; i < picture.size(); ++i) {
        const uint8_t *c = picture.at(i);
        int rgb[3];
        for (int j = 0; j < 3; ++j) rgb[j] = picture.channels == 4 ? difference::seen(c, j, ground) : c[j];
        out.light[size_t(i)] = uint16_t(54 * rgb[0] + 183 * rgb[1] + 19 * rgb[2]);
    }
    return out;
}

/// Means of 2 x 2 pixels; an odd last row or column is left out.
inline Plane halved(const Plane &plane) {
    Plane out{{}, plane.height / 2, plane.width / 2};
    out.light.reserve(size_t(out.height * out.width));
    for (int64_t y = 0; y < out.height * 2; y += 2)
        for (int64_t x = 0; x < out.width * 2; x += 2)
            out.light.push_back(uint16_t(
                (plane.at(y, x) + plane.at(y, x + 1) + plane.at(y + 1, x) + plane.at(y + 1, x + 1) + 2) / 4));
    return out;
}

/// The level of each pixel that lies in an area of one lightness, counted from 1; 0 elsewhere.
inline std::vector<uint16_t> areas_of(const Plane &plane) {
    const int64_t h = plane.height, w = plane.width, r = AROUND;
    std::vector<uint16_t> out(size_t(h * w), 0);
    std::vector<int32_t> columns(size_t(w), 0);
    const auto add_row = [&](int64_t y, int sign) {
        for (int64_t x = 0; y >= 0 && y < h && x < w; ++x) columns[size_t(x)] += sign * plane.equal(y, x, CODE / 2);
    };
    for (int64_t y = 0; y < r; ++y) add_row(y, 1);
    for (int64_t y = 0; y < h; ++y) {
        add_row(y + r, 1);
        add_row(y - r - 1, -1);
        const int64_t rows = std::min(y + r, h - 1) - std::max<int64_t>(y - r, 0) + 1;
        int64_t equal = 0;
        for (int64_t x = 0; x < std::min(r, w); ++x) equal += columns[size_t(x)];
        for (int64_t x = 0; x < w; ++x) {
            if (x + r < w) equal += columns[size_t(x + r)];
            if (x > r) equal -= columns[size_t(x - r - 1)];
            const int64_t all = rows * (std::min(x + r, w - 1) - std::max<int64_t>(x - r, 0) + 1);
            if (2 * equal > all) out[size_t(y * w + x)] = uint16_t(1 + (plane.at(y, x) + CODE / 2) / CODE);
        }
    }
    return out;
}

struct Block {
    int64_t top, left, height, width;
    double size() const { return double(height * width); }
};

/// Whether lightness changes little from pixel to pixel in nine tenths of a block.
inline bool is_smooth(const Plane &plane, const Block &b) {
    int64_t smooth = 0;
    for (int64_t y = b.top; y < b.top + b.height; ++y)
        for (int64_t x = b.left; x < b.left + b.width; ++x) smooth += plane.equal(y, x, SMOOTH);
    return 10 * smooth > 9 * b.height * b.width;
}

/// The edge of a block that shows most: codes of the step times the share of the block that lies on both sides.
inline double edge(const std::vector<uint16_t> &areas, int64_t width, const Block &b, int furthest) {
    std::array<int32_t, 257 + FAR> counts{};
    for (int64_t y = b.top; y < b.top + b.height; ++y)
        for (int64_t x = b.left; x < b.left + b.width; ++x) ++counts[areas[size_t(y * width + x)]];
    double most = 0;
    for (size_t level = 1; level <= 256; ++level)
        for (int step = 1; counts[level] && step <= furthest; ++step) {
            const double one = counts[level], other = counts[level + size_t(step)];
            most = std::max(most, std::min(step, NEAR) * (one * other / (one + other)));
        }
    return most / b.size();
}

/// How much more edge the blocks of a drawing have than its original's, in the mean. They lie 32 pixels apart, since blocks that
/// overlap take twice the time and change the ranks of drawings by 0.01.
inline double bands_at(const Plane &original, const Plane &drawn) {
    const int64_t h = original.height, w = original.width, high = std::min(h, SIDE), wide = std::min(w, SIDE);
    const auto before = areas_of(original), after = areas_of(drawn);
    double sum = 0;
    int64_t blocks = 0;
    // The last ones end at the border.
    for (int64_t y = 0; y < h; y += SIDE)
        for (int64_t x = 0; x < w; x += SIDE, ++blocks) {
            const Block block{std::min(y, h - high), std::min(x, w - wide), high, wide};
            const int furthest = is_smooth(original, block) ? FAR : NEAR;
            // All edges of the original: one that became smaller is no band.
            sum += std::max(edge(after, w, block, furthest) - edge(before, w, block, FAR), 0.0);
        }
    return sum / double(blocks);
}

/// At full size and halved, if there is a pixel left.
inline double bands(const Picture &original, const Picture &drawn, int ground) {
    const Plane one = light_of(original, ground), other = light_of(drawn, ground);
    const double whole = bands_at(one, other);
    return std::min(one.height, one.width) < 2 ? whole : whole + bands_at(halved(one), halved(other));
}

}  // namespace tinct::banding
