// The cheapest way to write bytes as literals and copies, at given prices.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "codecs/deflate_blocks.hpp"
#include "codecs/deflate_matches.hpp"

namespace tinct::deflate {

// What symbols cost with the bits that follow them, in PER_BIT parts of a bit.
struct Prices {
    static constexpr int PER_BIT = 8;
    int16_t literal[256], length[LONGEST + 1];
    uint8_t distance[32];  // 255 where there is no code

    // Before anything is known.
    Prices() {
        set([](int) { return 6 * PER_BIT; }, [](int) { return 5 * PER_BIT; }, [](int) { return 38; });
    }
    // Before anything is known but which bytes there are.
    static Prices by_bytes(const uint8_t *data, uint32_t size) {
        Counts bytes;
        for (uint32_t i = 0; i < size; ++i) bytes.count_literal(data[i]);
        const Prices usual;
        Prices prices = by_entropy(bytes);
        for (int s = 0; s < 256; ++s) prices.literal[s] = std::min(prices.literal[s], usual.literal[s]);
        std::copy_n(usual.length, LONGEST + 1, prices.length);
        std::copy_n(usual.distance, 32, prices.distance);
        return prices;
    }
    // By the logarithms of frequencies.
    static Prices by_entropy(const Counts &counts) {
        int64_t symbols = 8, distances = 4;
        for (uint32_t n : counts.symbols) symbols += n;
        for (uint32_t n : counts.distances) distances += n;
        const auto bits = [](uint32_t n, int64_t sum, int unseen) {
            const int64_t all = ENTROPY.log(uint32_t(sum));
            const int64_t bits = n ? std::max<int64_t>(all - ENTROPY.log(n), 150) : std::min<int64_t>(unseen * 256, all + 256);
            return int(std::min<int64_t>(bits, 15 * 256) * PER_BIT / 256);
        };
        Prices prices;
        prices.set([&](int s) { return bits(counts.symbols[s], symbols, 13); },
                   [&](int code) { return bits(counts.symbols[END + 1 + code], symbols, 13); },
                   [&](int code) { return bits(counts.distances[code], distances, 10); });
        return prices;
    }
    // By the lengths of a block's codes.
    static Prices by_codes(const Counts &counts) {
        const Codes codes(counts);
        Prices prices;
        prices.set([&](int s) { return PER_BIT * (codes.symbols[s] ? codes.symbols[s] : 13); },
                   [&](int code) { return PER_BIT * (codes.symbols[END + 1 + code] ? codes.symbols[END + 1 + code] : 13); },
                   [&](int code) { return PER_BIT * (codes.distances[code] ? codes.distances[code] : 10); });
        return prices;
    }

  private:
    template <class L, class C, class D> void set(const L &of_literal, const C &of_length, const D &of_distance) {
        for (int s = 0; s < 256; ++s) literal[s] = int16_t(of_literal(s));
        int16_t lengths[29];
        for (int code = 0; code < 29; ++code) lengths[code] = int16_t(of_length(code) + PER_BIT * TABLES.length_extra[code]);
        std::fill_n(length, SHORTEST, NEVER);
        for (int l = SHORTEST; l <= LONGEST; ++l) length[l] = lengths[TABLES.length_code[l]];
        std::fill_n(distance, 32, uint8_t(255));
        for (int code = 0; code < DISTANCES; ++code)
            distance[code] = uint8_t(of_distance(code) + PER_BIT * TABLES.distance_extra[code]);
    }
};

// A token; of short copies only the distance's code is known as yet.
struct Step {
    uint16_t length, distance;
    uint8_t code;
};

// Cuts a band's bytes into tokens, part by part.
class Parser {
  public:
    Parser(const uint8_t *data, const Matches &matches, uint32_t size)
        : data_(data), matches_(matches), far_costs_(size + 1), far_(size + 1), lengths_(size + 1), chosen_(size + 1) {
        for (const LongMatch &match : matches.longs) longest_ = std::max(longest_, match.end - match.start);
    }

    // The cheapest steps of begin...end, places in the band; in haste 0.3 to 0.6 % dearer in charts. Valid until the next call.
    const std::vector<Step> &parse(uint32_t begin, uint32_t end, const Prices &prices, bool hasty = false) {
        list_longs(begin, end);
        const ParseJob job{data_ + begin, end - begin, matches_.codes.data() + size_t(begin) * NEAR, longs_.data(),
                           longs_.size(), prices.literal, prices.length, prices.distance, far_costs_.data(), far_.data(),
                           lengths_.data(), chosen_.data(), hasty};
        cheapest_tokens()(job);
        steps_.clear();
        for (uint32_t place = job.size; place > 0; place -= steps_.back().length) {
            const uint8_t length = lengths_[place];
            if (length > 1) steps_.push_back({length, 0, chosen_[place]});
            else if (length) steps_.push_back({1, 0, NO_CODE});
            else {
                const auto distance = uint16_t(far_[place]);
                steps_.push_back({uint16_t(far_[place] >> 16), distance, uint8_t(distance_code(distance))});
            }
        }
        std::reverse(steps_.begin(), steps_.end());
        return steps_;
    }

  private:
    void list_longs(uint32_t begin, uint32_t end) {
        const auto starts_before = [](const LongMatch &match, uint32_t place) { return match.start < place; };
        const auto &all = matches_.longs;
        const uint32_t back = std::min(begin, longest_);
        longs_.clear();
        auto at = std::lower_bound(all.begin(), all.end(), begin - back, starts_before);
        for (; at != all.end() && at->start < end; ++at)
            if (at->end > begin + NEAR)
                longs_.push_back({std::max(at->start, begin) - begin, at->end - begin, at->distance, at->code});
    }

    const uint8_t *data_;
    const Matches &matches_;
    uint32_t longest_ = 0;
    std::vector<LongMatch> longs_;
    std::vector<int32_t> far_costs_;
    std::vector<uint32_t> far_;
    std::vector<uint8_t> lengths_, chosen_;
    std::vector<Step> steps_;
};

// Finds distances for steps, from left to right.
class Distances {
  public:
    explicit Distances(const Matches &matches) : matches_(matches) {}

    uint16_t of(uint32_t place, Step step) {
        if (step.distance || step.code == NO_CODE) return step.distance;
        for (; next_ < matches_.all.size() && matches_.all[next_].start <= place; ++next_) {}
        for (size_t k = next_; k-- > 0 && matches_.all[k].start + NEAR > place;)
            if (const ShortMatch &match = matches_.all[k];
                match.code == step.code && match.start + match.length >= place + step.length)
                return match.distance;
        // none of the last short ones: it goes on for longer
        for (; next_long_ < matches_.longs.size() && matches_.longs[next_long_].start <= place; ++next_long_) {
            if (open_.size() == room_) {
                std::erase_if(open_, [&](const LongMatch &match) { return match.end <= place; });
                room_ = std::max(room_, 2 * open_.size());
            }
            open_.push_back(matches_.longs[next_long_]);
        }
        const uint32_t end = place + step.length;
        const auto fits = [&](const LongMatch &match) { return match.code == step.code && match.end >= end; };
        return std::find_if(open_.rbegin(), open_.rend(), fits)->distance;
    }

  private:
    const Matches &matches_;
    size_t next_ = 0, next_long_ = 0, room_ = 32;
    std::vector<LongMatch> open_;
};

}  // namespace tinct::deflate
