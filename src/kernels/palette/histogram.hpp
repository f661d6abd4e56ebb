// The colors of a picture in the engine's hands, and their assignment to centers under the constraint of opacity.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "clustering/kmeans.hpp"
#include "color/points.hpp"

namespace tinct::palette {

using color::Colors, color::Space, color::to_points;

// The distinct colors of a picture, and of which kinds they are.
struct ColorSet {
    ColorSet(Colors its_colors, int channels)
        : channels(channels), colors(std::move(its_colors)), size(int64_t(colors.size()) / channels) {
        for (int64_t i = 0; i < size; ++i) {
            if (channels == 4 && color(i)[3] == 0) hidden = i;
            else if (channels == 4) ++(color(i)[3] == 255 ? solid : translucent);
            gray &= color(i)[0] == color(i)[1] && color(i)[0] == color(i)[2];
        }
    }
    const uint8_t *color(int64_t i) const { return colors.data() + i * channels; }

    const int channels;
    const Colors colors;
    const int64_t size;
    int64_t hidden = -1;  // the fully transparent color, if there is one
    int64_t solid = 0, translucent = 0;  // with alpha, how many are opaque, and how many neither that nor hidden
    bool gray = true;     // all of them
};

// Distinct colors and what an error in each costs. The engine holds those that can be seen; it is made when first
// asked for, and serves the choice of a palette and the mapping to it alike. Histograms of one picture share what is the
// same: a photograph of 10 megapixels has a million colors.
class Histogram {
  public:
    template <class T> using Shared = std::shared_ptr<const T>;

    Histogram(Shared<ColorSet> set, Shared<std::vector<double>> its_weights, Shared<std::vector<float>> its_points, Space space)
        : channels(set->channels), space(space), set(std::move(set)), weights(std::move(its_weights)), points(std::move(its_points)) {}
    Histogram(Colors colors, std::vector<double> weights, std::vector<float> points, int channels, Space space)
        : Histogram(std::make_shared<ColorSet>(std::move(colors), channels),
                    std::make_shared<std::vector<double>>(std::move(weights)),
                    std::make_shared<std::vector<float>>(std::move(points)), space) {}

    const Colors &colors() const { return set->colors; }
    int64_t hidden() const { return set->hidden; }
    int64_t size() const { return set->size; }
    int64_t seen() const { return size() - (hidden() >= 0); }
    const uint8_t *color(int64_t i) const { return set->color(i); }
    const float *point(int64_t i) const { return points->data() + i * channels; }
    double weight(int64_t i) const { return (*weights)[size_t(i)]; }
    // Of the i-th color that can be seen, its place among all.
    int64_t place(int64_t i) const { return i + (hidden() >= 0 && i >= hidden()); }
    bool opaque(int64_t i) const { return channels == 3 || color(place(i))[3] == 255; }

    Partition<float> &engine(int threads, const std::function<void()> &poll) {
        if (!engine_) {
            if (hidden() > 0) {
                seen_points_ = *points;
                seen_weights_ = *weights;
                const auto gone = seen_points_.begin() + hidden() * channels;
                seen_points_.erase(gone, gone + channels);
                seen_weights_.erase(seen_weights_.begin() + hidden());
            }
            engine_.emplace(seen_points(), seen_weights(), seen(), channels, dispatch<float>(), threads, poll);
        }
        return *engine_;
    }
    // Colors that were counted have the hidden one first: the others are not copied.
    const float *seen_points() const {
        return hidden() > 0 ? seen_points_.data() : points->data() + (hidden() == 0 ? channels : 0);
    }
    const double *seen_weights() const { return hidden() > 0 ? seen_weights_.data() : weights->data() + (hidden() == 0); }

    const int channels;
    const Space space;
    const Shared<ColorSet> set;
    const Shared<std::vector<double>> weights;
    const Shared<std::vector<float>> points;
    std::mutex busy;      // the engine serves one at a time

  private:
    std::optional<Partition<float>> engine_;
    std::vector<float> seen_points_;
    std::vector<double> seen_weights_;
};

// Centers of colors that can be seen, and with alpha which of them are opaque.
struct Centers {
    Centers(std::vector<float> its_points, std::vector<char> its_opaque)
        : points(std::move(its_points)), opaque(std::move(its_opaque)) {}
    Centers(const Colors &colors, int channels, Space space) : points(to_points(colors, channels, space)) {
        for (size_t i = 3; channels == 4 && i < colors.size(); i += 4) opaque.push_back(colors[i] == 255);
    }
    std::vector<float> points;
    std::vector<char> opaque;
};

// What the engine holds in its own order, in that of the points.
template <class T> std::vector<T> restored(const Points<float> &points, const Buffer<T> &values) {
    std::vector<T> out(size_t(points.n));
    points.restore_order(values, out.data());
    return out;
}

constexpr int32_t NONE = -1;

// Of each color that can be seen, the nearest center that it may take, and how far that is, squared. An opaque color
// takes an opaque center where there is one, or the ground would shine through. A translucent one takes none where
// it is nearer to nothing and the choice is between that and one opaque color (`or_none`).
struct Assignment {
    Assignment(Histogram &histogram, const Centers &centers, bool or_none, int threads, const std::function<void()> &poll) {
        Partition<float> &engine = histogram.engine(threads, poll);
        engine.assign(centers.points.data(), int(centers.points.size()) / histogram.channels);
        labels = restored(engine.points, engine.points.labels());
        distances = restored(engine.points, engine.points.best());
        if (histogram.channels == 3) return;
        const auto all = std::count(centers.opaque.begin(), centers.opaque.end(), 1);
        for (int64_t i = 0; all && i < histogram.seen(); ++i) {
            const float *point = histogram.seen_points() + i * 4;
            if (!histogram.opaque(i)) {
                if (const float away = square(point, ORIGIN); or_none && away < distances[size_t(i)]) take(i, NONE, away);
            } else if (!centers.opaque[size_t(labels[size_t(i)])]) {
                distances[size_t(i)] = INFINITY;
                for (size_t c = 0; c < centers.opaque.size(); ++c)
                    if (const float away = square(point, &centers.points[c * 4]);
                        centers.opaque[c] && away < distances[size_t(i)])
                        take(i, int32_t(c), away);
            }
        }
    }
    std::vector<int32_t> labels;
    std::vector<float> distances;

  private:
    static constexpr float ORIGIN[4] = {};
    static float square(const float *a, const float *b) {
        float sum = 0;
        for (int j = 0; j < 4; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
        return sum;
    }
    void take(int64_t i, int32_t label, float away) {
        labels[size_t(i)] = label;
        distances[size_t(i)] = away;
    }
};

}  // namespace tinct::palette
