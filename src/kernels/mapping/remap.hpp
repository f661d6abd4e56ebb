// Pixels to palette entries: nearest, or by error diffusion in bands that threads share. What `tinct/mapping/remap.py` promises
// is done here.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mapping/diffusion.hpp"
#include "palette/distinct.hpp"
#include "palette/histogram.hpp"
#include "picture/picture.hpp"
#include "threads/pool.hpp"

namespace tinct::mapping {

using color::Colors, color::Space, palette::Histogram;

// Errors are cut to this multiple of the palette's own error (root mean square, without dithering). Where a color
// lies outside of what the palette can mix, errors would pile up and break out beside it as specks of foreign
// colors: visible at full strength from 5 on. Below 2.5 smooth areas band: at 16 colors and strength 0.75,
// SSIMULACRA2 loses 9 points at 1, 5 at 1.5, and gains 2 beyond 5.
constexpr float LIMIT = 3.5f;
// A color this near to its entry (in Oklab, where a step of one code is about 0.003) takes it and passes nothing
// on: flat areas stay flat, whatever happens beside them. At 0.006 photographs with 256 colors begin to band.
constexpr float FLAT = 0.002f;
// Error is diffused in bands of so many rows: threads can share a tall picture and still give the same bits, and
// the kernel works on two bands side by side, because a pixel waits for the one before it. Each band starts some
// rows early to let the error build up, which leaves no seam.
constexpr int64_t BAND = 128, WARM = 16;

struct DitherOptions {
    float dither = 0;
    bool serpentine = true;
    int threads = 0;
    const uint8_t *sharp = nullptr;  // [height][width]: pixels that take their nearest entry, or null
    bool light = true;               // as in Diffusion
};

// A palette as the engine and the diffusion see it.
class Entries {
  public:
    Entries(const uint8_t *colors, int k, int channels, Space space) {
        for (int i = 0; i < k; ++i) {
            const uint8_t *color = colors + i * channels;
            if (channels == 4 && color[3] == 0) {
                if (hidden < 0) hidden = i;
                continue;
            }
            shown.push_back(uint8_t(i));
            seen_.insert(seen_.end(), color, color + channels);
        }
        centers = {seen_, channels, space};
    }
    // Whether a translucent pixel may be drawn by nothing: there is nothing else but one opaque color.
    bool or_none() const { return hidden >= 0 && shown.size() == 1 && centers.opaque[0]; }

    std::vector<uint8_t> shown;        // the entries that can be seen
    palette::Centers centers{{}, {}};  // and what they look like
    int hidden = -1;                   // the first that can't

  private:
    Colors seen_;
};

class Mapping {
  public:
    // `histogram` holds the picture's colors: with dithering in Oklab. It is asked here alone.
    Mapping(const Picture &picture, const Entries &entries, Histogram &histogram, int threads,
            const std::function<void()> &poll)
        : picture_(picture), entries_(entries), threads_(threads), set_(histogram.set),
          labels_(size_t(set_->size), nearest_to_nothing()) {
        if (histogram.seen() == 0) return;
        const palette::Assignment found(histogram, entries.centers, entries.or_none(), threads, poll);
        double total = 0, mass = 0;
        for (int64_t i = 0; i < histogram.seen(); ++i) {
            const int32_t label = found.labels[size_t(i)];
            labels_[size_t(histogram.place(i))] = uint8_t(label == palette::NONE ? int(entries.shown.size()) : label);
            total += histogram.seen_weights()[i] * double(found.distances[size_t(i)]);
            mass += histogram.seen_weights()[i];
        }
        error_ = mass > 0 ? std::sqrt(total / mass) : 0;
    }

    // Of each pixel, among the entries that can be seen; their number: none of them.
    void find_nearest(uint8_t *out) const { map(labels_, out); }
    // The same among all of the palette's.
    void draw(uint8_t *out) const {
        std::vector<uint8_t> entries = labels_;
        for (int64_t i = 0; i < set_->size; ++i) entries[size_t(i)] = entry_of(i == set_->hidden, labels_[size_t(i)]);
        map(entries, out);
    }

    // Root mean square of the visible colors, without dithering.
    double error() const { return error_; }

    // From a mapping to the entries that can be seen to one to the palette's.
    void finish(uint8_t *drawn) const {
        for (int64_t i = 0; i < picture_.size(); ++i) drawn[i] = entry_of(picture_.hidden(i), drawn[i]);
    }

