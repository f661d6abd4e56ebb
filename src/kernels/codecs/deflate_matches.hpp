// Where bytes stand earlier, too: the copies that DEFLATE could make of them.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "codecs/deflate_blocks.hpp"
#include "codecs/deflate_job.hpp"
#include "memory/buffer.hpp"

namespace tinct::deflate {

static_assert(std::endian::native == std::endian::little, "bytes are compared eight at a time, the first one lowest");

constexpr uint32_t PAD = 256;  // bytes that may be read before the data and behind them

inline uint64_t eight_bytes(const uint8_t *at) {
    uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    return bytes;
}

// A bit for each of 64 bytes, set where the same byte stands `distance` before.
inline uint64_t equal_bytes(const uint8_t *at, uint32_t distance) {
    uint64_t equal = 0;
#if defined(__SSE2__)
    for (int i = 0; i < 64; i += 16) {
        const auto load = [&](const uint8_t *p) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + i)); };
        equal |= uint64_t(uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(load(at), load(at - distance))))) << i;
    }
#else
    constexpr uint64_t SEVEN = 0x7F7F7F7F7F7F7F7F;
    for (int i = 0; i < 64; i += 8) {
        const uint64_t x = eight_bytes(at + i) ^ eight_bytes(at + i - distance);
        const uint64_t zero = ~(((x & SEVEN) + SEVEN) | x | SEVEN) >> 7;  // a 1 in each byte that is 0
        equal |= (zero * 0x0102040810204080 >> 56) << i;
    }
#endif
    return equal;
}

// `length` bytes from `start` on stand `distance` earlier, too; `code` is that distance's.
struct ShortMatch {
    uint32_t start;
    uint16_t distance;
    uint8_t length, code;  // NEAR may stand for more
};

// What a band's bytes can be copied from. Places count from the band's beginning.
struct Matches {
    Buffer<ShortMatch> all;        // by start
    std::vector<LongMatch> longs;  // those longer than NEAR that are of use
    Buffer<uint8_t> codes;         // [places][NEAR], as of ParseJob
};

// Places lie in binary trees, sorted by what stands there, later ones nearer to the root; a tree for each 4 bytes that
// they begin with. The way down to a new place passes those that share most with it (as in libdeflate and LZMA).
//
// What is found at one place goes on at the next: `open_` knows. A run of one byte is a unit: its end is looked up, with
// what follows, and its inside is not entered.
class Finder {
  public:
    // `begin` to `end` is to be searched; what stands before may be copied from.
    Finder(const uint8_t *data, uint32_t begin, uint32_t end, uint32_t stride, bool hasty)
        : depth_(hasty ? HASTY : DEPTH), data_(data), begin_(begin), end_(end), roots_(1 << BITS), children_(2 * WINDOW), threes_(2 << BITS3),
          known_(WINDOW + 1), nearest_(end - begin + PAD, NO_CODE) {
        found_.codes.resize(size_t(end - begin) * NEAR);
        open_ = open_ | NO_CODE;
        for (uint32_t row = stride; row <= 2 * stride; row += stride)
            for (uint32_t d = std::max(row, 2u) - 2; d <= row + 2; ++d)
                if ((fixed_.empty() ? 1 : d > fixed_.back()) && d > 0 && d <= WINDOW) fixed_.push_back(d);
        for (uint32_t i = begin - std::min<uint32_t>(begin, WINDOW); i < begin; ++i)
            if (!is_inside_run(i)) enter<false>(i, eight_bytes(data + i));
    }

    Matches find() {
        for (uint32_t first = begin_; first < end_; first += 64) {
            list_fixed(first);
            search(first, std::min(first + 64, end_));
        }
        found_.all.resize(shorts_);
        return std::move(found_);
    }

  private:
    static constexpr int BITS = 16, BITS3 = 15, DEPTH = 100, HASTY = 12;
    static constexpr uint32_t RUN = 10, NICE = 128, FAR = 300;
    typedef uint8_t Bytes __attribute__((vector_size(16)));
    static constexpr Bytes ONES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

    static uint32_t hash3(uint64_t bytes) { return uint32_t(bytes << 8) * 0x9E3779B1u >> (32 - BITS3); }
    static uint32_t hash4(uint64_t bytes) { return uint32_t(bytes) * 0x9E3779B1u >> (32 - BITS); }
    static Bytes lesser(Bytes a, Bytes b) {
#if defined(__SSE2__)
        return Bytes(_mm_min_epu8(__m128i(a), __m128i(b)));
#else
        return a < b ? a : b;
#endif
    }
    static Bytes shifted(Bytes a, uint8_t entering) {
#if defined(__SSE2__)
        return Bytes(_mm_or_si128(_mm_srli_si128(__m128i(a), 1), _mm_slli_si128(_mm_cvtsi32_si128(entering), 15)));
#else
        a = __builtin_shufflevector(a, a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15);
        a[15] = entering;
        return a;
#endif
    }

