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
#include <vector>

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
inline Floats cube_root(Floats x) {
    const Ints bits = std::bit_cast<Ints>(x);
    const Floats third = __builtin_convertvector(bits, Floats) * (1.0f / 3.0f);
    Floats y = std::bit_cast<Floats>(__builtin_convertvector(third, Ints) + 709921077);
    for (int i = 0; i < 2; ++i) {
        const Floats cube = y * y * y;
        y += y * ((x - cube) / (cube + cube + x));
    }
    return x > 0 ? y : Floats{};
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
    // Every C-th bit, pulled together in three steps.
    static uint8_t channel(uint32_t key, int shift) {
        uint32_t v = key >> shift & (C == 3 ? 0x249249u : 0x11111111u);
        v = (v | v >> (C - 1)) & (C == 3 ? 0x0C30C3u : 0x03030303u);
        v = (v | v >> (2 * C - 2)) & (C == 3 ? 0x00F00Fu : 0x000F000Fu);
        return uint8_t(v | v >> (4 * C - 4));
    }
    static void to_color(uint32_t key, uint8_t *p) {
        p[0] = channel(key, 1);
        p[1] = channel(key, 2);
        p[2] = channel(key, 0);
        if constexpr (C == 4) p[3] = channel(key, 3);
    }
};

// ---- distinct colors ----------------------------------------------------------------------------

struct Distinct {
    std::vector<uint32_t> keys;
    std::vector<int64_t> counts;
    void add(uint32_t key, int64_t count) {
        keys.push_back(key);
        counts.push_back(count);
    }
};

// Count the lower halves of keys that share the upper half `high`.
template <int C>
class BucketCounter {
  public:
    void count(uint32_t high, uint16_t *low, int64_t n, Distinct &out) {
        if (n < WORDS) by_sorting(high << HALF, low, n, out);
        else by_table(high << HALF, low, n, out);
    }

  private:
    static constexpr int HALF = Key<C>::HALF, SIZE = 1 << HALF, WORDS = SIZE / 64;

