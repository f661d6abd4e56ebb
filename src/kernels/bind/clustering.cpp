// K-means on points.
#include <limits>
#include <nanobind/stl/optional.h>
#include <optional>

#include <nanobind/stl/pair.h>

#include "bind/signals.hpp"
#include "bind/watch.hpp"
#include "clustering/kmeans.hpp"

namespace tinct {
namespace {

template <class T>
Partition<T> partition_of(const Matrix<T> &points, const std::optional<Vector<double>> &weights, int threads) {
    return Partition<T>(points.data(), weights ? weights->data() : nullptr, int64_t(points.shape(0)),
                     int(points.shape(1)), dispatch<T>(), threads, Signals());
}

// offset: what was taken from the points, see Partition::snap. init: the starting centers; or draws: those of k-means++;
// else the divisive start.
template <class T>
nb::tuple run_kmeans(Matrix<T> points, std::optional<Vector<double>> weights, int k, std::optional<Matrix<T>> init,
                     std::optional<Vector<double>> draws, std::optional<Vector<T>> offset, int max_iter, double tol,
                     int effort, uint64_t seed, int threads, const nb::object &watch) {
    const Settings settings{k, max_iter, tol, effort, seed};
    Fit<T> fit;
    auto labels = make_array<int32_t>({points.shape(0)});
    {
        nb::gil_scoped_release release;
        Partition<T> partition = partition_of<T>(points, weights, threads);
        if (offset) partition.offset = offset->data();
        std::vector<T> drawn;
        if (draws) {
            partition.hire(k);
            drawn = plus_plus(partition, k, {draws->data(), draws->size()});
        }
        const Watch<T> told = told_to<T>(watch, partition.d(), [&] { return labels_of(partition.points); });
        fit = kmeans(partition, settings, draws ? drawn.data() : init ? init->data() : nullptr, told);
        partition.points.restore_order(partition.points.labels(), labels.data());
    }
    return nb::make_tuple(table_of(fit.centers, points.shape(1)), labels, fit.inertia, fit.n_iter, fit.converged);
}

// Labels and squared distances.
template <class T> nb::tuple assign(Matrix<T> points, Matrix<T> centers, int threads) {
    auto labels = make_array<int32_t>({points.shape(0)});
    auto squares = make_array<T>({points.shape(0)});
    {
        nb::gil_scoped_release release;
        Partition<T> partition = partition_of<T>(points, std::nullopt, threads);
        partition.assign(centers.data(), int(centers.shape(0)));
        partition.points.restore_order(partition.points.labels(), labels.data());
        partition.points.restore_order(partition.points.best(), squares.data());
    }
    return nb::make_tuple(labels, squares);
}

// Means of the clusters, NaN for one without weight.
template <class T> auto update(Matrix<T> points, std::optional<Vector<double>> weights, Vector<int32_t> labels, int k) {
    const int d = int(points.shape(1));
    std::vector<T> centers(size_t(k) * d, std::numeric_limits<T>::quiet_NaN());
    {
        nb::gil_scoped_release release;
        Partition<T> partition = partition_of<T>(points, weights, 1);
        partition.start(k);
        partition.points.set_labels(labels.data());
        partition.recount();
        move_to_means(partition.sums(), d, centers);
    }
    return table_of(centers, size_t(d));
}

template <class T> void bind_kmeans(nb::module_ &m) {
    m.def("kmeans", &run_kmeans<T>, "points"_a.noconvert(), "weights"_a.none(), "k"_a, "init"_a.none(), "draws"_a.none(),
          "offset"_a.none(), "max_iter"_a, "tol"_a, "effort"_a, "seed"_a, "threads"_a, "watch"_a.none());
    m.def("assign", &assign<T>, "points"_a.noconvert(), "centers"_a, "threads"_a);
    m.def("update", &update<T>, "points"_a.noconvert(), "weights"_a.none(), "labels"_a, "k"_a);
}

}  // namespace

void bind_clustering(nb::module_ &m) {
    m.def("processors", &processors, "How many processors this process may use.");
    bind_kmeans<float>(m);
    bind_kmeans<double>(m);
}

}  // namespace tinct
