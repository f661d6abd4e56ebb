// DEFLATE for rows of indices, near the fewest bytes: a zlib stream made in bands, the same on any number of threads.
//
// (Tried: to write the copies that the rate-aware mapping chose. It knows a few places of each row: 4 to 15 % more bytes
// on three photographs, 28 % on an icon and a map.)
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
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
    Band(const uint8_t *data, uint32_t begin, uint32_t end, uint32_t stride, bool hasty)
        : data_(data + begin), size_(end - begin), hasty_(hasty),
          matches_(Finder(data, begin, end, stride, hasty).find()), parser_(data_, matches_, size_) {}

    void write(BitWriter &out, bool last, int times) {
        const Plan plan = settle(times);
        BlockWriter writer(data_, out);
        Distances distances(matches_);
        std::vector<Token> tokens;
        auto step = plan.steps.begin();
        for (const Block &block : plan.blocks) {
            tokens.clear();
            for (uint32_t at = block.begin; at < block.end; at += step++->length)
                tokens.push_back({step->length, distances.of(at, *step)});
            writer.write(block, tokens, last && &block == &plan.blocks.back());
        }
    }

  private:
    static constexpr uint32_t CHUNK = 1 << 15;
    static constexpr size_t UNIT = 512, FEW = 512;  // tokens; of so few a second parse takes no time

    // Blocks, the steps of all of them, and the bits that these take.
    struct Plan {
        std::vector<Block> blocks;
        std::vector<Step> steps;
        uint64_t bits = 0;
    };

    // As first parsed; or by the codes of that, and up to so many times in all at the prices that the last parse says, cut
    // anew each time, as long as that saves a thousandth (after Zopfli). Where few words are all there is, 2 % in the end;
    // mostly 0.3 %. (By codes, in whole bits, it comes to rest after a quarter of that.)
    Plan settle(int times) {
        constexpr uint64_t WORTH = 1000;
        Plan best = first(times > 0 || hasty_);
        best.blocks = merged(std::move(best.blocks));
        if (times == 0 && best.steps.size() > FEW) return best;
        best = parsed(std::move(best.blocks), Prices::by_codes);
        for (bool goes_on = true; goes_on && times > 1; --times) {
            std::vector<Block> units;
            Steps step = best.steps.begin();
            for (const Block &block : best.blocks) step = add_units(block, step, units);
            Plan next = parsed(merged(std::move(units)), Prices::by_entropy);
            goes_on = next.bits + best.bits / WORTH <= best.bits;
            if (next.bits < best.bits) best = std::move(next);
        }
        return best;
    }
    Plan parsed(std::vector<Block> blocks, Prices (*prices)(const Counts &)) {
        Plan plan{std::move(blocks), {}};
        for (Block &block : plan.blocks) {
            const auto &steps = parser_.parse(block.begin, block.end, prices(block.counts));
            block.counts = Counts();
            uint32_t at = block.begin;
            for (const Step step : steps) at = count(step, at, block.counts);
            plan.steps.insert(plan.steps.end(), steps.begin(), steps.end());
            plan.bits += bits_of(block.counts);
        }
        return plan;
    }
    static uint64_t bits_of(const Counts &counts) {
        const Codes fixed, made(counts);
        return std::min(fixed.bits(counts), made.bits(counts) + Header(made).bits());
    }

    uint32_t count(Step step, uint32_t at, Counts &counts) const {
        if (step.code == NO_CODE) counts.count_literal(data_[at]);
        else counts.count_copy(step.length, step.code);
        return at + step.length;
    }

    // Parsed chunk by chunk, each at prices by what came before; the blocks are units of tokens.
    Plan first(bool hasty) {
        Plan plan;
        std::vector<Block> &found = plan.blocks;
        found.resize(size_ == 0);  // no bytes are a block, too
        Counts seen;
        Prices prices;
        for (uint32_t at = 0, end; at < size_; at = end) {
            end = size_ - at < CHUNK + CHUNK / 4 ? size_ : at + CHUNK;
            Counts counts;
            if (at == 0) prices = first_prices(end);
            const size_t before = found.size();
            const std::vector<Step> &steps = parser_.parse(at, end, prices, hasty);
            add_units(at, steps.begin(), steps.end(), found);
            plan.steps.insert(plan.steps.end(), steps.begin(), steps.end());
            for (size_t k = before; k < found.size(); ++k) counts.add(found[k].counts);
            for (uint32_t &n : seen.symbols) n /= 2;
            for (uint32_t &n : seen.distances) n /= 2;
            seen.add(counts);
            prices = Prices::by_entropy(seen);
        }
        return plan;
    }
    // What is said in few bits, such as differences from a filter's guess, is worth few copies: with the usual prices
    // alone it took up to a tenth more. With those of bytes alone indices took up to 1 % more.
    Prices first_prices(uint32_t end) {
        int64_t least = INT64_MAX;
        Prices best;
        for (const Prices &prices : {Prices(), Prices::by_bytes(data_, end)}) {
            Counts counts;
            uint32_t place = 0;
            for (const Step step : parser_.parse(0, end, prices, true)) place = count(step, place, counts);
            if (counts.estimate() >= least) continue;
            least = counts.estimate();
            best = Prices::by_entropy(counts);
        }
        return best;
    }
    using Steps = std::vector<Step>::const_iterator;

    void add_units(uint32_t at, Steps step, Steps stop, std::vector<Block> &found) const {
        while (step != stop) {
            Block unit{at, at, {}};
            const Steps last = size_t(stop - step) < UNIT + UNIT / 2 ? stop : step + UNIT;
            for (; step != last; ++step) at = count(*step, at, unit.counts);
            unit.end = at;
            found.push_back(unit);
        }
    }
    // Of a block's steps; returns where they end. No steps are a unit, too.
    Steps add_units(const Block &block, Steps step, std::vector<Block> &found) const {
        Steps stop = step;
        for (uint32_t at = block.begin; at < block.end; ++stop) at += stop->length;
        if (step == stop) found.push_back(block);
        add_units(block.begin, step, stop, found);
        return stop;
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
    bool hasty_;
    const Matches matches_;
    Parser parser_;
};

