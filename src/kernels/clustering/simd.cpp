// Compiled once for each instruction set, with TINCT_ISA naming it.
#include "clustering/accumulation.hpp"
#include "clustering/assignment.hpp"
#include "clustering/curve_keys.hpp"
#include "clustering/seeding.hpp"
#include "clustering/sparse_lanes.hpp"
#include "codecs/deflate_lanes.hpp"
#include "color/oklab.hpp"
#include "mapping/rate.hpp"
#include "mapping/visibility_lanes.hpp"

#define TINCT_JOIN_(a, b) a##b
#define TINCT_JOIN(a, b) TINCT_JOIN_(a, b)

namespace tinct {
namespace {
template <class T> constexpr Kernels<T> kernels = {curve_keys<T>, step<T>,    nearest<T>, among<T>, trial<T>,   take<T>,
                                recount<T>,    inertia<T>, columns<T>, moments<T>, scatter<T>};
template <int C> void points(const uint8_t *colors, int64_t n, float *out) { color::write_points<C>(colors, n, out); }
}

extern const Kernels<float> TINCT_JOIN(kernels_f32_, TINCT_ISA) = kernels<float>;
extern const Kernels<double> TINCT_JOIN(kernels_f64_, TINCT_ISA) = kernels<double>;
extern const SparseKernels<float> TINCT_JOIN(sparse_f32_, TINCT_ISA) = sparse_kernels<float>();
extern const SparseKernels<double> TINCT_JOIN(sparse_f64_, TINCT_ISA) = sparse_kernels<double>();
extern const RateRemap TINCT_JOIN(remap_rate_, TINCT_ISA) = rate::remap_rate;
extern const color::PointsOf color::TINCT_JOIN(points3_, TINCT_ISA) = points<3>;
extern const color::PointsOf color::TINCT_JOIN(points4_, TINCT_ISA) = points<4>;
extern const visibility::Lanes visibility::TINCT_JOIN(lanes_, TINCT_ISA) = visibility::its_lanes;
extern const deflate::Cheapest TINCT_JOIN(deflate_cheapest_, TINCT_ISA) = deflate::cheapest;
}  // namespace tinct
