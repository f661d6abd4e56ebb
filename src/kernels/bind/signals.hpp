// Ctrl-C in long runs of the kernels.
#pragma once
#include <nanobind/nanobind.h>

#include <chrono>

namespace tinct {

namespace nb = nanobind;

// Lets Ctrl-C end a long run: called between chunks without the GIL, it asks Python every 20 ms.
struct Signals {
    using Clock = std::chrono::steady_clock;
    void operator()() {
        if (Clock::now() - asked < std::chrono::milliseconds(20)) return;
        asked = Clock::now();
        nb::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
    Clock::time_point asked = Clock::now();
};

}  // namespace tinct
