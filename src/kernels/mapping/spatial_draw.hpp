// A whole picture drawn under the blur: how many rounds of K-means, on how much of it, and what dots may cost.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "mapping/spatial.hpp"

namespace tinct::spatial {

struct Settings {
    float dither;  // above 0
    int effort;    // below 0: once over the picture, with the colors as they are
    int threads;
};

// What an unblurred error counts. At `dither` 1 dots are as fine as it gets; towards 0 they turn into the textbook's
// nearest colors. At the default, 0.75, it is 0.14 at 8 to 16 colors. More colors need fewer dots, and 256 get 0.33:
// with 0.12 they took 9 % more bytes than error diffusion. With fewer than 8 dots are most of the picture: at 4 half of
// them cost 1.3 points and save 10 % of the bytes. Small pictures are looked at enlarged, where dots are seen: at
// 128 x 128 it is twice that.
inline double own_error(float dither, int colors, int64_t pixels) {
    constexpr double FINEST = 0.03, COARSER = 0.13, LEAST = 1.0 / 64;
    const double d = std::max(double(dither), LEAST);
    const float many = std::max(1.0f, float(colors) / 16.0f);
    const double few = std::clamp(8.8 / colors, 1.0, 2.2);
    const double small = std::clamp(256 / std::sqrt(double(pixels)), 1.0, 4.0);
    return small * (FINEST + few * COARSER * (1 / (d * d) - 1)) * double(color::cube_root(color::Floats{} + many)[0]);
}

// Rounds of K-means. The fewer colors, the more the palette has to move: from 6 to 10 rounds, 8 colors gain 1.5 points
// of SSIMULACRA2; from 4 to 6, 16 gain 1.3, 32 0.7, 64 0.5; from 1 to 8, 256 gain 1.3.
inline int count_rounds(int effort, int colors) {
    if (effort < 0) return 0;
    if (colors > 128) return effort >= 5 ? 8 : 1;
    if (effort == 0) return 2;
    if (colors <= 8) return 10;
    return effort >= 5 ? 8 : 6;
}

// Tiles from all over a picture, one below the other: so many pixels tell what the colors should be.
struct Tiles {
    static constexpr int64_t WIDTH = 512, HEIGHT = BAND;
    std::vector<uint8_t> pixels;
    int64_t width, count;
    Tiles(const Picture &picture, int64_t size)
        : width(std::min(picture.width, WIDTH)), count(std::min(size / (width * HEIGHT), picture.height / HEIGHT)) {
        const int64_t each = picture.channels, row = width * each;
        pixels.reserve(size_t(count * HEIGHT * row));
        for (int64_t i = 0; i < count; ++i) {
            const int64_t top = i * (picture.height - HEIGHT) / std::max<int64_t>(count - 1, 1);
            const int64_t left = i * 3 % 8 * (picture.width - width) / 7;
            for (int64_t y = top; y < top + HEIGHT; ++y) {
                const uint8_t *from = picture.at(y * picture.width + left);
                pixels.insert(pixels.end(), from, from + row);
            }
        }
    }
    Picture picture(int channels) const { return {pixels.data(), count * HEIGHT, width, channels}; }
};

// Color is blurred wider than lightness, as the eye does; with more than 32 colors it may err a little more.
inline Sight sight_of(double blurred, double own, int colors) {
    return {{blurred, 1.5 * blurred}, {own, 0.6 * own}, colors <= 32 ? 1.0 : 0.5, 1};
}

// Rounds of K-means from a first drawing. The blur grows to its full width, which leaves the drawing in fewer poor
// places to rest. The last one draws only where the drawing is wanted.
inline void run(SpatialQuantizer &quantizer, int rounds, double own, int colors, bool wanted = true) {
    quantizer.look(sight_of(rounds > 0 ? 0.7 : 1, own, colors));
    quantizer.sweep(false);
    for (int round = 0; round < rounds; ++round) {
        const double blurred = 0.7 + 0.3 * (round + 1.0) / rounds;
        quantizer.look(sight_of(blurred, 0.3 * own, colors));  // colors are chosen for what melts
        quantizer.update(2);
        if (round + 1 == rounds && !wanted) break;
        quantizer.look(sight_of(blurred, own, colors));
        quantizer.sweep(round % 2 != 0);
    }
}

// The palette moved by what a picture, or tiles of one, shows; and that drawn, if it is wanted.
inline std::vector<uint8_t> move(const Picture &picture, color::Colors &palette, const uint8_t *fixed, double own,
                                 const Settings &settings, const std::function<void()> &poll, bool wanted = true) {
    const int k = int(palette.size()) / picture.channels;
    std::vector<uint8_t> indices(size_t(picture.size()));
    SpatialQuantizer quantizer(picture, palette.data(), k, fixed, indices.data(), settings.threads, poll);
    if (!quantizer.draws()) return indices;
    run(quantizer, count_rounds(settings.effort, k), own, k, wanted);
    palette = quantizer.palette;
    return indices;
}

// Whether tiles of so many pixels in all are a part of the picture, and far less.
inline bool is_part(int64_t size, const Picture &picture) {
    return picture.size() >= 2 * size && picture.height >= 4 * Tiles::HEIGHT;
}

// Moves the palette by so many pixels, or all of them.
inline void move(const Picture &picture, color::Colors &palette, const uint8_t *fixed, int64_t size,
                 const Settings &settings, const std::function<void()> &poll) {
    const double own = own_error(settings.dither, int(palette.size()) / picture.channels, picture.size());
    if (!is_part(size, picture)) {
        move(picture, palette, fixed, own, settings, poll, false);
        return;
    }
    const Tiles tiles(picture, size);
    move(tiles.picture(picture.channels), palette, fixed, own, settings, poll, false);
}

// Marks entries beside those that are marked: fills, of which most pixels are the very color but for one code of noise, and
// those of few pixels, which would err by much to make up for their neighbors.
inline void keep_fills(const Picture &picture, const color::Colors &palette, const uint8_t *indices,
                       std::vector<uint8_t> &fixed) {
    constexpr uint64_t FEW = 16, SAME = uint64_t(1) << 32;
    const size_t each = size_t(picture.channels);
    std::array<std::array<uint64_t, 256>, 2> counts{};  // of either kind; in turns, or each pixel waits for the one before
    for (int64_t i = 0; i < picture.size(); ++i) {
        const uint8_t *pixel = picture.at(i), *color = &palette[indices[i] * each];
        bool same = true;
        for (int j = 0; j < 3; ++j) same &= unsigned(pixel[j] - color[j] + 1) <= 2;
        counts[size_t(i % 2)][indices[i]] += same ? SAME : 1;
    }
    fixed.resize(palette.size() / each);
    for (size_t i = 0; i < fixed.size(); ++i) {
        const uint64_t all = counts[0][i] + counts[1][i], same = all / SAME, others = all % SAME;
        fixed[i] |= same > others || same + others < FEW;
    }
}

// The update alone, by a drawing in which loss moved pixels from their nearest entries. At the same bytes photographs gain
// 0.5 to 0.8 points of SSIMULACRA2, single ones up to 2, graphics 0.5. (By a third of a photograph's pixels, in tiles, it
// loses up to 10: what an entry errs by in them is hardly what it errs by elsewhere.)
inline void settle(const Picture &picture, color::Colors &palette, std::vector<uint8_t> &indices,
                   std::vector<uint8_t> fixed, int threads, const std::function<void()> &poll) {
    constexpr double OWN = 0.15;
    const int k = int(palette.size()) / picture.channels;
    keep_fills(picture, palette, indices.data(), fixed);
    SpatialQuantizer quantizer(picture, palette.data(), k, fixed.data(), indices.data(), threads, poll);
    quantizer.look(sight_of(1, OWN, k));
    quantizer.update(2);
    palette = quantizer.palette;
}

// Draws the picture with the palette, which moves on the way, but for entries that are `fixed` (or null) or not
// opaque. Pixels that are not opaque keep the indices they have. False, and nothing done: no entry is opaque.
inline bool draw(const Picture &picture, color::Colors &palette, const uint8_t *fixed,
                 const Settings &settings, const std::function<void()> &poll, uint8_t *indices) {
    const int k = int(palette.size()) / picture.channels;
    const double own = own_error(settings.dither, k, picture.size());
    // Of 10 megapixels half of that costs 6 points at 16 colors, twice as much gains 1.
    const int64_t enough = int64_t(1) << (settings.effort >= 5 ? 20 : k <= 128 ? 19 : 18);
    const bool part = settings.effort >= 0 && is_part(enough, picture);
    if (part) {
        const Tiles tiles(picture, enough);
        move(tiles.picture(picture.channels), palette, fixed, own, settings, poll, false);
    }
    SpatialQuantizer quantizer(picture, palette.data(), k, fixed, indices, settings.threads, poll);
    if (!quantizer.draws()) return false;
    if (part) {
        quantizer.look(sight_of(1, own, k));
        quantizer.sweep(false);
        // Of 10 megapixels a second one takes as long again, for 3.6 points at 16 colors and 0.6 at 256.
        if (settings.effort > 1 || picture.size() < 1 << 21) quantizer.sweep(true);
    } else {
        run(quantizer, count_rounds(settings.effort, k), own, k);
    }
    palette = quantizer.palette;
    return true;
}

}  // namespace tinct::spatial
