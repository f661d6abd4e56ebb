// How far two pictures are apart.
#include "bind/arrays.hpp"
#include "scoring/banding.hpp"
#include "scoring/difference.hpp"
#include "scoring/ssimulacra2.hpp"

namespace tinct {
namespace {

using namespace ssimulacra2;

// Squared differences of two pictures over each ground.
nb::tuple squared_differences(const Array<uint8_t, 3> &one, const Array<uint8_t, 3> &other) {
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

}  // namespace

void bind_scoring(nb::module_ &m) {
    using Picture = Array<uint8_t, 3>;
    m.def("squared_differences", &squared_differences, "one"_a, "other"_a);
    m.def("bands", [](const Picture &one, const Picture &other, int ground) {
        return banding::bands(picture_of(one), picture_of(other), ground);
    }, "original"_a.noconvert(), "drawn"_a.noconvert(), "ground"_a, Release());
    nb::class_<Reference>(m, "Reference")
        .def("__init__", [](Reference *self, const Picture &p, uint8_t ground, int threads) {
            nb::gil_scoped_release release;
            new (self) Reference(p.data(), {int64_t(p.shape(0)), int64_t(p.shape(1))}, int(p.shape(2)), ground, threads);
        }, "pixels"_a.noconvert(), "ground"_a, "threads"_a, nb::keep_alive<1, 2>())
        .def("score", [](const Reference &self, const Picture &p, uint8_t ground, int threads) {
            return Comparison(self, p.data(), int(p.shape(2)), ground, threads).score();
        }, "pixels"_a.noconvert(), "ground"_a, "threads"_a, Release());
}

}  // namespace tinct
