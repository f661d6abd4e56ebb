"""The kernels are C++ of their own: a program without Python draws the same picture by them."""

import hashlib
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


@pytest.fixture
def program(tmp_path, request):
    """examples/ppm.cpp, compiled for 20 s; kept until a kernel or the compiler is another."""
    compiler = next(filter(shutil.which, ("c++", "g++", "clang++")), None)
    if compiler is None:
        pytest.skip("no C++ compiler here")
    flags = ["-std=gnu++20", "-O0", "-ffp-contract=off", "-DTINCT_ISA=baseline", "-Wno-psabi"]
    kernels = [path for path in sorted(KERNELS.rglob("*pp")) if path.parent.name != "bind"]
    sources = [ROOT / "examples" / "ppm.cpp", *(p for p in kernels if p.suffix == ".cpp")]
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
    made_of = hashlib.sha256(version + repr(flags).encode())
    for path in (sources[0], *kernels):
        made_of.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    cache = getattr(request.config, "cache", None)
    kept = (cache.mkdir("ppm") if cache else tmp_path) / made_of.hexdigest()
    if not kept.exists():
        build = [compiler, *flags, f"-I{KERNELS}", "-o", tmp_path / "ppm", *sources, "-pthread"]
        subprocess.run(build, check=True, capture_output=True)
        for old in kept.parent.glob("?" * 64):
            old.unlink()
        shutil.copy(tmp_path / "ppm", part := kept.with_suffix(".part"))
        part.rename(kept)
    return kept


def test_a_program_without_python_draws_the_same_picture(program):
    pixels = photo(48, 64)
    given = b"P6\n64 48\n255\n" + pixels.tobytes()
    drawn = subprocess.run([program, "12"], input=given, capture_output=True, check=True).stdout
    assert drawn.startswith(b"P6\n64 48\n255\n")
    found = np.frombuffer(drawn[-pixels.size :], np.uint8).reshape(pixels.shape)
    np.testing.assert_array_equal(found, compress(pixels, 12).image)
