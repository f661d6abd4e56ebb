// Pixels and palettes: distinct colors with their counts, sRGB to Oklab points, colors to palette entries,
// error diffusion. One thread, no randomness; every operation is one that IEEE 754 rounds exactly, in an
// order written here, so the same bits come out on every CPU.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "buffer.hpp"
#include "difference.hpp"
#include "radix.hpp"

namespace tinct::pixels {

namespace nb = nanobind;
using namespace nb::literals;

// ---- sRGB to Oklab ------------------------------------------------------------------------------

// The sRGB curve (IEC 61966-2-1) without a libm: x^2.4 = x^2 * fifth root of x^2, by Newton from above.
constexpr double to_linear(double x) {
    if (x <= 0.04045) return x / 12.92;
    const double v = (x + 0.055) / 1.055, square = v * v;
    double root = 1;
    for (int i = 0; i < 60; ++i) {
        const double fourth = root * root * root * root;
        root -= (root * fourth - square) / (5 * fourth);
    }
    return square * root;
}

// Light at the 256 codes and half way between them: the latter are the limits of rounding to a code.
constexpr int STEPS = 511;
constexpr std::array<double, STEPS> LINEAR_STEPS = [] {
    std::array<double, STEPS> steps{};
    for (int i = 0; i < STEPS; ++i) steps[i] = to_linear(i / 510.0);
    return steps;
}();
constexpr std::array<float, 256> LINEAR = [] {
    std::array<float, 256> codes{};
    for (int i = 0; i < 256; ++i) codes[i] = float(LINEAR_STEPS[2 * i]);
    return codes;
}();

// Ottosson, "A perceptual color space for image processing", 2020 (matrices of 2021-01-25).
constexpr float CONES[3][3] = {{0.4122214708f, 0.5363325363f, 0.0514459929f},
                               {0.2119034982f, 0.6806995451f, 0.1073969566f},
                               {0.0883024619f, 0.2817188376f, 0.6299787005f}};
constexpr float OPPONENTS[3][3] = {{0.2104542553f, 0.7936177850f, -0.0040720468f},
                                   {1.9779984951f, -2.4285922050f, 0.4505937099f},
                                   {0.0259040371f, 0.7827717662f, -0.8086757660f}};

constexpr int LANES = 8;
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));

// Cube root of x >= 0: a third of the exponent as first guess (within 4 %), then Halley twice. Written as a
// correction, the last step is good to one unit in the last place; x = 0 gives 0.
inline Floats cube_root(Floats given) {
    const Floats x = given + 1e-30f;  // light is 0 or far above; the powers of 0's guess would be subnormal, and slow
    const Ints bits = std::bit_cast<Ints>(x);
    const Floats third = __builtin_convertvector(bits, Floats) * (1.0f / 3.0f);
    Floats y = std::bit_cast<Floats>(__builtin_convertvector(third, Ints) + 709921077);
    for (int i = 0; i < 2; ++i) {
        const Floats cube = y * y * y;
        y += y * ((x - cube) / (cube + cube + x));
    }
    return given > 0 ? y : Floats{};
}

inline Floats row_product(const float (&row)[3], const Floats (&v)[3]) {
    return row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
}

// Points of eight colors. With alpha, the squared distance between two points is the mean of the squared
// Oklab distances over black and over white; see tinct/color.py for the algebra.
template <int C>
inline void eight_points(const uint8_t *const (&color)[LANES], Floats (&point)[C]) {
    Floats light[3], cones[3];
    for (int lane = 0; lane < LANES; ++lane)
        for (int j = 0; j < 3; ++j) light[j][lane] = LINEAR[color[lane][j]];
    for (int j = 0; j < 3; ++j) cones[j] = cube_root(row_product(CONES[j], light));
    for (int j = 0; j < 3; ++j) point[j] = row_product(OPPONENTS[j], cones);
    if constexpr (C == 4) {
        Floats alpha;
        for (int lane = 0; lane < LANES; ++lane) alpha[lane] = float(color[lane][3]) / 255.0f;
        point[3] = alpha * 0.5f;
        for (int j = 0; j < 3; ++j) point[j] *= alpha;
        point[0] -= point[3];
    }
}

