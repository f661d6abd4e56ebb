// The plain drawing of a plain picture in one piece, from a PNG's inflated rows to packed rows: no array crosses
// into Python, which therefore needs no NumPy. The steps are those that the library takes one by one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <vector>

#include "draw.hpp"
#include "palette.hpp"

namespace tinct {

// ---- PNG's filters (RFC 2083, chapter 6) --------------------------------------------------------

inline uint8_t paeth(int left, int above, int corner) {
    const int to_left = std::abs(above - corner), to_above = std::abs(left - corner);
    const int to_corner = std::abs(left + above - 2 * corner);
    return uint8_t(to_left <= to_above && to_left <= to_corner ? left : to_above <= to_corner ? above : corner);
}

template <int C> void unfilter_row(int filter, const uint8_t *row, const uint8_t *above, int64_t size, uint8_t *out) {
    for (int64_t i = 0; i < size; ++i) {
        const int left = i < C ? 0 : out[i - C], corner = i < C ? 0 : above[i - C], over = above[i];
        const int predicted = filter == 0   ? 0
                              : filter == 1 ? left
                              : filter == 2 ? over
                              : filter == 3 ? (left + over) / 2
                                            : paeth(left, over, corner);
        out[i] = uint8_t(row[i] + predicted);
    }
}

// Rows, each behind its filter, to samples.
template <int C> std::vector<uint8_t> unfiltered(const uint8_t *rows, int64_t height, int64_t width) {
    const int64_t size = width * C;
    std::vector<uint8_t> pixels(size_t(height * size));
    const std::vector<uint8_t> nothing(size_t(size), 0);
    for (int64_t y = 0; y < height; ++y, rows += size + 1) {
        uint8_t *out = pixels.data() + y * size;
        const uint8_t *above = y ? out - size : nothing.data();
        // A loop for each filter: it is settled before the loop, not for every sample.
        if (rows[0] == 0) std::copy_n(rows + 1, size, out);
        else if (rows[0] == 1) unfilter_row<C>(1, rows + 1, above, size, out);
        else if (rows[0] == 2) unfilter_row<C>(2, rows + 1, above, size, out);
        else if (rows[0] == 3) unfilter_row<C>(3, rows + 1, above, size, out);
        else if (rows[0] == 4) unfilter_row<C>(4, rows + 1, above, size, out);
        else throw std::invalid_argument("a PNG's row has a filter of 0..4");
    }
    return pixels;
}

// ---- the drawing --------------------------------------------------------------------------------

class Sketch {
  public:
    Sketch(const uint8_t *rows, int64_t width, int64_t height, int its_channels)
        : channels(its_channels), height_(height), width_(width),
          pixels_(channels == 4 ? unfiltered<4>(rows, height, width) : unfiltered<3>(rows, height, width)) {
        if (channels == 4 && all_opaque()) drop_alpha();
        flat = draw::is_flat(picture());
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
        const draw::Manner manner{.dither = dither, .threads = threads, .sharp = sharp.empty() ? nullptr : sharp.data()};
        const int k = int(palette_.size()) / channels;
        draw::remap(picture(), palette_.data(), k, *counted_, manner, poll, indices_.data());
        drop_unused();
    }

    int64_t colors() const { return counted_->size(); }
    const palette::Colors &entries() const { return palette_; }

    std::vector<uint8_t> packed(int bits) const { return draw::packed(indices_.data(), height_, width_, bits); }

    // Of the drawing, over the three color channels, both as seen over mid grey.
    uint64_t squared_error() const {
        uint64_t total = 0;
        for (int64_t i = 0; i < picture().size(); ++i) {
            const uint8_t *one = picture().at(i), *other = palette_.data() + indices_[size_t(i)] * channels;
            for (int j = 0; j < 3; ++j) {
                const int apart = seen(one, j) - seen(other, j);
                total += uint64_t(apart * apart);
            }
        }
        return total;
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
        const draw::Picture seen{drawn ? shown.data() : pixels_.data(), height_, width_, channels};
        return draw::differences(seen, axis, rows, every);
    }

    int channels;  // 3 where every pixel is opaque
    bool flat;

  private:
    draw::Picture picture() const { return {pixels_.data(), height_, width_, channels}; }

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
        const pixels::Distinct found = pixels::count_colors(pixels_.data(), picture().size(), channels);
        palette::Colors colors(found.size * size_t(channels));
        found.to_colors(channels, colors.data());
        std::vector<float> points = palette::to_points(colors, channels, palette::Space::oklab);
        std::vector<double> weights(found.counts.begin(), found.counts.begin() + int64_t(found.size));
        counted_.emplace(std::move(colors), std::move(weights), std::move(points), channels, palette::Space::oklab);
    }
    std::vector<uint8_t> find_edges(int threads) const {
        std::vector<float> weights(size_t(picture().size()));
        const auto weigh = channels == 4 ? visibility::weights_of<4> : visibility::weights_of<3>;
        weigh(pixels_.data(), height_, width_, threads, weights.data());
        std::vector<uint8_t> found(weights.size());
        draw::find_edges(weights.data(), int64_t(weights.size()), found.data());
        return found;
    }
    // Entries that no pixel took would only make the file larger.
    void drop_unused() {
        bool used[256] = {};
        for (uint8_t index : indices_) used[index] = true;
        uint8_t place[256] = {};
        palette::Colors kept;
        for (int64_t i = 0; i * channels < int64_t(palette_.size()); ++i) {
            if (!used[i]) continue;
            place[i] = uint8_t(kept.size() / size_t(channels));
            kept.insert(kept.end(), palette_.begin() + i * channels, palette_.begin() + (i + 1) * channels);
        }
        for (uint8_t &index : indices_) index = place[index];
        palette_ = std::move(kept);
    }
    static constexpr int GREY = 128;
    int seen(const uint8_t *color, int j) const {
        return channels == 3 ? color[j] : (color[j] * color[3] + GREY * (255 - color[3]) + 127) / 255;
    }

    int64_t height_, width_;
    std::vector<uint8_t> pixels_, indices_;
    palette::Colors palette_;
    std::optional<palette::Counted> counted_;
};

}  // namespace tinct
