#pragma once
#include <string>

namespace tinct {

// TINCT_SIMD=baseline|avx2|avx512 forces an instruction set (never one the CPU lacks).
std::string isa_name();

}  // namespace tinct