template <int C>
void points_of(const uint8_t *colors, int64_t n, float *out) {
    for (int64_t i = 0; i < n; i += LANES) {
        // Flat pictures repeat themselves: a fifth of the time to draw an icon of 418 colors went without this.
        if (i >= LANES && i + LANES <= n && !std::memcmp(colors + i * C, colors + (i - LANES) * C, LANES * C)) {
            std::copy_n(out + (i - LANES) * C, LANES * C, out + i * C);
            continue;
        }
        const uint8_t *color[LANES];
        for (int lane = 0; lane < LANES; ++lane) color[lane] = colors + std::min(i + lane, n - 1) * C;
        Floats point[C];
        eight_points<C>(color, point);
        for (int64_t lane = 0; lane < std::min<int64_t>(LANES, n - i); ++lane)
            for (int j = 0; j < C; ++j) out[(i + lane) * C + j] = point[j][lane];
    }
}

// ---- colors as keys -----------------------------------------------------------------------------

// The bits of the channels interleaved, highest first: near colors have near keys, which keeps tables in
// cache and gives the engine blocks of neighbours. Every fully transparent color is the same one, key 0.
template <int C>
struct Key {
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

// ---- distinct colors ----------------------------------------------------------------------------

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
        Buffer<uint32_t> keys(n);
        for (int64_t i = 0; i < n; ++i) keys[i] = Key<3>::of(pixels + i * 3);
        each(keys, [](uint32_t key, int64_t *next) { ++next[key >> HALF]; });
        int64_t total = 0;
        for (int bucket = 0; bucket < SIZE; ++bucket)
            for (int part = 0; part < PARTS; ++part) total += std::exchange(next_[part * SIZE + bucket], total);
        each(keys, [&](uint32_t key, int64_t *next) { low_[next[key >> HALF]++] = uint16_t(key & (SIZE - 1)); });
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

    template <class Visit> void each(const Buffer<uint32_t> &keys, Visit visit) {
        const int64_t n = int64_t(keys.size());
        int64_t i = 0;
        for (; i + PARTS <= n; i += PARTS)
            for (int part = 0; part < PARTS; ++part) visit(keys[i + part], next_.data() + part * SIZE);
        for (; i < n; ++i) visit(keys[i], next_.data());
    }

    Buffer<uint16_t> low_;
    std::vector<int64_t> next_ = std::vector<int64_t>(PARTS * SIZE);  // where each part's next key of a bucket goes
};

// RGBA: the keys of runs of equal pixels, sorted. There are too many keys for tables, and graphics have few runs: an
// icon of 418 colors takes a fifth of what it takes with buckets. Of 19 pictures one, a noisy gradient, takes half as
// long again.
inline Distinct count_runs(const uint8_t *pixels, int64_t n) {
    const auto raw = [&](int64_t i) {
        uint32_t color;
        std::memcpy(&color, pixels + i * 4, sizeof color);
        return color;
    };
    size_t size = n > 0;
    for (int64_t i = 1; i < n; ++i) size += raw(i) != raw(i - 1);
    Buffer<uint64_t> runs(size);
    int64_t i = 0;
    for (uint64_t &run : runs) {
        const int64_t first = i++;
        while (i < n && raw(i) == raw(first)) ++i;
        run = uint64_t(Key<4>::of(pixels + first * 4)) << 32 | uint64_t(i - first);
    }
    radix_sort(runs, 32);
    Distinct found(size);
    for (uint64_t run : runs) {
        if (found.size && found.keys[found.size - 1] == run >> 32) found.counts[found.size - 1] += uint32_t(run);
        else found.add(uint32_t(run >> 32), uint32_t(run));
    }
    return found;
}

inline Distinct count_colors(const uint8_t *pixels, int64_t n, int channels) {
    return channels == 4 ? count_runs(pixels, n) : Dealt(pixels, n).count();
}

// ---- every pixel its color's label --------------------------------------------------------------

