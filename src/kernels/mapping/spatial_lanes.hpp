// The inner loops of spatial.hpp, for one instruction set. Lanes are pixels or entries, never terms of one sum.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "color/oklab.hpp"
#include "mapping/spatial_job.hpp"
#include "memory/vector_bytes.hpp"

namespace tinct::spatial {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

constexpr int WIDTH = VECTOR_BYTES / 4;
typedef float Floats __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t Ints __attribute__((vector_size(VECTOR_BYTES)));

// Three planes of a row, with a margin.
struct Row {
    float *start;
    int64_t stride;
    float *plane(int j) const { return start + j * stride + PAD; }
};

struct Work {
    Work(const Scene &scene, float *memory) : stride(scene.stride()), memory_(memory) {}
    static int64_t rows() { return 4 + TAPS + BAND + BAND / BLOCK; }
    Row derivative() const { return row(0); }
    Row error() const { return row(1); }
    Row target() const { return row(2); }
    Row measured() const { return row(3); }  // the target, as the metric has it
    Row across(int64_t y) const { return row(4 + (y % TAPS + TAPS) % TAPS); }  // a ring
    Row blurred(int64_t y) const { return row(4 + TAPS + y); }
    Row block(int64_t y) const { return row(4 + TAPS + BAND + y / BLOCK); }  // sums, at x / BLOCK
    int64_t stride;

