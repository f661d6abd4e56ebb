// Ctrl-C in long runs of the kernels.
#pragma once
#include <nanobind/nanobind.h>

#include <chrono>
#include <set>

namespace tinct {

namespace nb = nanobind;

// Threads whose runs are to end: Python tells its main thread alone of Ctrl-C. Touched with the GIL held.
inline std::set<unsigned long> interrupted;

// Lets Ctrl-C end a long run: called between chunks without the GIL, it asks Python every 20 ms.
struct Signals {
    using Clock = std::chrono::steady_clock;
    void operator()() {
        if (Clock::now() - asked < std::chrono::milliseconds(20)) return;
        asked = Clock::now();
        nb::gil_scoped_acquire acquire;
        if (interrupted.contains(PyThread_get_thread_ident())) PyErr_SetNone(PyExc_KeyboardInterrupt);
        else if (PyErr_CheckSignals() == 0) return;
        throw nb::python_error();
    }
    Clock::time_point asked = Clock::now();
};

}  // namespace tinct