// A color that `colors` lacks gets label 0: wrong, but in range.

// RGB: a table of all 2^24 keys.
inline void map_pixels_rgb(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u,
                           const uint8_t *labels, uint8_t *out) {
    Zeros<uint8_t> table(size_t(1) << 24);
    for (int64_t i = 0; i < u; ++i) table[Key<3>::of(colors + i * 3)] = labels[i];
    for (int64_t i = 0; i < n; ++i) out[i] = table[Key<3>::of(pixels + i * 3)];
}

// RGBA: 2^32 keys are too many for a table, so an open hash, at most half full; runs skip the search.
inline void map_pixels_rgba(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u,
                            const uint8_t *labels, uint8_t *out) {
    struct Slot {
        uint32_t key;
        int32_t label = -1;
    };
    const int bits = std::bit_width(uint64_t(2 * u));
    const size_t mask = (size_t(1) << bits) - 1;
    std::vector<Slot> table(mask + 1);
    auto slot_of = [&](uint32_t key) -> Slot & {
        size_t at = size_t(key * 0x9E3779B97F4A7C15ull >> (64 - bits));
        while (table[at].label >= 0 && table[at].key != key) at = (at + 1) & mask;
        return table[at];
    };
    for (int64_t i = 0; i < u; ++i) {
        const uint32_t key = Key<4>::of(colors + i * 4);
        slot_of(key) = {key, labels[i]};
    }
    Slot last{};
    for (int64_t i = 0; i < n; ++i) {
        const uint32_t key = Key<4>::of(pixels + i * 4);
        if (last.label < 0 || key != last.key) last = slot_of(key);
        out[i] = uint8_t(std::max(last.label, 0));
    }
}

// ---- nearest palette entry ----------------------------------------------------------------------

// Four numbers side by side, which every CPU has registers for: a point of three or four coordinates, or one
// coordinate of four points.
typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourInts __attribute__((vector_size(16)));

