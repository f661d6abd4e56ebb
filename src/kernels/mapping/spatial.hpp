// Spatial color quantization: K-means whose error is seen through a blur (Puzicha, Held, Ketterer, Buhmann and
// Fellner 2000). With errors e = J (x - palette[index]) in light, J the derivative of Oklab where the picture is,
//     E = sum |G * e|^2 + own * sum |e|^2 + block * sum of |sum of e in a block|^2 / its size,   G the blur of the eye.
// Update: E is quadratic in the palette, and conjugate gradients lower it. Assignment: pixel by pixel, each takes the
// entry that lowers E most. Neither ever raises it.
//
// K = G * G + own at its middle holds all of E: a pixel's best entry is the nearest to its own color plus what all its
// neighbors err, each by its share K / K(0): error diffusion that looks ahead.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

#include "color/points.hpp"
#include "mapping/remap.hpp"
#include "mapping/spatial_job.hpp"
#include "memory/buffer.hpp"
#include "threads/pool.hpp"

namespace tinct::spatial {

// How errors are seen: standard deviations of the blur in pixels, of lightness and of the opponents a and b; what an
// error counts without it; what opponents count beside lightness.
struct Sight {
    double sigma[2], own[2], opponents, block;
};

class SpatialQuantizer {
  public:
    // Opaque pixels take opaque entries; the others keep the indices they have. `fixed`: entries that stay, or null.
    SpatialQuantizer(const Picture &picture, const uint8_t *palette, int k, const uint8_t *fixed,
                     uint8_t *indices, int threads, std::function<void()> poll)
        : palette(palette, palette + k * picture.channels), threads_(threads ? threads : processors()),
          poll_(std::move(poll)), k_(k) {
        scene_.pixels = picture.pixels;
        scene_.height = picture.height, scene_.width = picture.width, scene_.channels = picture.channels;
        scene_.indices = indices;
        for (int i = 0; i < k; ++i) {
            opaque_[i] = picture.channels == 3 || palette[4 * i + 3] == 255;
            moves_[i] = opaque_[i] && !(fixed && fixed[i]);
        }
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) scene_.rows_of_cones[i][j] = color::CONES[CONE[i]][j];
        derive();
        set_light();
        gray_ = is_gray();
    }

    // Before anything else, and again at will.
    void look(const Sight &sight) {
        const double block = sight.block / (BLOCK * BLOCK);
        double middle[2], most[2];  // of K: in the middle; and its largest gain, as no blur has more than 1
        for (int group = 0; group < 2; ++group) {
            set_blur(group, sight.sigma[group], sight.own[group], block);
            middle[group] = double(scene_.blur.middle[group]);
            most[group] = 1 + sight.own[group] + sight.block;
        }
        double opponents[3][3];
        for (int j = 0; j < 3; ++j)
            for (int i = 0; i < 3; ++i) {
                opponents[j][i] = double(color::OPPONENTS[j][CONE[i]]) * (j ? std::sqrt(sight.opponents) : 1);
                scene_.opponents[j][i] = float(opponents[j][i]);
            }
        invert(opponents);
        weights_ = weights_of(opponents, middle);
        bounds_ = weights_of(opponents, most);
        set_metric();
    }

    // Whether there is an opaque entry to draw with.
    bool draws() const { return std::any_of(opaque_, opaque_ + k_, [](bool its) { return its; }); }

    // Draws the picture at first: what isn't drawn yet has no error. The number of pixels that changed.
    int64_t sweep(bool back) {
        const Table table = entries();
        if (!draws()) return 0;
        const int64_t bands = count_bands();
        std::vector<int64_t> changed(size_t(bands), 0);
        for (int part = 0; part < 2; ++part) {
            const int64_t parity = part ^ int(back);
            const Fresh fresh = drawn_ ? Fresh::no : part ? Fresh::between : Fresh::alone;
            each((bands - parity + 1) / 2, [&](int64_t i, float *work) {
                const int64_t band = 2 * i + parity;
                changed[size_t(band)] = kernels().sweep(scene_, table, band * BAND, end(band), back, fresh, work);
            });
        }
        drawn_ = true;
        return std::accumulate(changed.begin(), changed.end(), int64_t(0));
    }

    // E, over the pixels.
    double error() {
        return total([&](int64_t top, int64_t bottom, float *work, Sums &sums) {
            kernels().error(scene_, top, bottom, work, sums);
        })->error;
    }

