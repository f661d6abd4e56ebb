// The Python face of palettes, drawings and sketches.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <mutex>
#include <optional>

#include "draw.hpp"
#include "palette.hpp"
#include "signals.hpp"
#include "sketch.hpp"

namespace tinct {

namespace nb = nanobind;
using pixels::Array, pixels::Fresh, pixels::make_array;
using palette::Colors, palette::Counted, palette::Space;

inline Space space_of(bool oklab) { return oklab ? Space::oklab : Space::srgb; }

template <class T> Fresh<T> table_of(const std::vector<T> &values, size_t columns) {
    auto out = make_array<T>({values.size() / columns, columns});
    std::copy(values.begin(), values.end(), out.data());
    return out;
}

template <class T> Fresh<T> row_of(const std::vector<T> &values) {
    auto out = make_array<T>({values.size()});
    std::copy(values.begin(), values.end(), out.data());
    return out;
}

inline nb::bytes bytes_of(const std::vector<uint8_t> &values) { return nb::bytes(values.data(), values.size()); }

inline draw::Picture picture_of(const Array<uint8_t, 3> &pixels) {
    return {pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), int(pixels.shape(2))};
}

// A palette, and what each of its colors serves.
template <class Choose> nb::tuple palette_of(Counted &counted, int threads, const Choose &choose) {
    Colors colors;
    std::vector<double> served;
    {
        nb::gil_scoped_release release;
        const std::lock_guard lock(counted.busy);
        palette::Choice choice(counted, threads, Signals());
        colors = choose(choice);
        served = choice.served(colors);
    }
    return nb::make_tuple(table_of(colors, size_t(counted.channels)), row_of(served));
}

inline void bind_colors(nb::module_ &m) {
    using namespace nb::literals;
    m.def("to_points", [](const Array<uint8_t, 2> &colors, bool oklab) {
        auto out = make_array<float>({colors.shape(0), colors.shape(1)});
        nb::gil_scoped_release release;
        palette::to_points(colors.data(), int64_t(colors.shape(0)), int(colors.shape(1)), space_of(oklab), out.data());
        return out;
    }, "colors"_a, "oklab"_a);
    m.def("from_points", [](const Array<double, 2> &points, bool oklab) {
        auto out = make_array<uint8_t>({points.shape(0), points.shape(1)});
        palette::from_points(points.data(), int64_t(points.shape(0)), int(points.shape(1)), space_of(oklab), out.data());
        return out;
    }, "points"_a, "oklab"_a);
    m.def("nearest_colors", [](const Array<float, 2> &points, bool oklab) {
        const int channels = int(points.shape(1));
        return table_of(palette::nearest_colors(points.data(), int64_t(points.shape(0)), channels, space_of(oklab)),
                        size_t(channels));
    }, "points"_a, "oklab"_a);
    m.def("is_flat", [](const Array<uint8_t, 3> &pixels) { return draw::is_flat(picture_of(pixels)); }, "pixels"_a);
    m.def("find_edges", [](const Array<float, 2> &weights) {
        auto out = make_array<bool>({weights.shape(0), weights.shape(1)});
        draw::find_edges(weights.data(), int64_t(weights.size()), reinterpret_cast<uint8_t *>(out.data()));
        return out;
    }, "weights"_a);
    m.def("packed", [](const Array<uint8_t, 2> &indices, int bits) {
        return bytes_of(draw::packed(indices.data(), int64_t(indices.shape(0)), int64_t(indices.shape(1)), bits));
    }, "indices"_a, "bits"_a);
    m.def("differences", [](const Array<uint8_t, 3> &pixels, int axis, int64_t rows, int64_t every) {
        return bytes_of(draw::differences(picture_of(pixels), axis, rows, every));
    }, "pixels"_a, "axis"_a, "rows"_a, "every"_a);
}

