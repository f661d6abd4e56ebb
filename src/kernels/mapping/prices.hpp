// Prices of literals and copies, learned while a picture is mapped.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "codecs/prices.hpp"

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

/// What the coder is about to charge, in bits, learned from the rows already mapped. Of several indices that
/// share a symbol each pays for itself, given those before it: `prefix` is 1 followed by their bits.
template <class Coder> class Prices {
  public:
    Prices(int k, int bits) : bits_(bits) {
        for (int symbol = 0; symbol < 256; ++symbol) {
            bool possible = true;
            for (int at = 0; at < 8; at += bits) possible &= (symbol >> at & ((1 << bits) - 1)) < k;
            counts_[256 + symbol] = possible ? 2 : 0;
        }
        for (int c = 0; c < Coder::LENGTHS; ++c) lengths_[c] = c < 8 ? 16u : 4u;
        std::fill(distances_, distances_ + Coder::DISTANCES, 4u);
    }

    float literal(int prefix) const { return literal_[prefix]; }          // of its last index
    float copy(int distance_code) const { return copy_[distance_code]; }  // the shortest one
    float longer(int length) const { return longer_[length]; }            // from length to length + 1

    void count_literal(int symbol) { ++counts_[256 + symbol]; }
    void count_copy(int length, int distance_code) {
        ++lengths_[Coder::length_code(length)];
        ++distances_[distance_code];
    }

    void update() {
        forget();
        uint32_t symbols = count_prefixes(), copies = 0;
        for (uint32_t n : lengths_) symbols += n;
        for (uint32_t n : distances_) copies += n;
        float all = bits_for(symbols), any = bits_for(copies);
        for (int start = 256; start > 1; start >>= bits_)
            for (int i = start; i < 2 * start; ++i)
                if (counts_[i])
                    literal_[i] = (i >> bits_ == 1 ? all : bits_for(counts_[i >> bits_])) - bits_for(counts_[i]);
        float by_code[Coder::LENGTHS];
        for (int c = 0; c < Coder::LENGTHS; ++c)
            by_code[c] = all - bits_for(lengths_[c]) + float(Coder::length_extra(c));
        auto length = [&](int n) { return by_code[Coder::length_code(std::clamp(n, SHORTEST, LONGEST))]; };
        for (int c = 0; c < Coder::DISTANCES; ++c)
            copy_[c] = length(SHORTEST) + any - bits_for(distances_[c]) + float(prefix_extra(c));
        // A copy of 1 or 2 pays for 3. Steps between code boundaries are averaged, so that no length is a wall.
        for (int n = 0; n < SHORTEST; ++n) longer_[n] = 0.0f;
        for (int n = SHORTEST; n < LONGEST - 1; ++n)
            longer_[n] = (length(n + 2) - length(n - 1)) * (1.0f / 3.0f);
        longer_[LONGEST - 1] = longer_[LONGEST - 2];
    }

  private:
    static constexpr int SHORTEST = Coder::SHORTEST, LONGEST = Coder::LONGEST;

    /// Literals that begin with each prefix. Returns how many there are.
    uint32_t count_prefixes() {
        std::fill(counts_, counts_ + 256, 0u);
        for (int start = 256; start > 1; start >>= bits_)
            for (int i = start; i < 2 * start; ++i) counts_[i >> bits_] += counts_[i];
        return counts_[1];
    }

    /// Halve the counts now and then: encoders start a new block, with new codes, when statistics drift.
    /// (4096 symbols was 1 point of BD-rate better than 8192, 1.7 better than never.)
    void forget() {
        uint32_t symbols = 0;
        for (int i = 256; i < 512; ++i) symbols += counts_[i];
        for (uint32_t n : lengths_) symbols += n;
        if (symbols <= 4096) return;
        for (int i = 256; i < 512; ++i) if (counts_[i]) counts_[i] = counts_[i] / 2 + 1;
        for (uint32_t &n : lengths_) n = n / 2 + 1;
        for (uint32_t &n : distances_) n = n / 2 + 1;
    }

    /// log2 of a count; of small ones, which most are, each is worked out once.
    float bits_for(uint32_t count) {
        if (count >= KNOWN) return log2_bits(count);
        float &known = known_[count];
        if (known == 0.0f && count > 1) known = log2_bits(count);
        return known;
    }

    static constexpr uint32_t KNOWN = 1024;
    int bits_;  // of an index
    float known_[KNOWN] = {};
    uint32_t counts_[512] = {}, lengths_[Coder::LENGTHS] = {}, distances_[Coder::DISTANCES] = {};
    float literal_[512] = {}, copy_[Coder::DISTANCES] = {}, longer_[LONGEST] = {};
};

}  // namespace
}  // namespace tinct::rate
