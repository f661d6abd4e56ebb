// Vectors for numbers that are all going to be written, in memory that is kept for the next of them.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#ifdef __unix__
#include <sys/mman.h>
#include <unistd.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace tinct {

// Memory given back, kept for the next who asks for as much: from the system every page comes anew, for one or two
// microseconds, and a picture's histogram and clusters take 1700. At most 16 MB are kept, the latest. Nobody waits:
// who finds another thread here goes to the system.
class BufferCache {
  public:
    static BufferCache &common() {
        static BufferCache *const cache = new BufferCache;  // never destroyed: arrays in Python's hands may come back late
        return *cache;
    }
    // `bytes` is rounded up, to four sizes per power of two, so that what is kept fits more often.
    void *take(size_t bytes) {
        bytes = rounded(bytes);
        if (bytes >= LEAST) {
            const std::unique_lock lock(mutex_, std::try_to_lock);
            for (int at = lock ? count_ - 1 : -1; at >= 0; --at)  // not even a look without the lock
                if (pieces_[at].bytes == bytes) return remove(at);
        }
        return ::operator new(bytes);
    }
    void give(void *place, size_t bytes) noexcept {
        bytes = rounded(bytes);
        if (bytes >= LEAST && bytes <= MOST) {
            const std::unique_lock lock(mutex_, std::try_to_lock);
            if (lock) {
                while (count_ == PLACES || kept_ + bytes > MOST) ::operator delete(remove(0));
                pieces_[count_++] = {place, bytes};
                kept_ += bytes;
                return;
            }
        }
        ::operator delete(place);
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        while (count_) ::operator delete(remove(0));
    }

  private:
    static constexpr size_t LEAST = 64 << 10, MOST = 16 << 20;
    static constexpr int PLACES = 64;
    struct Piece {
        void *place;
        size_t bytes;
    };

    static size_t rounded(size_t bytes) {
        const size_t step = std::bit_floor(bytes) / 4;
        return bytes < LEAST ? bytes : (bytes + step - 1) / step * step;
    }
    void *remove(int at) {
        const Piece piece = pieces_[at];
        std::copy(pieces_ + at + 1, pieces_ + count_--, pieces_ + at);
        kept_ -= piece.bytes;
        return piece.place;
    }

    std::mutex mutex_;
    Piece pieces_[PLACES];  // the latest last
    int count_ = 0;
    size_t kept_ = 0;
};

// Whether what was let go of stays with the process, for whoever asks next.
inline bool keeps_memory = false;

// Give back to the system what was let go of: glibc keeps blocks below 32 MB, and up to twice as much at the heap's end.
inline void give_back() {
    BufferCache::common().clear();
#ifdef __GLIBC__
    if (!keeps_memory) malloc_trim(0);
#endif
}

// Room for so many bytes in all, in huge pages where the system has them, which is kept when it is let go of. At 0.4
// megapixels 10,000 small pages, each of which is asked of the system, take 6 % of the time. For a process that draws one
// picture of known size; elsewhere memory should be given back. Before any thread is started.
inline void reserve([[maybe_unused]] size_t bytes) {
#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
    keeps_memory = true;
    constexpr size_t HUGE_PAGE = 2 << 20;
    const int room = int(std::min(bytes, size_t(1) << 29));
    mallopt(M_ARENA_MAX, 1);  // threads, too, take theirs here
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 2 * room);
    mallopt(M_TOP_PAD, room);
    void *volatile more = std::malloc(HUGE_PAGE);  // than there is: the heap grows, once
    std::free(more);
    mallopt(M_TOP_PAD, int(HUGE_PAGE));
    const auto end = reinterpret_cast<uintptr_t>(sbrk(0));
    const uintptr_t start = (end - size_t(room)) / HUGE_PAGE * HUGE_PAGE;
    madvise(reinterpret_cast<void *>(start), end - start, MADV_HUGEPAGE);
#endif
}

// Of a vector whose numbers have no value before they are written.
template <class T> struct Unfilled {
    using value_type = T;
    Unfilled() = default;
    template <class U> Unfilled(const Unfilled<U> &) {}
    T *allocate(size_t n) { return static_cast<T *>(BufferCache::common().take(n * sizeof(T))); }
    void deallocate(T *place, size_t n) { BufferCache::common().give(place, n * sizeof(T)); }
    template <class U> void construct(U *place) { ::new (static_cast<void *>(place)) U; }
    template <class U, class... Args> void construct(U *place, Args &&...args) {
        ::new (static_cast<void *>(place)) U(std::forward<Args>(args)...);
    }
    bool operator==(const Unfilled &) const { return true; }
};
template <class T> using Buffer = std::vector<T, Unfilled<T>>;

// Zeros, of which only the pages that are touched are brought into memory: for tables with far more places than are
// looked at. (From a heap that memory was given back to, calloc clears them all.)
template <class T> class Zeros {
  public:
    explicit Zeros(size_t n) : place_(take(n * sizeof(T)), {n * sizeof(T)}) {
        if (!place_) throw std::bad_alloc();
    }
    T &operator[](size_t i) { return place_.get()[i]; }

  private:
    static T *take(size_t bytes) {
#ifdef __unix__
        void *place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return place == MAP_FAILED ? nullptr : static_cast<T *>(place);
#else
        return static_cast<T *>(std::calloc(bytes, 1));
#endif
    }
    struct Give {
        [[maybe_unused]] size_t bytes;
        void operator()(T *place) const {
#ifdef __unix__
            munmap(place, bytes);
#else
            std::free(place);
#endif
        }
    };
    std::unique_ptr<T, Give> place_;
};

}  // namespace tinct