    void by_sorting(uint32_t base, uint16_t *low, int64_t n, Distinct &out) {
        std::sort(low, low + n);
        for (int64_t i = 0, run = 0; i < n; i = run) {
            while (run < n && low[run] == low[i]) ++run;
            out.add(base | low[i], run - i);
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

// Pixels dealt into buckets by the upper half of their key: two readings of the picture and two bytes a pixel,
// where sorting whole keys takes four or eight. The two halves of the picture are dealt side by side, because
// neighbours share a bucket and would wait for each other's counter.
template <int C>
class Dealt {
  public:
    Dealt(const uint8_t *pixels, int64_t n)
        : pixels_(pixels), low_(new uint16_t[size_t(n)]) {
        for_each_pixel(n, [&](int64_t i, auto &next) { ++next[Key<C>::of(pixels_ + i * C) >> HALF]; });
        int64_t total = 0;
        for (int bucket = 0; bucket < SIZE; ++bucket) {
            const int64_t first = total, second = first + one_[bucket];
            total = second + other_[bucket];
            one_[bucket] = first;
            other_[bucket] = second;
        }
        for_each_pixel(n, [&](int64_t i, auto &next) {
            const uint32_t key = Key<C>::of(pixels_ + i * C);
            low_[next[key >> HALF]++] = uint16_t(key & (SIZE - 1));
        });
    }
    Distinct count() {
        Distinct out;
        BucketCounter<C> counter;
        int64_t first = 0;
        for (int bucket = 0; bucket < SIZE; first = other_[bucket++])
            if (const int64_t n = other_[bucket] - first) counter.count(bucket, low_.get() + first, n, out);
        return out;
    }

  private:
    static constexpr int HALF = Key<C>::HALF, SIZE = 1 << HALF;

    template <class Visit> void for_each_pixel(int64_t n, Visit visit) {
        const int64_t half = n / 2;
        for (int64_t i = 0; i < half; ++i) {
            visit(i, one_);
            visit(half + i, other_);
        }
        if (n % 2) visit(n - 1, other_);
    }

    const uint8_t *pixels_;
    std::unique_ptr<uint16_t[]> low_;
    std::vector<int64_t> one_ = std::vector<int64_t>(SIZE), other_ = std::vector<int64_t>(SIZE);
};

// ---- every pixel its color's label --------------------------------------------------------------

// A color that `colors` lacks gets label 0: wrong, but in range.

// RGB: a table of all 2^24 keys. Untouched pages of it are never brought into memory.
inline void map_pixels_rgb(const uint8_t *pixels, int64_t n, const uint8_t *colors, int64_t u,
                           const uint8_t *labels, uint8_t *out) {
    const std::unique_ptr<void, decltype(&std::free)> memory(std::calloc(size_t(1) << 24, 1), std::free);
    if (!memory) throw std::bad_alloc();
    auto *table = static_cast<uint8_t *>(memory.get());
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

// A grid over the palette's box; each cell lists the entries that can be nearest to a point in it, made when
// a point first falls there. Within a list entries are tried in rising order and replaced only by a strictly
// nearer one, so the answer is the one of brute force, ties to the lowest index.
template <int D>
class NearestGrid {
  public:
    NearestGrid(const float *palette, int k, float slack)
        : k_(k), rows_(k * 4), columns_(k * D), half_way_(k), least_(k), most_(k), lists_(CELLS) {
        for (int j = 0; j < D; ++j) {
            float low = palette[j], high = palette[j];
            for (int i = 0; i < k; ++i) {
                rows_[i * 4 + j] = columns_[j * k + i] = palette[i * D + j];
                low = std::min(low, palette[i * D + j]);
                high = std::max(high, palette[i * D + j]);
            }
            low_[j] = low - slack;
            side_[j] = (high - low + 2 * slack) / SIDE;
            per_side_[j] = 1 / side_[j];
        }
        for (int i = 0; i < k; ++i) half_way_[i] = half_way_from(i);
    }

    int find(const float (&point)[D], int guess) {
        // Triangle inequality: nearer than half way to its nearest neighbour, the guess is nearest.
        if (distance(point, guess) < half_way_[guess]) return guess;
        int cell = 0;
        for (int j = 0; j < D; ++j) {
            const float at = (point[j] - low_[j]) * per_side_[j];
            if (!(at >= 0 && at < SIDE)) return nearest_of_all(point);
            cell = cell * SIDE + int(at);
        }
        if (!lists_[cell]) lists_[cell] = make_list(cell);
        const uint8_t *list = entries_.data() + lists_[cell];
        uint64_t best = ~uint64_t(0);
        for (int i = 1; i <= list[0] + 1; ++i) best = std::min(best, rank(point, list[i]));
        return int(best & 255);
    }

  private:
    static constexpr int SIDE = D == 3 ? 24 : 16, CELLS = D == 3 ? 24 * 24 * 24 : 16 * 16 * 16 * 16;
    // Cells and distances are rounded: nothing within this part of a side, or of a distance, is dropped.
    static constexpr float MARGIN = 1e-3f;

    // Distance above, entry below, as one integer (the bits of floats >= 0 rise with them): a minimum of
    // ranks is the nearest entry, the lowest of equals, and needs no branch.
    uint64_t rank(const float (&point)[D], int id) const {
        return uint64_t(std::bit_cast<uint32_t>(distance(point, id))) << 8 | uint64_t(id);
    }
    float distance(const float *point, int id) const {
        float sum = 0;
        for (int j = 0; j < D; ++j) {
            const float t = point[j] - rows_[id * 4 + j];
            sum += t * t;
        }
        return sum;
    }
    float half_way_from(int id) const {
        float least = std::numeric_limits<float>::max();
        for (int i = 0; i < k_; ++i)
            if (i != id) least = std::min(least, distance(rows_.data() + id * 4, i));
        return least / 4 * (1 - MARGIN);
    }
    int nearest_of_all(const float (&point)[D]) const {
        uint64_t best = ~uint64_t(0);
        for (int id = 0; id < k_; ++id) best = std::min(best, rank(point, id));
        return int(best & 255);
    }
    // Add the least and the most that an entry at `at[i]` can be away from an interval, squared.
    void add_axis(const float *__restrict at, float middle, float half) {
        float *__restrict least = least_.data(), *__restrict most = most_.data();
        for (int i = 0; i < k_; ++i) {
            const float away = std::abs(at[i] - middle), outer = away + half, gap = away - half;
            const float inner = gap > 0 ? gap : 0;
            least[i] += inner * inner;
            most[i] += outer * outer;
        }
    }
    // std::min_element waits for every comparison before the next one; eight at a time need not.
    static float least_of(const std::vector<float> &values) {
        const size_t whole = values.size() / LANES * LANES;
        Floats lanes = Floats{} + std::numeric_limits<float>::max(), next;
        for (size_t i = 0; i < whole; i += LANES) {
            std::memcpy(&next, values.data() + i, sizeof next);
            lanes = next < lanes ? next : lanes;
        }
        float least = std::numeric_limits<float>::max();
        for (int lane = 0; lane < LANES; ++lane) least = std::min(least, lanes[lane]);
        for (size_t i = whole; i < values.size(); ++i) least = std::min(least, values[i]);
        return least;
    }
    // An entry whose least distance to the cell exceeds the least of the most distances is out.
    uint32_t make_list(int cell) {
        std::fill(least_.begin(), least_.end(), 0.0f);
        std::fill(most_.begin(), most_.end(), 0.0f);
        for (int j = D - 1; j >= 0; --j, cell /= SIDE) {
            const float middle = low_[j] + side_[j] * (float(cell % SIDE) + 0.5f);
            add_axis(columns_.data() + j * k_, middle, side_[j] * (0.5f + MARGIN));
        }
        const float limit = least_of(most_) * (1 + MARGIN);
        const size_t at = entries_.size();
        entries_.resize(at + 1 + k_);
        size_t end = at + 1;
        for (int i = 0; i < k_; ++i) {
            entries_[end] = uint8_t(i);
            end += least_[i] <= limit;
        }
        entries_.resize(end);
        entries_[at] = uint8_t(entries_.size() - at - 2);
        return uint32_t(at);
    }

    int k_;
    float low_[D], side_[D], per_side_[D];
    std::vector<float> rows_, columns_, half_way_, least_, most_;
    std::vector<uint32_t> lists_;               // where a cell's list starts; 0: not made yet
    std::vector<uint8_t> entries_ = {0};        // lists: their length less one, then the entries
};

// ---- error diffusion ----------------------------------------------------------------------------

struct Diffusion {
    float strength;  // share of the error that is passed on
    float limit;     // errors longer than this are cut to it
    float flat;      // a color this near to its entry takes it and passes nothing on
    bool serpentine;
};

// Floyd and Steinberg 1976, on points. `nearest` holds each pixel's entry without diffusion.
template <int C>
class Diffuser {
  public:
    Diffuser(const float *palette, int k, const Diffusion &options, int64_t width)
        : palette_(palette), options_(options), width_(width), grid_(palette, k, options.limit),
          points_(width * C), here_((width + 2) * C), below_((width + 2) * C) {}

    void row(const uint8_t *pixels, const uint8_t *nearest, bool backwards, uint8_t *out) {
        points_of<C>(pixels, width_, points_.data());
        const int64_t step = backwards ? -1 : 1;
        int64_t x = backwards ? width_ - 1 : 0;
        float ahead[C] = {};
        for (int64_t i = 0; i < width_; ++i, x += step) {
            const bool hidden = C == 4 && pixels[x * C + C - 1] == 0;
            const bool settled = hidden || is_flat(x, nearest[x]);
            out[x] = settled ? nearest[x] : spread(x, step, nearest[x], ahead);
            if (settled) std::fill(ahead, ahead + C, 0.0f);
        }
        here_.swap(below_);
        std::fill(below_.begin(), below_.end(), 0.0f);
    }

  private:
    bool is_flat(int64_t x, int entry) const {
        float distance = 0;
        for (int j = 0; j < C; ++j) {
            const float t = points_[x * C + j] - palette_[entry * C + j];
            distance += t * t;
        }
        return distance <= options_.flat * options_.flat;
    }

    // Take the entry nearest to the point plus the error it received, and pass the new error on: 7/16 to the
    // next pixel (by `ahead`, in registers), 3/16, 5/16 and 1/16 to the row below.
    uint8_t spread(int64_t x, int64_t step, int guess, float (&ahead)[C]) {
        float target[C], error[C], length = 0;
        for (int j = 0; j < C; ++j) target[j] = points_[x * C + j] + (here_[(x + 1) * C + j] + ahead[j]);
        const int entry = grid_.find(target, guess);
        for (int j = 0; j < C; ++j) {
            error[j] = target[j] - palette_[entry * C + j];
            length += error[j] * error[j];
        }
        float share = options_.strength;
        if (length > options_.limit * options_.limit) share *= options_.limit / std::sqrt(length);
        float *below = below_.data() + (x + 1) * C;
        for (int j = 0; j < C; ++j) {
            const float part = error[j] * share;
            ahead[j] = part * (7.0f / 16);
            below[j - step * C] += part * (3.0f / 16);
            below[j] += part * (5.0f / 16);
            below[j + step * C] += part * (1.0f / 16);
        }
        return uint8_t(entry);
    }

    const float *palette_;
    Diffusion options_;
    int64_t width_;
    NearestGrid<C> grid_;
    std::vector<float> points_, here_, below_;
};

template <int C>
void diffuse(const uint8_t *pixels, int64_t height, int64_t width, const float *palette, int k,
             const uint8_t *nearest, const Diffusion &options, uint8_t *out) {
    Diffuser<C> diffuser(palette, k, options, width);
    for (int64_t y = 0; y < height; ++y) {
        const bool backwards = options.serpentine && y % 2;
        diffuser.row(pixels + y * width * C, nearest + y * width, backwards, out + y * width);
    }
}

// ---- the Python face ----------------------------------------------------------------------------

template <class T, int N> using Array = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <class T> using Fresh = nb::ndarray<nb::numpy, T>;

template <class T> Fresh<T> make_array(std::initializer_list<size_t> shape) {
    size_t size = 1;
    for (size_t side : shape) size *= side;
    T *data = new T[size];
    nb::capsule owner(data, [](void *p) noexcept { delete[] static_cast<T *>(p); });
    return Fresh<T>(data, shape, owner);
}

template <int C> nb::tuple count_colors_py(const Array<uint8_t, 2> &pixels) {
    Distinct found;
    {
        nb::gil_scoped_release release;
        found = Dealt<C>(pixels.data(), int64_t(pixels.shape(0))).count();
    }
    const size_t u = found.keys.size();
    auto colors = make_array<uint8_t>({u, C});
    auto counts = make_array<int64_t>({u});
    for (size_t i = 0; i < u; ++i) Key<C>::to_color(found.keys[i], colors.data() + i * C);
    std::copy(found.counts.begin(), found.counts.end(), counts.data());
    return nb::make_tuple(colors, counts);
}

inline nb::tuple count_colors_any(const Array<uint8_t, 2> &pixels) {
    return pixels.shape(1) == 4 ? count_colors_py<4>(pixels) : count_colors_py<3>(pixels);
}

inline Fresh<double> linear_steps() {
    auto out = make_array<double>({STEPS});
    std::copy(LINEAR_STEPS.begin(), LINEAR_STEPS.end(), out.data());
    return out;
}

inline Fresh<float> oklab_points(const Array<uint8_t, 2> &colors) {
    auto out = make_array<float>({colors.shape(0), colors.shape(1)});
    nb::gil_scoped_release release;
    auto convert = colors.shape(1) == 4 ? points_of<4> : points_of<3>;
    convert(colors.data(), int64_t(colors.shape(0)), out.data());
    return out;
}

inline Fresh<uint8_t> map_pixels(const Array<uint8_t, 2> &pixels, const Array<uint8_t, 2> &colors,
                                 const Array<uint8_t, 1> &labels) {
    auto out = make_array<uint8_t>({pixels.shape(0)});
    nb::gil_scoped_release release;
    auto map = pixels.shape(1) == 4 ? map_pixels_rgba : map_pixels_rgb;
    map(pixels.data(), int64_t(pixels.shape(0)), colors.data(), int64_t(colors.shape(0)), labels.data(),
        out.data());
    return out;
}

inline Fresh<uint8_t> diffuse_py(const Array<uint8_t, 3> &pixels, const Array<float, 2> &palette,
                                 const Array<uint8_t, 2> &nearest, float strength, float limit, float flat,
                                 bool serpentine) {
    auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    nb::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? diffuse<4> : diffuse<3>;
    run(pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), palette.data(),
        int(palette.shape(0)), nearest.data(), {strength, limit, flat, serpentine}, out.data());
    return out;
}

// Sum of squared differences of two arrays of bytes: whole numbers, so exact in any order.
inline uint64_t squared_error(const Array<uint8_t, 1> &a, const Array<uint8_t, 1> &b) {
    constexpr int64_t PART = 1 << 15;  // so many squares of a byte fit 32 bits
    const int64_t size = int64_t(a.size());
    uint64_t total = 0;
    for (int64_t start = 0; start < size; start += PART) {
        const int64_t end = std::min(size, start + PART);
        uint32_t sum = 0;
        for (int64_t i = start; i < end; ++i) {
            const int32_t apart = int32_t(a.data()[i]) - int32_t(b.data()[i]);
            sum += uint32_t(apart * apart);
        }
        total += sum;
    }
    return total;
}

}  // namespace tinct::pixels

namespace tinct {

inline void bind_pixels(nanobind::module_ &m) {
    using namespace nanobind::literals;
    m.def("linear_steps", &pixels::linear_steps);
    m.def("count_colors", &pixels::count_colors_any, "pixels"_a);
    m.def("oklab_points", &pixels::oklab_points, "colors"_a);
    m.def("squared_error", &pixels::squared_error, "a"_a, "b"_a, nanobind::call_guard<nanobind::gil_scoped_release>());
    m.def("map_pixels", &pixels::map_pixels, "pixels"_a, "colors"_a, "labels"_a);
    m.def("diffuse", &pixels::diffuse_py, "pixels"_a, "palette"_a, "nearest"_a, "strength"_a, "limit"_a,
          "flat"_a, "serpentine"_a);
}

}  // namespace tinct
