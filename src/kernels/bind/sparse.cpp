// K-means on sparse rows.
#include <nanobind/stl/optional.h>

#include <optional>

#include <nanobind/stl/pair.h>

#include "bind/signals.hpp"
#include "bind/watch.hpp"
#include "clustering/sparse.hpp"

namespace tinct {
namespace {

template <class T>
SparseTable<T> sparse_table(const Vector<int64_t> &start, const Vector<int32_t> &columns, const Vector<T> &values,
                            int64_t d) {
    return {start.data(), columns.data(), values.data(), int64_t(start.size()) - 1, d};
}

// See Merged; random: one number for each column.
template <class T>
nb::tuple sparse_merge(Vector<int64_t> start, Vector<int32_t> columns, Vector<T> values, Vector<double> weights,
                       Vector<uint64_t> random) {
    Merged merged;
    {
        nb::gil_scoped_release release;
        merged = merge(sparse_table(start, columns, values, int64_t(random.size())), weights.data(), random.data());
    }
    return nb::make_tuple(row_of(merged.of), row_of(merged.first), row_of(merged.weights));
}

template <class T> auto sparse_centers(const SparsePartition<T> &partition) {
    auto out = make_array<T>({size_t(partition.k), size_t(partition.d)});
    partition.copy_centers(out.data());
    return out;
}

// rows: those of the table to cluster. init: the centers to start from; or chosen: the rows; or draws: those of
// k-means++; else the divisive start.
template <class T>
nb::tuple run_sparse(Vector<int64_t> start, Vector<int32_t> columns, Vector<T> values, int64_t d, Vector<int64_t> rows,
                     Vector<double> weights, int k, std::optional<Matrix<T>> init, std::optional<Vector<int64_t>> chosen,
                     std::optional<Vector<double>> draws, int max_iter, double tol, int effort, uint64_t seed,
                     int threads, const nb::object &watch) {
    std::optional<SparsePartition<T>> partition;
    SparseFit fit;
    {
        nb::gil_scoped_release release;
        partition.emplace(sparse_table(start, columns, values, d), rows.data(), weights.data(), int64_t(rows.size()),
                       threads, Signals());
        partition->make_room(k);
        if (init)
            partition->set_centers(init->data());
        else if (chosen)
            partition->set_rows({chosen->data(), chosen->size()});
        else if (draws)
            partition->set_rows(SparseSeeding<T>(*partition).run(k, {draws->data(), draws->size()}));
        else
            divisive(*partition);
        const auto told = told_to<T>(watch, d, [&] { return row_of(partition->labels); });
        fit = kmeans(*partition, {k, max_iter, tol, effort, seed}, told);
    }
    return nb::make_tuple(sparse_centers(*partition), row_of(partition->labels), fit.inertia, fit.n_iter, fit.converged);
}

// All rows of a table, and centers as given.
template <class T> struct Beside : SparsePartition<T> {
    Beside(const SparseTable<T> &table, const Matrix<T> &centers, int threads)
        : SparsePartition<T>(table, nullptr, nullptr, table.n, threads, Signals()) {
        this->make_room(int(centers.shape(0)));
        this->set_centers(centers.data());
    }
};

// Labels and squared distances.
template <class T>
nb::tuple sparse_assign(Vector<int64_t> start, Vector<int32_t> columns, Vector<T> values, Matrix<T> centers, int threads) {
    auto labels = make_array<int32_t>({size_t(start.size() - 1)});
    auto squares = make_array<double>({size_t(start.size() - 1)});
    {
        nb::gil_scoped_release release;
        Beside<T> partition(sparse_table(start, columns, values, int64_t(centers.shape(1))), centers, threads);
        partition.step();
        std::copy(partition.labels.begin(), partition.labels.end(), labels.data());
        partition.each_row([&](int64_t p) { squares.data()[p] = partition.square(p, partition.labels[p]); });
    }
    return nb::make_tuple(labels, squares);
}

// Distances to all centers, [n][k].
template <class T>
auto sparse_distances(Vector<int64_t> start, Vector<int32_t> columns, Vector<T> values, Matrix<T> centers, int threads) {
    auto out = make_array<T>({start.size() - 1, centers.shape(0)});
    {
        nb::gil_scoped_release release;
        Beside<T> partition(sparse_table(start, columns, values, int64_t(centers.shape(1))), centers, threads);
        partition.each_row([&](int64_t p) { partition.distances(p, out.data() + p * partition.k); });
    }
    return out;
}

template <class T> void bind_type(nb::module_ &m) {
    m.def("sparse_merge", &sparse_merge<T>, "start"_a, "columns"_a, "values"_a.noconvert(), "weights"_a, "random"_a);
    m.def("sparse_kmeans", &run_sparse<T>, "start"_a, "columns"_a, "values"_a.noconvert(), "d"_a, "rows"_a, "weights"_a, "k"_a,
          "init"_a.none(), "chosen"_a.none(), "draws"_a.none(), "max_iter"_a, "tol"_a, "effort"_a, "seed"_a,
          "threads"_a, "watch"_a.none());
    m.def("sparse_assign", &sparse_assign<T>, "start"_a, "columns"_a, "values"_a.noconvert(), "centers"_a, "threads"_a);
    m.def("sparse_distances", &sparse_distances<T>, "start"_a, "columns"_a, "values"_a.noconvert(), "centers"_a, "threads"_a);
}

}  // namespace

void bind_sparse(nb::module_ &m) {
    bind_type<float>(m);
    bind_type<double>(m);
}

}  // namespace tinct
