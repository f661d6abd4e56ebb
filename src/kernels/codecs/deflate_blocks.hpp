// Literals and copies as DEFLATE's blocks (RFC 1951): what a block would take, and its bits.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/deflate_job.hpp"
#include "codecs/huffman.hpp"
#include "codecs/prices.hpp"

namespace tinct::deflate {

constexpr int SYMBOLS = 286, DISTANCES = 30, END = 256, SHORTEST = 3, WINDOW = 32768;

struct Token {
    uint16_t length, distance;  // of a literal 1 and 0
};

// The codes of lengths, the first length of each, and the bits that follow a code; of distances the same.
struct Tables {
    uint8_t length_code[LONGEST + 1], length_extra[29], distance_extra[DISTANCES];
    uint16_t first_length[29], first_distance[DISTANCES];

    Tables() : length_code{}, first_length{}, first_distance{} {
        for (int length = LONGEST; length >= SHORTEST; --length) {
            length_code[length] = uint8_t(rate::Deflate::length_code(length));
            first_length[length_code[length]] = uint16_t(length);
        }
        for (int code = 0; code < 29; ++code) length_extra[code] = uint8_t(rate::Deflate::length_extra(code));
        for (int code = 0, first = 1; code < DISTANCES; ++code) {
            first_distance[code] = uint16_t(first);
            distance_extra[code] = uint8_t(rate::prefix_extra(code));
            first += 1 << distance_extra[code];
        }
    }
};
inline const Tables TABLES;

// As rate::prefix_code, without a branch.
inline int distance_code(uint32_t distance) {
    const uint32_t v = distance - 1;
    const int extra = int(std::bit_width(v | 2)) - 2;
    return 2 * extra + int(v >> extra);
}

// n log2(n), in 256ths of a bit: tabled, as libm's last bit differs between machines. Beyond the table the lower
// digits of n count only as a factor.
class Entropy {
  public:
    Entropy() {
        for (uint32_t n = 1; n < SIZE; ++n) {
            log2_[n] = uint32_t(rate::log2_bits(n) * 65536.0f);
            times_[n] = uint32_t(uint64_t(n) * log2_[n] >> 8);
        }
    }
    int64_t n_log_n(uint32_t n) const {
        if (n < SIZE) return times_[n];
        const int shift = int(std::bit_width(n)) - 12;
        return int64_t(uint64_t(n) * (log2_[n >> shift] + (uint32_t(shift) << 16)) >> 8);
    }
    // log2(n) in 256ths, n below 2^31.
    int64_t log(uint32_t n) const {
        const int shift = std::max(int(std::bit_width(n)) - 12, 0);
        return (log2_[n >> shift] >> 8) + (shift << 8);
    }

  private:
    static constexpr uint32_t SIZE = 4096;
    uint32_t log2_[SIZE] = {}, times_[SIZE] = {};
};
inline const Entropy ENTROPY;

// How often each symbol occurs.
struct Counts {
    uint32_t symbols[SYMBOLS] = {}, distances[DISTANCES] = {};

    void add(const Counts &other) {
        for (int i = 0; i < SYMBOLS; ++i) symbols[i] += other.symbols[i];
        for (int i = 0; i < DISTANCES; ++i) distances[i] += other.distances[i];
    }
    void count_literal(uint8_t byte) { ++symbols[byte]; }
    void count_copy(int length, int distance_code) {
        ++symbols[END + 1 + TABLES.length_code[length]];
        ++distances[distance_code];
    }
    // What the block would take, in 256ths of a bit; its header by a guess, which is rather high: the codes of a few blocks
    // serve the next parse better than those of many. (33 graphics: 120 bits of its own take 0.12 % less than 60, 200 0.17 %,
    // 300 0.14 %; 600 as much as 60.)
    int64_t estimate() const {
        constexpr int64_t BIT = 256;
        const auto [some, bits] = entropy(symbols, SYMBOLS);
        const auto [others, more] = entropy(distances, DISTANCES);
        return bits + more + int64_t(extra_bits()) * BIT + 160 * BIT + some * (7 * BIT / 2) + others * 3 * BIT;
    }
    uint64_t extra_bits() const {
        uint64_t bits = 0;
        for (int code = 0; code < 29; ++code) bits += uint64_t(symbols[END + 1 + code]) * TABLES.length_extra[code];
        for (int code = 0; code < DISTANCES; ++code) bits += uint64_t(distances[code]) * TABLES.distance_extra[code];
        return bits;
    }

