// The distinct colors of a picture with their counts, and what is known of each color brought back to its pixels.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "memory/buffer.hpp"
#include "memory/radix.hpp"
#include "threads/pool.hpp"

namespace tinct::palette {

// The bits of the channels interleaved, highest first: near colors have near keys, which keeps tables in
// cache and gives the engine blocks of neighbours. Every fully transparent color is the same one, key 0.
template <int C> struct Key {
    static constexpr int HALF = C * 4;  // bits in each half of a key
    static constexpr std::array<uint32_t, 256> SPREAD = [] {
        std::array<uint32_t, 256> spread{};
        for (uint32_t v = 0; v < 256; ++v)
            for (int bit = 0; bit < 8; ++bit) spread[v] |= (v >> bit & 1) << (bit * C);
        return spread;
    }();

    static uint32_t of(const uint8_t *p) {
        const uint32_t key = SPREAD[p[1]] << 2 | SPREAD[p[0]] << 1 | SPREAD[p[2]];
        if constexpr (C == 4) return p[3] ? SPREAD[p[3]] << 3 | key : 0;
        return key;
    }
    static void to_color(uint32_t key, uint8_t *p) {
        uint32_t color = 0;
        for (int shift = 6 * C; shift >= 0; shift -= 2 * C) color = color << 2 | PAIRS[key >> shift & (PAIRS.size() - 1)];
        for (int j = 0; j < C; ++j) p[j] = uint8_t(color >> 8 * j);
    }

  private:
    // Two bits of each channel, in a byte each, from the part of a key that holds them.
    static constexpr std::array<uint32_t, 1 << 2 * C> PAIRS = [] {
        constexpr int CHANNEL[] = {2, 0, 1, 3};  // by its place in a key
        std::array<uint32_t, 1 << 2 * C> pairs{};
        for (uint32_t v = 0; v < pairs.size(); ++v)
            for (int bit = 0; bit < 2 * C; ++bit) pairs[v] |= (v >> bit & 1) << (8 * CHANNEL[bit % C] + bit / C);
        return pairs;
    }();
};

struct Distinct {
    explicit Distinct(size_t most) : keys(most), counts(most) {}
    void add(uint32_t key, uint32_t count) {
        keys[size] = key;
        counts[size++] = count;
    }
    void to_colors(int channels, uint8_t *out) const {
        const auto to_color = channels == 4 ? Key<4>::to_color : Key<3>::to_color;
        for (size_t i = 0; i < size; ++i) to_color(keys[i], out + i * size_t(channels));
    }
    size_t size = 0;
    Buffer<uint32_t> keys, counts;  // room for all there can be: what is not used costs nothing
};

// Count the lower halves of keys that share the upper half `high`.
class BucketCounter {
  public:
    void count(uint32_t high, uint16_t *low, int64_t n, Distinct &out) {
        if (n < FEW) by_sorting(high << HALF, low, n, out);
        else by_table(high << HALF, low, n, out);
    }

  private:
    static constexpr int HALF = Key<3>::HALF, SIZE = 1 << HALF, WORDS = SIZE / 64, FEW = WORDS / 8;

    void by_sorting(uint32_t base, uint16_t *low, int64_t n, Distinct &out) {
        std::sort(low, low + n);
        for (int64_t i = 0, run = 0; i < n; i = run) {
            while (run < n && low[run] == low[i]) ++run;
            out.add(base | low[i], uint32_t(run - i));
        }
    }
    void by_table(uint32_t base, const uint16_t *low, int64_t n, Distinct &out) {
        for (int64_t i = 0; i < n; ++i) {
            ++table_[low[i]];
            used_[low[i] >> 6] |= uint64_t(1) << (low[i] & 63);
        }
        for (int word = 0; word < WORDS; ++word) {
            for (uint64_t bits = used_[word]; bits; bits &= bits - 1) {
                const uint32_t key = uint32_t(word * 64 + std::countr_zero(bits));
                out.add(base | key, table_[key]);
                table_[key] = 0;
            }
            used_[word] = 0;
        }
    }

