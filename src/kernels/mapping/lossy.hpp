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
    float price = 0;   // weighted squared error that one bit is worth
    int search = 1;    // 0, 1, 2: how many ways to go on are kept
    BitModel bits;     // of the file that will hold the indices
    int threads = 0;
};

// Made in bands of so many pixels, at least. A band knows its own indices only, so copies of those above end there: at
// a megapixel a band's first rows are a few percent of it. It starts some rows early, as those of the diffusion do.
constexpr int64_t LOSSY_BAND = 1 << 20;

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
                          .lambda = options.price, .effort = options.search, .bits = options.bits,
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
