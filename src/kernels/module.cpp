// The Python face of the kernels: arrays in, arrays out, the GIL released. Shapes and values are settled by
// the Python callers; nothing is checked twice.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "points.hpp"
#include "coders.hpp"
#include "lzw.hpp"
#include "pixels.hpp"
#include "ssimulacra2.hpp"
#include "visibility.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace tinct {

template <class T> using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T, class... Shape> auto new_array(Shape... shape) {
    size_t size = 1;
    ((size *= size_t(shape)), ...);
    T *data = new T[size];
    nb::capsule owner(data, [](void *p) noexcept { delete[] static_cast<T *>(p); });
    return nb::ndarray<nb::numpy, T>(data, {size_t(shape)...}, owner);
}

// TINCT_SIMD=baseline|avx2|avx512 forces an instruction set (never one the CPU lacks).
std::string isa_name() {
#if defined(TINCT_HAS_avx2)
    const char *forced = std::getenv("TINCT_SIMD");
    const std::string wish = forced ? forced : "avx512";
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    if (wish == "avx512" && avx512) return "avx512";
    if (wish != "baseline" && avx2) return "avx2";
#endif
    return "baseline";
}

template <class T> const Kernels<T> &dispatch();
#if defined(TINCT_HAS_avx2)
#define TINCT_PICK(type, suffix)                                            \
    template <> const Kernels<type> &dispatch<type>() {                     \
        static const std::string isa = isa_name();                          \
        return isa == "avx512" ? kernels_##suffix##_avx512                  \
               : isa == "avx2" ? kernels_##suffix##_avx2                    \
                               : kernels_##suffix##_baseline;               \
    }
#else
#define TINCT_PICK(type, suffix) \
    template <> const Kernels<type> &dispatch<type>() { return kernels_##suffix##_baseline; }
#endif
TINCT_PICK(float, f32)
TINCT_PICK(double, f64)

RateRemap rate_remap() {
#if defined(TINCT_HAS_avx2)
    static const std::string isa = isa_name();
    return isa == "avx512" ? remap_rate_avx512 : isa == "avx2" ? remap_rate_avx2 : remap_rate_baseline;
#else
    return remap_rate_baseline;
#endif
}

pixels::Fresh<uint8_t> remap_for_rate(const pixels::Array<uint8_t, 3> &pixels,
                                      const pixels::Array<float, 2> &weights,
                                      const pixels::Array<uint8_t, 2> &nearest,
                                      const pixels::Array<float, 2> &palette, int hidden, float spread,
                                      float lambda, int effort, int bits, bool webp) {
    auto out = pixels::make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    nb::gil_scoped_release release;
    const int channels = int(pixels.shape(2));
    rate_remap()({.pixels = pixels.data(), .weights = weights.data(), .nearest = nearest.data(),
                  .palette = palette.data(), .h = int(pixels.shape(0)), .w = int(pixels.shape(1)),
                  .channels = channels, .k = int(palette.shape(0)), .hidden = hidden, .spread = spread,
                  .lambda = lambda, .effort = effort, .bits = bits, .webp = webp,
                  .points_of = channels == 4 ? pixels::points_of<4> : pixels::points_of<3>,
                  .indices = out.data()});
    return out;
}

// Squared moves of all centers, added up in their order.
template <class T> double shift(Matrix<T> a, Matrix<T> b) {
    double total = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double t = double(a.data()[i]) - double(b.data()[i]);
        total += t * t;
    }
    return total;
}

// The center nearest to center i, of equally near ones the first.
template <class T> int64_t neighbor(Matrix<T> centers, int64_t i) {
    const int64_t k = int64_t(centers.shape(0)), d = int64_t(centers.shape(1));
    int64_t best = i;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t other = 0; other < k; ++other) {
        double square = 0;
        for (int64_t j = 0; j < d; ++j) {
            const double t = double(centers(other, j)) - double(centers(i, j));
            square += t * t;
        }
        if (other != i && square < least) {
            least = square;
            best = other;
        }
    }
    return best;
}