    // How many bytes are the same from both places on, at most NICE, if the first `length` are.
    static uint32_t common(const uint8_t *a, const uint8_t *b, uint32_t length) {
        for (; length < NICE; length += 8)
            if (const uint64_t differs = eight_bytes(a + length) ^ eight_bytes(b + length))
                return std::min(length + (uint32_t(std::countr_zero(differs)) >> 3), NICE);
        return NICE;
    }
    uint32_t reach_of(uint32_t i) const { return std::min<uint32_t>(std::max(i, 1u) - 1, WINDOW - 1); }

    // Enters place i. LIST: writes down what is longer than all nearer matches.
    template <bool LIST> uint32_t *enter(uint32_t i, uint64_t bytes, uint32_t *listed = nullptr) {
        const uint8_t *const here = data_ + i;
        uint16_t *three = &threes_[2 * hash3(bytes)];
        uint32_t &root = roots_[hash4(bytes)];
        const uint32_t reach = reach_of(i);
        uint32_t best = SHORTEST - 1;
        if (LIST)
            for (int way = 0; way < 2; ++way)
                if (const uint32_t d = uint16_t(i - three[way]);
                    d - 1 < reach && !((eight_bytes(here - d) ^ bytes) & 0xFFFFFF)) {
                    best = common(here, here - d, SHORTEST);
                    *listed++ = d | best << 16;
                    break;
                }
        three[1] = three[0];
        three[0] = uint16_t(i);
        uint16_t *less = &children_[2 * (i % WINDOW)], *more = less + 1;
        uint32_t distance = i + 1 - root, before = 0, length = 0, less_length = 0, more_length = 0;
        root = i + 1;
        for (int depth = depth_; distance > before && distance <= reach && depth > 0; --depth) {
            const uint8_t *const there = here - distance;
            uint16_t *const pair = &children_[2 * ((i - distance) % WINDOW)];
            if (there[length] == here[length]) {
                length = common(here, there, length + 1);
                if (LIST && length > best) *listed++ = distance | (best = length) << 16;
                if (length == NICE) {
                    // it takes the other's place; a child that isn't older than its parent is none
                    *less = uint16_t(i - pair[0]) > distance ? pair[0] : uint16_t(i);
                    *more = uint16_t(i - pair[1]) > distance ? pair[1] : uint16_t(i);
                    return listed;
                }
            }
            before = distance;
            if (there[length] < here[length]) {
                *less = uint16_t(i - distance);
                less = pair + 1;
                distance = uint16_t(i - *less);
                less_length = length;
                length = std::min(length, more_length);
            } else {
                *more = uint16_t(i - distance);
                more = pair;
                distance = uint16_t(i - *more);
                more_length = length;
                length = std::min(length, less_length);
            }
        }
        *less = *more = uint16_t(i);  // nothing: children are older than their parents
        return listed;
    }

    // Where the match at `distance` ends that goes as far as `from`.
    uint32_t extend(uint32_t from, uint32_t distance) const {
        for (; from < end_; from += 8)
            if (const uint64_t differs = eight_bytes(data_ + from) ^ eight_bytes(data_ + from - distance))
                return std::min(from + (uint32_t(std::countr_zero(differs)) >> 3), end_);
        return end_;
    }

    // Which of the fixed distances match from where on.
    void list_fixed(uint32_t first) {
        std::fill_n(starts_, 64, 0u);
        for (size_t k = 0; k < fixed_.size() && fixed_[k] < first; ++k) {
            const uint32_t d = fixed_[k];
            const uint64_t equal = equal_bytes(data_ + first, d), ahead = equal_bytes(data_ + first + 64, d);
            const uint64_t before = first > begin_ && data_[first - 1] == data_[first - 1 - d];
            uint64_t starts = equal & (equal >> 1 | ahead << 63) & (equal >> 2 | ahead << 62) & ~(equal << 1 | before);
            for (; starts; starts &= starts - 1) starts_[std::countr_zero(starts)] |= 1u << k;
        }
    }

