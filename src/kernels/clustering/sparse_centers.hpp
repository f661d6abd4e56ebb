// The centers of sparse rows, dense and transposed, and the sums of rows that they are means of.
#pragma once
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "clustering/kernels.hpp"

namespace tinct {

// A sum in twice the precision of float64: Ogita, Rump, Oishi, "Accurate sum and dot product", SISC 2005.
struct Twofold {
    double high = 0, low = 0;
    void add(double x) {
        const double sum = high + x, part = sum - high;
        low += (high - (sum - part)) + (x - part);
        high = sum;
    }
    void add_product(double a, double b) {
        const auto upper = [](double x) {
            const double t = 134217729.0 * x;  // 2^27 + 1, Veltkamp's split
            return t - (t - x);
        };
        const double product = a * b, a1 = upper(a), b1 = upper(b), a2 = a - a1, b2 = b - b1;
        add(product);
        low += a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2);
    }
    double value() const { return high + low; }
    // Both sums rounded to one number and what is left of it.
    friend bool operator<(const Twofold &a, const Twofold &b) {
        const double x = a.value(), y = b.value();
        return x != y ? x < y : a.low - (x - a.high) < b.low - (y - b.high);
    }
};

template <class T> class SparseCenters {
  public:
    // Room for k centers of d columns, all 0.
    void make_room(int64_t d, int k) {
        constexpr int64_t LINE = 64 / sizeof(T);
        d_ = d;
        stride = (k + LINE - 1) / LINE * LINE;
        memory_.reset(std::calloc(size_t(d * stride + LINE), sizeof(T)));
        if (!memory_) throw std::bad_alloc();
        table = reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(memory_.get()) + 63) / 64 * 64);
        half_squares.assign(size_t(stride), std::numeric_limits<T>::max());
        squares.assign(size_t(k), {});
        sums.assign(size_t(k), {});
        moves.assign(size_t(k), 0.0);
    }
    T at(int32_t j, int c) const { return table[j * stride + c]; }

    // Sums over columns, of which few are touched.
    struct Sums {
        std::vector<double> sums;
        std::vector<char> seen;
        std::vector<int32_t> touched;
        double peak = 0;  // the most weight they had since all rows were added up anew; 0: not of rows
        void add(int32_t j, double x) {
            if (!seen[j]) {
                seen[j] = 1;
                touched.push_back(j);
            }
            sums[j] += x;
        }
    };
    // Forget the sums of a cluster; where they were not 0.
    std::vector<int32_t> clear(int c) {
        Sums &own = sums[c];
        if (own.sums.empty()) {
            own.sums.assign(size_t(d_), 0.0);
            own.seen.assign(size_t(d_), 0);
        }
        for (const int32_t j : own.touched) {
            own.sums[j] = 0;
            own.seen[j] = 0;
        }
        own.peak = 0;
        return std::exchange(own.touched, {});
    }
    // A center to what the sums hold, over their mass, and 0 in columns that it had and has no more. The square of the
    // move.
    double place(int c, double mass, const std::vector<int32_t> &before) {
        const Sums &own = sums[c];
        double shift = 0;
        for (const int32_t j : before)
            if (!own.seen[j]) {
                T &at = table[j * stride + c];
                shift += double(at) * double(at);
                at = 0;
            }
        Twofold square;
        for (const int32_t j : own.touched) {
            T &at = table[j * stride + c];
            const T next = T(own.sums[j] / mass);
            const double move = double(next) - double(at);
            shift += move * move;
            at = next;
            square.add_product(double(next), double(next));
        }
        squares[c] = square;
        half_squares[c] = T(square.value() / 2);
        moves[c] += std::sqrt(shift) * (1 + 1e-6);
        return shift;
    }

    int64_t stride = 0;
    T *table = nullptr;             // [d][stride]
    std::vector<T> half_squares;    // [stride]: |c|^2 / 2, huge in lanes without a center (yet)
    std::vector<Twofold> squares;   // |c|^2
    std::vector<Sums> sums;         // of each cluster
    std::vector<double> moves;      // since the last step, rounded up

  private:
    struct Free {
        void operator()(void *memory) const { std::free(memory); }
    };
    int64_t d_ = 0;
    std::unique_ptr<void, Free> memory_;
};

}  // namespace tinct