  private:
    Row row(int64_t i) const { return {memory_ + i * 3 * stride, stride}; }
    float *memory_;
};

int64_t room(const Scene &scene) { return Work::rows() * 3 * scene.stride(); }

bool settled(const Scene &scene, int64_t at) { return scene.channels == 4 && scene.pixels[at * 4 + 3] != 255; }

void spread_derivative(const Scene &scene, int64_t y, const Row &out) {
    const int64_t columns = (scene.width + 1) / 2;
    for (int j = 0; j < 3; ++j) {
        const float *__restrict from = scene.derivative + (y / 2 * 3 + j) * columns;
        float *__restrict to = out.plane(j);
        for (int64_t x = 0; x < columns; ++x) to[2 * x] = to[2 * x + 1] = from[x];
    }
}

// Three planes of a row times a matrix, in place. (Restrict is believed of parameters alone, and matrices go by value:
// what is written could be part of the scene, for all that the compiler knows.)
void multiply_planes(std::array<float, 9> m, float *__restrict a, float *__restrict b, float *__restrict c, int64_t width) {
    for (int64_t x = 0; x < width; ++x) {
        const float p = m[0] * a[x] + m[1] * b[x] + m[2] * c[x];
        const float q = m[3] * a[x] + m[4] * b[x] + m[5] * c[x];
        const float r = m[6] * a[x] + m[7] * b[x] + m[8] * c[x];
        a[x] = p, b[x] = q, c[x] = r;
    }
}
void multiply(const float (&m)[3][3], const Row &row, int64_t width) {
    multiply_planes(std::bit_cast<std::array<float, 9>>(m), row.plane(0), row.plane(1), row.plane(2), width);
}
void scale_plane(const float *__restrict by, float *__restrict plane, int64_t width) {
    for (int64_t x = 0; x < width; ++x) plane[x] *= by[x];
}
void scale(const Row &by, const Row &row, int64_t width) {
    for (int j = 0; j < 3; ++j) scale_plane(by.plane(j), row.plane(j), width);
}

// Light to cones, in place, and to opponents: the tangent of Oklab where the picture is.
void to_cones(const Scene &scene, const Row &derivative, const Row &row) {
    multiply(scene.rows_of_cones, row, scene.width);
    scale(derivative, row, scene.width);
}
void to_opponents(const Scene &scene, const Row &derivative, const Row &row) {
    to_cones(scene, derivative, row);
    multiply(scene.opponents, row, scene.width);
}
// Opponents' products back to those of cones, in place.
void from_opponents(const Scene &scene, const Row &derivative, const Row &row) {
    float transposed[3][3];
    for (int i = 0; i < 3; ++i) for (int j = 0; j < 3; ++j) transposed[i][j] = scene.opponents[j][i];
    multiply(transposed, row, scene.width);
    scale(derivative, row, scene.width);
}

// Errors of a row: of pixels against their entries, or (with `step`) what a move of the entries takes off them.
template <int C> void errors_of(const Scene &scene, int64_t y, const float (*step)[3], const Row &out) {
    const uint8_t *pixel = scene.pixels + y * scene.width * C, *index = scene.indices + y * scene.width;
    float *__restrict r = out.plane(0), *__restrict g = out.plane(1), *__restrict b = out.plane(2);
    if (step) {
        for (int64_t x = 0; x < scene.width; ++x) {
            const float *its = step[index[x]];
            r[x] = its[0], g[x] = its[1], b[x] = its[2];
        }
    } else {
        for (int64_t x = 0; x < scene.width; ++x, pixel += C) {
            const float *entry = scene.light[index[x]];
            r[x] = color::LINEAR[pixel[0]] - entry[0];
            g[x] = color::LINEAR[pixel[1]] - entry[1];
            b[x] = color::LINEAR[pixel[2]] - entry[2];
        }
    }
    for (int64_t x = 0; C == 4 && x < scene.width; ++x)
        if (settled(scene, y * scene.width + x)) r[x] = g[x] = b[x] = 0;
}
void errors(const Scene &scene, int64_t y, const float (*step)[3], const Row &derivative, const Row &out) {
    (scene.channels == 4 ? errors_of<4> : errors_of<3>)(scene, y, step, out);
    to_opponents(scene, derivative, out);
}

template <int R> void blur_across(const float *taps, const float *__restrict in, float *__restrict out, int64_t width) {
    for (int64_t x = 0; x < width; ++x) {
        float sum = taps[0] * in[x];
        for (int i = 1; i <= R; ++i) sum += taps[i] * (in[x - i] + in[x + i]);
        out[x] = sum;
    }
}

void add_plane(float share, const float *__restrict in, float *__restrict out, int64_t width) {
    for (int64_t x = 0; x < width; ++x) out[x] += share * in[x];
}

template <int R> void blur_down(const float *taps, const float *const *in, float *__restrict out, int64_t width) {
    for (int64_t x = 0; x < width; ++x) {
        float sum = taps[0] * in[R][x];
        for (int i = 1; i <= R; ++i) sum += taps[i] * (in[R - i][x] + in[R + i][x]);
        out[x] += sum;
    }
}

// Of the sums of columns those of blocks, in place.
void sum_blocks(float *sums, int64_t width) {
    for (int64_t x = 0; x < width; x += BLOCK) {
        float sum = 0;
        for (int64_t i = x; i < std::min(x + BLOCK, width); ++i) sum += sums[i];
        sums[x / BLOCK] = sum;
    }
}

// K * error in the rows of the band, times `middle` the errors themselves added. `drawn` tells the rows that have any.
template <class Drawn>
void blur_band(const Scene &scene, const float (*step)[3], int64_t top, int64_t bottom, const float (&middle)[2],
               const Work &work, Drawn drawn) {
    const int64_t bytes = 3 * work.stride * int64_t(sizeof(float));
    const Blur &blur = scene.blur;
    std::memset(work.error().start, 0, size_t(bytes));
    for (int64_t y = 0; y < BAND; y += BLOCK) std::memset(work.block(y).start, 0, size_t(bytes));
    for (int64_t y = top - REACH; y < bottom + REACH; ++y) {
        const Row across = work.across(y);
        const bool inside = y >= top && y < bottom;
        if (inside) std::memset(work.blurred(y - top).start, 0, size_t(bytes));
        if (y < 0 || y >= scene.height || !drawn(y)) {
            std::memset(across.start, 0, size_t(bytes));
        } else {
            spread_derivative(scene, y, work.derivative());
            errors(scene, y, step, work.derivative(), work.error());
            for (int j = 0; j < 3; ++j) {
                const float *__restrict in = work.error().plane(j);
                const int group = j > 0;
                const auto run = blur.reach[group] > 4 ? blur_across<REACH> : blur_across<4>;
                run(blur.taps[group], in, across.plane(j), scene.width);
                if (!inside) continue;
                float *__restrict out = work.blurred(y - top).plane(j), *__restrict sums = work.block(y - top).plane(j);
                const float share = middle[group];
                for (int64_t x = 0; x < scene.width; ++x) {
                    out[x] = share * in[x];
                    sums[x] += in[x];
                }
            }
        }
        const int64_t done = y - REACH;
        if (done < top) continue;
        for (int j = 0; j < 3; ++j) {
            const int group = j > 0, reach = blur.reach[group] > 4 ? REACH : 4;
            const float *in[TAPS];
            for (int i = -reach; i <= reach; ++i) in[i + reach] = work.across(done + i).plane(j);
            const auto run = reach > 4 ? blur_down<REACH> : blur_down<4>;
            run(blur.taps[group], in, work.blurred(done - top).plane(j), scene.width);
        }
    }
    for (int64_t y = 0; y < bottom - top; y += BLOCK)
        for (int j = 0; j < 3; ++j) sum_blocks(work.block(y).plane(j), scene.width);
}

struct Metric {
    float u[6], target[3];
    template <class F> F distance(F c0, F c1, F c2) const {
        const F a = u[0] * c0 + u[1] * c1 + u[2] * c2 - target[0];
        const F b = u[3] * c1 + u[4] * c2 - target[1];
        const F c = u[5] * c2 - target[2];
        return a * a + b * b + c * c;
    }
};

typedef int32_t Ints4 __attribute__((vector_size(16)));
typedef int32_t Ints8 __attribute__((vector_size(32)));
typedef int32_t Ints16 __attribute__((vector_size(64)));
template <class V> V lesser(V a, V b) { return b < a ? b : a; }
// The lesser of halves, down to four.
[[maybe_unused]] Ints4 folded(Ints4 v) { return v; }
[[maybe_unused]] Ints4 folded(Ints8 v) {
    return lesser(__builtin_shufflevector(v, v, 0, 1, 2, 3), __builtin_shufflevector(v, v, 4, 5, 6, 7));
}
[[maybe_unused]] Ints4 folded(Ints16 v) {
    return folded(lesser(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                         __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)));
}

