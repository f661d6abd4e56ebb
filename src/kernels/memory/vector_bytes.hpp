// How wide the widest registers are that a translation unit is compiled for.
#pragma once

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

}  // namespace
}  // namespace tinct
