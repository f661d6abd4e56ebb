// The few colors that K-means chooses among those of a picture, rounded to 8 bits. What `tinct/palette/choice.py` promises is
// done here.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "palette/histogram.hpp"
#include "palette/distinct.hpp"

namespace tinct::palette {

// The 8-bit color nearest to each point, and never a fully transparent one.
//
// What rounding adds to a cluster's error is its weight times the squared distance from its mean to its color.
// Codes do not run along Oklab's axes, so the best color may be a neighbour of the rounded one. (One more step of
// K-means after rounding was tried: it gains a twentieth of a percent.) Grays stay as rounded: the nearest color
// often has a tint. Where all colors are gray none gets one. What is opaque stays so.
inline Colors nearest_colors(const float *points, int64_t n, int channels, Space space, const char *opaque = nullptr,
                             bool all_gray = false) {
    constexpr int STEP[3] = {0, -1, 1};
    const int around = channels == 4 ? 81 : 27;
    Colors colors(size_t(n * channels)), tried(size_t(around * channels));
    const std::vector<double> exact(points, points + n * channels);
    color::from_points(exact.data(), n, channels, space, colors.data());
    for (int64_t i = 0; all_gray && i < n; ++i) std::fill_n(colors.data() + i * channels, 3, colors[size_t(i * channels) + 1]);
    const std::vector<float> rounded = to_points(colors, channels, space);
    for (int64_t i = 0; i < n; ++i) {
        uint8_t *color = colors.data() + i * channels;
        const float *point = points + i * channels;
        const bool exact_already = std::equal(point, point + channels, rounded.data() + i * channels);
        if (exact_already && (channels == 3 || color[3] > 0)) continue;  // flat pictures have many clusters of one color
        for (int at = 0; at < around; ++at)
            for (int j = channels - 1, rest = at; j >= 0; --j, rest /= 3)
                tried[size_t(at * channels + j)] =
                    uint8_t(std::clamp(color[j] + STEP[rest % 3], j == 3 ? 1 : 0, 255));
        const std::vector<float> seen = to_points(tried, channels, space);
        const bool gray = color[0] == color[1] && color[0] == color[2];
        const int step = opaque && opaque[i] ? 3 : 1;  // past other alphas, which are the last digit
        double least = INFINITY;
        for (int at = 0; at < (gray ? 1 : around); at += step) {
            double away = 0;
            for (int j = 0; j < channels; ++j) {
                const double t = double(seen[size_t(at * channels + j)]) - exact[size_t(i * channels + j)];
                away += t * t;
            }
            if (away < least) {
                least = away;
                std::copy_n(tried.data() + at * channels, channels, color);
            }
        }
    }
    return colors;
}

// Each color once, in the order of a histogram.
inline Colors distinct(const Colors &colors, int channels) {
    std::vector<uint32_t> keys;
    for (size_t i = 0; i < colors.size(); i += size_t(channels))
        keys.push_back((channels == 4 ? Key<4>::of : Key<3>::of)(colors.data() + i));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    Colors once(keys.size() * size_t(channels));
    for (size_t i = 0; i < keys.size(); ++i)
        (channels == 4 ? Key<4>::to_color : Key<3>::to_color)(keys[i], once.data() + i * size_t(channels));
    return once;
}

// By opacity, so that a PNG stores few alphas, then by lightness.
inline Colors arranged(const Colors &colors, int channels) {
    const std::vector<float> points = to_points(colors, channels, Space::oklab);
    std::vector<int> order(colors.size() / size_t(channels));
    std::iota(order.begin(), order.end(), 0);
    const auto rank = [&](int i) {
        return std::pair(channels == 4 ? colors[size_t(i * 4 + 3)] : 0, points[size_t(i * channels)]);
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank(a) < rank(b); });
    Colors out;
    for (int i : order) out.insert(out.end(), colors.begin() + i * channels, colors.begin() + (i + 1) * channels);
    return out;
}

// A mark is so far from its center, in hue and chroma alone too (in Oklab, where red and green are 0.35 apart), and
// weighs at least as much as so many pixels; with fewer colors none is spent on it.
constexpr float APART = 0.15f * 0.15f;
constexpr int MARK = 6, MARKED = 12;
constexpr int APART_ITERATIONS = 2;  // with opaque and translucent colors told apart; 5 gained nothing
// By so much that may raise the error (of 13 pictures it does by 2.7 % at most) until opaque colors get more centers.
constexpr double FORCED = 1.1;
// Without a search over all colors so many iterations over them are enough, after those over their summary and before
// single colors move: twice as many lower the error by 0.05 % and take a twentieth of the time for a palette.
constexpr int ITERATIONS = 5;

