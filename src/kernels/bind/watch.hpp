// A Python callable that sees each iteration of K-means.
#pragma once
#include "bind/arrays.hpp"
#include "clustering/loop.hpp"

namespace tinct {

template <class T> Fresh<int32_t> labels_of(const Points<T> &points) {
    auto out = make_array<int32_t>({size_t(points.n)});
    points.restore_order(points.labels(), out.data());
    return out;
}

template <class N> nb::tuple tuple_of(const std::vector<N> &values) {
    nb::list out;
    for (const N &value : values) out.append(value);
    return nb::tuple(out);
}

// watch(centers, labels, inertia, empty, filled, swapped); labels() gives those of the moment.
template <class T, class Labels> Watch<T> told_to(const nb::object &watch, int64_t d, const Labels &labels) {
    if (watch.is_none()) return {};
    return [&watch, d, labels](const Iteration<T> &seen) {
        nb::gil_scoped_acquire acquire;
        return nb::cast<bool>(watch(table_of(seen.centers, size_t(d)), labels(), seen.inertia, tuple_of(seen.empty),
                                    tuple_of(seen.filled), tuple_of(seen.swapped)));
    };
}

}  // namespace tinct
