// The Python face of the kernels: arrays in, arrays out, the GIL released. Shapes and values are settled by
// the Python callers; nothing is checked twice.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "coders.hpp"
#include "kmeans.hpp"
#include "lzw.hpp"
#include "pictures.hpp"
#include "pixels.hpp"
#include "signals.hpp"
#include "ssimulacra2.hpp"
#include "visibility.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace tinct {

template <class T> using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T> using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T, class... Shape> auto new_array(Shape... shape) { return pixels::make_array<T>({size_t(shape)...}); }

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

template <class T> auto array_of(const std::vector<T> &numbers, int columns) {
    auto out = new_array<T>(numbers.size() / size_t(columns), columns);
    std::copy(numbers.begin(), numbers.end(), static_cast<T *>(out.data()));
    return out;
}

template <class T> auto labels_of(const Points<T> &points) {
    auto out = new_array<int32_t>(points.n);
    points.restore_order(points.labels(), static_cast<int32_t *>(out.data()));
    return out;
}

// A Python callable as a Watch: watch(centers, labels, inertia, empty, filled, swapped).
template <class T> Watch<T> told_to(const nb::object &watch) {
    if (watch.is_none()) return {};
    return [&watch](const Iteration<T> &seen) {
        nb::gil_scoped_acquire acquire;
        nb::list empty, filled, swapped;
        for (int32_t i : seen.empty) empty.append(i);
        for (int64_t i : seen.filled) filled.append(i);
        for (auto [useless, worth] : seen.swapped) swapped.append(nb::make_tuple(useless, worth));
        return nb::cast<bool>(watch(array_of(seen.centers, seen.points.d), labels_of(seen.points), seen.inertia,
                                    nb::tuple(empty), nb::tuple(filled), nb::tuple(swapped)));
    };
}

template <class T>
Engine<T> engine_on(const Matrix<T> &points, const std::optional<Vector<double>> &weights, int threads) {
    return Engine<T>(points.data(), weights ? weights->data() : nullptr, int64_t(points.shape(0)),
                     int(points.shape(1)), dispatch<T>(), threads, Signals());
}

// offset: what was taken from the points, see Engine::snap. init: the starting centers; or draws: those of k-means++; else the divisive start.
template <class T>
nb::tuple run_kmeans(Matrix<T> points, std::optional<Vector<double>> weights, int k, std::optional<Matrix<T>> init,
                     std::optional<Vector<double>> draws, std::optional<Vector<T>> offset, int max_iter, double tol,
                     int effort, uint64_t seed, int threads, const nb::object &watch) {
    const Watch<T> told = told_to<T>(watch);
    const Settings settings{k, max_iter, tol, effort, seed};
    Fit<T> fit;
    auto labels = new_array<int32_t>(points.shape(0));
    {
        nb::gil_scoped_release release;
        Engine<T> engine = engine_on<T>(points, weights, threads);
        if (offset) engine.offset = offset->data();
        std::vector<T> drawn;
        if (draws) {
            engine.hire(k);
            drawn = plus_plus(engine, k, {draws->data(), draws->size()});
        }
        fit = kmeans(engine, settings, draws ? drawn.data() : init ? init->data() : nullptr, told);
        engine.points.restore_order(engine.points.labels(), static_cast<int32_t *>(labels.data()));
    }
    return nb::make_tuple(array_of(fit.centers, int(points.shape(1))), labels, fit.inertia, fit.n_iter, fit.converged);
}

// Labels and squared distances.
template <class T> nb::tuple assign(Matrix<T> points, Matrix<T> centers, int threads) {
    auto labels = new_array<int32_t>(points.shape(0));
    auto squares = new_array<T>(points.shape(0));
    {
        nb::gil_scoped_release release;
        Engine<T> engine = engine_on<T>(points, std::nullopt, threads);
        engine.assign(centers.data(), int(centers.shape(0)));
        engine.points.restore_order(engine.points.labels(), static_cast<int32_t *>(labels.data()));
        engine.points.restore_order(engine.points.best(), static_cast<T *>(squares.data()));
    }
    return nb::make_tuple(labels, squares);
}

// Means of the clusters, NaN for one without weight.
template <class T>
auto update(Matrix<T> points, std::optional<Vector<double>> weights, Vector<int32_t> labels, int k) {
    const int d = int(points.shape(1));
    std::vector<T> centers(size_t(k) * d, std::numeric_limits<T>::quiet_NaN());
    {
        nb::gil_scoped_release release;
        Engine<T> engine = engine_on<T>(points, weights, 1);
        engine.start(k);
        engine.points.set_labels(labels.data());
        engine.recount();
        move_to_means(engine.points.totals(), d, centers);
    }
    return array_of(centers, d);
}

template <class T> void bind_kmeans(nb::module_ &m) {
    m.def("kmeans", &run_kmeans<T>, "points"_a, "weights"_a.none(), "k"_a, "init"_a.none(), "draws"_a.none(),
          "offset"_a.none(), "max_iter"_a, "tol"_a, "effort"_a, "seed"_a, "threads"_a, "watch"_a.none());
    m.def("assign", &assign<T>, "points"_a, "centers"_a, "threads"_a);
    m.def("update", &update<T>, "points"_a, "weights"_a.none(), "labels"_a, "k"_a);
}

// The points' indices along the curve that blocks are cut from.
nb::ndarray<nb::numpy, int64_t> order_on_curve(Matrix<double> points) {
    auto out = new_array<int64_t>(points.shape(0));
    int64_t *at = static_cast<int64_t *>(out.data());
    for (uint64_t packed : curve_order(points.data(), int64_t(points.shape(0)), int(points.shape(1)), dispatch<double>()))
        *at++ = int64_t(uint32_t(packed));
    return out;
}

}  // namespace tinct

NB_MODULE(_kernels, m) {
    m.doc() = "Arrays and numbers: the inner loops of tinct.";
    m.def("isa", &tinct::isa_name, "The instruction set the kernels run on.");
    m.def("processors", &tinct::processors, "How many processors this process may use.");
    m.def("curve_order", &tinct::order_on_curve, "points"_a);
    tinct::bind_kmeans<float>(m);
    tinct::bind_kmeans<double>(m);
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
    tinct::bind_colors(m);
    tinct::bind_counted(m);
    tinct::bind_sketch(m);
}
