// Sparse rows: their order, their distances, and equal ones made one.
#pragma once
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "clustering/kernels.hpp"

namespace tinct {

// CSR: columns rising in each row, no number 0.
template <class T> struct SparseTable {
    const int64_t *start;
    const int32_t *columns;
    const T *values;
    int64_t n;
    int64_t d;
    SparseRow<T> row(int64_t i) const { return {start[i + 1] - start[i], columns + start[i], values + start[i]}; }
};

// Runs through the columns of two rows: see(column, number of one, of the other) until it returns false.
template <class T, class See> void side_by_side(const SparseRow<T> &a, const SparseRow<T> &b, const See &see) {
    for (int64_t i = 0, j = 0; i < a.count || j < b.count;) {
        const int64_t left = i < a.count ? a.columns[i] : std::numeric_limits<int64_t>::max();
        const int64_t right = j < b.count ? b.columns[j] : std::numeric_limits<int64_t>::max();
        const T x = left <= right ? a.values[i++] : T(0), y = right <= left ? b.values[j++] : T(0);
        if (!see(x, y)) return;
    }
}
// -1, 0 or 1, as the rows come in lexicographic order.
template <class T> int compare(const SparseRow<T> &a, const SparseRow<T> &b) {
    int found = 0;
    side_by_side(a, b, [&](T x, T y) { return (found = (x > y) - (x < y)) == 0; });
    return found;
}
template <class T> double squared_distance(const SparseRow<T> &a, const SparseRow<T> &b) {
    double sum = 0;
    side_by_side(a, b, [&](T x, T y) {
        sum += (double(x) - double(y)) * (double(x) - double(y));
        return true;
    });
    return sum;
}

// Equal rows of weight > 0 become one of their joint weight, in an order that depends on the values alone: along an
// oblique direction, the features scaled to equal ranges; on one place, lexicographic.
struct Merged {
    std::vector<int64_t> of, first;  // each sample's row, or -1; each row's first sample
    std::vector<double> weights;
};
template <class T> Merged merge(const SparseTable<T> &table, const double *weights, const uint64_t *random) {
    std::vector<double> low(table.d, 0.0), high(table.d, 0.0);
    std::vector<int64_t> seen(table.d, 0);
    for (int64_t i = table.start[0]; i < table.start[table.n]; ++i) {
        const int32_t j = table.columns[i];
        const double x = double(table.values[i]);
        low[j] = seen[j] ? std::min(low[j], x) : x;
        high[j] = seen[j]++ ? std::max(high[j], x) : x;
    }
    for (int64_t j = 0; j < table.d; ++j) {
        if (seen[j] < table.n) {
            low[j] = std::min(low[j], 0.0);
            high[j] = std::max(high[j], 0.0);
        }
        // In place of `high`: steps without a common measure, or whole numbers would meet on one place.
        high[j] = (1 + double(random[j]) * 0x1p-64) / (high[j] > low[j] ? high[j] - low[j] : 1);
    }
    std::vector<std::pair<double, int64_t>> places;
    for (int64_t i = 0; i < table.n; ++i) {
        if (!(weights[i] > 0)) continue;
        const SparseRow<T> row = table.row(i);
        double place = 0;
        for (int64_t t = 0; t < row.count; ++t) place += double(row.values[t]) * high[row.columns[t]];
        places.push_back({place, i});
    }
    std::sort(places.begin(), places.end(), [&](const auto &a, const auto &b) {
        if (a.first != b.first) return a.first < b.first;
        const int order = compare(table.row(a.second), table.row(b.second));
        if (order) return order < 0;
        // Equal rows by their weights: their sum, too, must not depend on the order they came in.
        const double u = weights[a.second], v = weights[b.second];
        return u != v ? u < v : a.second < b.second;
    });
    Merged out;
    out.of.assign(size_t(table.n), -1);
    for (size_t p = 0; p < places.size(); ++p) {
        const int64_t i = places[p].second;
        if (!p || places[p].first != places[p - 1].first || compare(table.row(i), table.row(places[p - 1].second))) {
            out.first.push_back(i);
            out.weights.push_back(0);
        }
        out.first.back() = std::min(out.first.back(), i);
        out.weights.back() += weights[i];
        out.of[i] = int64_t(out.first.size()) - 1;
    }
    return out;
}

}  // namespace tinct
