// The cheapest tokens of a part, at given prices: compiled once for each instruction set, by clustering/simd.cpp.
#pragma once
#include <cstring>

#include "codecs/deflate_job.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace tinct::deflate {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

typedef int16_t Lanes __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(16)));

template <class V> inline V load(const void *at) {
    V lanes;
    std::memcpy(&lanes, at, 16);
    return lanes;
}

// The prices of the distance codes of 16 lengths, in two halves; NEVER for NO_CODE.
struct DistancePrices {
    explicit DistancePrices(const uint8_t *prices)
        : prices_(prices), low_(load<Bytes>(prices)), high_(load<Bytes>(prices + 16)) {}
    void look_up(Bytes codes, Lanes &near, Lanes &far) const {
#if defined(__SSSE3__)
        // An index with its highest bit set gives 0.
        const __m128i low = _mm_shuffle_epi8(__m128i(low_), __m128i(codes + 0x70));
        const __m128i price = _mm_or_si128(low, _mm_shuffle_epi8(__m128i(high_), __m128i(codes - 16)));
        const __m128i never = _mm_and_si128(_mm_cmpeq_epi8(price, _mm_set1_epi8(-1)), _mm_set1_epi8(NEVER >> 8));
        near = Lanes(_mm_unpacklo_epi8(price, never));
        far = Lanes(_mm_unpackhi_epi8(price, never));
#else
        const auto price = [&](int lane) { return int16_t(codes[lane] == NO_CODE ? NEVER : prices_[codes[lane]]); };
        for (int lane = 0; lane < 8; ++lane) near[lane] = price(lane), far[lane] = price(lane + 8);
#endif
    }
    const uint8_t *prices_;
    Bytes low_, high_;
};