    // Moves the palette, rounded to 8 bits; false where it stays, because no move lowers the error.
    bool update(int steps) {
        if (std::none_of(moves_, moves_ + k_, [](bool its) { return its; })) return false;
        const std::unique_ptr<Sums> sums = descent();
        const Descent found = minimize(*sums, steps);
        Vectors move = found.move;
        const color::Colors before = palette;
        for (int attempt = 0; attempt < 3; ++attempt) {
            bool moved = false;
            for (int i = 0; i < k_; ++i) {
                if (!moves_[i]) continue;
                if (gray_) stay_gray(i, move[size_t(i)]);
                for (int j = 0; j < 3; ++j) {
                    uint8_t &code = palette[size_t(i * scene_.channels + j)];
                    const uint8_t old = before[size_t(i * scene_.channels + j)];
                    code = color::light_to_code(double(color::LINEAR[old]) + move[size_t(i)][j]);
                    moved |= code != old;
                }
            }
            set_light();
            if (!moved || falls(before, found, *sums)) return moved;
            for (Vector &its : move)
                for (double &part : its.at) part *= 0.5;
        }
        palette = before;
        set_light();
        return false;
    }

    color::Colors palette;

  private:
    static constexpr int CONE[3] = {2, 0, 1};
    static constexpr float FLOOR = 0.0038f;  // of the cones under the root: in the dark its derivative has no bound
    struct Vector {
        double at[3];
        double &operator[](int j) { return at[j]; }
        double operator[](int j) const { return at[j]; }
    };
    using Matrix = std::array<double, 9>;
    using Vectors = std::array<Vector, MOST>;
    // A move of the entries, and half the gradient, with the sign changed, before and after it.
    struct Descent {
        Vectors move{}, before{}, after{};
    };

    // A gray picture has no reason to take on a tint, but for what rounding does.
    void stay_gray(int entry, Vector &move) const {
        const uint8_t *color = palette.data() + entry * scene_.channels;
        if (color[0] != color[1] || color[1] != color[2]) return;
        move[0] = move[1] = move[2] = (move[0] + move[1] + move[2]) / 3;
    }
    bool is_gray() const {
        for (int64_t i = 0; i < scene_.height * scene_.width; ++i) {
            const uint8_t *pixel = scene_.pixels + i * scene_.channels;
            if (!hidden(i) && (pixel[0] != pixel[1] || pixel[1] != pixel[2])) return false;
        }
        return true;
    }
    bool hidden(int64_t i) const { return scene_.channels == 4 && scene_.pixels[i * 4 + 3] == 0; }

    int64_t count_bands() const { return (scene_.height + BAND - 1) / BAND; }
    int64_t end(int64_t band) const { return std::min((band + 1) * BAND, scene_.height); }

    // work(i, memory) for each i, on all threads.
    void each(int64_t count, const std::function<void(int64_t, float *)> &work) {
        const int64_t room = kernels().room(scene_);
        ThreadPool(std::min<int64_t>(threads_, count) - 1).each(count, [&](int64_t i) {
            Buffer<float> memory(static_cast<size_t>(room));
            work(i, memory.data());
        }, poll_);
    }