inline Four all_of(float v) { return Four{v, v, v, v}; }
inline Four lesser(Four a, Four b) { return a < b ? a : b; }
// The least of the lanes, in all of them.
inline Four least_lane(Four v) {
    v = lesser(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
    return lesser(v, __builtin_shufflevector(v, v, 1, 0, 3, 2));
}
template <int D> float length_squared(Four v) {
    const Four square = v * v;
    float sum = square[0];
    for (int j = 1; j < D; ++j) sum += square[j];
    return sum;
}

// A grid over the palette's box; each cell lists the entries that can be nearest to a point in it, made when
// a point first falls there. All of a list are tried, four at a time, and of equally near ones the lowest index
// wins, so the answer is the one of brute force.
template <int D>
class NearestGrid {
  public:
    NearestGrid(const float *palette, int k, float slack)
        : k_(k), columns_(k * D), at_(k), least_(k), most_(k), ids_(k), kept_(k), large_(power(LARGE)),
          lists_(power(SIDE)) {
        for (int j = 0; j < D; ++j) {
            float low = palette[j], high = palette[j];
            for (int i = 0; i < k; ++i) {
                columns_[j * k + i] = palette[i * D + j];
                low = std::min(low, palette[i * D + j]);
                high = std::max(high, palette[i * D + j]);
            }
            low_[j] = low - slack;
            side_[j] = (high - low + 2 * slack) / SIDE;
            per_side_[j] = 1 / side_[j];
        }
        for (int i = 0; i < k; ++i) ids_[i] = i;
        all_ = add_list(ids_.data(), k);
    }

    int find(Four point) {
        const Four at = (point - low_) * per_side_;
        const FourInts inside = (at >= 0) & (at < float(SIDE));  // not of NaN, from a box without width
        if (!(inside[0] & inside[1] & inside[2] & inside[3])) return nearest(point, all_);
        const FourInts whole = __builtin_convertvector(at, FourInts);
        int cell = whole[0];
        for (int j = 1; j < D; ++j) cell = cell * SIDE + whole[j];
        if (!lists_[cell].blocks) lists_[cell] = make_list(cell);
        return nearest(point, lists_[cell]);
    }

  private:
    // A large cell is STEP cells wide.
    static constexpr int SIDE = D == 3 ? 32 : 16, STEP = 4, LARGE = SIDE / STEP;
    static constexpr int power(int cells) { return cells * cells * cells * (D == 3 ? 1 : cells); }
    // Cells and distances are rounded: nothing within this part of a side, or of a distance, is dropped.
    static constexpr float MARGIN = 1e-3f;
    static constexpr float FAR = 1e6f;  // beyond any entry and any index

    struct Block {  // four entries; where there are fewer the last ones are far away
        Four at[D], id;
    };
    struct List {
        uint32_t first, blocks;
    };

    int nearest(Four point, List list) const {
        const Block *block = blocks_.data() + list.first, *end = block + list.blocks;
        Four best = distances(point, *block), id = block->id;
        while (++block < end) {
            const Four next = distances(point, *block);
            id = next < best ? block->id : id;
            best = lesser(next, best);
        }
        return int(least_lane(best == least_lane(best) ? id : all_of(FAR))[0]);
    }
    static Four distances(Four point, const Block &block) {
        Four sum{};
        for (int j = 0; j < D; ++j) {
            const Four t = all_of(point[j]) - block.at[j];
            sum += t * t;
        }
        return sum;
    }
    // Add the least and the most that an entry at `at[i]` can be away from an interval, squared.
    void add_axis(const float *__restrict at, int count, float middle, float half) {
        float *__restrict least = least_.data(), *__restrict most = most_.data();
        for (int i = 0; i < count; ++i) {
            const float away = std::abs(at[i] - middle), outer = away + half, gap = away - half;
            const float inner = gap > 0 ? gap : 0;
            least[i] += inner * inner;
            most[i] += outer * outer;
        }
    }
    // std::min_element waits for every comparison before the next one; four at a time need not.
    static float least_of(const float *values, int count) {
        Four lanes = all_of(std::numeric_limits<float>::max()), next;
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            std::memcpy(&next, values + i, sizeof next);
            lanes = lesser(next, lanes);
        }
        float least = least_lane(lanes)[0];
        for (; i < count; ++i) least = std::min(least, values[i]);
        return least;
    }
    // Of `ids`, those that can be nearest to a point in a cell so many times `side_` wide, gathered in kept_: an
    // entry whose least distance to the cell exceeds the least of the most distances is out.
    int keep(const int *ids, int count, int cell, int cells, int step) {
        std::fill_n(least_.begin(), count, 0.0f);
        std::fill_n(most_.begin(), count, 0.0f);
        for (int j = D - 1; j >= 0; --j, cell /= cells) {
            const float width = side_[j] * float(step);
            for (int i = 0; i < count; ++i) at_[i] = columns_[j * k_ + ids[i]];
            add_axis(at_.data(), count, low_[j] + width * (float(cell % cells) + 0.5f), width * (0.5f + MARGIN));
        }
        const float limit = least_of(most_.data(), count) * (1 + MARGIN);
        int left = 0;
        for (int i = 0; i < count; ++i) {
            kept_[left] = ids[i];
            left += least_[i] <= limit;
        }
        return left;
    }
    // First for the large cell around it, once, then from what is left there for the cell itself.
    List make_list(int cell) {
        int large = 0, scale = 1;
        for (int j = D - 1, rest = cell; j >= 0; --j, rest /= SIDE, scale *= LARGE)
            large += rest % SIDE / STEP * scale;
        auto &ids = large_[large];
        if (ids.empty()) {
            const int count = keep(ids_.data(), k_, large, LARGE, STEP);
            ids.assign(kept_.begin(), kept_.begin() + count);
        }
        return add_list(kept_.data(), keep(ids.data(), int(ids.size()), cell, SIDE, 1));
    }
    List add_list(const int *ids, int count) {
        const List list{uint32_t(blocks_.size()), uint32_t((count + 3) / 4)};
        for (int start = 0; start < count; start += 4) {
            Block &block = blocks_.emplace_back();
            for (int lane = 0; lane < 4; ++lane) {
                const bool real = start + lane < count;
                block.id[lane] = real ? float(ids[start + lane]) : FAR;
                for (int j = 0; j < D; ++j)
                    block.at[j][lane] = real ? columns_[j * k_ + ids[start + lane]] : FAR;
            }
        }
        return list;
    }

    int k_;
    Four low_{}, side_{}, per_side_{};
    std::vector<float> columns_, at_, least_, most_;
    std::vector<int> ids_, kept_;
    std::vector<std::vector<int>> large_;  // by large cell; empty: not made yet
    Zeros<List> lists_;                    // by cell; without blocks: not made yet
    List all_;
    std::vector<Block> blocks_;
};