class PaletteBuilder {
  public:
    PaletteBuilder(Histogram &histogram, int threads, std::function<void()> poll)
        : histogram_(histogram), channels_(histogram.channels), threads_(threads), poll_(std::move(poll)) {}

    // A palette of at most so many colors, in its order. `rough`: without a search, whatever the effort.
    Colors make(int colors, int effort, uint64_t seed, bool rough = false) {
        if (histogram_.size() <= colors) return arranged(histogram_.colors(), channels_);
        const Settings settings{.k = colors - (histogram_.hidden() >= 0),
                                .max_iter = rough || effort == 1 ? ITERATIONS : 300, .effort = rough ? 0 : effort,
                                .seed = seed, .brief = effort == 1};
        std::vector<float> centers = kmeans<float>(engine(), settings, nullptr).centers;
        std::vector<int32_t> labels = restored(engine().points, engine().points.labels());
        if (histogram_.space == Space::oklab && settings.k >= MARKED) {
            const std::vector<char> mark = find_mark(centers, labels);
            const int64_t size = std::count(mark.begin(), mark.end(), 1);
            if (size && histogram_.seen() - size > settings.k) {
                centers = with_mark(mark, settings);
                labels = nearest(centers);
            }
        }
        return arranged(rounded(told_apart(std::move(centers), labels, settings), settings.k), channels_);
    }

    // Round centers to colors; centers that became equal give way to the worst-served colors.
    Colors rounded(const std::vector<float> &centers) {
        const int k = int(centers.size()) / channels_;
        return arranged(rounded(told_apart(centers, nearest(centers), {.k = k}), k), channels_);
    }

    // The weight that each of the colors serves.
    std::vector<double> served(const Colors &colors) {
        Colors shown;
        std::vector<size_t> place;  // of each entry in the palette
        size_t hidden = 0;
        std::vector<double> weights(colors.size() / size_t(channels_), 0.0);
        for (size_t i = 0; i < weights.size(); ++i) {
            if (channels_ == 4 && colors[i * 4 + 3] == 0) {
                weights[hidden = i] = histogram_.hidden() < 0 ? 0 : histogram_.weight(histogram_.hidden());
                continue;
            }
            place.push_back(i);
            const auto color = colors.begin() + int64_t(i) * channels_;
            shown.insert(shown.end(), color, color + channels_);
        }
        if (place.empty()) return weights;
        const std::vector<int32_t> labels = assign({shown, channels_, histogram_.space}).labels;
        for (int64_t i = 0; i < histogram_.seen(); ++i) {
            const int32_t label = labels[size_t(i)];
            weights[label == NONE ? hidden : place[size_t(label)]] += histogram_.seen_weights()[i];
        }
        return weights;
    }

  private:
    Partition<float> &engine() { return histogram_.engine(threads_, poll_); }

    std::vector<int32_t> nearest(const std::vector<float> &centers) {
        engine().assign(centers.data(), int(centers.size()) / channels_);
        return restored(engine().points, engine().points.labels());
    }
    Assignment assign(const Centers &centers) {
        const bool or_none = histogram_.hidden() >= 0 && centers.opaque.size() == 1 && centers.opaque[0];
        return {histogram_, centers, or_none, threads_, poll_};
    }

    // Opaque and translucent colors told apart, which K-means did not: a few soft edges in a cluster would let the
    // ground shine through its whole area. Clusters that are mostly opaque become so, and Lloyd's loop goes on under
    // that constraint. Among the opaque points, which lie in a plane, the nearest to a mean is the mean moved there.
    Centers told_apart(std::vector<float> points, const std::vector<int32_t> &labels, const Settings &settings) {
        Centers centers(std::move(points), {});
        if (channels_ == 3) return centers;
        bool mixed = false;
        centers.opaque = mostly_opaque(centers.points.size() / 4, labels, mixed);
        for (size_t c = 0; c < centers.opaque.size(); ++c)  // what was not may have left it with K-means' last step
            mixed |= centers.opaque[c] && centers.points[c * 4 + 3] < plane() * (1 - 0.5f / 255);
        if (!mixed) return centers;
        const int kinds = int(std::count(centers.opaque.begin(), centers.opaque.end(), 1));
        if (settings.k == 1) centers.opaque[0] = 1;
        const double free = free_error(centers.points, labels);
        auto best = kinds > 0 || settings.k == 1 ? settled(std::move(centers)) : settled(parted(1, settings));
        if (settings.k > 1 && kinds == settings.k)  // no soft edge has a center: is one worth its price?
            if (auto other = settled(parted(kinds - 1, settings)); other.second < best.second) return other.first;
        // Where little is opaque, and of many colors, most of these may be far from the few entries that they may take.
        for (int n = 2 * std::max(kinds, 1); n < settings.k && best.second > FORCED * free; n *= 2) {
            auto other = settled(parted(n, settings));
            if (other.second >= best.second) break;
            best = std::move(other);
        }
        return best.first;
    }

