// Which centers lie nearest to one of them.
#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace tinct {

template <class T> class Neighbors {
  public:
    // centers: [k][d]
    template <class C> Neighbors(const std::vector<C> &centers, int d)
        : k_(centers.size() / size_t(d)), columns_(centers.size()), squares_(k_) {
        for (size_t i = 0; i < k_; ++i) set(int(i), &centers[i * size_t(d)]);
    }

    template <class C> void set(int i, const C *center) {
        for (size_t j = 0; j * k_ < columns_.size(); ++j) columns_[j * k_ + size_t(i)] = T(center[j]);
    }

    // At most so many others, the nearest first; of equally near ones the first.
    std::vector<int> of(int i, size_t few) {
        std::fill(squares_.begin(), squares_.end(), T(0));
        for (const T *column = columns_.data(); column != columns_.data() + columns_.size(); column += k_) {
            const T here = column[i];
            for (size_t c = 0; c < k_; ++c) squares_[c] += (column[c] - here) * (column[c] - here);
        }
        squares_[size_t(i)] = std::numeric_limits<T>::infinity();
        std::vector<int> found;
        T limit = std::numeric_limits<T>::infinity();
        for (size_t c = 0; c < k_; ++c) {
            if (!(squares_[c] < limit)) continue;
            if (found.size() == few) found.pop_back();
            auto at = found.end();
            while (at != found.begin() && squares_[size_t(at[-1])] > squares_[c]) --at;
            found.insert(at, int(c));
            if (found.size() == few) limit = squares_[size_t(found.back())];
        }
        return found;
    }

  private:
    const size_t k_;
    std::vector<T> columns_, squares_;
};

}  // namespace tinct