// ---- error diffusion ----------------------------------------------------------------------------

struct Diffusion {
    float strength;  // share of the error that is passed on
    float limit;     // errors longer than this are cut to it
    float flat;      // a color this near to its entry takes it and passes nothing on
    bool serpentine;
};

// Rows [first, last) of a picture, of which those from `kept` on are written.
struct Band {
    int64_t first, kept, last;
};
static_assert(sizeof(Band) == 3 * sizeof(int64_t));

// Floyd and Steinberg 1976, on points. `nearest` holds each pixel's entry without diffusion; k: it has none. An opaque
// pixel takes an opaque entry, if there is one: it has no opacity to gain or lose, so of what it receives it takes the
// color, as seen over mid grey (the first three coordinates), alone.
template <int C>
class Diffuser {
  public:
    Diffuser(const uint8_t *pixels, int64_t width, const float *palette, int k, const uint8_t *nearest,
             const Diffusion &options, int64_t above, uint8_t *out)
        : pixels_(pixels), width_(width), nearest_(nearest), options_(options), above_(above), out_(out),
          grid_(palette, k, options.limit), palette_(k) {
        std::vector<float> opaque;
        for (int i = 0; i < k; ++i) {
            for (int j = 0; j < C; ++j) palette_[i][j] = palette[i * C + j];
            if (C == 3 || palette[i * C + 3] < OPAQUE) continue;
            opaque.insert(opaque.end(), palette + i * C, palette + (i + 1) * C);
            opaque_.push_back(uint8_t(i));
        }
        if (!opaque_.empty() && int(opaque_.size()) < k)
            opaque_grid_.emplace(opaque.data(), int(opaque_.size()), options.limit);
    }

    // N bands side by side: each pixel waits for the one before it, and meanwhile those of the other bands go on.
    template <int N> void run(const Band *bands) {
        Strand strands[N];
        int64_t common = bands[0].last - bands[0].first;
        for (int n = 0; n < N; ++n) {
            strands[n].start(width_, bands[n]);
            common = std::min(common, bands[n].last - bands[n].first);
        }
        for (int64_t y = 0; y < common; ++y) rows<N>(strands, y);
        for (int n = 0; n < N; ++n)
            for (int64_t y = common; y < bands[n].last - bands[n].first; ++y) rows<1>(strands + n, y);
    }

  private:
    struct Strand {
        std::vector<float> colors;
        std::vector<Four> here, below;  // errors from above; the picture has a margin of one pixel
        std::vector<uint8_t> taken;
        Four ahead;
        Band band;
        void start(int64_t width, const Band &its) {
            colors.resize(width * C + 4 - C);
            here.assign(width + 2, Four{});
            below.assign(width + 2, Four{});
            taken.resize(width);
            band = its;
        }
    };