// Histograms can be made by anyone; the engine takes what it is given.
inline void check_counted(const Array<uint8_t, 2> &colors, const Array<double, 1> &weights,
                          const Array<float, 2> &points) {
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

inline void bind_counted(nb::module_ &m) {
    using namespace nb::literals;
    nb::class_<Counted>(m, "Counted")
        .def("__init__", [](Counted *self, const Array<uint8_t, 2> &colors, const Array<double, 1> &weights,
                            const Array<float, 2> &points, bool oklab) {
            check_counted(colors, weights, points);
            new (self) Counted(Colors(colors.data(), colors.data() + colors.size()),
                               std::vector<double>(weights.data(), weights.data() + weights.size()),
                               std::vector<float>(points.data(), points.data() + points.size()),
                               int(colors.shape(1)), space_of(oklab));
        }, "colors"_a, "weights"_a, "points"_a, "oklab"_a)
        .def("palette", [](Counted &self, int colors, int effort, uint64_t seed, int threads) {
            return palette_of(self, threads, [&](palette::Choice &choice) { return choice.make(colors, effort, seed); });
        }, "colors"_a, "effort"_a, "seed"_a, "threads"_a)
        .def("rounded", [](Counted &self, const Array<float, 2> &centers) {
            const std::vector<float> given(centers.data(), centers.data() + centers.size());
            return palette_of(self, 1, [&](palette::Choice &choice) { return choice.rounded(given); });
        }, "centers"_a)
        .def("remap", [](Counted &self, const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &colors, float dither,
                         bool serpentine, std::optional<Array<bool, 2>> sharp, int threads) {
            auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
            const draw::Manner manner{dither, serpentine, threads,
                                      sharp ? reinterpret_cast<const uint8_t *>(sharp->data()) : nullptr};
            nb::gil_scoped_release release;
            const std::lock_guard lock(self.busy);
            draw::remap(picture_of(pixels), colors.data(), int(colors.shape(0)), self, manner, Signals(), out.data());
            return out;
        }, "pixels"_a, "palette"_a, "dither"_a, "serpentine"_a, "sharp"_a.none(), "threads"_a);
}

inline void bind_sketch(nb::module_ &m) {
    using namespace nb::literals;
    nb::class_<Sketch>(m, "Sketch")
        .def("__init__", [](Sketch *self, const Array<uint8_t, 1> &rows, int64_t width, int64_t height, int channels) {
            if (width < 1 || height < 1 || (channels != 3 && channels != 4) ||
                int64_t(rows.size()) != height * (width * channels + 1))
                throw std::invalid_argument("rows must hold height * (width * channels + 1) bytes");
            nb::gil_scoped_release release;
            new (self) Sketch(rows.data(), width, height, channels);
        }, "rows"_a, "width"_a, "height"_a, "channels"_a)
        .def("draw", [](Sketch &self, int colors, float dither, uint64_t seed, int effort, int threads) {
            self.draw(colors, dither, seed, effort, threads, Signals());
        }, "colors"_a, "dither"_a, "seed"_a, "effort"_a, "threads"_a, nb::call_guard<nb::gil_scoped_release>())
        .def_prop_ro("channels", [](const Sketch &self) { return self.channels; })
        .def_prop_ro("colors", &Sketch::colors)
        .def_prop_ro("flat", [](const Sketch &self) { return self.flat; })
        .def_prop_ro("entries", [](const Sketch &self) {
            nb::list out;
            for (size_t i = 0; i < self.entries().size(); i += size_t(self.channels)) {
                const uint8_t *color = self.entries().data() + i;
                out.append(nb::make_tuple(color[0], color[1], color[2], self.channels == 4 ? color[3] : 255));
            }
            return out;
        })
        .def("packed", [](const Sketch &self, int bits) { return bytes_of(self.packed(bits)); }, "bits"_a)
        .def("squared_error", &Sketch::squared_error, nb::call_guard<nb::gil_scoped_release>())
        .def("differences", [](const Sketch &self, int axis, int64_t rows, int64_t every, bool drawn) {
            const std::vector<uint8_t> found = [&] {
                nb::gil_scoped_release release;
                return self.differences(axis, rows, every, drawn);
            }();
            return bytes_of(found);
        }, "axis"_a, "rows"_a, "every"_a, "drawn"_a = false)
        .def("samples", [](const Sketch &self, int key, bool drawn) {
            return bytes_of(self.samples(uint8_t(key), drawn));
        }, "key"_a, "drawn"_a = false);
}

}  // namespace tinct
