// The Python face of the kernels: arrays in, arrays out, the GIL released.
#include <nanobind/stl/string.h>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "clustering/dispatch.hpp"
#include "memory/buffer.hpp"

NB_MODULE(_kernels, m) {
    tinct::nb::set_leak_warnings(false);  // what is still alive when Python ends is no leak of ours
    m.doc() = "Arrays and numbers: the inner loops of tinct.";
    m.def("isa", &tinct::isa_name, "The instruction set the kernels run on.");
    m.def("reserve", &tinct::reserve, tinct::nb::arg("bytes"), "Room in huge pages, kept when it is let go of.");
    m.def("interrupt", [](unsigned long thread, bool whether) {
        if (whether) tinct::interrupted.insert(thread);
        else tinct::interrupted.erase(thread);
    }, tinct::nb::arg("thread"), tinct::nb::arg("whether"), "Whether long runs on a thread end as by Ctrl-C.");
    tinct::bind_clustering(m);
    tinct::bind_partitions(m);
    tinct::bind_sparse(m);
    tinct::bind_palette(m);
    tinct::bind_quantizer(m);
    tinct::bind_spatial(m);
    tinct::bind_codecs(m);
    tinct::bind_scoring(m);
}