  private:
    struct Entropies { int used; int64_t bits; };
    static Entropies entropy(const uint32_t *counts, int size) {
        uint32_t sum = 0;
        Entropies found{0, 0};
        for (int i = 0; i < size; ++i) {
            sum += counts[i];
            found.used += counts[i] > 0;
            found.bits -= counts[i] > 1 ? ENTROPY.n_log_n(counts[i]) : 0;
        }
        found.bits += ENTROPY.n_log_n(sum);
        return found;
    }
};

// Two prefix codes: of literals, the end, and lengths; of distances.
struct Codes {
    uint8_t symbols[288], distances[32];

    // Those of a block with these counts, its end among them. Two distances have a code at least: old decoders
    // refuse fewer.
    explicit Codes(Counts counts) : symbols{}, distances{} {
        counts.symbols[END] = 1;
        const auto unused = [&] { return std::count(counts.distances, counts.distances + DISTANCES, 0u); };
        for (int code = 0; unused() > DISTANCES - 2; ++code)
            counts.distances[code] = std::max(counts.distances[code], 1u);
        code_lengths(counts.symbols, SYMBOLS, 15, symbols);
        code_lengths(counts.distances, DISTANCES, 15, distances);
    }
    // The fixed ones.
    Codes() : symbols{}, distances{} {
        for (int s = 0; s < 288; ++s) symbols[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
        std::fill_n(distances, 32, uint8_t(5));
    }
    uint64_t bits(const Counts &counts) const {
        uint64_t sum = counts.extra_bits() + symbols[END];
        for (int s = 0; s < SYMBOLS; ++s) sum += uint64_t(counts.symbols[s]) * symbols[s];
        for (int d = 0; d < DISTANCES; ++d) sum += uint64_t(counts.distances[d]) * distances[d];
        return sum;
    }
};

// The lengths of a block's codes, as its header tells them (RFC 1951, 3.2.7).
class Header {
  public:
    explicit Header(const Codes &codes) {
        while (symbols_ > END + 1 && !codes.symbols[symbols_ - 1]) --symbols_;
        while (distances_ > 1 && !codes.distances[distances_ - 1]) --distances_;
        std::array<uint8_t, 320> all{};
        std::copy_n(codes.symbols, symbols_, all.begin());
        std::copy_n(codes.distances, distances_, all.begin() + symbols_);
        const int size = symbols_ + distances_;
        for (int at = 0, run; at < size; at += run) {
            for (run = 1; at + run < size && all[size_t(at + run)] == all[size_t(at)]; ++run) {}
            add_run(all[size_t(at)], run);
        }
        uint32_t counts[19] = {};
        for (int i = 0; i < size_; ++i) ++counts[steps_[i].code];
        if (std::count(counts, counts + 19, 0u) == 18) ++counts[counts[0] ? 1 : 0];  // zlib refuses a single code
        code_lengths(counts, 19, 7, lengths_);
        while (lengths_sent_ > 4 && !lengths_[ORDER[lengths_sent_ - 1]]) --lengths_sent_;
    }
    uint64_t bits() const {
        uint64_t sum = 14 + 3 * uint64_t(lengths_sent_);
        for (int i = 0; i < size_; ++i) sum += uint64_t(lengths_[steps_[i].code] + extra(steps_[i].code));
        return sum;
    }
    void write(BitWriter &out) const {
        uint16_t codes[19];
        canonical_codes(lengths_, 19, codes);
        out.put(uint64_t(symbols_ - 257) | uint64_t(distances_ - 1) << 5 | uint64_t(lengths_sent_ - 4) << 10, 14);
        for (int i = 0; i < lengths_sent_; ++i) out.put(lengths_[ORDER[i]], 3);
        for (int i = 0; i < size_; ++i) {
            const auto [code, value] = steps_[i];
            out.put(codes[code] | uint64_t(value) << lengths_[code], lengths_[code] + extra(code));
        }
    }