template <class T> void bind_points(nb::module_ &m, const char *name) {
    using P = Points<T>;
    using Release = nb::call_guard<nb::gil_scoped_release>;
    nb::class_<P>(m, name)
        .def("__init__",
             [](P *self, Matrix<T> points, std::optional<Vector<double>> weights) {
                 nb::gil_scoped_release release;
                 new (self) P(points.data(), weights ? weights->data() : nullptr, int64_t(points.shape(0)),
                              int(points.shape(1)), dispatch<T>());
             },
             "points"_a, "weights"_a.none())
        .def("order",
             [](const P &p) {
                 auto out = new_array<int64_t>(p.n);
                 p.order(static_cast<int64_t *>(out.data()));
                 return out;
             })
        .def_prop_ro("chunks", [](const P &p) { return p.chunks; })
        .def("start", &P::start, "k"_a, Release())
        .def("move_centers", [](P &p, Matrix<T> centers) { p.move_centers(centers.data(), int(centers.shape(0))); },
             "centers"_a, Release())
        .def("step", &P::step, "chunk"_a, Release())
        .def("make_room", &P::make_room, "second"_a)
        .def("nearest", &P::nearest, "chunk"_a, "second"_a, Release())
        .def("recount", &P::recount, "chunk"_a, Release())
        .def("inertia", [](const P &p, Matrix<T> centers, int64_t chunk) { return p.inertia(centers.data(), chunk); },
             "centers"_a, "chunk"_a, Release())
        .def("totals",
             [](const P &p) {
                 auto out = new_array<double>(p.clusters(), p.d + 2);
                 p.totals(static_cast<double *>(out.data()));
                 return out;
             })
        .def("means",
             [](const P &p, Matrix<T> before) {
                 auto out = new_array<T>(before.shape(0), p.d);
                 const int64_t empty = p.means(before.data(), static_cast<T *>(out.data()));
                 return nb::make_tuple(out, empty);
             },
             "before"_a)
        .def("variance", &P::variance, Release())
        .def("moments",
             [](const P &p, Matrix<T> centers, Matrix<double> directions, int what) {
                 auto out = new_array<double>(centers.shape(0), p.d + 1);
                 double *data = static_cast<double *>(out.data());
                 nb::gil_scoped_release release;
                 p.moments(centers.data(), int(centers.shape(0)), directions.data(), Moment(what), data);
                 return out;
             },
             "centers"_a, "directions"_a, "what"_a)
        .def("scatter",
             [](const P &p, Matrix<T> centers) {
                 auto out = new_array<double>(centers.shape(0), p.d, p.d);
                 double *data = static_cast<double *>(out.data());
                 nb::gil_scoped_release release;
                 p.scatter(centers.data(), int(centers.shape(0)), data);
                 return out;
             },
             "centers"_a)
        .def("coarsen",
             [](P &p, int64_t most) {
                 const int64_t cells = p.coarsen(most);
                 auto means = new_array<T>(cells, p.d);
                 auto weights = new_array<double>(cells);
                 p.cells(static_cast<T *>(means.data()), static_cast<double *>(weights.data()));
                 return nb::make_tuple(means, weights);
             },
             "most"_a)
        .def("start_seeding", &P::start_seeding, Release())
        .def("trial", [](const P &p, Vector<T> c, int64_t chunk) { return p.trial(c.data(), chunk); },
             "center"_a, "chunk"_a, Release())
        .def("take", [](P &p, Vector<T> c, int64_t chunk) { p.take(c.data(), chunk); }, "center"_a, "chunk"_a,
             Release())
        .def("potential", &P::potential)
        .def("centers",
             [](const P &p) {
                 auto out = new_array<T>(p.centers().size() / size_t(p.d), p.d);
                 std::copy(p.centers().begin(), p.centers().end(), static_cast<T *>(out.data()));
                 return out;
             })
        .def("pick", &P::pick, "target"_a, Release())
        .def("labels",
             [](const P &p) {
                 auto out = new_array<int32_t>(p.n);
                 p.restore_order(p.labels(), static_cast<int32_t *>(out.data()));
                 return out;
             })
        .def("set_labels", [](P &p, Vector<int32_t> labels) { p.set_labels(labels.data()); }, "labels"_a,
             Release())
        .def("best",
             [](const P &p) {
                 auto out = new_array<T>(p.n);
                 p.restore_order(p.best(), static_cast<T *>(out.data()));
                 return out;
             })
        .def("second", [](const P &p) {
            auto out = new_array<T>(p.n);
            p.restore_order(p.second(), static_cast<T *>(out.data()));
            return out;
        });
}

}  // namespace tinct

NB_MODULE(_kernels, m) {
    m.doc() = "Arrays and numbers: the inner loops of tinct.";
    m.def("isa", &tinct::isa_name, "The instruction set the kernels run on.");
    m.def("shift", &tinct::shift<float>, "a"_a, "b"_a);
    m.def("shift", &tinct::shift<double>, "a"_a, "b"_a);
    m.def("neighbor", &tinct::neighbor<float>, "centers"_a, "i"_a);
    m.def("neighbor", &tinct::neighbor<double>, "centers"_a, "i"_a);
    tinct::bind_points<float>(m, "PointsF32");
    tinct::bind_points<double>(m, "PointsF64");
    tinct::bind_pixels(m);
    m.def("remap_for_rate", &tinct::remap_for_rate, "pixels"_a, "weights"_a, "nearest"_a, "palette"_a, "hidden"_a,
          "spread"_a, "price"_a, "effort"_a, "bits"_a, "webp"_a);
    m.def("distance_code", [](int dx, int dy, int width, bool webp) {
        return webp ? tinct::rate::WebP::distance_code(dx, dy, width)
                    : tinct::rate::Deflate::distance_code(dx, dy, width);
    }, "dx"_a, "dy"_a, "width"_a, "webp"_a);
    tinct::bind_lzw(m);
    tinct::bind_ssimulacra2(m);
    tinct::bind_visibility(m);
}
