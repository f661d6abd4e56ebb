// A picture of at most 256 colors: a palette, and each pixel's entry.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "codecs/filters.hpp"
#include "codecs/png.hpp"
#include "color/points.hpp"
#include "picture/indices.hpp"
#include "picture/picture.hpp"
#include "scoring/difference.hpp"

namespace tinct {

class Drawing {
  public:
    // Of the palette only entries that are used are kept, or stay anyway, each color once, those that aren't opaque first,
    // which makes a PNG's list of alphas as short as it can be; the file would only be larger. `ordered`: all as they are.
    Drawing(int64_t height, int64_t width, int channels, color::Colors palette, std::vector<uint8_t> indices,
            const std::vector<uint8_t> &stays = {}, bool ordered = false, int threads = 1)
        : Drawing(height, width, channels, std::move(palette), count_indices(indices.data(), height * width, threads),
                  std::move(indices), stays, ordered, threads) {}

    int64_t size() const { return height * width; }
    int entries() const { return int(palette_.size()) / channels; }
    const color::Colors &palette() const { return palette_; }
    const std::vector<uint8_t> &indices() const { return indices_; }

    // Several indices to the byte, each row starting a byte.
    int64_t packed_size(int bits) const { return codecs::packed_size(height, width, bits); }
    void pack(int bits, uint8_t *out) const { codecs::pack(indices_.data(), height, width, bits, out); }

    // With what meets in the picture side by side in the palette, greys by their value (up to 4 % less than by meeting);
    // entries that aren't opaque stay in front.
    Drawing reordered(int64_t rows, int64_t every, int threads) const {
        return in_order(grey() ? by_value() : codecs::alike_beside(indices_.data(), height, width, entries(), rows, every), threads);
    }
    // With entries as they come in the picture: what a part of it uses then stands side by side in its codes' header, up to
    // 4.5 % less in all. In front the most frequent one: a fill goes on behind a row's first byte, 0.
    Drawing by_first_use(int threads) const {
        const int usual = int(std::max_element(counts_.begin(), counts_.end()) - counts_.begin());
        std::array<int64_t, 256> first;
        first.fill(size());
        for (int64_t i = 0, left = entries(); i < size() && left > 0; ++i)
            if (first[indices_[size_t(i)]] == size()) first[indices_[size_t(i)]] = i, --left;
        std::vector<uint8_t> order(static_cast<size_t>(entries()));
        std::iota(order.begin(), order.end(), uint8_t(0));
        first[size_t(usual)] = -1;
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return first[size_t(a)] < first[size_t(b)]; });
        return in_order(order, threads);
    }
    // A byte for each index, each row behind its filter.
    std::vector<uint8_t> filtered() const { return codecs::filtered(indices_.data(), height, width); }
    double filtered_entropy(int64_t rows, int64_t every) const {
        return codecs::filtered_entropy(indices_.data(), height, width, rows, every);
    }

    std::vector<uint8_t> painted() const {
        std::vector<uint8_t> out(size_t(size() * channels));
        for (int64_t i = 0; i < size(); ++i) std::copy_n(color_at(i), channels, out.begin() + i * channels);
        return out;
    }
    // Over the three color channels; with alpha the most over black, white and mid grey.
    uint64_t squared_error(const Picture &picture) const {
        difference::Totals totals{};
        const auto drawn = [&](int64_t i) { return color_at(i); };
        if (channels == 4) difference::add<4, 4>(totals, picture.pixels, size(), drawn);
        else difference::add<3, 3>(totals, picture.pixels, size(), drawn);
        return *std::max_element(totals.begin(), totals.end());
    }

    const int64_t height, width;
    const int channels;
    const color::Colors full_palette;  // as it was drawn with, unused entries among them

  private:
    using Counts = std::array<int64_t, 256>;

    Drawing(int64_t height, int64_t width, int channels, color::Colors palette, const Counts &counts, std::vector<uint8_t> &&indices,
            const std::vector<uint8_t> &stays, bool ordered, int threads)
        : height(height), width(width), channels(channels), full_palette(palette), palette_(std::move(palette)),
          counts_(counts), indices_(std::move(indices)) {
        if (ordered) return;
        Counts those{};
        std::map<uint32_t, int> seen;  // the place of each color in use
        color::Colors kept;
        uint8_t place[256] = {};
        bool moved = false;
        for (const bool opaque : {false, true})
            for (int i = 0; i < entries(); ++i) {
                const bool needed = counts[size_t(i)] || (!stays.empty() && stays[size_t(i)]);
                if (!needed || (channels == 3 || entry(i)[3] == 255) != opaque) continue;
                uint32_t key = 0;
                std::copy_n(entry(i), channels, reinterpret_cast<uint8_t *>(&key));
                const auto [at, fresh] = seen.try_emplace(key, int(seen.size()));
                if (fresh) kept.insert(kept.end(), entry(i), entry(i) + channels);
                place[i] = uint8_t(at->second);
                those[size_t(at->second)] += counts[size_t(i)];
                moved |= at->second != i;
            }
        if (moved) replace_indices(indices_.data(), size(), place, threads, indices_.data());
        palette_ = std::move(kept);
        counts_ = those;
    }
    Drawing in_order(const std::vector<uint8_t> &order, int threads) const {
        color::Colors palette;
        Counts counts{};
        uint8_t place[256] = {};
        for (size_t at = 0; at < order.size(); ++at) {
            counts[at] = counts_[order[at]];
            palette.insert(palette.end(), entry(order[at]), entry(order[at]) + channels);
            place[order[at]] = uint8_t(at);
        }
        std::vector<uint8_t> indices(indices_.size());
        replace_indices(indices_.data(), size(), place, threads, indices.data());
        return {height, width, channels, std::move(palette), counts, std::move(indices), {}, false, threads};
    }
    bool grey() const {
        for (int i = 0; i < entries(); ++i)
            if (entry(i)[0] != entry(i)[1] || entry(i)[1] != entry(i)[2]) return false;
        return true;
    }
    std::vector<uint8_t> by_value() const {
        std::vector<uint8_t> order(static_cast<size_t>(entries()));
        std::iota(order.begin(), order.end(), uint8_t(0));
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return entry(a)[0] < entry(b)[0]; });
        return order;
    }
    const uint8_t *entry(int i) const { return palette_.data() + i * channels; }
    const uint8_t *color_at(int64_t i) const { return entry(indices_[size_t(i)]); }

    color::Colors palette_;
    Counts counts_;  // how many pixels each entry has
    std::vector<uint8_t> indices_;
};

}  // namespace tinct
