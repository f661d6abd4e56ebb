// Fewer points in the place of many: means of cells that are small where the points are many.
#pragma once
#include <algorithm>
#include <cstdint>
#include <queue>
#include <vector>

namespace tinct {

constexpr int MAX_CELL_DIMS = 16;  // above this, cells are no smaller than what they are cut from

template <class T> struct Summary {
    std::vector<T> points;  // [][d]
    std::vector<double> weights;
};

// Points in the order of a tree of cells.
//
// The cell whose points lie farthest from their mean, squares added up, is cut there across the dimension in which they
// do so most, until there are enough. Cells of a grid are as large in a dark corner that holds nine tenths of a picture
// as anywhere else: with them K = 256 ended 37 % above the best known error on a night scene, with these at most 2 %.
template <class T> class Cells {
  public:
    Cells(Summary<T> rows, int d) : x_(std::move(rows.points)), w_(std::move(rows.weights)), d_(d) {
        high_.points.resize(x_.size());
        high_.weights.resize(w_.size());
        means_.assign(x_.begin(), x_.begin() + d);  // of the cells made so far; of all points the first one will do
        sums_.resize(2 * row());
        divide({0, int64_t(w_.size()), 0}, d);
        push(0, int64_t(w_.size()), sums_.data(), 0);
    }

    // Means and weights of at most so many cells.
    Summary<T> cut(size_t most) {
        Summary<T> made;
        std::vector<Cell> whole;  // those that nothing cuts
        while (!queue_.empty() && queue_.size() + whole.size() < most) {
            const Cell cell = queue_.top().second;
            queue_.pop();
            const int64_t middle = cell.inertia > 0 ? divide(cell, widest(cell)) : cell.end;
            if (middle == cell.first || middle == cell.end) {
                whole.push_back(cell);
                continue;
            }
            push(cell.first, middle, sums_.data(), cell.mean);
            push(middle, cell.end, sums_.data() + row(), cell.mean);
        }
        for (; !queue_.empty(); queue_.pop()) whole.push_back(queue_.top().second);
        std::sort(whole.begin(), whole.end(), [](const Cell &a, const Cell &b) { return a.first < b.first; });
        for (const Cell &cell : whole) {
            for (int j = 0; j < d_; ++j) made.points.push_back(T(means_[cell.mean + size_t(j)]));
            made.weights.push_back(cell.mass);
        }
        return made;
    }

  private:
    struct Cell {
        int64_t first, end;
        size_t mean;  // where it stands in means_; beside it the sums of squares
        double inertia = 0, mass = 0;
    };
    struct Less {
        bool operator()(const std::pair<double, Cell> &a, const std::pair<double, Cell> &b) const {
            return a.first != b.first ? a.first < b.first : a.second.first > b.second.first;
        }
    };

    size_t row() const { return 2 * size_t(d_) + 1; }

    int widest(const Cell &cell) const {
        const auto squares = means_.begin() + int64_t(cell.mean) + d_;
        return int(std::max_element(squares, squares + d_) - squares);
    }

    // A cell of which `sums` tell w t, w t² and w, with t = x - the mean at `from`.
    void push(int64_t first, int64_t end, const double *sums, size_t from) {
        Cell cell{first, end, means_.size(), 0, sums[2 * d_]};
        const double mass = cell.mass > 0 ? cell.mass : 1;
        for (int j = 0; j < d_; ++j) means_.push_back(means_[from + size_t(j)] + sums[j] / mass);
        for (int j = 0; j < d_; ++j) {
            means_.push_back(std::max(0.0, sums[d_ + j] - sums[j] * sums[j] / mass));
            cell.inertia += means_.back();
        }
        queue_.push({cell.inertia, cell});
    }

    // Points above the cell's mean in one dimension behind the others, which stay in order; where they begin. Sums of
    // both halves. (Dimension d: none is.)
    int64_t divide(const Cell &cell, int across) {
        return d_ == 3 ? divide_in<3>(cell, across) : divide_in<0>(cell, across);
    }

    // With d known the sums stay in registers.
    template <int D> int64_t divide_in(const Cell &cell, int across) {
        const size_t d = size_t(D ? D : d_), size = 2 * d + 1;
        std::fill(sums_.begin(), sums_.end(), 0.0);
        const double *mean = &means_[cell.mean];
        int64_t low = cell.first, up = 0;
        T *const xs = x_.data(), *const highs = high_.points.data();
        double *const ws = w_.data(), *const high_ws = high_.weights.data();
        for (int64_t p = cell.first; p < cell.end; ++p) {
            const T *x = xs + size_t(p) * d;
            const double w = ws[p];
            const bool above = across < int(d) && double(x[across]) > mean[across];
            double *sums = sums_.data() + (above ? size : 0);
            T *to = above ? highs + size_t(up) * d : xs + size_t(low) * d;
            for (size_t j = 0; j < d; ++j) {
                const double t = double(x[j]) - mean[j];
                sums[j] += w * t;
                sums[d + j] += w * t * t;
                to[j] = x[j];
            }
            sums[2 * d] += w;
            (above ? high_ws + up : ws + low)[0] = w;
            up += above;
            low += !above;
        }
        std::copy_n(high_.points.begin(), up * d_, x_.begin() + low * d_);
        std::copy_n(high_.weights.begin(), up, w_.begin() + low);
        return low;
    }

    std::vector<T> x_;
    std::vector<double> w_;
    const int d_;
    Summary<T> high_;
    std::vector<double> means_, sums_;
    std::priority_queue<std::pair<double, Cell>, std::vector<std::pair<double, Cell>>, Less> queue_;
};

}  // namespace tinct