    std::vector<uint32_t> table_ = std::vector<uint32_t>(SIZE);
    std::vector<uint64_t> used_ = std::vector<uint64_t>(WORDS);
};

// RGB: pixels dealt into buckets by the upper half of their key. Neighbors share a bucket and would wait for each
// other's counter, so each has the next of four. (A table of bytes per key, in pieces as they are touched, took as
// long: a photograph touches 1000 of 4 kB. Reading the picture twice instead of keeping the keys takes half as long
// again; sorting runs of equal pixels, as below, four to seven times as long.)
class Dealt {
  public:
    Dealt(const uint8_t *pixels, int64_t n) : low_(size_t(n)) {
        Buffer<uint32_t> keys(size_t(std::min(n, SLICE)));
        const auto each_slice = [&](auto visit) {
            for (int64_t first = 0; first < n; first += SLICE) {
                keys.resize(size_t(std::min(n - first, SLICE)));
                if (n > SLICE || !ready_)
                    for (size_t i = 0; i < keys.size(); ++i) keys[i] = Key<3>::of(pixels + (first + int64_t(i)) * 3);
                ready_ = true;
                each(keys, visit);
            }
        };
        each_slice([](uint32_t key, int64_t *next) { ++next[key >> HALF]; });
        int64_t total = 0;
        for (int bucket = 0; bucket < SIZE; ++bucket)
            for (int part = 0; part < PARTS; ++part) total += std::exchange(next_[part * SIZE + bucket], total);
        each_slice([&](uint32_t key, int64_t *next) { low_[next[key >> HALF]++] = uint16_t(key & (SIZE - 1)); });
    }
    Distinct count() {
        const int64_t *ends = next_.data() + (PARTS - 1) * SIZE;  // now that all are dealt
        int64_t first = 0;
        size_t most = 0;
        for (int bucket = 0; bucket < SIZE; first = ends[bucket++])
            most += size_t(std::min<int64_t>(ends[bucket] - first, SIZE));
        Distinct out(most);
        BucketCounter counter;
        first = 0;
        for (int bucket = 0; bucket < SIZE; first = ends[bucket++])
            if (const int64_t n = ends[bucket] - first) counter.count(bucket, low_.data() + first, n, out);
        return out;
    }

  private:
    static constexpr int HALF = Key<3>::HALF, SIZE = 1 << HALF, PARTS = 4;
    static constexpr int64_t SLICE = 1 << 22;  // pixels whose keys are kept; those of larger pictures are told twice

    template <class Visit> void each(const Buffer<uint32_t> &keys, Visit visit) {
        const int64_t n = int64_t(keys.size());
        int64_t i = 0;
        for (; i + PARTS <= n; i += PARTS)
            for (int part = 0; part < PARTS; ++part) visit(keys[i + part], next_.data() + part * SIZE);
        for (; i < n; ++i) visit(keys[i], next_.data());
    }