    // (cone + FLOOR)^(-2/3) / 3, of the mean of two by two pixels and a little of those around them.
    void derive() {
        const int64_t rows = (scene_.height + 1) / 2, columns = (scene_.width + 1) / 2;
        Buffer<float> means(size_t(rows * 3 * columns));
        derivative_.resize(means.size());
        const int64_t chunks = (rows + BAND - 1) / BAND;
        const auto each_row = [&](const std::function<void(int64_t)> &work) {
            ThreadPool(std::min<int64_t>(threads_, chunks) - 1).each(chunks, [&](int64_t chunk) {
                for (int64_t y = chunk * BAND; y < std::min((chunk + 1) * BAND, rows); ++y) work(y);
            }, poll_);
        };
        const auto mean = scene_.channels == 4 ? &SpatialQuantizer::mean_cones<4> : &SpatialQuantizer::mean_cones<3>;
        each_row([&](int64_t y) { (this->*mean)(y, means.data() + y * 3 * columns); });
        each_row([&](int64_t y) {
            const int64_t above = std::max<int64_t>(y - 1, 0), below = std::min(y + 1, rows - 1);
            for (int64_t j = 0; j < 3; ++j) {
                const auto plane = [&](int64_t row) { return means.data() + (row * 3 + j) * columns; };
                derive_row(plane(above), plane(y), plane(below), columns, derivative_.data() + (y * 3 + j) * columns);
            }
        });
        scene_.derivative = derivative_.data();
    }
    static void derive_row(const float *above, const float *row, const float *below, int64_t columns, float *out) {
        std::vector<float> smooth(size_t(columns + 2 + color::LANES));
        float *at = smooth.data() + 1;
        for (int64_t x = 0; x < columns; ++x) at[x] = (14.0f / 16) * row[x] + (1.0f / 16) * (above[x] + below[x]);
        at[-1] = at[0];
        at[columns] = at[columns - 1];
        for (int64_t x = 0; x < columns; x += color::LANES) {
            color::Floats before, here, after;
            std::memcpy(&before, at + x - 1, sizeof before);
            std::memcpy(&here, at + x, sizeof here);
            std::memcpy(&after, at + x + 1, sizeof after);
            const color::Floats root = color::cube_root((14.0f / 16) * here + (1.0f / 16) * (before + after) + FLOOR);
            const color::Floats slope = 1.0f / (3.0f * root * root);
            std::memcpy(out + x, &slope, sizeof(float) * size_t(std::min<int64_t>(color::LANES, columns - x)));
        }
    }
    template <int C> void mean_cones(int64_t y, float *out) const {
        const int64_t columns = (scene_.width + 1) / 2, last = std::min(2 * y + 1, scene_.height - 1);
        const uint8_t *rows[2] = {scene_.pixels + 2 * y * scene_.width * C, scene_.pixels + last * scene_.width * C};
        for (int64_t x = 0; x < columns; ++x) {
            const int64_t places[2] = {2 * x * C, std::min(2 * x + 1, scene_.width - 1) * C};
            float light[3] = {}, count = 0;
            for (const uint8_t *row : rows)
                for (const int64_t place : places) {
                    const uint8_t *pixel = row + place;
                    if (C == 4 && pixel[C - 1] == 0) continue;
                    for (int j = 0; j < 3; ++j) light[j] += color::LINEAR[pixel[j]];
                    ++count;
                }
            const float share = 1 / std::max(count, 1.0f);
            for (int i = 0; i < 3; ++i) out[i * columns + x] = share * row_of_cones(i, light);
        }
    }
    float row_of_cones(int i, const float *light) const {
        const auto &row = scene_.rows_of_cones[i];
        return row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
    }

    void set_light() {
        for (int i = 0; i < k_; ++i) {
            for (int j = 0; j < 3; ++j) scene_.light[i][j] = color::LINEAR[palette[size_t(i * scene_.channels + j)]];
            for (int j = 0; j < 3; ++j) scene_.cones[i][j] = row_of_cones(j, scene_.light[i]);
        }
    }

    // e^-x without a libm, no two of which agree: a series for a 64th of it, squared six times.
    static double decay(double x) {
        double sum = 1, term = 1;
        for (int i = 1; i < 12; ++i) sum += term *= -x / 64 / i;
        for (int i = 0; i < 6; ++i) sum *= sum;
        return sum;
    }

    void set_blur(int group, double sigma, double own, double block) {
        const int reach = sigma <= 1.1 ? 2 : 3;
        double blur[7] = {}, total = 0, taps[REACH + 1] = {};
        for (int i = -reach; i <= reach; ++i)
            total += blur[i + reach] = sigma > 0 ? decay(i * i / (2 * sigma * sigma)) : i == 0;
        for (double &tap : blur) tap /= total;
        for (int i = 0; i <= 2 * reach; ++i)
            for (int j = 0; i + j <= 2 * reach; ++j) taps[i] += blur[j] * blur[i + j];
        Blur &to = scene_.blur;
        to.reach[group] = 2 * reach;
        std::copy(taps, taps + REACH + 1, to.taps[group]);
        to.own[group] = float(own);
        to.middle[group] = float(taps[0] * taps[0] + own + block);
        to.block = float(block);
    }