// The lanes of a and b, one further on.
inline void shift(Lanes &a, Lanes &b, int entering) {
#if defined(__SSE2__)  // GCC takes lanes apart one by one where it has no instruction for both vectors
    a = Lanes(_mm_insert_epi16(_mm_srli_si128(__m128i(a), 2), b[0], 7));
    b = Lanes(_mm_insert_epi16(_mm_srli_si128(__m128i(b), 2), entering, 7));
#else
    a = __builtin_shufflevector(a, b, 1, 2, 3, 4, 5, 6, 7, 8);
    b = __builtin_shufflevector(b, b, 1, 2, 3, 4, 5, 6, 7, 7);
    b[7] = int16_t(entering);
#endif
}
inline void shift(Bytes &a) {
#if defined(__SSE2__)
    a = Bytes(_mm_srli_si128(__m128i(a), 1));
#else
    a = __builtin_shufflevector(a, Bytes{}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
#endif
}

// All of a mask's lanes, in bytes.
inline Bytes narrow(Lanes a, Lanes b) {
#if defined(__SSE2__)
    return Bytes(_mm_packs_epi16(__m128i(a), __m128i(b)));
#else
    Bytes out;
    for (int i = 0; i < 8; ++i) out[i] = uint8_t(a[i]), out[i + 8] = uint8_t(b[i]);
    return out;
#endif
}

// Long matches that are open: the cheaper, the shorter.
//
// What is no cheaper to reach than the place before it reaches nothing for less by the matches that were open there,
// but with lengths that cost less than one byte more does: of 242 these are 18 or fewer.
class LongMatches {
  public:
    explicit LongMatches(const ParseJob &job) : job_(job) {
        for (int length = 0; length <= LONGEST; ++length) {
            top_from_[length] = uint8_t(top_count_);
            if (length == LONGEST || job.length[length] < job.length[length + 1]) tops_[top_count_++] = uint16_t(length);
        }
    }
    bool any() const { return count_ > 0; }
    uint32_t far_end() const { return far_end_; }

    void open(const LongMatch &match) {
        const uint32_t end = match.end < job_.size ? match.end : job_.size;
        const Open fresh{match.start, end, job_.distance[match.code], match.distance};
        for (int k = 0; k < count_; ++k)
            if (open_[k].price <= fresh.price && open_[k].end >= fresh.end) return;
        int kept = 0;
        for (int k = 0; k < count_; ++k)
            if (open_[k].price < fresh.price || open_[k].end > fresh.end) open_[kept++] = open_[k];
        if (kept == MOST) std::memmove(open_, open_ + 1, size_t(--kept) * sizeof *open_);
        int at = kept;
        for (; at > 0 && open_[at - 1].price > fresh.price; --at) open_[at] = open_[at - 1];
        open_[at] = fresh;
        count_ = kept + 1;
        before_ = INT32_MAX;
        wake_ = 0;
        young_till_ = match.start + NEAR;
    }
    // How far the cheapest match may be followed by its longest copies alone: it is open for as long as one, ends far
    // away, and none that is cheaper starts before. What is reached from each of the last places then is written down.
    uint32_t leap(uint32_t i, int32_t cost, const LongMatch *next, const LongMatch *stop) {
        const Open match = open_[0];
        if (i + 1 < match.start + LONGEST || match.end < i + FAR + LONGEST) return 0;
        uint32_t limit = match.end - FAR;
        for (; next != stop && next->start < limit; ++next)
            if (job_.distance[next->code] < match.price) limit = next->start;
        if (limit < i + LONGEST) return 0;
        const uint32_t leapt = (limit - i) / LONGEST * LONGEST;
        const int32_t price = job_.length[LONGEST] + match.price;
        job_.far_costs[i] = cost;
        far_end_ = i + leapt + LONGEST;
        for (uint32_t place = i + 1; place <= far_end_; ++place) {
            job_.far_costs[place] = job_.far_costs[place - LONGEST] + price;
            job_.far[place] = match.distance | uint32_t(LONGEST) << 16;
            job_.lengths[place] = 0;
        }
        before_ = INT32_MAX;
        return leapt;
    }
    // Tries all lengths from place i that may be of use, each at the least price it can be had for.
    void go(uint32_t i, int32_t cost) {
        const bool dear = cost >= before_;
        before_ = job_.far_costs[i] = cost;
        int kept = 0;
        uint32_t tried = NEAR;
        for (int k = 0; k < count_; ++k) {
            const Open match = open_[k];
            if (match.end <= i + NEAR) continue;
            open_[kept++] = match;
            const uint32_t length = match.end - i < LONGEST ? match.end - i : uint32_t(LONGEST);
            if (length <= tried) continue;
            // far from its end only the longest: all of them saved 0 to 2 bytes of a file there, and took twice the time
            const uint32_t left = match.end - i, first = left > FAR ? length : tried + 1;
            reach_lengths(i, first, length, cost, match, dear && left != FAR);
            tried = length;
        }
        count_ = kept;
    }
    // In haste all lengths are tried from few places alone: while a match is young, where one ends or is a longest copy from
    // its end, a longest copy later, and a little where a place is cheaper to reach than the one before. Returns how many
    // places may then be left out, because what is reached in them is known.
    uint32_t go_hastily(uint32_t i, int32_t cost, const LongMatch *next, const LongMatch *stop) {
        const bool dear = cost >= before_;
        before_ = job_.far_costs[i] = cost;
        if (!dear || i >= wake_ || i < young_till_) try_lengths(i, cost, dear && i == last_ + 1);
        uint32_t limit = wake_ < far_end_ ? wake_ : far_end_;
        if (next != stop && next->start < limit) limit = next->start;
        if (i < young_till_) return 0;
        const int32_t *const costs = job_.far_costs;
        for (uint32_t place = i + NEAR + 2; place < limit; ++place)
            if (costs[place] < costs[place - 1] || costs[place + 1] > costs[place] + STEP) limit = wake_ = place;
        if (limit < i + 2 * NEAR + NEAR / 2) return 0;
        const uint32_t leapt = limit - NEAR - i;
        for (uint32_t place = i + NEAR + 1; place <= limit; ++place) job_.lengths[place] = 0;
        before_ = costs[i + leapt];
        return leapt;
    }

  private:
    static constexpr int MOST = 12;
    static constexpr uint32_t FAR = LONGEST + NEAR;
    static constexpr int32_t STEP = 8;  // a bit
    struct Open { uint32_t start, end; uint8_t price; uint16_t distance; };

    static void reach(int32_t *__restrict costs, uint32_t *__restrict copies, const int16_t *__restrict prices,
                      uint32_t first, uint32_t last, int32_t cost, uint32_t distance) {
        for (uint32_t length = first; length <= last; ++length) {
            const int32_t reached = cost + prices[length];
            const bool better = reached < costs[length];
            costs[length] = better ? reached : costs[length];
            copies[length] = better ? distance | length << 16 : copies[length];
        }
    }

    // Until `wake_` nothing else is of use then, unless a match is opened.
    void try_lengths(uint32_t i, int32_t cost, bool follows) {
        const bool whole = i >= wake_;
        if (whole) wake_ = i + LONGEST;
        last_ = i;
        int kept = 0;
        uint32_t tried = NEAR;
        for (int k = 0; k < count_; ++k) {
            const Open match = open_[k];
            if (match.end <= i + NEAR) continue;
            open_[kept++] = match;
            const uint32_t left = match.end - i, length = left < LONGEST ? left : uint32_t(LONGEST);
            if (left <= LONGEST && match.end < wake_) wake_ = match.end;
            if (left > LONGEST && match.end - LONGEST < wake_) wake_ = match.end - LONGEST;
            if (length <= tried) continue;
            const uint32_t first = whole || left <= FAR ? tried + 1 : length;
            reach_lengths(i, first, length, cost, match, follows);
            tried = length;
        }
        count_ = kept;
        if (kept == 0) wake_ = 0;
    }
    void reach_lengths(uint32_t i, uint32_t first, uint32_t last, int32_t cost, const Open &match, bool only_tops) {
        if (far_end_ < i + NEAR) far_end_ = i + NEAR;
        while (far_end_ < i + last) job_.far_costs[++far_end_] = INT32_MAX / 2;
        if (only_tops) reach_tops(i, first, last, cost + match.price, match.distance);
        else reach(job_.far_costs + i, job_.far + i, job_.length, first, last, cost + match.price, match.distance);
    }

    void reach_tops(uint32_t i, uint32_t first, uint32_t last, int32_t cost, uint32_t distance) {
        for (int k = top_from_[first]; k < top_count_ && tops_[k] <= last; ++k) {
            const uint32_t length = tops_[k], place = i + length;
            const int32_t reached = cost + job_.length[length];
            if (reached >= job_.far_costs[place]) continue;
            job_.far_costs[place] = reached;
            job_.far[place] = distance | length << 16;
        }
    }

    const ParseJob &job_;
    Open open_[MOST];
    uint16_t tops_[LONGEST + 1];     // those lengths
    uint8_t top_from_[LONGEST + 1];  // by length, which of them is the first that is no less
    int count_ = 0, top_count_ = 0;
    int32_t before_ = INT32_MAX;  // what the place before this costs; unknown where a match is new
    uint32_t far_end_ = 0;
    uint32_t wake_ = 0, young_till_ = 0, last_ = 0;  // in haste
};

// From left to right. The costs of the next 16 places lie in two vectors: copies of up to 16 bytes are tried at once.
inline void cheapest(const ParseJob &job) {
    constexpr int STEPS = 64;
    constexpr int16_t NONE = 24000, LEAST = -8000;
    const DistancePrices distances(job.distance);
    const Lanes near_lengths = load<Lanes>(job.length + 1), far_lengths = load<Lanes>(job.length + 9);
    const Bytes ones = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    Lanes near = Lanes{} + NONE, far = near, here = {};  // costs beyond base; `here` has this place's in all lanes
    Bytes length = {}, code = {};
    LongMatches longs(job);
    const LongMatch *match = job.longs, *const stop = match + job.long_count;
    int32_t base = 0;
    for (uint32_t i = 0; i < job.size; ++i) {
        for (; match != stop && match->start == i; ++match) longs.open(*match);
        if (longs.any()) {
            const int32_t cost = base + here[0];
            if (const uint32_t leapt = job.hasty ? longs.go_hastily(i, cost, match, stop) : longs.leap(i, cost, match, stop)) {
                i += leapt;
                for (; match != stop && match->start <= i; ++match) longs.open(*match);
                base = job.far_costs[i];
                here = Lanes{};
                length = Bytes{};
                for (int lane = 0; lane < 8; ++lane) {
                    near[lane] = int16_t(job.far_costs[i + 1 + lane] - base);
                    far[lane] = int16_t(job.far_costs[i + 9 + lane] - base);
                }
            }
            if (!job.hasty) longs.go(i, base + here[0]);
        }
        Bytes codes = load<Bytes>(job.codes + size_t(i) * NEAR);
        if (job.size - i < NEAR) codes |= Bytes(ones > uint8_t(job.size - i)) & NO_CODE;
        Lanes near_step, far_step;
        distances.look_up(codes, near_step, far_step);
        near_step += near_lengths;
        far_step += far_lengths;
        near_step[0] = job.literal[job.data[i]];
        near_step += here;
        far_step += here;
        const Lanes near_better = near_step < near, far_better = far_step < far;
        near = near_better ? near_step : near;
        far = far_better ? far_step : far;
        const Bytes better = narrow(near_better, far_better);
        length = (better & ones) | (~better & length);
        code = (better & codes) | (~better & code);
        here = __builtin_shufflevector(near, near, 0, 0, 0, 0, 0, 0, 0, 0);
        job.lengths[i + 1] = length[0];
        job.chosen[i + 1] = code[0];
        int entering = NONE;
        if (const uint32_t place = i + NEAR + 1; place <= longs.far_end()) {
            const int32_t cost = job.far_costs[place] - base;
            entering = cost < LEAST ? LEAST : cost < NONE ? cost : NONE;
        }
        shift(near, far, entering);
        shift(length);  // what enters has length 0: it is in `far`
        shift(code);
        if (i % STEPS == STEPS - 1) {
            base += here[0];
            near -= here;
            far -= here;
            here = Lanes{};
        }
    }
}

}  // namespace
}  // namespace tinct::deflate
