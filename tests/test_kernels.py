"""The kernels are C++ of their own: a program without Python draws the same picture by them."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from painted import photo
from tinct.compress.compress import compress

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / "src" / "kernels"


def test_only_bindings_know_python():
    for path in KERNELS.rglob("*pp"):
        if path.parent.name != "bind":
            assert not re.search(r"nanobind|Python\.h", path.read_text()), path


def test_a_program_without_python_draws_the_same_picture(tmp_path):
    compiler = next(filter(shutil.which, ("c++", "g++", "clang++")), None)
    if compiler is None:
        pytest.skip("no C++ compiler here")
    program = tmp_path / "ppm"
    flags = ["-std=gnu++20", "-O0", "-ffp-contract=off", "-DTINCT_ISA=baseline", "-Wno-psabi"]
    kernels = [path for path in KERNELS.glob("*/*.cpp") if path.parent.name != "bind"]
    sources = [ROOT / "examples" / "ppm.cpp", *kernels]
    build = [compiler, *flags, f"-I{KERNELS}", "-o", program, *sources, "-pthread"]
    subprocess.run(build, check=True, capture_output=True)
    pixels = photo(48, 64)
    given = b"P6\n64 48\n255\n" + pixels.tobytes()
    drawn = subprocess.run([program, "12"], input=given, capture_output=True, check=True).stdout
    assert drawn.startswith(b"P6\n64 48\n255\n")
    found = np.frombuffer(drawn[-pixels.size :], np.uint8).reshape(pixels.shape)
    np.testing.assert_array_equal(found, compress(pixels, 12).image)
