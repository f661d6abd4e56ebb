// Which instruction set the kernels run on, found when they are first asked for.
#include "clustering/dispatch.hpp"

#include <cstdlib>

#include "clustering/kernels.hpp"
#include "codecs/deflate_job.hpp"
#include "mapping/rate_job.hpp"
#include "mapping/spatial_job.hpp"

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

#if defined(TINCT_HAS_avx2)
#define TINCT_PICK(type, suffix)                                            \
    template <> const Kernels<type> &dispatch<type>() {                     \
        static const std::string isa = isa_name();                          \
        return isa == "avx512" ? kernels_##suffix##_avx512                  \
               : isa == "avx2" ? kernels_##suffix##_avx2                    \
                               : kernels_##suffix##_baseline;               \
    }                                                                       \
    template <> const SparseKernels<type> &dispatch_sparse<type>() {        \
        static const std::string isa = isa_name();                          \
        return isa == "avx512" ? sparse_##suffix##_avx512                   \
               : isa == "avx2" ? sparse_##suffix##_avx2                     \
                               : sparse_##suffix##_baseline;                \
    }
#else
#define TINCT_PICK(type, suffix) \
    template <> const Kernels<type> &dispatch<type>() { return kernels_##suffix##_baseline; } \
    template <> const SparseKernels<type> &dispatch_sparse<type>() { return sparse_##suffix##_baseline; }
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

deflate::Cheapest deflate::cheapest_tokens() {
#if defined(TINCT_HAS_avx2)
    static const std::string isa = isa_name();
    return isa == "avx512" ? deflate_cheapest_avx512 : isa == "avx2" ? deflate_cheapest_avx2 : deflate_cheapest_baseline;
#else
    return deflate_cheapest_baseline;
#endif
}

const spatial::Kernels &spatial::kernels() {
#if defined(TINCT_HAS_avx2)
    static const std::string isa = isa_name();
    return isa == "avx512" ? kernels_avx512 : isa == "avx2" ? kernels_avx2 : kernels_baseline;
#else
    return kernels_baseline;
#endif
}

}  // namespace tinct
