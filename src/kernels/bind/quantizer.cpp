// The drawing core.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "quantizer.hpp"

namespace tinct {
namespace {

using color::Colors, color::Space;
using Release = nb::call_guard<nb::gil_scoped_release>;

Space space_of(const std::string &name) { return name == "oklab" ? Space::oklab : Space::srgb; }

// Palettes pass through Python as bytes, for which it needs no NumPy.
Colors colors_of(const nb::bytes &palette) {
    const auto *first = reinterpret_cast<const uint8_t *>(palette.c_str());
    return Colors(first, first + palette.size());
}
nb::list entries_of(const Colors &colors, int channels) {
    nb::list out;
    for (size_t i = 0; i < colors.size(); i += size_t(channels))
        out.append(nb::make_tuple(colors[i], colors[i + 1], colors[i + 2], channels == 4 ? colors[i + 3] : 255));
    return out;
}
template <class Work> nb::bytes bytes_by(const Work &work) {
    const std::vector<uint8_t> found = [&] {
        nb::gil_scoped_release release;
        return work();
    }();
    return bytes_of(found);
}
std::vector<int64_t> numbers(const Vector<int64_t> &given) { return {given.data(), given.data() + given.size()}; }

void make(Drawing *self, const Array<uint8_t, 2> &indices, const Array<uint8_t, 2> &palette) {
    const auto [least, most] = std::minmax_element(indices.data(), indices.data() + indices.size());
    if (*most >= palette.shape(0))
        throw std::invalid_argument("indices must be 0.." + std::to_string(int64_t(palette.shape(0)) - 1) + ", not " +
                                    std::to_string(*most));
    new (self) Drawing(int64_t(indices.shape(0)), int64_t(indices.shape(1)), int(palette.shape(1)),
                       Colors(palette.data(), palette.data() + palette.size()),
                       std::vector<uint8_t>(indices.data(), indices.data() + indices.size()));
}

void bind_drawing(nb::module_ &m) {
    nb::class_<Drawing>(m, "Drawing")
        .def("__init__", &make, "indices"_a, "palette"_a)
        .def_ro("height", &Drawing::height)
        .def_ro("width", &Drawing::width)
        .def_ro("channels", &Drawing::channels)
        .def_prop_ro("entries", [](const Drawing &self) { return entries_of(self.palette(), self.channels); })
        .def_prop_ro("palette", [](const Drawing &self) { return table_of(self.palette(), size_t(self.channels)); },
                     nb::rv_policy::automatic)
        .def_prop_ro("full_palette", [](const Drawing &self) { return bytes_by([&] { return self.full_palette; }); })
        .def_prop_ro("indices", [](const Drawing &self) {
            return nb::ndarray<nb::numpy, const uint8_t>(self.indices().data(),
                                                         {size_t(self.height), size_t(self.width)});
        }, nb::rv_policy::reference_internal)
        .def("packed", [](const Drawing &self, int bits) {
            nb::bytes out = nb::steal<nb::bytes>(PyBytes_FromStringAndSize(nullptr, self.packed_size(bits)));
            if (!out.is_valid()) throw nb::python_error();
            auto *first = reinterpret_cast<uint8_t *>(PyBytes_AS_STRING(out.ptr()));
            nb::gil_scoped_release release;
            self.pack(bits, first);
            return out;
        }, "bits"_a)
        .def("reordered", &Drawing::reordered, "rows"_a, "every"_a, "threads"_a = 1, Release())
        .def("by_first_use", &Drawing::by_first_use, "threads"_a = 1, Release())
        .def("filtered", [](const Drawing &self) { return bytes_by([&] { return self.filtered(); }); })
        .def("filtered_entropy", &Drawing::filtered_entropy, "rows"_a, "every"_a, Release())
        .def("samples", [](const Drawing &self, int) { return bytes_by([&] { return self.painted(); }); }, "key"_a);
}

void bind_drawing_with(nb::class_<Quantizer> &bound) {
    bound
        .def("palette", [](Quantizer &self, int colors, int effort, uint64_t seed, bool visible, const std::string &space,
                           const nb::bytes &reserved, bool rough, int threads) {
            const PaletteOptions options{colors, effort, seed, visible, space_of(space), colors_of(reserved), rough};
            return bytes_by([&] { return self.choose(options, threads, Signals()); });
        }, "colors"_a, nb::kw_only(), "effort"_a, "seed"_a, "visible"_a = false, "space"_a = "oklab", "reserved"_a = nb::bytes("", 0),
           "rough"_a = false, "threads"_a)
        .def("draw", [](Quantizer &self, const nb::bytes &palette, double dither, const std::string &space, int effort,
                        const nb::bytes &fixed, bool kept, bool ordered, int threads, bool last) {
            const Colors colors = colors_of(palette);
            const palette::Fixed stays{colors_of(fixed), kept, ordered};
            nb::gil_scoped_release release;
            Drawing drawn = self.draw(colors, float(dither), space_of(space), effort, threads, Signals(), stays);
            if (last) self.rest();
            return drawn;
        }, "palette"_a, nb::kw_only(), "dither"_a, "space"_a = "oklab", "effort"_a = 1, "fixed"_a = nb::bytes("", 0),
            "kept"_a = false, "ordered"_a = false, "threads"_a, "last"_a = false)
        .def("draw_lossy", [](Quantizer &self, const nb::bytes &palette, double spread, double price, double share, int search,
                              const std::string &coder, int bits, const std::string &space, const nb::bytes &fixed,
                              bool kept, bool ordered, int threads, const std::optional<Array<uint8_t, 2>> &held,
                              const std::optional<Array<uint8_t, 2>> &must, const std::optional<Array<float, 2>> &worth,
                              bool moves, bool last) {
            mapping::LossyOptions options{float(spread), float(price), float(share), search, bit_model(coder, bits), threads};
            if (held && must) {
                if (int64_t(held->size()) != self.picture().size() || int64_t(must->size()) != self.picture().size())
                    throw std::invalid_argument("held and must must be as large as the picture");
                options.held = held->data();
                options.must = must->data();
            }
            if (worth) options.worth = worth->data();
            options.moves = moves;
            const Colors colors = colors_of(palette);
            const palette::Fixed stays{colors_of(fixed), kept, ordered};
            nb::gil_scoped_release release;
            Drawing drawn = self.draw_lossy(colors, options, space_of(space), Signals(), stays, last);
            if (last) self.rest();
            return drawn;
        }, "palette"_a, nb::kw_only(), "spread"_a, "price"_a, "share"_a = 0.0, "search"_a, "coder"_a, "bits"_a, "space"_a = "oklab",
            "fixed"_a = nb::bytes("", 0), "kept"_a = false, "ordered"_a = false, "threads"_a, "held"_a = nb::none(),
            "must"_a = nb::none(), "worth"_a = nb::none(), "moves"_a = true, "last"_a = false);
}

}  // namespace

void bind_quantizer(nb::module_ &m) {
    bind_drawing(m);
    nb::class_<Quantizer> bound(m, "Quantizer");
    bind_drawing_with(bound);
    bound
        .def("__init__", [](Quantizer *self, const Array<uint8_t, 3> &pixels) {
            nb::gil_scoped_release release;
            new (self) Quantizer(picture_of(pixels));
        }, "pixels"_a, nb::keep_alive<1, 2>())
        .def("__init__", [](Quantizer *self, const Array<uint8_t, 3> &pixels, bool flat) {
            new (self) Quantizer(picture_of(pixels), flat);
        }, "pixels"_a, "flat"_a, nb::keep_alive<1, 2>())
        .def("__init__", [](Quantizer *self, const Rows &rows, int64_t width, int64_t height, int channels,
                            const color::Shaper *profile, int threads) {
            check_rows(rows.size(), width, height, channels);
            if (profile && profile->values() != 256) throw std::invalid_argument("a profile of rows must be of 8 bits");
            nb::gil_scoped_release release;
            new (self) Quantizer(rows.data(), height, width, channels, profile, threads);
        }, "rows"_a, "width"_a, "height"_a, "channels"_a, nb::kw_only(), "profile"_a = nb::none(), "threads"_a = 1,
             nb::keep_alive<1, 2>())
        .def("__init__", [](Quantizer *self, const Array<uint8_t, 1> &rows, int64_t width, int64_t height, int bits,
                            const nb::bytes &entries) {
            if (width < 1 || height < 1 || (bits != 1 && bits != 2 && bits != 4 && bits != 8) ||
                int64_t(rows.size()) != height * ((width * bits + 7) / 8 + 1))
                throw std::invalid_argument("rows must hold height * (1 + bytes of width * bits) bytes");
            const Colors listed = colors_of(entries);
            nb::gil_scoped_release release;
            new (self) Quantizer(rows.data(), height, width, bits, listed);
        }, "rows"_a, "width"_a, "height"_a, "bits"_a, "entries"_a)
        .def("__init__", [](Quantizer *self, Quantizer &whole, const Vector<int64_t> &rows, const Vector<int64_t> &columns,
                            int threads) {
            nb::gil_scoped_release release;
            new (self) Quantizer(whole, numbers(rows), numbers(columns), threads);
        }, "whole"_a, "rows"_a, "columns"_a, "threads"_a, nb::keep_alive<1, 2>())
        .def_prop_ro("height", [](const Quantizer &self) { return self.picture().height; })
        .def_prop_ro("width", [](const Quantizer &self) { return self.picture().width; })
        .def_prop_ro("channels", [](const Quantizer &self) { return self.picture().channels; })
        .def_ro("flat", &Quantizer::flat)
        .def_prop_ro("filled", &Quantizer::filled, Release())
        .def_prop_ro("small", &Quantizer::small)
        .def_prop_ro("settles", &Quantizer::settles)
        .def_prop_ro("colors", &Quantizer::colors, Release())
        .def_prop_ro("fewest", &Quantizer::fewest, Release())
        .def_prop_ro("entries", [](Quantizer &self) { return entries_of(self.few_colors(), self.picture().channels); })
        .def("weigh", [](Quantizer &self, int threads) { self.weights(threads); }, "threads"_a, Release())
        .def("fits", [](Quantizer &self, const nb::bytes &palette, int threads) {
            const Colors colors = colors_of(palette);
            nb::gil_scoped_release release;
            return self.fits(colors, threads, Signals());
        }, "palette"_a, nb::kw_only(), "threads"_a)
        .def("squared_error", [](const Quantizer &self, const Drawing &drawing) {
            return drawing.squared_error(self.picture());
        }, "drawing"_a, Release())
        .def("samples", [](const Quantizer &self, int key) {
            return bytes_by([&] { return self.samples(uint8_t(key)); });
        }, "key"_a)
        .def("differences", [](const Quantizer &self, int axis, int64_t rows, int64_t every) {
            return bytes_by([&] { return differences(self.picture(), axis, rows, every); });
        }, "axis"_a, "rows"_a, "every"_a);
}

}  // namespace tinct