    void search(uint32_t first, uint32_t last) {
        if (found_.all.size() < shorts_ + 64 * 64) found_.all.resize((shorts_ + 64 * 64) * 3 / 2);
        ShortMatch *shorts = found_.all.data() + shorts_;
        Bytes open = open_;
        const uint8_t *entering = nearest_.data() + (first - begin_) + NEAR + 1;
        uint8_t *codes = found_.codes.data() + size_t(first - begin_) * NEAR;
        for (uint32_t i = first; i < last; ++i, codes += NEAR) {
            const auto open_short = [&](uint32_t distance, uint32_t length) {
                const auto code = uint8_t(distance_code(distance));
                open = lesser(open, Bytes(ONES > uint8_t(length)) | code);
                *shorts++ = {i - begin_, uint16_t(distance), uint8_t(length), code};
            };
            const auto open_new = [&](uint32_t distance, uint32_t end) {
                if (const uint32_t length = extent(i, distance, end)) open_short(distance, length);
            };
            const uint64_t bytes = eight_bytes(data_ + i);
            const bool is_inside = is_inside_run(i) && i > begin_;
            if (!is_inside && i + RUN < run_end_) look_ahead(i, run_end_ + 1 - RUN);
            for (; pending_at_ < pending_.size() && pending_[pending_at_].start <= i; ++pending_at_)
                open_new(pending_[pending_at_].distance, pending_[pending_at_].end);
            for (uint32_t fixed = starts_[i - first]; fixed; fixed &= fixed - 1)
                open_new(fixed_[size_t(std::countr_zero(fixed))], 0);
            if (!is_inside) {
                std::memcpy(codes, &open, NEAR);
                uint32_t listed[DEPTH + 1];
                const bool is_far = farthest_ >= i + FAR;  // what is open goes on for long
                const uint32_t *const stop = is_far ? enter<false>(i, bytes, listed) : enter<true>(i, bytes, listed);
                for (const uint32_t *at = listed; at != stop; ++at) {
                    const uint32_t distance = *at & 0xFFFF, length = std::min(*at >> 16, end_ - i);
                    if (length > NEAR) open_new(distance, length < NICE ? i + length : 0);
                    else if (length >= SHORTEST && codes[length - 1] > distance_code(distance))
                        open_short(distance, length);
                }
            }
            std::memcpy(codes, &open, NEAR);
            open = shifted(open, *entering++);
        }
        open_ = open;
        shorts_ = size_t(shorts - found_.all.data());
    }
    // How far a match goes from i if that is news, at most NEAR; long ones are listed by themselves.
    uint32_t extent(uint32_t i, uint32_t distance, uint32_t end) {
        if (known_[distance] >= i + SHORTEST) return 0;
        end = end ? end : extend(i, distance);
        known_[distance] = end;
        if (end <= i + NEAR) return end < i + SHORTEST ? 0 : end - i;
        const auto code = uint8_t(distance_code(distance));
        const uint32_t least = i - begin_ + NEAR + 1;
        if (nearest_[end - begin_] <= code) return 0;  // something as near is open and reaches as far
        for (uint32_t x = end - begin_; x >= least && nearest_[x] > code; --x) nearest_[x] = code;  // it never falls
        found_.longs.push_back({i - begin_, end - begin_, uint16_t(distance), code});
        farthest_ = std::max(farthest_, end);
        return NEAR;
    }

    // Whether the byte before and RUN bytes from here on are the same.
    bool is_inside_run(uint32_t i) {
        if (i >= run_end_) {
            const uint64_t bytes = eight_bytes(data_ + i);
            run_end_ = bytes == (bytes & 255) * 0x0101010101010101 ? extend(i + 1, 1) : i + 1;
            run_begin_ = i;
        }
        return i > run_begin_ && i + RUN <= run_end_;
    }
    // What matches a run's last bytes and those behind it, from as early in the run as it does.
    void look_ahead(uint32_t i, uint32_t tail) {
        pending_ = {{i + 1, run_end_, 1, 0}};
        pending_at_ = 0;
        uint32_t distance = tail + 1 - roots_[hash4(eight_bytes(data_ + tail))], before = 0;
        uint32_t length = 0, less_length = 0, more_length = 0;
        for (int depth = depth_; distance > before && distance <= reach_of(tail) && depth > 0; --depth) {
            const uint8_t *const here = data_ + tail, *const there = here - distance;
            const uint16_t *const pair = &children_[2 * ((tail - distance) % WINDOW)];
            if (there[length] == here[length]) length = common(here, there, length + 1);
            if (length >= 4) {
                uint32_t start = tail;
                while (start > i && data_[start - 1] == data_[start - 1 - distance] && start > distance + 1) --start;
                const uint32_t end = length < NICE ? tail + length : extend(tail, distance);
                pending_.push_back({start, std::min(end, end_), uint16_t(distance), 0});
                if (length == NICE) break;
            }
            before = distance;
            const bool is_less = there[length] < here[length];
            distance = uint16_t(tail - pair[is_less]);
            (is_less ? less_length : more_length) = length;
            length = std::min(less_length, more_length);
        }
        std::sort(pending_.begin(), pending_.end(), [](const LongMatch &a, const LongMatch &b) {
            return a.start != b.start ? a.start < b.start : a.distance < b.distance;
        });
    }

    int depth_;  // how far down a tree it looks
    const uint8_t *data_;
    uint32_t begin_, end_, farthest_ = 0, run_begin_ = 0, run_end_ = 0;
    std::vector<uint32_t> roots_;              // by hash: one more than the tree's latest place
    std::vector<uint16_t> children_, threes_;  // by place, what is less and what is more; the last two of 3 bytes' hash
    std::vector<uint32_t> known_;   // by distance: where the last match found ends
    std::vector<uint8_t> nearest_;  // by place: the least code of a distance whose match is open and reaches it
    std::vector<uint32_t> fixed_;
    uint32_t starts_[64];
    size_t pending_at_ = 0, shorts_ = 0;
    Bytes open_ = {};  // the least codes for 1...NEAR bytes from this place on
    std::vector<LongMatch> pending_;  // those that start within the run
    Matches found_;
};

}  // namespace tinct::deflate
