// Lossy mapping: visible error weighed against the bits that a file's coder will spend. What `tinct/mapping/lossy.py`
// promises is done here.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "mapping/lzw.hpp"
#include "mapping/rate_job.hpp"
#include "mapping/remap.hpp"
#include "mapping/smoothness.hpp"

namespace tinct::mapping {

struct LossyOptions {
    float spread = 0;  // share of a pixel's error that is diffused
    float price = 0;   // weighted squared error that one bit is worth, at least
    float share = 0;   // and at least so much of the palette's own error
    int search = 1;    // 0, 1, 2: how many ways to go on are kept
    BitModel bits;     // of the file that will hold the indices
    int threads = 0;
};

// Made in bands of so many pixels, at least. A band knows its own indices only, so copies of those above end there: at
// a megapixel a band's first rows are a few percent of it. It starts some rows early, as those of the diffusion do.
// In HASTE two threads share a picture of 0.4 megapixels.
constexpr int64_t LOSSY_BAND = 1 << 20, HASTE = 3 << 16;

// The mean weighted squared error of pixels in their nearest of `points`, of those that have any.
inline double own_error(const Picture &picture, const float *weights, const std::vector<float> &points,
                        const uint8_t *nearest) {
    constexpr float NONE = 1e-8f;
    const size_t channels = size_t(picture.channels);
    const auto points_of = picture.channels == 4 ? color::points_of<4> : color::points_of<3>;
    std::vector<float> row(size_t(picture.width) * channels);
    double sum = 0;
    int64_t inexact = 0;
    for (int64_t y = 0; y < picture.height; ++y) {
        points_of(picture.at(y * picture.width), picture.width, row.data());
        double line = 0;
        for (int64_t x = 0; x < picture.width; ++x) {
            const int64_t i = y * picture.width + x;
            float error = 0;
            for (size_t c = 0; c < channels; ++c) {
                const float e = row[size_t(x) * channels + c] - points[nearest[i] * channels + c];
                error += e * e;
            }
            if (picture.hidden(i) || error < NONE) continue;
            line += double(weights[i] * error);
            ++inexact;
        }
        sum += line;
    }
    return sum / double(std::max<int64_t>(inexact, 1));
}

// Every pixel's entry; `weights` says how visible an error is. Opaque, transparent and other pixels keep to their
// entries, as in `remap`.
inline void remap_lossy(const Picture &picture, const float *weights, const uint8_t *colors, int k,
                        Histogram &histogram, const LossyOptions &options, int64_t band_pixels,
                        const std::function<void()> &poll, uint8_t *out) {
    remap(picture, colors, k, histogram, {.threads = options.threads}, poll, out);
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
    std::transform(out, out + picture.size(), nearest.begin(), [&](uint8_t entry) { return place[entry]; });

    float price = options.price;
    if (options.share > 0) {
        price = std::max(price, options.share * float(own_error(picture, weights, points, nearest.data())));
        // Distances are means over black and white; what is seen over the worse of them is more.
        if (picture.channels == 4) price *= 0.7f;
    }
    const std::vector<float> smooth = smoothness(picture, is_flat(picture));
    const int64_t width = picture.width, height = picture.height;
    const int64_t band = std::max((band_pixels + width - 1) / width, WARM), bands = (height + band - 1) / band;
    const auto draw = [&](int64_t part) {
        const int64_t kept = part * band, first = std::max<int64_t>(kept - WARM, 0), last = std::min(kept + band, height);
        std::vector<uint8_t> indices(size_t((last - first) * width));
        const RateJob job{.pixels = picture.at(first * width), .weights = weights + first * width,
                          .smooth = smooth.data() + first * width,
                          .nearest = nearest.data() + first * width, .palette = points.data(), .h = int(last - first),
                          .w = int(width), .channels = picture.channels, .k = int(order.size()),
                          .hidden = entries.hidden < 0 ? -1 : int(order.size()) - 1, .spread = options.spread,
                          .lambda = price, .effort = options.search, .bits = options.bits,
                          .points_of = picture.channels == 4 ? color::points_of<4> : color::points_of<3>,
                          .indices = indices.data()};
        if (job.bits.coder != Coder::lzw) rate_remap()(job);
        else if (picture.channels == 4) lzw::remap<4>(job);
        else lzw::remap<3>(job);
        std::transform(indices.begin() + (kept - first) * width, indices.end(), out + kept * width,
                       [&](uint8_t index) { return order[index]; });
    };
    ThreadPool(std::min<int64_t>(options.threads ? options.threads : processors(), bands) - 1).each(bands, draw, poll);
}

}  // namespace tinct::mapping