// The nearest of the entries looked at, their squared distances as bits of which the lowest 8 name the entry: ties go
// to the lowest.
class Nearest {
  public:
    Nearest(const Table &table, const Metric &metric) : table_(table), metric_(metric) {
        for (Ints &low : low_) low = Ints{} + 0x7f000000;
    }
    // From the block of entries `home` outwards, until the last cone alone is too far off.
    int32_t find(int home) {
        look(home);
        if (table_.blocks == 1) return least();
        const float best = std::bit_cast<float>(least() | 255);
        for (int block = home - 1; block >= 0; --block) {
            const float gap = metric_.target[2] - metric_.u[5] * table_.most[block];
            if (gap > 0 && gap * gap > best) break;
            look(block);
        }
        for (int block = home + 1; block < table_.blocks; ++block) {
            const float gap = metric_.u[5] * table_.least[block] - metric_.target[2];
            if (gap > 0 && gap * gap > best) break;
            look(block);
        }
        return least();
    }

  private:
    void look(int block) {
        for (int part = 0; part < LANES / WIDTH; ++part) {
            const int at = block * LANES + part * WIDTH;
            Floats cone[3];
            Ints entry;
            for (int j = 0; j < 3; ++j) std::memcpy(&cone[j], table_.cone[j] + at, sizeof cone[j]);
            std::memcpy(&entry, table_.entry + at, sizeof entry);
            const Ints bits = (std::bit_cast<Ints>(metric_.distance(cone[0], cone[1], cone[2])) & ~255) | entry;
            low_[part] = lesser(low_[part], bits);
        }
    }
    int32_t least() const {
        Ints low = low_[0];
        for (int part = 1; part < LANES / WIDTH; ++part) low = lesser(low, low_[part]);
        const Ints4 four = folded(low), two = lesser(four, __builtin_shufflevector(four, four, 2, 3, 0, 1));
        return std::min(two[0], two[1]);
    }
    const Table &table_;
    const Metric &metric_;
    Ints low_[LANES / WIDTH];
};

constexpr float GAIN = 1e-4f;  // the part of its error that a change must win, above what rounding may hide

