// Lossy mapping: visible error weighed against the bits that a file's coder will spend. What `tinct/mapping/lossy.py`
// promises is done here.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "mapping/lzw.hpp"
#include "mapping/prune.hpp"
#include "mapping/rate_job.hpp"
#include "mapping/remap.hpp"
#include "mapping/smoothness.hpp"
#include "picture/fills.hpp"
#include "picture/indices.hpp"

namespace tinct::mapping {

struct LossyOptions {
    float spread = 0;  // share of a pixel's error that is diffused
    float price = 0;   // weighted squared error that one bit is worth, at least
    float share = 0;   // and at least so much of the palette's own error
    int search = 3;    // 0 to 4: how many ways to go on are kept
    BitModel bits;     // of the file that will hold the indices
    int threads = 0;
    // Of a film's frame: the entries that stand there and that must, the transparent one where none does; or null.
    const uint8_t *held = nullptr, *must = nullptr;
    const float *worth = nullptr;  // how much more than once an error counts, or null
    bool moves = true;             // whether the palette may
    std::vector<uint8_t> stays{};  // whether an entry must, for each; or empty
    float part = 1;                // of the picture that a file will hold
};

// Made in bands of about so many pixels. A band knows its own indices only, so copies of those above end there: at
// a megapixel a band's first rows are a few percent of it. It starts some rows early, as those of the diffusion do.
// In HASTE a band is that large, or about PART of a large picture, because those early rows would be half of what wide
// bands of 33 megapixels draw. From SHARED pixels on two threads share a picture: of 118 icons that takes 0.7 of the
// time for 2.4 % more bytes, of 12 small photographs 0.6 for 0.3 %.
constexpr int64_t LOSSY_BAND = 1 << 20, HASTE = 3 << 16, PART = 32, SHARED = 3 << 14;

// How much a palette errs: pixels in their nearest entries. (Fills have none: what a palette lacks for them says nothing of
// the others.)
struct PaletteError {
    double squared = 0;   // mean weighted squared error of those that have any
    double distance = 0;  // mean distance of all
};

// Of every fourth row, of large pictures of a megapixel. No square counts more than MOST times the median: a fill whose
// color the palette lacks says nothing of the others, and made the rest of a screenshot lose 14 points. Of photographs that
// takes 2 % off.
inline PaletteError palette_error(const Picture &picture, const float *weights, const std::vector<uint8_t> &fills,
                                  const std::vector<float> &points, const uint8_t *nearest, ThreadPool &pool) {
    constexpr float NONE = 1e-8f, MOST = 16;
    const size_t channels = size_t(picture.channels);
    const auto points_of = picture.channels == 4 ? color::points_of<4> : color::points_of<3>;
    const int64_t every = std::max(std::clamp<int64_t>(picture.size() >> 17, 1, 4), picture.size() >> 20);
    struct Part {
        std::vector<float> errors;
        double distances = 0;
    };
    constexpr int64_t ROWS = 64;
    const int64_t rows = (picture.height + every - 1) / every;
    std::vector<Part> parts(size_t((rows + ROWS - 1) / ROWS));
    pool.each(int64_t(parts.size()), [&](int64_t at) {
        Part &part = parts[size_t(at)];
        std::vector<float> row(size_t(picture.width) * channels);
        for (int64_t y = at * ROWS * every; y < std::min((at + 1) * ROWS * every, picture.height); y += every) {
            points_of(picture.at(y * picture.width), picture.width, row.data());
            for (int64_t x = 0; x < picture.width; ++x) {
                const int64_t i = y * picture.width + x;
                float error = 0;
                for (size_t c = 0; c < channels; ++c) {
                    const float e = row[size_t(x) * channels + c] - points[nearest[i] * channels + c];
                    error += e * e;
                }
                if (picture.hidden(i) || error < NONE || (!fills.empty() && fills[size_t(i)])) continue;
                part.errors.push_back(weights[i] * error);
                part.distances += double(std::sqrt(error));
            }
        }
    }, {});
    std::vector<float> errors;
    double distances = 0;
    for (const Part &part : parts) {
        errors.insert(errors.end(), part.errors.begin(), part.errors.end());
        distances += part.distances;
    }
    if (errors.empty()) return {};
    const double pixels = double(rows) * double(picture.width);
    std::vector<float> halves = errors;
    const auto middle = halves.begin() + int64_t(halves.size() / 2);
    std::nth_element(halves.begin(), middle, halves.end());
    double sum = 0;
    for (const float error : errors) sum += double(std::min(error, MOST * *middle));
    return {sum / double(errors.size()), distances / pixels};
}

// By how much more than the least a bit may cost: nothing in icons, which are looked at enlarged, and where colors are off
// by FAR in the mean, as on screenshots with photographs or of half the size; up to ROOM in pictures of LARGE pixels whose
// colors the palette nearly has. (By their squared error, up to 1, 7 of 118 charts and pieces and smaller copies of graphics
// scored below 88 and pngquant, by up to 7 points; now none. The mean distance tells best what a larger ROOM will lose.)
inline float room(int64_t pixels, float distance) {
    constexpr float SMALL = 1 << 16, LARGE = 1 << 19, FAR = 4.5e-4f, ROOM = 1.6f;
    const float size = std::clamp((float(pixels) - SMALL) / (LARGE - SMALL), 0.0f, 1.0f);
    return ROOM * size * (1 - std::min(distance / FAR, 1.0f));
}

// Pictures whose pixels are seen one by one: with a side below 225 SSIMULACRA2 judges the finest scales alone.
inline bool is_small(const Picture &picture) { return std::min(picture.height, picture.width) < 225; }
// A bit may cost less there, in photographs still less, and of these less error is passed on. Of 254 cut to 224 x 171 and
// 304 x 200 pixels 7 score below 88 and pngquant, by up to 1.8, in 0.743 of its bytes; at 0.6 and 0.5 14, by up to 4.3, in
// 0.742 (mirrored to three times the size they lose half a point by it, and none was or is below). 0.55: 0.732, and one falls
// to pngquant's score mirrored. Passing on 0.1: 4 mirrored ones are below.
constexpr float CARE = 0.6f, CARE_OF_PHOTOGRAPHS = 0.5f, PASSED_ON = 0.25f;
inline float care(const Picture &picture) {
    return !is_small(picture) ? 1.0f : is_flat(picture) ? CARE : CARE_OF_PHOTOGRAPHS;
}
// What an entry's bits are worth there: many stand in one or two pixels of a soft edge. 121 pieces and smaller
// copies of graphics of 0.06 megapixels score 0.3 more so by default, for 0.5 % more bytes; at 1 one fell from 96 to 79. (A
// quarter: 0.1 for 0.4 % more. In 72 larger ones a half costs 0.35 % for 0.04.)
constexpr float ENTRY_OF_SMALL = 0.5f;

// How much more of an error is passed on where bands would show, by default in photographs. With a loss that was asked for
// more than MORE costs up to 7 % of the bytes.
constexpr float MORE = 0.25f, MORE_BY_DEFAULT = 0.54f;
// By default the quickest search of photographs up to LARGE pixels keeps a step more, and another in parts of which so much
// would show bands. With both, CAMBI in full and halved of 17 photographs 1.69, 0.81 -> 1.07, 0.22 (pngquant 1.54,
// 0.18), of 27 others 3.33, 0.84 -> 2.51, 0.37 (2.43, 0.40), for 1 % more bytes and 5 % more time; 0.5 points less on
// SSIMULACRA2. MORE_BY_DEFAULT at 0.5: 1.08, 0.23 and 2.49, 0.39 with a dearer search; at 0.58 0.17, 0.32, for 0.7 % more.
constexpr int64_t LARGE = 1 << 22;
constexpr float SHOWS = 0.2f;
inline bool shows(const std::vector<float> &smooth) {
    return std::accumulate(smooth.begin(), smooth.end(), 0.0) > double(SHOWS) * double(smooth.size());
}

// How much more an error counts in a fill of a flat picture, which passes none on and takes none from above. A row's search
// ends with the row: it took a neighbor's color for a fill because that was some bits cheaper, and again in every row below;
// of fills whose color the palette lacks it made noise. By default 59 graphics take 1.1 % fewer bytes so and score 1.1 more;
// with a loss of 0.3 and 0.7 15 take 2.3 and 2.5 % fewer and score 1.8 and 3.7 more. 5: 1.3 % and 0.9; 16: 0.7 % and 1.3.
// (Fills by another weight in the palette: half a percent either way. Going over what copies from above bring exactly in
// one step, as over runs: 5 to 15 % fewer steps, 0.6 % more bytes.)
constexpr float FILL = 8.0f;

// Of each pixel, told from bands of so many rows.
inline std::vector<uint8_t> find_fills(const Picture &picture, int64_t band, ThreadPool &pool, const std::function<void()> &poll) {
    std::vector<uint8_t> found(size_t(picture.size()));
    pool.each((picture.height + band - 1) / band, [&](int64_t part) {
        const int64_t first = part * band * picture.width, rows = std::min(band, picture.height - part * band);
        const std::vector<uint8_t> inside = Fills({picture.at(first), rows, picture.width, picture.channels}).inside();
        std::copy(inside.begin(), inside.end(), found.begin() + first);
    }, poll);
    return found;
}

// Bits that a pixel is taken to cost where copies are sought, which know nothing of what stands there. (The search for
// an LZW weighs each pixel by itself.)
constexpr float HOLD = 4;

// Marks the pixels of a film's frame that leave what stands there: those that must stay, and, where bits are dear, those
// that hardly differ. Returns the picture without them.
inline std::vector<uint8_t> leave(const Picture &picture, const float *weights, const float *palette, const uint8_t *held,
                                  const uint8_t *must, uint8_t hidden, float lambda, uint8_t *nearest) {
    std::vector<uint8_t> cut(picture.pixels, picture.pixels + picture.size() * 4);
    const float price = HOLD * lambda;
    for (int64_t i = 0; i < picture.size(); ++i) {
        if (nearest[i] == hidden || held[i] == hidden) continue;
        bool left = must[i] == held[i];
        if (must[i] == hidden && price > 0) {
            float point[4], far = 0, near = 0;
            color::points_of<4>(picture.at(i), 1, point);
            for (int c = 0; c < 4; ++c) {
                const float a = point[c] - palette[held[i] * 4 + c], b = point[c] - palette[nearest[i] * 4 + c];
                far += a * a;
                near += b * b;
            }
            left = weights[i] * (far - near) <= price;
        }
        if (!left) continue;
        nearest[i] = hidden;
        std::fill_n(cut.begin() + i * 4, 4, 0);
    }
    return cut;
}

// Lets go of entries that are not worth their bits. (A GIF's table has a power of two of them.)
inline void prune(const Picture &picture, const float *weights, const std::vector<uint8_t> &fills, const uint8_t *colors,
                  int k, const LossyOptions &options, float price, uint8_t *indices) {
    const color::Colors palette(colors, colors + k * picture.channels);
    const std::vector<float> points = color::to_points(palette, picture.channels, Space::oklab);
    const int least = 1 + (1 << options.bits.bits / 2);  // fewer would be packed otherwise than copies were sought
    bool grey = options.bits.coder == Coder::deflate;
    for (int i = 0; grey && i < k; ++i) {
        const uint8_t *color = colors + i * picture.channels;
        grey = color[0] == color[1] && color[1] == color[2] && (picture.channels == 3 || color[3] == 255);
    }
    const float worth = price * options.part * (is_small(picture) ? ENTRY_OF_SMALL : 1.0f);
    const PruneJob job{weights, colors, points.data(), k, options.stays, worth, least, !fills.empty(), !grey,
                       fills.empty() ? nullptr : fills.data(), FILL};
    std::vector<uint8_t> to = Pruner(picture, job, indices, options.threads).to();
    to.resize(256);
    replace_indices(indices, picture.size(), to.data(), options.threads, indices);
}

// From every pixel's nearest entry in `out`, as `remap` finds it, to the one that it takes; `weights` says how visible an
// error is. Opaque, transparent and other pixels keep to their entries, as there.
inline void make_lossy(const Picture &picture, const float *weights, const uint8_t *colors, int k, const LossyOptions &options,
                       int64_t band_pixels, const std::function<void()> &poll, uint8_t *out) {
    const Entries entries(colors, k, picture.channels, Space::oklab);
    if (entries.shown.empty()) return;
    std::vector<uint8_t> order = entries.shown;  // the entries as the search knows them, the hidden one last
    std::vector<float> points = entries.centers.points;
    if (entries.hidden >= 0) {
        order.push_back(uint8_t(entries.hidden));
        points.resize(points.size() + size_t(picture.channels), 0.0f);
    }
    uint8_t place[256] = {};
    for (size_t i = 0; i < order.size(); ++i) place[order[i]] = uint8_t(i);
    std::vector<uint8_t> nearest(size_t(picture.size()));
    replace_indices(out, picture.size(), place, options.threads, nearest.data());

    const int64_t width = picture.width, height = picture.height;
    const bool hasty = band_pixels == HASTE;
    const int64_t parts = even_parts(picture.size(), std::max(band_pixels, hasty ? picture.size() / PART : 0));
    const int64_t least = hasty && picture.size() >= SHARED ? 2 : 1;
    const int64_t band = std::max((height - 1) / std::max(parts, least) + 1, WARM);
    const int64_t bands = (height + band - 1) / band;
    ThreadPool pool(std::min<int64_t>(options.threads ? options.threads : processors(), bands) - 1);
    bool flat = is_flat(picture);
    const std::vector<uint8_t> fills = flat ? find_fills(picture, band, pool, poll) : std::vector<uint8_t>();
    float price = options.price;
    if (options.share > 0) {
        const PaletteError error = palette_error(picture, weights, fills, points, nearest.data(), pool);
        const float lowest = price * (1 + room(picture.size(), float(error.distance)));
        price = std::max(lowest, options.share * float(error.squared)) * care(picture);
        // Distances are means over black and white; what is seen over the worse of them is more.
        if (picture.channels == 4) price *= 0.7f;
    }
    std::vector<uint8_t> held, must, cut;
    std::vector<float> worth;
    if (options.worth) {
        worth.assign(weights, weights + picture.size());
        for (size_t i = 0; i < worth.size(); ++i) worth[i] *= options.worth[i];
        weights = worth.data();
    }
    if (options.held && entries.hidden >= 0) {
        held.assign(options.held, options.held + picture.size());
        must.assign(options.must, options.must + picture.size());
        for (auto *plane : {&held, &must}) for (uint8_t &entry : *plane) entry = place[entry];
        if (options.bits.coder != Coder::lzw)
            cut = leave(picture, weights, points.data(), held.data(), must.data(), uint8_t(order.size() - 1), price, nearest.data());
    }
    const Picture drawn{cut.empty() ? picture.pixels : cut.data(), picture.height, picture.width, picture.channels};
    const bool filled = !fills.empty();
    if (!cut.empty()) flat = is_flat(drawn);
    const auto draw = [&](int64_t part) {
        const int64_t kept = part * band, first = std::max<int64_t>(kept - WARM, 0), last = std::min(kept + band, height);
        std::vector<uint8_t> indices(size_t((last - first) * width));
        const Smoothness smooth(drawn, flat, first, last);
        Buffer<float> visible(filled ? size_t((last - first) * width) : 0);
        for (size_t i = 0, start = size_t(first * width); i < visible.size(); ++i)
            visible[i] = weights[start + i] * (fills[start + i] ? FILL : 1.0f);
        const bool careful = options.share > 0 && !flat, quick = careful && options.search == 0;
        const int more = quick && picture.size() <= LARGE ? 1 + shows(smooth.out) : 0;
        const RateJob job{.pixels = drawn.at(first * width), .weights = filled ? visible.data() : weights + first * width,
                          .smooth = smooth.out.data(),
                          .fills = filled ? fills.data() + first * width : nullptr,
                          .nearest = nearest.data() + first * width, .palette = points.data(), .h = int(last - first),
                          .w = int(width), .channels = picture.channels, .k = int(order.size()),
                          .hidden = entries.hidden < 0 ? -1 : int(order.size()) - 1, .spread = options.spread,
                          .lambda = price, .more = careful ? MORE_BY_DEFAULT : MORE,
                          .effort = options.search + more, .bits = options.bits,
                          .points_of = picture.channels == 4 ? color::points_of<4> : color::points_of<3>,
                          .indices = indices.data(), .held = held.empty() ? nullptr : held.data() + first * width,
                          .must = must.empty() ? nullptr : must.data() + first * width};
        if (job.bits.coder != Coder::lzw) rate_remap()(job);
        else if (picture.channels == 4) lzw::remap<4>(job);
        else lzw::remap<3>(job);
        std::transform(indices.begin() + (kept - first) * width, indices.end(), out + kept * width,
                       [&](uint8_t index) { return order[index]; });
        for (int64_t i = kept * width; i < last * width && !cut.empty(); ++i)  // what copies were free to change
            if (nearest[size_t(i)] != place[entries.hidden] && options.must[i] != entries.hidden) out[i] = options.must[i];
    };
    pool.each(bands, draw, poll);
    if (!options.held && options.bits.coder != Coder::lzw) prune(picture, weights, fills, colors, k, options, price, out);
}

}  // namespace tinct::mapping