  private:
    static constexpr uint8_t ORDER[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    static int extra(int code) { return code < 16 ? 0 : code == 16 ? 2 : code == 17 ? 3 : 7; }

    void add(int code, int value) { steps_[size_++] = {uint8_t(code), uint8_t(value)}; }
    void add_run(uint8_t length, int run) {
        if (length) add(length, 0), --run;
        const int least = 3, most = length ? 6 : 138;
        while (run >= least) {
            int part = std::min(run, most);
            const int left = run - part;
            if (left > 0 && left < least && part - (least - left) >= least) part -= least - left;
            length ? add(16, part - 3) : part < 11 ? add(17, part - 3) : add(18, part - 11);
            run -= part;
        }
        for (; run > 0; --run) add(length, 0);
    }

    struct Step { uint8_t code, value; };
    Step steps_[320];
    uint8_t lengths_[19];
    int size_ = 0, symbols_ = SYMBOLS, distances_ = DISTANCES, lengths_sent_ = 19;
};

// Counts that differ little made alike, where several stand side by side: their codes take a few bits more, but get the
// same lengths, which the header tells as a run (after Zopfli). 0.1 % of graphics, 0.6 % of small ones of many colors.
inline Counts leveled(Counts counts, uint32_t slack) {
    const auto level = [slack](uint32_t *row, int size) {
        for (int at = 0, end; at < size; at = end) {
            uint32_t sum = row[at];
            const auto near = [&](uint32_t count) {
                const uint32_t mean = sum / uint32_t(end - at), away = count > mean ? count - mean : mean - count;
                return count > 0 && away <= slack + mean * slack / 8;
            };
            for (end = at + 1; end < size && sum && near(row[end]); ++end) sum += row[end];
            const auto run = uint32_t(end - at);
            if (run >= 4) std::fill(row + at, row + end, std::max((sum + run / 2) / run, 1u));
        }
    };
    level(counts.symbols, SYMBOLS);
    level(counts.distances, DISTANCES);
    return counts;
}

struct Block {
    uint32_t begin, end;  // in the band
    Counts counts;
};

class BlockWriter {
  public:
    BlockWriter(const uint8_t *data, BitWriter &out) : data_(data), out_(out) {}

    // The smallest of DEFLATE's three kinds of block.
    void write(const Block &block, const std::vector<Token> &tokens, bool last) {
        const Codes fixed;
        Codes made(block.counts);
        Header header(made);
        const uint64_t plain = fixed.bits(block.counts);
        uint64_t coded = made.bits(block.counts) + header.bits();
        for (const uint32_t slack : {2u, 4u}) {
            const Codes other(leveled(block.counts, slack));
            const Header told(other);
            const uint64_t bits = other.bits(block.counts) + told.bits();
            if (bits < coded) coded = bits, made = other, header = told;
        }
        const uint64_t size = block.end - block.begin, stored = (size + (size / 65535 + 1) * 5) * 8;
        out_.reserve(std::min({plain, coded, stored}) + 8 * 8);
        if (stored < std::min(plain, coded)) return store(block, last);
        out_.put(uint64_t(last) | (plain <= coded ? 1 : 2) << 1, 3);
        if (plain > coded) header.write(out_);
        write_tokens(plain <= coded ? fixed : made, block, tokens);
    }

  private:
    void store(const Block &block, bool last) {
        for (uint32_t at = block.begin, part; at < block.end; at += part) {
            part = std::min(block.end - at, 65535u);
            out_.reserve(64);
            out_.put(last && at + part == block.end, 3);
            out_.align();
            out_.put(part | uint64_t(part ^ 0xFFFF) << 16, 32);
            out_.put_bytes(data_ + at, part);
        }
    }
    void write_tokens(const Codes &codes, const Block &block, const std::vector<Token> &tokens) {
        uint16_t symbols[288], distances[32];
        canonical_codes(codes.symbols, 288, symbols);
        canonical_codes(codes.distances, 32, distances);
        struct { uint32_t bits; int count; } lengths[LONGEST + 1] = {};  // with the bits that follow
        for (int length = SHORTEST; length <= LONGEST; ++length) {
            const int code = TABLES.length_code[length], symbol = END + 1 + code;
            lengths[length] = {symbols[symbol] | uint32_t(length - TABLES.first_length[code]) << codes.symbols[symbol],
                               codes.symbols[symbol] + TABLES.length_extra[code]};
        }
        const uint8_t *at = data_ + block.begin;
        for (const Token token : tokens) {
            const uint8_t byte = *at;
            at += token.length;
            if (!token.distance) {
                out_.put(symbols[byte], codes.symbols[byte]);
                continue;
            }
            const auto [bits, count] = lengths[token.length];
            const int code = distance_code(token.distance);
            const uint64_t extra = token.distance - TABLES.first_distance[code];
            const uint64_t distance = distances[code] | extra << codes.distances[code];
            out_.put(bits | distance << count, count + codes.distances[code] + TABLES.distance_extra[code]);
        }
        out_.put(symbols[END], codes.symbols[END]);
    }

    const uint8_t *data_;
    BitWriter &out_;
};

}  // namespace tinct::deflate
