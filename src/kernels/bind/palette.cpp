// Colors, their points, and palettes.
#include <cmath>
#include <mutex>
#include <nanobind/stl/optional.h>
#include <optional>
#include <stdexcept>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "color/shaper.hpp"
#include "mapping/remap.hpp"
#include "palette/builder.hpp"

namespace tinct {
namespace {

using color::Colors, color::Space, palette::Histogram;

Space space_of(bool oklab) { return oklab ? Space::oklab : Space::srgb; }

nb::tuple count_colors_py(const Array<uint8_t, 2> &pixels) {
    const int channels = int(pixels.shape(1));
    const palette::Distinct found = [&] {
        nb::gil_scoped_release release;
        return palette::count_colors(pixels.data(), int64_t(pixels.shape(0)), channels);
    }();
    auto colors = make_array<uint8_t>({found.size, size_t(channels)});
    auto counts = make_array<double>({found.size});
    found.to_colors(channels, colors.data());
    std::copy_n(found.counts.begin(), found.size, counts.data());
    return nb::make_tuple(colors, counts);
}

// A palette, and what each of its colors serves.
template <class Choose> nb::tuple palette_of(Histogram &histogram, int threads, const Choose &choose) {
    Colors colors;
    std::vector<double> served;
    {
        nb::gil_scoped_release release;
        const std::lock_guard lock(histogram.busy);
        palette::PaletteBuilder builder(histogram, threads, Signals());
        colors = choose(builder);
        served = builder.served(colors);
    }
    return nb::make_tuple(table_of(colors, size_t(histogram.channels)), row_of(served));
}

// Histograms can be made by anyone; the engine takes what it is given.
void check_histogram(const Array<uint8_t, 2> &colors, const Array<double, 1> &weights, const Array<float, 2> &points) {
    const bool fits = weights.size() > 0 && colors.shape(0) == weights.size() && points.shape(0) == weights.size() &&
                      (colors.shape(1) == 3 || colors.shape(1) == 4) && points.shape(1) == colors.shape(1);
    if (!fits) throw std::invalid_argument("a histogram has as many colors as weights and points, in 3 or 4 channels");
    double total = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
        if (!(weights.data()[i] >= 0)) throw std::invalid_argument("a histogram's weights must not be negative");
        total += weights.data()[i];
    }
    if (!(total > 0 && std::isfinite(total)))
        throw std::invalid_argument("a histogram's weights must be finite, and not all 0");
    for (size_t i = 0; i < points.size(); ++i)
        if (!std::isfinite(points.data()[i])) throw std::invalid_argument("a histogram's points must be finite");
}

// Three tables of 256 or 65536 lights; nine numbers, row by row, or none.
void make_shaper(color::Shaper *self, const nb::list &lights, const nb::list &matrix) {
    const auto numbers = [](nb::handle list) {
        std::vector<double> out;
        for (nb::handle value : nb::cast<nb::list>(list)) out.push_back(nb::cast<double>(value));
        return out;
    };
    color::Shaper::Lights tables;
    for (size_t c = 0; c < 3 && lights.size() == 3; ++c) tables[c] = numbers(lights[c]);
    std::vector<double> mix = numbers(matrix);
    bool right = mix.empty() || mix.size() == 9;
    for (const auto &table : tables) right &= table.size() == tables[0].size() && (table.size() == 256 || table.size() == 65536);
    if (!right) throw std::invalid_argument("a shaper has three tables of 256 or 65536 lights, and a matrix of nine numbers or none");
    new (self) color::Shaper(std::move(tables), std::move(mix));
}
template <class T> nb::bytes to_srgb(const color::Shaper &self, const Array<T, 1> &samples, int channels, int threads) {
    const bool right = channels == 3 || (channels == 4 && sizeof(T) == 1);
    if (!right || samples.size() % size_t(channels) || self.values() != 1 << 8 * sizeof(T))
        throw std::invalid_argument("samples must be of the shaper's bits, three to the pixel, or of 8 with alpha");
    std::vector<uint8_t> out(samples.size());
    {
        nb::gil_scoped_release release;
        self.to_srgb(samples.data(), int64_t(samples.size()) / channels, channels, threads, out.data());
    }
    return bytes_of(out);
}

}  // namespace

void bind_palette(nb::module_ &m) {
    m.def("count_colors", &count_colors_py, "pixels"_a);
    m.def("to_points", [](const Array<uint8_t, 2> &colors, bool oklab) {
        auto out = make_array<float>({colors.shape(0), colors.shape(1)});
        nb::gil_scoped_release release;
        color::to_points(colors.data(), int64_t(colors.shape(0)), int(colors.shape(1)), space_of(oklab), out.data());
        return out;
    }, "colors"_a, "oklab"_a);
    m.def("from_points", [](const Array<double, 2> &points, bool oklab) {
        auto out = make_array<uint8_t>({points.shape(0), points.shape(1)});
        color::from_points(points.data(), int64_t(points.shape(0)), int(points.shape(1)), space_of(oklab), out.data());
        return out;
    }, "points"_a, "oklab"_a);
    nb::class_<color::Shaper>(m, "Shaper")
        .def("__init__", &make_shaper, "lights"_a, "matrix"_a)
        .def("to_srgb", &to_srgb<uint8_t>, "samples"_a, "channels"_a, "threads"_a = 1)
        .def("to_srgb", &to_srgb<uint16_t>, "samples"_a, "channels"_a, "threads"_a = 1);
    nb::class_<Histogram>(m, "Histogram")
        .def("__init__", [](Histogram *self, const Array<uint8_t, 2> &colors, const Array<double, 1> &weights,
                            const Array<float, 2> &points, bool oklab) {
            check_histogram(colors, weights, points);
            new (self) Histogram(Colors(colors.data(), colors.data() + colors.size()),
                               std::vector<double>(weights.data(), weights.data() + weights.size()),
                               std::vector<float>(points.data(), points.data() + points.size()),
                               int(colors.shape(1)), space_of(oklab));
        }, "colors"_a, "weights"_a, "points"_a, "oklab"_a)
        .def("palette", [](Histogram &self, int colors, int effort, uint64_t seed, int threads) {
            return palette_of(self, threads, [&](palette::PaletteBuilder &builder) { return builder.make(colors, effort, seed); });
        }, "colors"_a, "effort"_a, "seed"_a, "threads"_a)
        .def("remap", [](Histogram &self, const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &colors, float dither,
                         bool serpentine, std::optional<Array<bool, 2>> sharp, int threads) {
            auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
            const mapping::DitherOptions options{dither, serpentine, threads,
                                      sharp ? reinterpret_cast<const uint8_t *>(sharp->data()) : nullptr};
            nb::gil_scoped_release release;
            const std::lock_guard lock(self.busy);
            mapping::remap(picture_of(pixels), colors.data(), int(colors.shape(0)), self, options, Signals(), out.data());
            return out;
        }, "pixels"_a, "palette"_a, "dither"_a, "serpentine"_a, "sharp"_a.none(), "threads"_a);
}

}  // namespace tinct