    void invert(const double (&m)[3][3]) {
        double cofactors[3][3], determinant = 0;
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) {
                const int a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
                cofactors[i][j] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
            }
        for (int j = 0; j < 3; ++j) determinant += m[0][j] * cofactors[j][0];
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) scene_.inverse[i][j] = float(cofactors[i][j] / determinant);
    }
    // opponents' gain opponents: what cones weigh.
    static Matrix weights_of(const double (&opponents)[3][3], const double (&gain)[2]) {
        Matrix out{};
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
                for (int c = 0; c < 3; ++c)
                    out[size_t(3 * i + j)] += opponents[c][i] * gain[c > 0] * opponents[c][j];
        return out;
    }
    // R of R'R = the weights: Cholesky's.
    void set_metric() {
        double r[3][3] = {};
        for (int i = 0; i < 3; ++i)
            for (int j = i; j < 3; ++j) {
                double rest = weights_[size_t(3 * i + j)];
                for (int c = 0; c < i; ++c) rest -= r[c][i] * r[c][j];
                r[i][j] = i == j ? std::sqrt(rest) : rest / r[i][i];
            }
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) scene_.metric[i][j] = float(r[i][j]);
    }

    Table entries() const {
        Table table{};
        std::vector<int> order;
        for (int i = 0; i < k_; ++i)
            if (opaque_[i]) order.push_back(i);
        const auto darker = [&](int a, int b) { return scene_.cones[a][2] < scene_.cones[b][2]; };
        std::stable_sort(order.begin(), order.end(), darker);
        table.blocks = (int(order.size()) + LANES - 1) / LANES;
        for (int at = 0; at < table.blocks * LANES; ++at) {
            const bool real = at < int(order.size());
            const int entry = real ? order[size_t(at)] : 0, block = at / LANES;
            for (int j = 0; j < 3; ++j) table.cone[j][at] = real ? scene_.cones[entry][j] : 1e9f;
            table.entry[at] = entry;
            if (!real) continue;
            if (at % LANES == 0) table.least[block] = scene_.cones[entry][2];
            table.most[block] = scene_.cones[entry][2];
            table.home[entry] = block;
        }
        return table;
    }

    // Sums over the bands, added in their order.
    template <class Add> std::unique_ptr<Sums> total(Add add) {
        const int64_t count = count_bands();
        std::vector<Sums> parts(static_cast<size_t>(count));
        each(count, [&](int64_t i, float *work) { add(i * BAND, end(i), work, parts[size_t(i)]); });
        auto all = std::make_unique<Sums>();
        for (const Sums &part : parts) {
            all->error += part.error;
            for (int i = 0; i < k_; ++i) {
                all->product[i] += part.product[i];
                for (int j = 0; j < 2; ++j) all->squares[i][j] += part.squares[i][j];
            }
        }
        return all;
    }
    std::unique_ptr<Sums> descent() {
        return total([&](int64_t top, int64_t bottom, float *work, Sums &sums) {
            kernels().descent(scene_, top, bottom, work, sums);
        });
    }
    // Half the change of the gradient if the entries move by `step`, of those that may.
    Vectors bend(const Vectors &step) {
        float moved[MOST][3] = {};
        for (int i = 0; i < k_; ++i)
            for (int j = 0; j < 3; ++j) moved[i][j] = float(step[size_t(i)][j]);
        const std::unique_ptr<Sums> sums = total([&](int64_t top, int64_t bottom, float *work, Sums &part) {
            kernels().curvature(scene_, moved, top, bottom, work, part);
        });
        Vectors out{};
        for (int i = 0; i < k_; ++i)
            if (moves_[i]) out[size_t(i)] = to_light(sums->product[i]);
        return out;
    }

    // From cones to light.
    Vector to_light(const Sums::Four &cones) const {
        Vector light;
        for (int j = 0; j < 3; ++j) {
            light[j] = 0;
            for (int i = 0; i < 3; ++i) light[j] += double(scene_.rows_of_cones[i][j]) * cones[i];
        }
        return light;
    }

    // Whether the error is less than that of the palette before. It is quadratic: known where the descent ended, and
    // bent from there to the rounded colors, by no more than K's largest gain. Most often that says enough.
    bool falls(const color::Colors &before, const Descent &found, const Sums &sums) {
        double change = 0, bent = 0;
        Vectors off{};
        for (size_t i = 0; i < size_t(k_); ++i) {
            if (!moves_[i]) continue;
            for (int j = 0; j < 3; ++j) {
                const double old = double(color::LINEAR[before[i * size_t(scene_.channels) + size_t(j)]]);
                off[i][j] = double(scene_.light[i][j]) - old - found.move[i][j];
                change -= found.move[i][j] * (found.before[i][j] + found.after[i][j]) + 2 * off[i][j] * found.after[i][j];
            }
            const Matrix block = block_of(sums.squares[i], bounds_);
            for (int j = 0; j < 3; ++j)
                for (int c = 0; c < 3; ++c) bent += off[i][j] * block[size_t(3 * j + c)] * off[i][c];
        }
        return change + bent < 0 || change + along(off, bend(off)) < 0;
    }
    double along(const Vectors &a, const Vectors &b) const {
        double sum = 0;
        for (size_t i = 0; i < size_t(k_); ++i)
            for (int j = 0; moves_[i] && j < 3; ++j) sum += a[i][j] * b[i][j];
        return sum;
    }

    // Conjugate gradients, preconditioned by the entries' own 3 x 3 blocks: the move of each entry, in light.
    Descent minimize(const Sums &sums, int steps) {
        Descent found;
        Vectors &move = found.move, &rest = found.after, ahead{}, direction{};
        std::vector<Matrix> inverse(static_cast<size_t>(k_));
        for (int i = 0; i < k_; ++i) {
            inverse[size_t(i)] = inverted(block_of(sums.squares[i], weights_));
            if (moves_[i]) rest[size_t(i)] = to_light(sums.product[i]);
        }
        found.before = rest;
        double before = 0;
        for (int step = 0; step < steps; ++step) {
            double power = 0;
            for (size_t i = 0; i < size_t(k_); ++i)
                for (int j = 0; j < 3; ++j) {
                    ahead[i][j] = 0;
                    for (int c = 0; c < 3; ++c) ahead[i][j] += inverse[i][size_t(3 * j + c)] * rest[i][c];
                    power += ahead[i][j] * rest[i][j];
                }
            if (!(power > 0)) break;
            const double share = step ? power / before : 0;
            before = power;
            for (size_t i = 0; i < size_t(k_); ++i)
                for (int j = 0; j < 3; ++j) direction[i][j] = ahead[i][j] + share * direction[i][j];
            const Vectors bent = bend(direction);
            const double steep = along(direction, bent);
            if (!(steep > 0)) break;
            const double length = power / steep;
            for (size_t i = 0; i < size_t(k_); ++i)
                for (int j = 0; j < 3; ++j) {
                    move[i][j] += length * direction[i][j];
                    rest[i][j] -= length * bent[i][j];
                }
        }
        return found;
    }

    // An entry's block of the normal equations, in light, without its neighbors.
    Matrix block_of(const Sums::Four (&squares)[2], const Matrix &weights) const {
        static constexpr int PLACE[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};
        Matrix out{};
        for (int a = 0; a < 3; ++a)
            for (int b = 0; b < 3; ++b)
                for (int i = 0; i < 3; ++i)
                    for (int j = 0; j < 3; ++j) {
                        const double square = squares[PLACE[i][j] / 3][PLACE[i][j] % 3];
                        out[size_t(3 * a + b)] += double(scene_.rows_of_cones[i][a]) * weights[size_t(3 * i + j)] *
                                                  square * double(scene_.rows_of_cones[j][b]);
                    }
        return out;
    }
    // Zeros where it has no inverse.
    static Matrix inverted(const Matrix &block) {
        Matrix out{};
        const auto m = [&](int i, int j) { return block[size_t(3 * i + j)]; };
        const auto minor = [&](int i, int j) {
            const int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
            return m(a, c) * m(b, d) - m(a, d) * m(b, c);
        };
        const double determinant = m(0, 0) * minor(0, 0) + m(0, 1) * minor(0, 1) + m(0, 2) * minor(0, 2);
        if (!(determinant > 1e-9 * m(0, 0) * m(1, 1) * m(2, 2))) return out;
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) out[size_t(3 * i + j)] = minor(j, i) / determinant;
        return out;
    }

    Scene scene_{};
    int threads_;
    std::function<void()> poll_;
    int k_;
    bool opaque_[MOST] = {}, moves_[MOST] = {}, gray_ = false, drawn_ = false;
    Matrix weights_, bounds_;  // of cones: by K in the middle, by its largest gain
    Buffer<float> derivative_;
};

}  // namespace tinct::spatial