class Sweep {
  public:
    Sweep(const Scene &scene, const Table &table, int64_t top, int64_t bottom, bool back, bool fresh, const Work &work)
        : scene_(scene), table_(table), top_(top), bottom_(bottom), back_(back), fresh_(fresh), work_(work) {
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) {
                to_target_[i][j] = 0;
                for (int c = i; c < 3; ++c) to_target_[i][j] += scene.metric[i][c] * scene.inverse[c][j];
                to_target_[i][j] /= scene.blur.middle[j > 0];
            }
        for (int i = 0; i < REACH; ++i)
            for (int j = 0; j < 3; ++j) shares_[i][j] = scene.blur.taps[j > 0][0] * scene.blur.taps[j > 0][i + 1];
    }
    int64_t row(int64_t y) {
        start(y);
        std::memset(work_.error().start, 0, size_t(3 * work_.stride) * sizeof(float));
        std::fill(ahead_, ahead_ + REACH, Planes{});
        const bool leftwards = (y % 2 != 0) != back_;
        int64_t changed = 0;
        for (int64_t n = 0; n < scene_.width; ++n) {
            const int64_t x = leftwards ? scene_.width - 1 - n : n;
            Planes change{};
            if (!settled(scene_, y * scene_.width + x)) changed += pixel(y, x, change);
            for (int i = 0; i < REACH; ++i)
                ahead_[i] = (i + 1 < REACH ? ahead_[i + 1] : Planes{}) + change * shares_[i];
        }
        if (changed) pass_on(y);
        return changed;
    }

  private:
    typedef float Planes __attribute__((vector_size(16)));

    // What the pixels themselves are after, without their neighbors.
    void start(int64_t y) {
        const Row d = work_.derivative(), t = work_.target();
        spread_derivative(scene_, y, d);
        const uint8_t *pixel = scene_.pixels + y * scene_.width * scene_.channels;
        float *r = t.plane(0), *g = t.plane(1), *b = t.plane(2);
        for (int64_t x = 0; x < scene_.width; ++x, pixel += scene_.channels)
            r[x] = color::LINEAR[pixel[0]], g[x] = color::LINEAR[pixel[1]], b[x] = color::LINEAR[pixel[2]];
        to_cones(scene_, d, t);
        std::memcpy(work_.measured().start, t.start, size_t(3 * work_.stride) * sizeof(float));
        multiply(scene_.metric, work_.measured(), scene_.width);
    }

    bool pixel(int64_t y, int64_t x, Planes &passed) {
        const Row blurred = work_.blurred(y - top_);
        float d[3], t[3], s[3];
        for (int j = 0; j < 3; ++j) {
            d[j] = work_.derivative().plane(j)[x];
            s[j] = blurred.plane(j)[x] + ahead_[0][j] + scene_.blur.block * work_.block(y - top_).plane(j)[x / BLOCK];
        }
        for (int j = 0; j < 3; ++j) {
            const auto &row = to_target_[j];
            t[j] = work_.measured().plane(j)[x] + (row[0] * s[0] + row[1] * s[1] + row[2] * s[2]);
        }
        const auto &r = scene_.metric;
        const Metric metric{
            {r[0][0] * d[0], r[0][1] * d[1], r[0][2] * d[2], r[1][1] * d[1], r[1][2] * d[2], r[2][2] * d[2]},
            {t[0], t[1], t[2]}};
        uint8_t &index = scene_.indices[y * scene_.width + x];
        const int32_t found = Nearest(table_, metric).find(fresh_ ? home(t[2], metric.u[5]) : table_.home[index]);
        const int entry = found & 255;
        const float *now = scene_.cones[index], *then = scene_.cones[entry];
        if (!fresh_) {
            const float keeps = metric.distance(now[0], now[1], now[2]) * (1 - GAIN);
            if (entry == index || std::bit_cast<float>(found) >= keeps) return false;
        }
        float change[3];
        if (fresh_)
            for (int j = 0; j < 3; ++j) change[j] = work_.target().plane(j)[x] - d[j] * then[j];
        else
            for (int j = 0; j < 3; ++j) change[j] = d[j] * (now[j] - then[j]);
        index = uint8_t(entry);
        const auto &o = scene_.opponents;
        for (int j = 0; j < 3; ++j) {
            passed[j] = o[j][0] * change[0] + o[j][1] * change[1] + o[j][2] * change[2];
            work_.error().plane(j)[x] = passed[j];
            work_.block(y - top_).plane(j)[x / BLOCK] += passed[j];
        }
        return true;
    }

    int home(float target, float share) const {
        int block = 0;
        while (block + 1 < table_.blocks && share * table_.least[block + 1] <= target) ++block;
        return block;
    }

    // What a row changed, to the rows that are still to come.
    void pass_on(int64_t y) {
        for (int j = 0; j < 3; ++j) {
            const int group = j > 0, reach = scene_.blur.reach[group];
            const float *taps = scene_.blur.taps[group];
            float *across = work_.across(0).plane(j);
            const auto run = reach > 4 ? blur_across<REACH> : blur_across<4>;
            run(taps, work_.error().plane(j), across, scene_.width);
            for (int dy = 1; dy <= reach; ++dy) {
                const int64_t to = back_ ? y - dy : y + dy;
                if (to < top_ || to >= bottom_) break;
                add_plane(taps[dy], across, work_.blurred(to - top_).plane(j), scene_.width);
            }
        }
    }

    const Scene &scene_;
    const Table &table_;
    int64_t top_, bottom_;
    bool back_, fresh_;
    Work work_;
    float to_target_[3][3];
    // What the next pixels of the row get, and its shares of a change. (In memory the next pixel's loads, one place
    // further, would wait for these stores: that took a third of the time.)
    Planes ahead_[REACH], shares_[REACH];
};