    // Where opaque points lie, along the last coordinate.
    float plane() const { return histogram_.space == Space::oklab ? 0.5f : float(color::ROOT_3 / 2); }

    // The error of K-means, which tells no kinds apart.
    double free_error(const std::vector<float> &points, const std::vector<int32_t> &labels) const {
        double error = 0;
        for (int64_t i = 0; i < histogram_.seen(); ++i)
            error += histogram_.seen_weights()[i] *
                     double(apart(histogram_.seen_points() + i * 4, points.data() + labels[size_t(i)] * 4));
        return error;
    }

    // Centers where Lloyd's loop has them under the constraint, and their error.
    std::pair<Centers, double> settled(Centers centers) {
        Assignment now = assign(centers);
        for (int turn = 0; turn < APART_ITERATIONS; ++turn) {
            move_to_means(centers, now.labels);
            Assignment next = assign(centers);
            const bool rest = next.labels == now.labels;
            now = std::move(next);
            if (rest) break;
        }
        double error = 0;
        for (int64_t i = 0; i < histogram_.seen(); ++i) error += histogram_.seen_weights()[i] * double(now.distances[size_t(i)]);
        return {std::move(centers), error};
    }

    // So many centers of opaque colors alone, and the others of the rest.
    Centers parted(int opaque, Settings settings) {
        std::vector<char> its(size_t(histogram_.seen()));
        for (int64_t i = 0; i < histogram_.seen(); ++i) its[size_t(i)] = histogram_.opaque(i);
        Centers centers({}, {});
        for (const bool kind : {true, false}) {
            Settings its_own = settings;
            its_own.k = kind ? opaque : settings.k - opaque;
            const std::vector<float> found = centers_of(its, kind, its_own);
            centers.points.insert(centers.points.end(), found.begin(), found.end());
            centers.opaque.insert(centers.opaque.end(), found.size() / 4, kind);
        }
        return centers;
    }

    std::vector<char> mostly_opaque(size_t k, const std::vector<int32_t> &labels, bool &mixed) const {
        std::vector<double> opaque(k), all(k);
        for (int64_t i = 0; i < histogram_.seen(); ++i) {
            const auto own = size_t(labels[size_t(i)]);
            all[own] += histogram_.seen_weights()[i];
            if (histogram_.opaque(i)) opaque[own] += histogram_.seen_weights()[i];
        }
        std::vector<char> most(k);
        for (size_t c = 0; c < k; ++c) {
            most[c] = opaque[c] * 2 > all[c];
            mixed |= opaque[c] > 0 && opaque[c] < all[c];
        }
        return most;
    }

    // An opaque center is the mean of what is opaque in its cluster: translucent points, which lie nearer to mid grey,
    // would fade it. Centers that have lost all points are left out: what rounding finds worst served takes their
    // place.
    void move_to_means(Centers &centers, std::vector<int32_t> &labels) const {
        std::vector<double> sums(centers.points.size(), 0.0), mass(centers.opaque.size(), 0.0);
        std::vector<char> firm(centers.opaque.size());  // has an opaque point
        for (int64_t i = 0; i < histogram_.seen(); ++i)
            if (histogram_.opaque(i)) firm[size_t(labels[size_t(i)])] = 1;
        for (int64_t i = 0; i < histogram_.seen(); ++i) {
            if (labels[size_t(i)] == NONE) continue;
            const auto own = size_t(labels[size_t(i)]);
            if (firm[own] && centers.opaque[own] && !histogram_.opaque(i)) continue;
            const double weight = histogram_.seen_weights()[i];
            mass[own] += weight;
            for (size_t j = 0; j < 4; ++j) sums[own * 4 + j] += weight * double(histogram_.seen_points()[i * 4 + int64_t(j)]);
        }
        Centers moved({}, {});
        for (size_t c = 0; c < mass.size(); ++c) {
            if (!(mass[c] > 0)) continue;
            for (size_t j = 0; j < 4; ++j)
                moved.points.push_back(centers.opaque[c] && j == 3 ? plane() : float(sums[c * 4 + j] / mass[c]));
            moved.opaque.push_back(centers.opaque[c]);
        }
        centers = std::move(moved);
    }

