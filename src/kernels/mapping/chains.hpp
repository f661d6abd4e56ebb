// Earlier places by what stands there, for the copies that rate.hpp tries.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

/// Zeroed memory. (A std::vector's members could be merged across instruction sets by the linker.)
template <class T> class Buffer {
  public:
    explicit Buffer(size_t n) : data_(new T[n]()) {}
    ~Buffer() { delete[] data_; }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    T *data() { return data_; }
    const T *data() const { return data_; }
    T &operator[](size_t i) { return data_[i]; }
    const T &operator[](size_t i) const { return data_[i]; }

  private:
    T *data_;
};

/// Earlier positions by a hash of the indices that start there, newest first; a ring as long as the window.
template <size_t SIZE> class Chains {
  public:
    Chains() : head_(SIZE), links_(SIZE) { std::memset(head_.data(), 255, SIZE * sizeof(int32_t)); }
    void insert(uint32_t hash, int32_t position) {
        links_[size_t(position) & (SIZE - 1)] = head_[hash];
        head_[hash] = position;
    }
    int32_t first(uint32_t hash) const { return head_[hash]; }
    int32_t next(int32_t position) const {
        int32_t p = links_[size_t(position) & (SIZE - 1)];
        return p < position ? p : -1;  // a newer one: the ring has been overwritten there
    }
    static uint32_t mix(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
        return (a * 0x9E3779B1u ^ b * 0x85EBCA6Bu ^ c * 0xC2B2AE35u ^ d * 0x27D4EB2Fu) >> 7 & (SIZE - 1);
    }

  private:
    Buffer<int32_t> head_, links_;
};

}  // namespace
}  // namespace tinct::rate