    void diffuse(const uint8_t *nearest, const DitherOptions &how, const std::function<void()> &poll, uint8_t *out) const {
        const Diffusion options{how.dither, float(double(LIMIT) * error_), FLAT, how.serpentine, how.light};
        std::vector<Band> bands;
        for (int64_t kept = 0; kept < picture_.height; kept += BAND)
            bands.push_back({std::max<int64_t>(kept - WARM, 0), kept, std::min(kept + BAND, picture_.height)});
        // A thread takes several pairs of bands at a time: what the kernel finds out about the palette serves them all.
        const int threads = how.threads ? how.threads : processors();
        const int64_t count = int64_t(bands.size()), step = 2 * std::max<int64_t>(count / (4 * threads), 1);
        auto run = picture_.channels == 4 ? mapping::diffuse<4> : mapping::diffuse<3>;
        const int64_t parts = (count + step - 1) / step;
        const auto draw = [&](int64_t part) {
            const Band *first = bands.data() + part * step;
            run(picture_.pixels, picture_.width, entries_.centers.points.data(), int(entries_.shown.size()), nearest,
                options, first, std::min(step, count - part * step), out + first->kept * picture_.width);
        };
        ThreadPool(std::min<int64_t>(threads, parts) - 1).each(parts, draw, poll);
    }

  private:
    uint8_t entry_of(bool hidden, uint8_t label) const {
        return entries_.hidden >= 0 && (hidden || label == entries_.shown.size()) ? uint8_t(entries_.hidden) : entries_.shown[label];
    }
    void map(const std::vector<uint8_t> &labels, uint8_t *out) const {
        const auto map = picture_.channels == 4 ? palette::map_pixels_rgba : palette::map_pixels_rgb;
        map(picture_.pixels, picture_.size(), set_->colors.data(), set_->size, labels.data(), threads_, out);
    }
    // What fully transparent pixels take from a palette without an entry of their kind: they are the origin.
    uint8_t nearest_to_nothing() const {
        const int d = picture_.channels;
        size_t best = 0;
        float least = INFINITY;
        for (size_t i = 0; i < entries_.shown.size(); ++i) {
            float sum = 0;
            for (int j = 0; j < d; ++j) sum += entries_.centers.points[i * d + j] * entries_.centers.points[i * d + j];
            if (sum < least) {
                least = sum;
                best = i;
            }
        }
        return uint8_t(best);
    }

    const Picture &picture_;
    const Entries &entries_;
    const int threads_;
    const std::shared_ptr<const palette::ColorSet> set_;
    std::vector<uint8_t> labels_;  // of its colors
    double error_ = 0;
};

// Pixels around which lightness has a standard deviation above EDGE, by their visibility. The error of letters and
// lines is noise beside them. Not dithering those pixels of 13 flat pictures saved 2.6, 4.3 and 6.1 % at 256, 64
// and 16 colors for 0.3, 0.7 and 2.2 points of SSIMULACRA2; of charts 5 to 17 % for none. Half of EDGE costs 4
// points where stars stand before a gradient.
inline void find_edges(const float *weights, int64_t n, uint8_t *edges) {
    constexpr double EDGE = 0.04, STEADY = 0.006;  // of Oklab's L; what visibility adds to it
    const float most = *std::max_element(weights, weights + n);  // that of a pixel among its like
    const float limit = float(double(most) / (1 + EDGE / STEADY));
    for (int64_t i = 0; i < n; ++i) edges[i] = weights[i] < limit;
}

// Every pixel's entry; the palette holds one that can be seen, or no pixel can.
inline void remap(const Picture &picture, const uint8_t *colors, int k, Histogram &histogram, const DitherOptions &options,
                  const std::function<void()> &poll, uint8_t *out) {
    const Entries entries(colors, k, picture.channels, histogram.space);
    if (entries.shown.empty()) {
        std::fill_n(out, picture.size(), uint8_t(0));
        return;
    }
    const Mapping mapping(picture, entries, histogram, options.threads, poll);
    if (options.dither == 0) return mapping.draw(out);
    std::vector<uint8_t> nearest(size_t(picture.size()));
    mapping.find_nearest(nearest.data());
    mapping.diffuse(nearest.data(), options, poll, out);
    for (int64_t i = 0; options.sharp && i < picture.size(); ++i)
        if (options.sharp[i]) out[i] = nearest[size_t(i)];
    mapping.finish(out);
}

}  // namespace tinct::mapping