    float apart(const float *a, const float *b, int from = 0, int to = 4) const {
        float sum = 0;
        for (int j = from; j < std::min(to, channels_); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
        return sum;
    }

    // A small mark of a hue of its own that no center serves: which points it is made of.
    //
    // A red lamp of 24 pixels in a green photograph costs K-means less than a step of the sky does, but a grey
    // lamp is another picture.
    std::vector<char> find_mark(const std::vector<float> &centers, const std::vector<int32_t> &labels) const {
        const float *points = histogram_.seen_points();
        const double *weights = histogram_.seen_weights();
        std::vector<char> mark(size_t(histogram_.seen()), 0);
        double most = 0, mass = 0;
        int64_t middle = -1;
        for (int64_t i = 0; i < histogram_.seen(); ++i) {
            const float *point = points + i * channels_, *center = centers.data() + labels[size_t(i)] * channels_;
            const float tint = apart(point, center, 1, 3);
            if (!(tint > APART && apart(point, center) > APART)) continue;
            mark[size_t(i)] = 1;
            const double lost = weights[i] * double(tint) * double(tint);
            if (middle < 0 || lost > most) {
                most = lost;
                middle = i;
            }
        }
        for (int64_t i = 0; middle >= 0 && i < histogram_.seen(); ++i) {
            if (!mark[size_t(i)]) continue;
            mark[size_t(i)] = apart(points + i * channels_, points + middle * channels_) < APART;
            if (mark[size_t(i)]) mass += weights[i];
        }
        if (!(mass >= MARK)) std::fill(mark.begin(), mark.end(), 0);
        return mark;
    }

    // The other points in one cluster less, and the mark's own mean. (Replacing the least useful entry by a mark
    // cost 13 points on kodim13 at K = 16; clustering the rest anew 3.)
    std::vector<float> with_mark(const std::vector<char> &mark, Settings settings) const {
        --settings.k;
        std::vector<float> centers = centers_of(mark, false, settings);
        settings.k = 1;
        for (float coordinate : centers_of(mark, true, settings)) centers.push_back(coordinate);
        return centers;
    }

    // K-means of the points that are marked, or of those that are not.
    std::vector<float> centers_of(const std::vector<char> &mark, bool marked, Settings settings) const {
        std::vector<float> points;
        std::vector<double> weights;
        for (int64_t i = 0; i < histogram_.seen(); ++i) {
            if ((mark[size_t(i)] != 0) != marked) continue;
            const float *point = histogram_.seen_points() + i * channels_;
            points.insert(points.end(), point, point + channels_);
            weights.push_back(histogram_.seen_weights()[i]);
        }
        if (weights.empty()) return {};
        settings.k = int(std::min<int64_t>(settings.k, int64_t(weights.size())));
        Partition<float> part(points.data(), weights.data(), int64_t(weights.size()), channels_, dispatch<float>(), threads_,
                              poll_);
        return kmeans<float>(part, settings, nullptr).centers;
    }

    Colors rounded(const Centers &centers, int64_t k) {
        Colors colors = nearest_colors(centers.points.data(), int64_t(centers.points.size()) / channels_, channels_,
                                       histogram_.space, centers.opaque.data(), histogram_.set->gray);
        colors = distinct(colors, channels_);
        if (const int64_t spare = k - int64_t(colors.size()) / channels_; spare > 0) {
            for (int64_t i : worst_served(assign({colors, channels_, histogram_.space}).distances, spare)) {
                const uint8_t *another = histogram_.color(histogram_.place(i));
                colors.insert(colors.end(), another, another + channels_);
            }
            colors = distinct(colors, channels_);
        }
        if (histogram_.hidden() >= 0) {
            const uint8_t *hidden = histogram_.color(histogram_.hidden());
            colors.insert(colors.end(), hidden, hidden + channels_);
        }
        return colors;
    }

    std::vector<int64_t> worst_served(const std::vector<float> &distances, int64_t count) const {
        std::vector<double> loss(distances.size());
        for (size_t i = 0; i < loss.size(); ++i) loss[i] = histogram_.seen_weights()[i] * double(distances[i]);
        std::vector<int64_t> order(loss.size());
        std::iota(order.begin(), order.end(), 0);
        count = std::min<int64_t>(count, int64_t(order.size()));
        const auto rank = [&](int64_t i) { return std::pair(-loss[size_t(i)], i); };
        const auto worse = [&](int64_t a, int64_t b) { return rank(a) < rank(b); };
        std::partial_sort(order.begin(), order.begin() + count, order.end(), worse);
        order.resize(size_t(count));
        return order;
    }

    Histogram &histogram_;
    const int channels_, threads_;
    std::function<void()> poll_;
};

}  // namespace tinct::palette
