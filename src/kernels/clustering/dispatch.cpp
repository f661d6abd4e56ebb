// Which instruction set the kernels run on, found when they are first asked for.
#include "clustering/dispatch.hpp"

#include <cstdlib>

#include "clustering/kernels.hpp"
#include "codecs/deflate_job.hpp"
#include "color/oklab.hpp"
#include "mapping/rate_job.hpp"
#include "mapping/spatial_job.hpp"
#include "mapping/visibility_job.hpp"

namespace tinct {

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

// The one of three copies that this CPU runs best.
#if defined(TINCT_HAS_avx2)
#define TINCT_BEST(name) (isa() == "avx512" ? name##_avx512 : isa() == "avx2" ? name##_avx2 : name##_baseline)
static const std::string &isa() {
    static const std::string name = isa_name();
    return name;
}
#else
#define TINCT_BEST(name) name##_baseline
#endif

template <> const Kernels<float> &dispatch<float>() { return TINCT_BEST(kernels_f32); }
template <> const Kernels<double> &dispatch<double>() { return TINCT_BEST(kernels_f64); }
template <> const SparseKernels<float> &dispatch_sparse<float>() { return TINCT_BEST(sparse_f32); }
template <> const SparseKernels<double> &dispatch_sparse<double>() { return TINCT_BEST(sparse_f64); }
RateRemap rate_remap() { return TINCT_BEST(remap_rate); }
const spatial::Kernels &spatial::kernels() { return TINCT_BEST(kernels); }
template <> void color::points_of<3>(const uint8_t *colors, int64_t n, float *out) {
    static const PointsOf best = TINCT_BEST(points3);
    best(colors, n, out);
}
template <> void color::points_of<4>(const uint8_t *colors, int64_t n, float *out) {
    static const PointsOf best = TINCT_BEST(points4);
    best(colors, n, out);
}
const visibility::Lanes &visibility::lanes() { return TINCT_BEST(lanes); }
deflate::Cheapest deflate::cheapest_tokens() { return TINCT_BEST(deflate_cheapest); }

}  // namespace tinct