    bool ready_ = false;
    Buffer<uint16_t> low_;
    std::vector<int64_t> next_ = std::vector<int64_t>(PARTS * SIZE);  // where each part's next key of a bucket goes
};

// RGBA, and RGB where they are few: the keys of runs of equal pixels, sorted. Of RGBA there are too many keys for tables, and
// graphics have few runs: an icon of 418 colors takes a fifth of what it takes with buckets. Of 19 pictures one, a noisy
// gradient, takes half as long again.
template <int C> Distinct count_runs(const uint8_t *pixels, int64_t n) {
    constexpr int64_t SLICE = 1 << 22;  // pixels that are sorted at a time
    const auto begins = [&](int64_t i) { return std::memcmp(pixels + i * C, pixels + (i - 1) * C, C) != 0; };
    Buffer<uint64_t> runs, found;  // a key and how often it stands, of a slice and of those before
    const auto merge = [](Buffer<uint64_t> &all) {
        radix_sort(all, 32);
        size_t size = 0;
        for (const uint64_t run : all) {
            if (size && all[size - 1] >> 32 == run >> 32) all[size - 1] += uint32_t(run);
            else all[size++] = run;
        }
        all.resize(size);
    };
    for (int64_t i = 0; i < n;) {
        const int64_t end = std::min(i + SLICE, n);
        size_t size = 1;
        for (int64_t j = i + 1; j < end; ++j) size += begins(j);
        runs.resize(size);
        for (uint64_t &run : runs) {
            const int64_t first = i++;
            while (i < end && !begins(i)) ++i;
            run = uint64_t(Key<C>::of(pixels + first * C)) << 32 | uint64_t(i - first);
        }
        merge(runs);
        found.insert(found.end(), runs.begin(), runs.end());
    }
    if (n > SLICE) merge(found);
    Distinct out(found.size());
    for (const uint64_t run : found) out.add(uint32_t(run >> 32), uint32_t(run));
    return out;
}

// Whether at most one of eight pixels begins a run: told from some stretches.
inline bool repeats(const uint8_t *pixels, int64_t n) {
    constexpr int64_t STRETCH = 1 << 10, EVERY = 16, MANY = 8;
    int64_t runs = 0, all = 0;
    for (int64_t first = 0; first < n; first += STRETCH * EVERY, ++all)
        for (int64_t i = first + 1; i < std::min(first + STRETCH, n); ++i, ++all)
            runs += std::memcmp(pixels + i * 3, pixels + (i - 1) * 3, 3) != 0;
    return runs * MANY <= all;
}

inline Distinct count_colors(const uint8_t *pixels, int64_t n, int channels) {
    if (channels == 4) return count_runs<4>(pixels, n);
    return repeats(pixels, n) ? count_runs<3>(pixels, n) : Dealt(pixels, n).count();
}

// Where each of u colors stands among them: an open hash, at most half full.
template <int C> class Places {
  public:
    Places(const uint8_t *colors, int64_t u) : bits_(std::bit_width(uint64_t(2 * u))), slots_(size_t(1) << bits_) {
        for (int64_t i = 0; i < u; ++i) {
            const uint32_t key = Key<C>::of(colors + i * C);
            slots_[find(key)] = {key, int32_t(i)};
        }
    }
    // -1 for another color.
    int32_t of(uint32_t key) const { return slots_[find(key)].at; }

  private:
    struct Slot {
        uint32_t key;
        int32_t at = -1;
    };
    size_t find(uint32_t key) const {
        size_t at = size_t(key * 0x9E3779B97F4A7C15ull >> (64 - bits_));
        while (slots_[at].at >= 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
        return at;
    }
    const int bits_;
    std::vector<Slot> slots_;
};

// The same of many colors of three channels in the order of their keys: how many come before. Colors of neighbors lie
// near each other in it, so that a smooth photograph of ten megapixels takes a third of what it takes with the hash.
class Ranks {
  public:
    Ranks(const uint8_t *colors, int64_t u) : words_(WORDS) {
        for (int64_t i = 0; i < u; ++i) {
            const uint32_t key = Key<3>::of(colors + i * 3);
            words_[key >> 6].keys |= uint64_t(1) << (key & 63);
        }
        uint32_t before = 0;
        for (Word &word : words_) {
            word.before = before;
            before += uint32_t(std::popcount(word.keys));
        }
    }
    int32_t of(uint32_t key) const {
        const Word &word = words_[key >> 6];
        const uint64_t bit = uint64_t(1) << (key & 63);
        return word.keys & bit ? int32_t(word.before) + std::popcount(word.keys & (bit - 1)) : -1;
    }

  private:
    static constexpr size_t WORDS = (size_t(1) << 24) / 64;
    struct Word {
        uint64_t keys = 0;
        uint32_t before = 0;
    };
    std::vector<Word> words_;
};

// A color that `colors` lacks gets label 0: wrong, but in range.

// RGB: a table of all 2^24 keys.
inline void map_pixels_rgb(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u,
                           const uint8_t *labels, int threads, uint8_t *out) {
    Zeros<uint8_t> table(size_t(1) << 24);
    for (int64_t i = 0; i < u; ++i) table[Key<3>::of(colors + i * 3)] = labels[i];
    in_parts(n, threads, [&](int64_t, int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) out[i] = table[Key<3>::of(pixels + i * 3)];
    });
}

// RGBA: 2^32 keys are too many for a table; runs skip the search.
inline void map_pixels_rgba(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u,
                            const uint8_t *labels, int threads, uint8_t *out) {
    const Places<4> places(colors, u);
    in_parts(n, threads, [&](int64_t, int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
            if (i > first && std::memcmp(pixels + i * 4, pixels + i * 4 - 4, 4) == 0) {
                out[i] = out[i - 1];
                continue;
            }
            const int64_t at = places.of(Key<4>::of(pixels + i * 4));
            out[i] = at < 0 ? 0 : labels[at];
        }
    });
}

}  // namespace tinct::palette
