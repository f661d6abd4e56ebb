// K-means as the eye sees it: a whole drawing, or step by step.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <optional>
#include <tuple>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "mapping/spatial_draw.hpp"

namespace tinct {
namespace {

const uint8_t *flags_of(const Array<bool, 1> &flags) { return reinterpret_cast<const uint8_t *>(flags.data()); }

// Indices that are not written before they are drawn: those of pixels that aren't opaque stay 0.
Fresh<uint8_t> no_indices(const Array<uint8_t, 3> &pixels) {
    auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    std::fill_n(out.data(), out.size(), uint8_t(0));
    return out;
}

// A quantizer with the arrays that it works on.
struct Steps {
    Array<uint8_t, 3> pixels;
    Fresh<uint8_t> indices;
    spatial::SpatialQuantizer quantizer;
    Steps(const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &palette, const Array<bool, 1> &fixed, int threads)
        : pixels(pixels), indices(no_indices(pixels)),
          quantizer(picture_of(pixels), palette.data(), int(palette.shape(0)), flags_of(fixed), indices.data(), threads,
                    Signals()) {}
};

using Drawn = std::optional<std::tuple<Fresh<uint8_t>, Fresh<uint8_t>>>;

Drawn draw(const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &palette, const Array<bool, 1> &fixed, float dither,
           int effort, int threads) {
    color::Colors colors(palette.data(), palette.data() + palette.size());
    auto indices = no_indices(pixels);
    {
        nb::gil_scoped_release release;
        const spatial::Settings settings{dither, effort, threads};
        if (!spatial::draw(picture_of(pixels), colors, flags_of(fixed), settings, Signals(), indices.data())) return {};
    }
    return std::tuple(table_of(colors, pixels.shape(2)), indices);
}

}  // namespace

void bind_spatial(nb::module_ &m) {
    m.def("draw_spatial", &draw, "pixels"_a, "palette"_a, "fixed"_a, "dither"_a, "effort"_a, "threads"_a);
    nb::class_<Steps>(m, "SpatialQuantizer")
        .def("__init__", [](Steps *self, const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &palette,
                            const Array<bool, 1> &fixed, int threads) {
            new (self) Steps(pixels, palette, fixed, threads);
        }, "pixels"_a, "palette"_a, "fixed"_a, "threads"_a)
        .def("look", [](Steps &self, double sigma, double own, double wider, double calmer, double opponents,
                        double block) {
            self.quantizer.look({{sigma, sigma * wider}, {own, own * calmer}, opponents, block});
        }, "sigma"_a, "own"_a, "wider"_a = 1, "calmer"_a = 1, "opponents"_a = 1, "block"_a = 0)
        .def("sweep", [](Steps &self, bool back) { return self.quantizer.sweep(back); }, "back"_a, Release())
        .def("update", [](Steps &self, int steps) { return self.quantizer.update(steps); },
             "steps"_a, Release())
        .def("error", [](Steps &self) { return self.quantizer.error(); }, Release())
        .def_prop_ro("palette", [](const Steps &self) {
            return table_of(self.quantizer.palette, self.pixels.shape(2));
        }, nb::rv_policy::move)
        .def_prop_ro("indices", [](const Steps &self) { return self.indices; }, nb::rv_policy::move);
}

}  // namespace tinct