    template <int N> void rows(Strand *strands, int64_t y) {
        const uint8_t *pixels[N], *nearest[N];
        for (int n = 0; n < N; ++n) {
            pixels[n] = pixels_ + (strands[n].band.first + y) * width_ * C;
            nearest[n] = nearest_ + (strands[n].band.first + y) * width_;
            points_of<C>(pixels[n], width_, strands[n].colors.data());
            strands[n].ahead = Four{};
        }
        const bool backwards = options_.serpentine && y % 2;
        const int64_t step = backwards ? -1 : 1;
        int64_t x = backwards ? width_ - 1 : 0;
        for (int64_t i = 0; i < width_; ++i, x += step)
            for (int n = 0; n < N; ++n) {
                const int alpha = C == 4 ? pixels[n][x * C + 3] : 255;
                strands[n].taken[x] = take(strands[n], x, step, nearest[n][x], alpha);
            }
        for (int n = 0; n < N; ++n) {
            strands[n].here.swap(strands[n].below);
            std::fill(strands[n].below.begin(), strands[n].below.end(), Four{});
            const int64_t row = strands[n].band.first + y;
            if (row >= strands[n].band.kept)
                std::copy(strands[n].taken.begin(), strands[n].taken.end(), out_ + (row - above_) * width_);
        }
    }

    uint8_t take(Strand &strand, int64_t x, int64_t step, uint8_t nearest, int alpha) {
        Four point;
        std::memcpy(&point, strand.colors.data() + x * C, sizeof point);
        if constexpr (C == 3) point[3] = 0;
        const bool visible = alpha && nearest < palette_.size();
        if (visible && length_squared<C>(point - palette_[nearest]) > options_.flat * options_.flat)
            return spread(strand, point, x, step, C == 4 && alpha == 255 && !opaque_.empty());
        strand.ahead = Four{};
        return nearest;
    }

    // Take the entry nearest to the point plus the error it received, and pass the new error on: 7/16 to the
    // next pixel (by `ahead`, in a register), 3/16, 5/16 and 1/16 to the row below.
    uint8_t spread(Strand &strand, Four point, int64_t x, int64_t step, bool opaque) {
        Four target = point + (strand.here[x + 1] + strand.ahead);
        if (opaque) target[3] = point[3];
        const int entry = opaque && opaque_grid_ ? opaque_[size_t(opaque_grid_->find(target))] : grid_.find(target);
        const Four error = target - palette_[entry];
        const float length = length_squared<C>(error);
        float share = options_.strength;
        if (length > options_.limit * options_.limit) share *= options_.limit / std::sqrt(length);
        const Four part = error * share;
        strand.ahead = part * (7.0f / 16);
        Four *below = strand.below.data() + x + 1;
        below[-step] += part * (3.0f / 16);
        below[0] += part * (5.0f / 16);
        below[step] += part * (1.0f / 16);
        return uint8_t(entry);
    }

    const uint8_t *pixels_;
    int64_t width_;
    const uint8_t *nearest_;
    Diffusion options_;
    int64_t above_;  // rows of the picture before the first in out_
    uint8_t *out_;
    static constexpr float OPAQUE = 0.5f;  // the last coordinate of what is
    NearestGrid<C> grid_;                  // of all entries
    std::optional<NearestGrid<C>> opaque_grid_;
    std::vector<uint8_t> opaque_;          // the opaque entries
    std::vector<Four> palette_;
};

// Bands that follow one another; `out` holds the rows that they keep.
template <int C>
void diffuse(const uint8_t *pixels, int64_t width, const float *palette, int k, const uint8_t *nearest,
             const Diffusion &options, const Band *bands, int64_t count, uint8_t *out) {
    Diffuser<C> diffuser(pixels, width, palette, k, nearest, options, bands[0].kept, out);
    for (int64_t i = 0; i + 1 < count; i += 2) diffuser.template run<2>(bands + i);
    if (count % 2) diffuser.template run<1>(bands + count - 1);
}

// ---- the Python face ----------------------------------------------------------------------------

template <class T, int N> using Array = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <class T> using Fresh = nb::ndarray<nb::numpy, T>;

template <class T> Fresh<T> make_array(std::initializer_list<size_t> shape) {
    size_t size = 1;
    for (size_t side : shape) size *= side;
    auto *bytes = new Buffer<std::byte>(size * sizeof(T));
    nb::capsule owner(bytes, [](void *p) noexcept { delete static_cast<Buffer<std::byte> *>(p); });
    return Fresh<T>(reinterpret_cast<T *>(bytes->data()), shape, owner);
}

