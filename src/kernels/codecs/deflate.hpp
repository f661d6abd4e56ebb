// DEFLATE for rows of indices, near the fewest bytes: a zlib stream made in bands, the same on any number of threads.
//
// (Tried: to write the copies that the rate-aware mapping chose. It knows a few places of each row: 4 to 15 % more bytes
// on three photographs, 28 % on an icon and a map.)
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "codecs/deflate_blocks.hpp"
#include "codecs/deflate_matches.hpp"
#include "codecs/deflate_parse.hpp"
#include "threads/pool.hpp"

namespace tinct::deflate {

// One band: its matches, its blocks, its bits.
class Band {
  public:
    Band(const uint8_t *data, uint32_t begin, uint32_t end, uint32_t stride)
        : data_(data + begin), size_(end - begin),
          matches_(Finder(data, begin, end, stride).find()), parser_(data_, matches_, size_) {}

    void write(BitWriter &out, bool last) {
        std::vector<Block> blocks = merged(units());
        BlockWriter writer(data_, out);
        Distances distances(matches_);
        std::vector<Token> tokens;
        for (Block &block : blocks) {
            const Prices prices = Prices::by_codes(block.counts);  // once: two more times save 0.1 %
            block.counts = Counts();
            tokens.clear();
            uint32_t at = block.begin;
            for (const Step step : parser_.parse(block.begin, block.end, prices)) {
                tokens.push_back({step.length, distances.of(at, step)});
                at = count(step, at, block.counts);
            }
            writer.write(block, tokens, last && &block == &blocks.back());
        }
    }

  private:
    static constexpr uint32_t CHUNK = 1 << 15;
    static constexpr size_t UNIT = 512;  // tokens

    uint32_t count(Step step, uint32_t at, Counts &counts) const {
        if (step.code == NO_CODE) counts.count_literal(data_[at]);
        else counts.count_copy(step.length, step.code);
        return at + step.length;
    }

    // A first parse, chunk by chunk, each at prices by what came before; in units of tokens.
    std::vector<Block> units() {
        std::vector<Block> found(size_ == 0);  // no bytes are a block, too
        Counts seen;
        Prices prices;
        for (uint32_t at = 0, end; at < size_; at = end) {
            end = size_ - at < CHUNK + CHUNK / 4 ? size_ : at + CHUNK;
            Counts counts;
            if (at == 0) {
                uint32_t place = 0;
                for (const Step step : parser_.parse(at, end, prices)) place = count(step, place, counts);
                prices = Prices::by_entropy(counts);
                counts = Counts();
            }
            const size_t before = found.size();
            add_units(at, parser_.parse(at, end, prices), found);
            for (size_t k = before; k < found.size(); ++k) counts.add(found[k].counts);
            for (uint32_t &n : seen.symbols) n /= 2;
            for (uint32_t &n : seen.distances) n /= 2;
            seen.add(counts);
            prices = Prices::by_entropy(seen);
        }
        return found;
    }
    void add_units(uint32_t at, const std::vector<Step> &steps, std::vector<Block> &found) const {
        for (size_t k = 0; k < steps.size();) {
            Block unit{at, at, {}};
            const size_t last = steps.size() - k < UNIT + UNIT / 2 ? steps.size() : k + UNIT;
            for (; k < last; ++k) at = count(steps[k], at, unit.counts);
            unit.end = at;
            found.push_back(unit);
        }
    }

    // Neighbors become one block where that saves most, as long as it saves any.
    static std::vector<Block> merged(std::vector<Block> units) {
        std::vector<int64_t> bits, gain;
        const auto gain_at = [&](size_t i) {
            Counts both = units[i].counts;
            both.add(units[i + 1].counts);
            return bits[i] + bits[i + 1] - both.estimate();
        };
        for (const Block &unit : units) bits.push_back(unit.counts.estimate());
        for (size_t i = 0; i + 1 < units.size(); ++i) gain.push_back(gain_at(i));
        while (!gain.empty()) {
            const auto best = std::max_element(gain.begin(), gain.end());
            if (*best <= 0) break;
            const size_t i = size_t(best - gain.begin());
            units[i].counts.add(units[i + 1].counts);
            units[i].end = units[i + 1].end;
            bits[i] += bits[i + 1] - *best;
            units.erase(units.begin() + int64_t(i) + 1);
            bits.erase(bits.begin() + int64_t(i) + 1);
            gain.erase(best);
            if (i > 0) gain[i - 1] = gain_at(i - 1);
            if (i < gain.size()) gain[i] = gain_at(i);
        }
        return units;
    }

    const uint8_t *data_;
    uint32_t size_;
    const Matches matches_;
    Parser parser_;
};

inline uint32_t adler32(const uint8_t *data, size_t size) {
    uint32_t a = 1, b = 0;
    while (size > 0) {
        const size_t part = std::min<size_t>(size, 5552);  // as many as 32 bits hold
        for (size_t i = 0; i < part; ++i) b += a += data[i];
        a %= 65521;
        b %= 65521;
        data += part;
        size -= part;
    }
    return b << 16 | a;
}

constexpr size_t MOST = size_t(UINT32_MAX) - 2 * PAD;  // bytes

// `data` has PAD bytes before it and behind it that may be read; `stride` is a row's length. threads: 0 for all.
inline std::vector<uint8_t> zlib_stream(const uint8_t *data, uint32_t size, uint32_t stride, int threads,
                                        const std::function<void()> &poll) {
    constexpr uint32_t BAND = 3 << 16;  // two of 0.4 megapixels. Four times as long: 0.06 % fewer bytes
    const uint32_t bands = std::max(1u, (size + BAND / 2) / BAND);
    std::vector<BitWriter> bits(bands);
    const auto write = [&](int64_t k) {
        const auto edge = [&](int64_t band) { return uint32_t(uint64_t(size) * uint64_t(band) / bands); };
        Band(data, edge(k), edge(k + 1), stride).write(bits[size_t(k)], k + 1 == bands);
    };
    ThreadPool(std::min<int64_t>(threads ? threads : processors(), bands) - 1).each(bands, write, poll);
    BitWriter out;
    out.reserve(16);
    out.put(0xDA78, 16);
    for (const BitWriter &band : bits) out.append(band);
    out.align();
    const uint32_t sum = adler32(data, size);
    out.reserve(64);
    for (int shift = 24; shift >= 0; shift -= 8) out.put(sum >> shift & 255, 8);
    return out.finish();
}
// Of rows as they are.
inline std::vector<uint8_t> padded_stream(const uint8_t *rows, size_t size, uint32_t stride, int threads,
                                          const std::function<void()> &poll) {
    std::vector<uint8_t> padded(size + 2 * PAD);
    std::copy_n(rows, size, padded.begin() + PAD);
    return zlib_stream(padded.data() + PAD, uint32_t(size), stride, threads, poll);
}

}  // namespace tinct::deflate
