// Threads that share out the chunks of one task after another. The caller takes chunks too.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace tinct {

// How many threads are worth starting: the processors this process may use.
inline int processors() {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
    return std::max(1, int(std::thread::hardware_concurrency()));
}

// Into how many parts to cut what has so many of anything, each of about `usual`: one, or an even number, for two and four
// processors are the most frequent. The parts, and so what is made of them, must not depend on the machine.
inline int64_t even_parts(int64_t size, int64_t usual) {
    return std::max<int64_t>(1, (size + usual) / (2 * usual) * 2);
}

class ThreadPool {
  public:
    explicit ThreadPool(int64_t others) {
        try {
            while (int64_t(threads_.size()) < others) threads_.emplace_back([this] { serve(); });
        } catch (const std::system_error &) {  // the machine grants no more: fewer will do
        }
    }
    ThreadPool(const ThreadPool &) = delete;
    ~ThreadPool() {
        {
            const std::lock_guard lock(mutex_);
            closing_ = true;
        }
        wake_.notify_all();
        for (std::thread &thread : threads_) thread.join();
    }

    // work(chunk) for each chunk, in any order, and poll() after each of the caller's. What any thread throws ends
    // the task and reaches the caller. A thread that wakes too late is not waited for.
    void each(int64_t chunks, const std::function<void(int64_t)> &work, const std::function<void()> &poll) {
        {
            const std::lock_guard lock(mutex_);
            work_ = &work;
            chunks_ = chunks;
            next_ = 0;
            ++task_;
            open_ = true;
        }
        wake_.notify_all();
        share(poll);
        std::unique_lock lock(mutex_);
        open_ = false;
        idle_.wait(lock, [this] { return busy_ == 0; });
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    }

  private:
    void serve() {
        std::unique_lock lock(mutex_);
        for (uint64_t seen = 0;;) {
            wake_.wait(lock, [&] { return closing_ || (open_ && task_ != seen); });
            if (closing_) return;
            seen = task_;
            ++busy_;
            lock.unlock();
            share({});
            lock.lock();
            if (--busy_ == 0) idle_.notify_one();
        }
    }
    void share(const std::function<void()> &poll) {
        try {
            for (int64_t chunk; (chunk = next_++) < chunks_;) {
                (*work_)(chunk);
                if (poll) poll();
            }
        } catch (...) {
            next_ = chunks_;
            const std::lock_guard lock(mutex_);
            if (!error_) error_ = std::current_exception();
        }
    }

    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable wake_, idle_;
    const std::function<void(int64_t)> *work_ = nullptr;
    int64_t chunks_ = 0;
    std::atomic<int64_t> next_ = 0;
    uint64_t task_ = 0;
    int busy_ = 0;
    bool open_ = false, closing_ = false;
    std::exception_ptr error_;
};

// What is done to each of many pixels by itself: in parts, on so many threads (0: all). Their number must not matter, so what
// is added up is merged in the order of the parts.
constexpr int64_t PART_OF_PIXELS = 1 << 18;
inline int64_t parts_of(int64_t size) { return (size + PART_OF_PIXELS - 1) / PART_OF_PIXELS; }
// work(part, first, last) for each.
inline void in_parts(int64_t size, int threads, const std::function<void(int64_t, int64_t, int64_t)> &work) {
    const int64_t parts = parts_of(size);
    ThreadPool(std::min<int64_t>(threads ? threads : processors(), parts) - 1).each(parts, [&](int64_t part) {
        work(part, part * PART_OF_PIXELS, std::min(size, (part + 1) * PART_OF_PIXELS));
    }, {});
}

}  // namespace tinct
