# Two commands do everything on a machine with Python >= 3.11, make and a C++ compiler:
#   make demo   compress a real photograph and a painted bird; side-by-sides are left in demo/
#   make test   lint, types, import contracts, tests, doctests
PYTHON ?= python3
BIN := .venv/bin

.PHONY: all setup demo test lint format bench fuzz sanitize clean
all: setup

# Rebuilt when the kernels or the dependencies change; Python sources are used in place.
.venv/.ready: pyproject.toml CMakeLists.txt $(wildcard src/kernels/*/* src/kernels/*.hpp)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"tinct needs Python 3.11 or newer, this is {sys.version.split()[0]}: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --config-settings cmake.define.TINCT_PROBES=ON --editable '.[plot,learn,tables,web,dask]' --group dev
	@# The finder that this installs for the sources takes 8 ms of every start; a path to them does the same.
	site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))') && \
	    ln -sf "$$site"/tinct/_kernels.* "$$site"/tinct/_probes.* src/tinct/ && echo "$(CURDIR)/src" > "$$site/_editable_skbc_tinct.pth"
	$(BIN)/python -m compileall -q src/tinct  # else every start compiles them where PYTHONDONTWRITEBYTECODE is set
	@touch $@

setup: .venv/.ready

demo: .venv/.ready
	$(BIN)/python examples/demo.py

test: lint
	@# With bytecode, also where PYTHONDONTWRITEBYTECODE is set: each worker would take seconds to compile tests and plugins.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n auto --dist worksteal

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python docs/make_options.py

bench: .venv/.ready
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m bench.engine
	$(BIN)/python -m bench.general
	$(BIN)/python -m bench.tables
	$(BIN)/python -m bench.sparse
	$(BIN)/python -m bench.command
	$(BIN)/python -m bench.readme

# Broken inputs for MINUTES, in processes that are watched; what they find is left in fuzz/.
MINUTES ?= 10
fuzz: .venv/.ready
	$(BIN)/python -m bench.fuzz --minutes $(MINUTES)

# The kernels under the address and undefined-behaviour sanitizers, then what uses threads under the thread sanitizer,
# which sees races in oxipng, built without it, and needs more memory than tests of little leave.
# `make sanitize MINUTES=60` takes broken inputs under the first for as long, too.
KERNEL_TESTS := kernels kmeans color palette palettes remap spatial lossy deflate png filters sparse partitions quality animation
sanitize: .venv/.ready
	$(BIN)/python -m pip install --quiet cmake ninja nanobind
	for what in address,undefined thread; do \
	    site=build/$${what%%,*}/site; \
	    $(BIN)/cmake -S . -B build/$${what%%,*} -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DTINCT_PROBES=ON \
	        -DTINCT_SANITIZE=$$what -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	        -Dnanobind_DIR=$$($(BIN)/python -m nanobind --cmake_dir) && \
	    $(BIN)/ninja -C build/$${what%%,*} && rm -rf $$site && mkdir -p $$site && cp -r src/tinct $$site/ && \
	    rm -f $$site/tinct/*.so && cp build/$${what%%,*}/_*.so $$site/tinct/ && \
	    if [ $$what = thread ]; then tests="kmeans partitions spatial quick"; else tests="$(KERNEL_TESTS)"; fi && \
	    ( export LD_PRELOAD="$$($(CXX) -print-file-name=lib$$(echo $$what | head -c1)san.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	    PYTHONPATH=$$site \
	    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1; \
	    $(BIN)/python -m pytest -q -x -n auto -p no:cacheprovider -k 'not beyond_memory' $$(printf 'tests/test_%s.py ' $$tests) && \
	    if [ $$what != thread ] && [ "$(origin MINUTES)" = "command line" ]; then \
	        $(BIN)/python -m bench.fuzz --minutes $(MINUTES); fi ) || exit 1; \
	done

clean:
	rm -rf .venv build demo src/tinct/*.so .hypothesis .mypy_cache .pytest_cache .ruff_cache