inline nb::tuple count_colors_py(const Array<uint8_t, 2> &pixels) {
    const int channels = int(pixels.shape(1));
    const Distinct found = [&] {
        nb::gil_scoped_release release;
        return count_colors(pixels.data(), int64_t(pixels.shape(0)), channels);
    }();
    auto colors = make_array<uint8_t>({found.size, size_t(channels)});
    auto counts = make_array<double>({found.size});
    found.to_colors(channels, colors.data());
    std::copy_n(found.counts.begin(), found.size, counts.data());
    return nb::make_tuple(colors, counts);
}

inline Fresh<double> linear_steps() {
    auto out = make_array<double>({STEPS});
    std::copy(LINEAR_STEPS.begin(), LINEAR_STEPS.end(), out.data());
    return out;
}

// `bands` holds the first row of each, the first to keep, and the one after its last.
inline Fresh<uint8_t> diffuse_py(const Array<uint8_t, 3> &pixels, const Array<float, 2> &palette,
                                 const Array<uint8_t, 2> &nearest, float strength, float limit, float flat,
                                 bool serpentine, const Array<int64_t, 2> &bands) {
    const auto *band = reinterpret_cast<const Band *>(bands.data());
    const int64_t count = int64_t(bands.shape(0)), rows = band[count - 1].last - band[0].kept;
    auto out = make_array<uint8_t>({size_t(rows), pixels.shape(1)});
    nb::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? diffuse<4> : diffuse<3>;
    run(pixels.data(), int64_t(pixels.shape(1)), palette.data(), int(palette.shape(0)), nearest.data(),
        {strength, limit, flat, serpentine}, band, count, out.data());
    return out;
}

// How many pixels have each index. Four tables in turn, because equal neighbours would wait for each other.
inline Fresh<int64_t> count_indices(const Array<uint8_t, 2> &indices) {
    auto out = make_array<int64_t>({256});
    nb::gil_scoped_release release;
    std::array<std::array<int64_t, 256>, 4> counts{};
    const int64_t size = int64_t(indices.size()), whole = size / 4 * 4;
    for (int64_t i = 0; i < whole; i += 4)
        for (int lane = 0; lane < 4; ++lane) ++counts[lane][indices.data()[i + lane]];
    for (int64_t i = whole; i < size; ++i) ++counts[0][indices.data()[i]];
    for (int i = 0; i < 256; ++i) out.data()[i] = counts[0][i] + counts[1][i] + counts[2][i] + counts[3][i];
    return out;
}

// Squared differences of two pictures over each ground.
inline nb::tuple squared_differences(const Array<uint8_t, 3> &one, const Array<uint8_t, 3> &other) {
    difference::Totals totals{};
    {
        nb::gil_scoped_release release;
        const size_t channels = other.shape(2);
        const auto at = [&](int64_t i) { return other.data() + i * int64_t(channels); };
        const bool alpha = one.shape(2) == 4, others = channels == 4;
        const auto add = alpha ? others ? difference::add<4, 4, decltype(at)> : difference::add<4, 3, decltype(at)>
                               : others ? difference::add<3, 4, decltype(at)> : difference::add<3, 3, decltype(at)>;
        add(totals, one.data(), int64_t(one.shape(0) * one.shape(1)), at);
    }
    return nb::make_tuple(totals[0], totals[1], totals[2]);
}

}  // namespace tinct::pixels

namespace tinct {

inline void bind_pixels(nanobind::module_ &m) {
    using namespace nanobind::literals;
    m.def("linear_steps", &pixels::linear_steps);
    m.def("count_colors", &pixels::count_colors_py, "pixels"_a);
    m.def("count_indices", &pixels::count_indices, "indices"_a);
    m.def("squared_differences", &pixels::squared_differences, "one"_a, "other"_a);
    m.def("diffuse", &pixels::diffuse_py, "pixels"_a, "palette"_a, "nearest"_a, "strength"_a, "limit"_a,
          "flat"_a, "serpentine"_a, "bands"_a);
}

}  // namespace tinct