int64_t sweep(const Scene &scene, const Table &table, int64_t top, int64_t bottom, bool back, Fresh fresh,
              float *memory) {
    const Work work(scene, memory);
    const float none[2] = {-(scene.blur.middle[0] - scene.blur.own[0]), -(scene.blur.middle[1] - scene.blur.own[1])};
    blur_band(scene, nullptr, top, bottom, none, work, [&](int64_t y) {
        return fresh == Fresh::no || (fresh == Fresh::between && (y < top || y >= bottom));
    });
    Sweep sweep(scene, table, top, bottom, back, fresh != Fresh::no, work);
    int64_t changed = 0;
    for (int64_t y = top; y < bottom; ++y) changed += sweep.row(back ? top + bottom - 1 - y : y);
    return changed;
}

void add_squares(const Scene &scene, int64_t y, const Row &derivative, Sums &sums) {
    const uint8_t *index = scene.indices + y * scene.width;
    const float *d[3] = {derivative.plane(0), derivative.plane(1), derivative.plane(2)};
    for (int64_t x = 0; x < scene.width; ++x) {
        if (settled(scene, y * scene.width + x)) continue;
        const float a = d[0][x], b = d[1][x], c = d[2][x];
        sums.squares[index[x]][0] += Sums::Four{a * a, a * b, a * c, 0};
        sums.squares[index[x]][1] += Sums::Four{b * b, b * c, c * c, 0};
    }
}

enum class Adds { error, gradient, bend };

// Of the error itself, of half its gradient with the sign changed and the squares of the weights, or of how that bends
// with a step.
template <Adds WHAT>
void add_up(const Scene &scene, const float (*step)[3], int64_t top, int64_t bottom, float *memory, Sums &sums) {
    const Work work(scene, memory);
    std::memset(&sums, 0, sizeof sums);
    blur_band(scene, step, top, bottom, scene.blur.own, work, [](int64_t) { return true; });
    const Row d = work.derivative();
    for (int64_t y = top; y < bottom; ++y) {
        const Row row = work.blurred(y - top), block = work.block(y - top);
        for (int j = 0; j < 3; ++j)
            for (int64_t x = 0; x < scene.width; x += BLOCK) {
                const float share = scene.blur.block * block.plane(j)[x / BLOCK];
                float *to = row.plane(j) + x;
                for (int64_t i = 0, end = std::min<int64_t>(BLOCK, scene.width - x); i < end; ++i) to[i] += share;
            }
        spread_derivative(scene, y, d);
        const uint8_t *index = scene.indices + y * scene.width;
        if (WHAT == Adds::error) {
            errors(scene, y, nullptr, d, work.error());
            double error[3] = {};  // apart, so that none waits for another
            for (int64_t x = 0; x < scene.width; ++x)
                for (int j = 0; j < 3; ++j) error[j] += double(work.error().plane(j)[x]) * double(row.plane(j)[x]);
            sums.error += error[0] + error[1] + error[2];
            continue;
        }
        from_opponents(scene, d, row);
        const float *plane[3] = {row.plane(0), row.plane(1), row.plane(2)};
        for (int64_t x = 0; x < scene.width; ++x) {
            if (settled(scene, y * scene.width + x)) continue;
            sums.product[index[x]] += Sums::Four{plane[0][x], plane[1][x], plane[2][x], 0};
        }
        if (WHAT == Adds::gradient) add_squares(scene, y, d, sums);
    }
}

void descent(const Scene &scene, int64_t top, int64_t bottom, float *memory, Sums &sums) {
    add_up<Adds::gradient>(scene, nullptr, top, bottom, memory, sums);
}
void error(const Scene &scene, int64_t top, int64_t bottom, float *memory, Sums &sums) {
    add_up<Adds::error>(scene, nullptr, top, bottom, memory, sums);
}
void curvature(const Scene &scene, const float (*step)[3], int64_t top, int64_t bottom, float *memory, Sums &sums) {
    add_up<Adds::bend>(scene, step, top, bottom, memory, sums);
}

constexpr Kernels its_kernels{room, sweep, descent, error, curvature};

}  // namespace
}  // namespace tinct::spatial