inline uint32_t adler32(const uint8_t *data, size_t size, uint32_t a = 1) {
    uint32_t b = 0;
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
// Of what two sums are of, one behind the other; of the second the length, and its sum from 0.
inline uint32_t adler32_of_both(uint32_t one, uint32_t other, size_t length) {
    constexpr uint64_t BASE = 65521;
    const uint64_t a = one & 0xFFFF, b = one >> 16;
    return uint32_t((b + a * (length % BASE) + (other >> 16)) % BASE << 16 | (a + (other & 0xFFFF)) % BASE);
}

constexpr uint32_t LARGE = 1 << 23;  // bytes
constexpr size_t MOST = size_t(UINT32_MAX) - 2 * PAD;  // bytes

// Whether nearly all is runs and rows that are the ones above them, as on an empty page: blocks of more than one band then
// cost 5 to 12 %, and one takes little time. (Of other rows that repeat it takes more than twice as long.)
inline bool is_plain(const uint8_t *data, uint32_t size, uint32_t stride) {
    constexpr uint32_t FEW = 1024, RUN = 64;
    uint32_t others = 0, ends = 0;
    const uint32_t middle = size / 2 / stride * stride;
    for (uint32_t i = middle + 1; i < std::min(middle + stride, size); ++i) ends += data[i] != data[i - 1];
    if (ends > 2 + stride / RUN) return false;
    for (uint32_t at = stride; at < size && others <= size / FEW; at += stride) {
        const uint32_t length = std::min(stride, size - at);
        if (std::memcmp(data + at, data + at - stride, length) == 0) continue;
        for (uint32_t i = at; i < at + length; ++i) others += data[i] != data[i - stride];
    }
    return others <= size / FEW;
}

// `data` has PAD bytes before it and behind it that may be read; `stride` is a row's length. threads: 0 for all. times: how
// often all of it may be parsed again; 0 is hasty: 0.3 to 1.1 % more bytes, of what is LARGE 0.3 to 2 % in two thirds of the
// time. (In smaller ones looking for fewer matches cost a pattern 7 %; of what is LARGE, runs of chance 9 %.)
inline std::vector<uint8_t> zlib_stream(const uint8_t *data, uint32_t size, uint32_t stride, int threads,
                                        const std::function<void()> &poll, int times = 1) {
    constexpr uint32_t BAND = 3 << 16;  // two of 0.4 megapixels. Four times as long: 0.06 % fewer bytes
    constexpr uint32_t SHARED = 3 << 14;  // two of so many, too, in haste: of 80 icons 0.5 % fewer bytes
    const bool plain = is_plain(data, size, stride);
    times = std::max(times, int(plain));
    const uint32_t several = std::max(uint32_t(even_parts(size, BAND)), times == 0 && size >= SHARED ? 2u : 1u);
    const uint32_t bands = plain ? 1 : several;
    std::vector<BitWriter> bits(bands);
    std::vector<uint32_t> sums(bands);
    const auto edge = [&](int64_t band) { return uint32_t(uint64_t(size) * uint64_t(band) / bands); };
    const auto write = [&](int64_t k) {
        sums[size_t(k)] = adler32(data + edge(k), edge(k + 1) - edge(k), 0);
        Band(data, edge(k), edge(k + 1), stride, times == 0 && size > LARGE).write(bits[size_t(k)], k + 1 == bands, times);
    };
    ThreadPool(std::min<int64_t>(threads ? threads : processors(), bands) - 1).each(bands, write, poll);
    BitWriter out;
    out.reserve(16);
    out.put(0xDA78, 16);
    for (const BitWriter &band : bits) out.append(band);
    out.align();
    uint32_t sum = 1;
    for (int64_t k = 0; k < bands; ++k) sum = adler32_of_both(sum, sums[size_t(k)], edge(k + 1) - edge(k));
    out.reserve(64);
    for (int shift = 24; shift >= 0; shift -= 8) out.put(sum >> shift & 255, 8);
    return out.finish();
}
// Of rows as they are.
inline std::vector<uint8_t> padded_stream(const uint8_t *rows, size_t size, uint32_t stride, int threads,
                                          const std::function<void()> &poll, int times = 1) {
    Buffer<uint8_t> padded(size + 2 * PAD);
    std::fill_n(padded.begin(), PAD, uint8_t(0));
    std::copy_n(rows, size, padded.begin() + PAD);
    std::fill_n(padded.end() - PAD, PAD, uint8_t(0));
    return zlib_stream(padded.data() + PAD, uint32_t(size), stride, threads, poll, times);
}

}  // namespace tinct::deflate
