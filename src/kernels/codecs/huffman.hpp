// Huffman codes no longer than a limit, and bits to bytes.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace tinct::deflate {

// The lengths of an optimal prefix code for `counts`, none above `limit`: package-merge (Larmore and Hirschberg, JACM
// 1990). Symbols without a count get 0, a single one 1.
inline void code_lengths(const uint32_t *counts, int symbols, int limit, uint8_t *lengths) {
    constexpr int MOST = 288, LEVELS = 15;
    struct Leaf { uint32_t count; int symbol; };
    Leaf leaves[MOST];
    int n = 0;
    for (int s = 0; s < symbols; ++s) {
        lengths[s] = 0;
        if (counts[s]) leaves[n++] = {counts[s], s};
    }
    if (n < 2) {
        if (n) lengths[leaves[0].symbol] = 1;
        return;
    }
    std::sort(leaves, leaves + n, [](const Leaf &a, const Leaf &b) {
        return a.count != b.count ? a.count < b.count : a.symbol < b.symbol;
    });
    // A level's list holds the leaves and the pairs of the list before, by weight; an item is a pair or a leaf.
    bool is_pair[LEVELS][2 * MOST];
    uint64_t weights[2][2 * MOST];
    int size = 0;
    for (int level = 0; level < limit; ++level) {
        const uint64_t *before = weights[level & 1];
        uint64_t *list = weights[~level & 1];
        const int pairs = size / 2;
        int leaf = 0, pair = 0;
        for (size = 0; leaf < n || pair < pairs; ++size) {
            const uint64_t sum = pair < pairs ? before[2 * pair] + before[2 * pair + 1] : ~uint64_t(0);
            const bool take = leaf == n || sum < leaves[leaf].count;
            is_pair[level][size] = take;
            list[size] = take ? sum : leaves[leaf].count;
            take ? ++pair : ++leaf;
        }
    }
    for (int level = limit - 1, take = 2 * n - 2; level >= 0; --level) {
        const int pairs = int(std::count(is_pair[level], is_pair[level] + take, true));
        for (int i = 0; i < take - pairs; ++i) ++lengths[leaves[i].symbol];
        take = 2 * pairs;
    }
}

// Each code's bits as DEFLATE sends them (RFC 1951, 3.2.2), the first one lowest.
inline void canonical_codes(const uint8_t *lengths, int symbols, uint16_t *codes) {
    uint32_t many[16] = {}, next[16] = {};
    for (int s = 0; s < symbols; ++s) many[lengths[s]] += lengths[s] > 0;
    for (int length = 1; length < 16; ++length) next[length] = (next[length - 1] + many[length - 1]) << 1;
    for (int s = 0; s < symbols; ++s) {
        uint32_t bits = lengths[s] ? next[lengths[s]]++ : 0, reversed = 0;
        for (int i = 0; i < lengths[s]; ++i, bits >>= 1) reversed = reversed << 1 | (bits & 1);
        codes[s] = uint16_t(reversed);
    }
}

// Bits to bytes, the lowest first.
class BitWriter {
  public:
    // Makes room for so many bits more; `put` relies on it.
    void reserve(uint64_t bits) {
        const size_t needed = size_ + size_t(bits / 8) + 16;
        if (needed > bytes_.size()) bytes_.resize(std::max(needed, bytes_.size() * 5 / 4));
    }
    // At most 56 bits.
    void put(uint64_t bits, int count) {
        held_ |= bits << count_;
        count_ += count;
        std::memcpy(bytes_.data() + size_, &held_, 8);
        size_ += size_t(count_) >> 3;
        held_ >>= count_ & ~7;
        count_ &= 7;
    }
    void align() {
        if (count_) put(0, 8 - count_);
    }
    // Behind an `align`.
    void put_bytes(const uint8_t *bytes, size_t count) {
        reserve(count * 8);
        std::memcpy(bytes_.data() + size_, bytes, count);
        size_ += count;
    }
    void append(const BitWriter &other) {
        reserve(other.bits());
        for (size_t i = 0; i < other.size_; i += 4) {
            const size_t whole = std::min<size_t>(4, other.size_ - i);
            uint32_t four = 0;
            std::memcpy(&four, other.bytes_.data() + i, whole);
            put(four, int(whole) * 8);
        }
        put(other.held_ & ((1u << other.count_) - 1), other.count_);
    }
    uint64_t bits() const { return uint64_t(size_) * 8 + uint64_t(count_); }
    std::vector<uint8_t> finish() {
        align();
        bytes_.resize(size_);
        return std::move(bytes_);
    }

  private:
    std::vector<uint8_t> bytes_;
    size_t size_ = 0;
    uint64_t held_ = 0;
    int count_ = 0;  // bits held, below 8
};

}  // namespace tinct::deflate
