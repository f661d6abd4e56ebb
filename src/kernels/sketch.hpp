// The plain drawing of a plain picture in one piece, from a PNG's inflated rows to packed rows: no array crosses
// into Python, which therefore needs no NumPy. The steps are those that the library takes one by one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <vector>

#include "codecs/png.hpp"
#include "mapping/remap.hpp"
#include "mapping/visibility.hpp"
#include "palette/choice.hpp"
#include "scoring/difference.hpp"

namespace tinct {

class Sketch {
  public:
    Sketch(const uint8_t *rows, int64_t width, int64_t height, int its_channels)
        : channels(its_channels), height_(height), width_(width),
          pixels_(channels == 4 ? codecs::unfiltered<4>(rows, height, width) : codecs::unfiltered<3>(rows, height, width)) {
        if (channels == 4 && all_opaque()) drop_alpha();
        flat = mapping::is_flat(picture());
        count();
    }

    void draw(int colors, float dither, uint64_t seed, int effort, int threads, const std::function<void()> &poll) {
        // The edges wait for no palette. (Where there is no other thread to be had, get() finds them.)
        std::future<std::vector<uint8_t>> edges;
        const auto how = threads == 1 ? std::launch::deferred : std::launch::async | std::launch::deferred;
        if (dither > 0 && flat) edges = std::async(how, [&] { return find_edges(threads); });
        palette_ = palette::Choice(*counted_, threads, poll).make(colors, effort, seed);
        indices_.resize(size_t(picture().size()));
        const std::vector<uint8_t> sharp = edges.valid() ? edges.get() : std::vector<uint8_t>();
        const mapping::Manner manner{.dither = dither, .threads = threads, .sharp = sharp.empty() ? nullptr : sharp.data()};
        const int k = int(palette_.size()) / channels;
        mapping::remap(picture(), palette_.data(), k, *counted_, manner, poll, indices_.data());
        drop_unused();
    }

    int64_t colors() const { return counted_->size(); }
    const color::Colors &entries() const { return palette_; }

    std::vector<uint8_t> packed(int bits) const { return codecs::packed(indices_.data(), height_, width_, bits); }

    // Of the drawing, over the three color channels; with alpha the most over black, white and mid grey.
    uint64_t squared_error() const {
        difference::Totals totals{};
        const auto drawn = [&](int64_t i) { return palette_.data() + indices_[size_t(i)] * channels; };
        if (channels == 4) difference::add<4, 4>(totals, pixels_.data(), picture().size(), drawn);
        else difference::add<3, 3>(totals, pixels_.data(), picture().size(), drawn);
        return *std::max_element(totals.begin(), totals.end());
    }

    // The picture, full transparency in a grey, or the drawing.
    std::vector<uint8_t> samples(uint8_t key, bool drawn) const {
        if (drawn) return painted();
        std::vector<uint8_t> out = pixels_;
        for (int64_t i = 0; i < picture().size(); ++i) {
            if (!picture().hidden(i)) continue;
            std::fill_n(out.begin() + i * channels, 3, key);
            out[size_t(i * channels + 3)] = 0;
        }
        return out;
    }

    std::vector<uint8_t> differences(int axis, int64_t rows, int64_t every, bool drawn) const {
        const std::vector<uint8_t> shown = drawn ? painted() : std::vector<uint8_t>();
        const mapping::Picture seen{drawn ? shown.data() : pixels_.data(), height_, width_, channels};
        return mapping::differences(seen, axis, rows, every);
    }

    int channels;  // 3 where every pixel is opaque
    bool flat;

  private:
    mapping::Picture picture() const { return {pixels_.data(), height_, width_, channels}; }

    std::vector<uint8_t> painted() const {
        std::vector<uint8_t> out(pixels_.size());
        for (int64_t i = 0; i < picture().size(); ++i)
            std::copy_n(palette_.begin() + indices_[size_t(i)] * channels, channels, out.begin() + i * channels);
        return out;
    }

    bool all_opaque() const {
        for (size_t i = 3; i < pixels_.size(); i += 4)
            if (pixels_[i] != 255) return false;
        return true;
    }
    void drop_alpha() {
        for (int64_t i = 0; i < height_ * width_; ++i) std::copy_n(pixels_.begin() + i * 4, 3, pixels_.begin() + i * 3);
        channels = 3;
        pixels_.resize(size_t(height_ * width_ * 3));
    }
    void count() {
        const palette::Distinct found = palette::count_colors(pixels_.data(), picture().size(), channels);
        color::Colors colors(found.size * size_t(channels));
        found.to_colors(channels, colors.data());
        std::vector<float> points = color::to_points(colors, channels, color::Space::oklab);
        std::vector<double> weights(found.counts.begin(), found.counts.begin() + int64_t(found.size));
        counted_.emplace(std::move(colors), std::move(weights), std::move(points), channels, color::Space::oklab);
    }
    std::vector<uint8_t> find_edges(int threads) const {
        std::vector<float> weights(size_t(picture().size()));
        const auto weigh = channels == 4 ? visibility::weights_of<4> : visibility::weights_of<3>;
        weigh(pixels_.data(), height_, width_, threads, weights.data());
        std::vector<uint8_t> found(weights.size());
        mapping::find_edges(weights.data(), int64_t(weights.size()), found.data());
        return found;
    }
    // Entries that no pixel took would only make the file larger.
    void drop_unused() {
        bool used[256] = {};
        for (uint8_t index : indices_) used[index] = true;
        uint8_t place[256] = {};
        color::Colors kept;
        for (int64_t i = 0; i * channels < int64_t(palette_.size()); ++i) {
            if (!used[i]) continue;
            place[i] = uint8_t(kept.size() / size_t(channels));
            kept.insert(kept.end(), palette_.begin() + i * channels, palette_.begin() + (i + 1) * channels);
        }
        for (uint8_t &index : indices_) index = place[index];
        palette_ = std::move(kept);
    }
    int64_t height_, width_;
    std::vector<uint8_t> pixels_, indices_;
    color::Colors palette_;
    std::optional<palette::Counted> counted_;
};

}  // namespace tinct
