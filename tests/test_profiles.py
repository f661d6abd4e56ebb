"""Color profiles: what samples of 16 bits mean by them, and profiles that are kept."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

import tinct
from painted import alpha, exact, photo
from profiles import ADOBE, D50, P3, PROPHOTO, SRGB, curv, icc, para
from tinct import _kernels
from tinct.cli.main import main
from tinct.picture import encoding
from tinct.picture.encoding import from_xyz
from tinct.picture.profile import FROM_D50, shaper


def deep_png(samples, profile):
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.tobytes() for row in samples.astype(">u2"))
    header = struct.pack(">2I5B", width, height, 16, 0 if channels == 1 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"iCCP", b"p\0\0" + zlib.compress(profile))]
    parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = (struct.pack(">I", len(body)) + name + body for name, body in parts)
    sums = (struct.pack(">I", zlib.crc32(name + body)) for name, body in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(a + b for a, b in zip(packed, sums, strict=True))


def file_of(image, kind="PNG", **how):
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(file, kind, **how)
    return file.getvalue()


CURVES = {
    "gamma": curv(round(2.2 * 256)),
    "table": curv(*(round(65535 * (v / 99) ** 1.8) for v in range(100))),
    "identity": curv(),
    "power": para(0, 1.8),
    "from a point on": para(1, 2.2, 1.1, -0.1),
    "sRGB": para(3, *SRGB),
    "all seven": para(4, 2.4, 0.9, 0.05, 0.08, 0.04, 0.01, 0),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("primaries", [None, P3, ADOBE, PROPHOTO], ids=["gray", "P3", "A", "PP"])
def test_a_profile_computed_from_its_tags_is_what_littlecms_makes_of_it(name, primaries):
    profile = icc(CURVES[name], primaries)
    line = np.arange(0, 256, 15, dtype=np.uint8)
    corners = np.meshgrid(*[line] * (3 if primaries else 1), indexing="ij")
    codes = np.stack(corners, axis=-1).reshape(len(line), -1, len(corners))
    color = Image.fromarray(codes if primaries else codes[:, :, 0])
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    to = ImageCms.buildTransform(
        source, ImageCms.createProfile("sRGB"), color.mode, "RGB", 1, flags
    )
    right = np.asarray(ImageCms.applyTransform(color, to)).astype(int)
    files = deep_png(codes.astype(np.uint16) * 257, profile), file_of(color, icc_profile=profile)
    for file in files:
        assert np.abs(tinct.read(file).pixels - right).max() <= 1


def test_the_way_from_a_profiles_white_is_bradfords():
    assert np.allclose(FROM_D50, from_xyz(encoding.SRGB, np.array(D50)).ravel(), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("mixed", [True, False])
def test_curves_and_a_matrix_lead_to_the_codes_between_whose_limits_light_lies(dtype, mixed):
    rng = np.random.default_rng(int(mixed))
    values = np.iinfo(dtype).max + 1
    lights = np.sort(rng.uniform(-0.1, 1.1, (3, values)), axis=1)
    matrix = rng.normal(size=(3, 3)) if mixed else np.eye(3)
    samples = rng.integers(0, values, (70_000, 3)).astype(dtype)
    samples[9::2] = samples[8:-1:2]  # each twice
    light = lights[np.arange(3)[:, None], samples.T]
    v = (np.arange(255) + 0.5) / 255
    limits = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    right = np.searchsorted(limits, matrix @ light).T
    shaper = _kernels.Shaper(lights.tolist(), matrix.ravel().tolist() if mixed else [])
    for threads in (1, 3):
        found = shaper.to_srgb(samples.reshape(-1), 3, threads)
        found = np.frombuffer(found, np.uint8).reshape(-1, 3)
        near = np.abs(np.subtract.outer(limits, (matrix @ light).T)).min(axis=0) < 1e-12
        assert np.array_equal(found[~near], right[~near])
        assert near.mean() < 1e-3
    if dtype == np.uint8:
        alpha = rng.integers(0, 256, len(samples), np.uint8)
        both = np.column_stack([samples, alpha])
        shown = np.frombuffer(shaper.to_srgb(both.reshape(-1), 4), np.uint8).reshape(-1, 4)
        assert np.array_equal(shown, np.column_stack([found, alpha]))


def test_a_shaper_refuses_what_it_can_not_read():
    lights = [[0.0] * 256] * 3
    for wrong in [(lights[:2], []), ([[0.0]] * 3, []), (lights, [1.0] * 8)]:
        with pytest.raises(ValueError, match="a shaper has"):
            _kernels.Shaper(*wrong)
    with pytest.raises(ValueError, match="samples must be"):
        _kernels.Shaper(lights, []).to_srgb(bytes(5), 3)
    with pytest.raises(ValueError, match="samples must be"):
        _kernels.Shaper(lights, []).to_srgb(np.zeros(3, np.uint16), 3)
    deep = _kernels.Shaper([[0.0] * 65536] * 3, [])
    with pytest.raises(ValueError, match="8 bits"):
        _kernels.Quantizer(bytearray(4), 1, 1, 3, profile=deep)


def test_samples_of_16_bits_go_through_a_profile_whole():
    """A linear ramp between two dark codes of 8 bits: 13 codes of sRGB, not 2."""
    ramp = np.linspace(257, 2 * 257, 64).round().astype(np.uint16).reshape(1, 64, 1)
    dark = tinct.read(deep_png(ramp, icc(curv()))).pixels
    exact = 255 * np.where(ramp / 65535 < 0.0031308, 12.92 * ramp / 65535, 0)
    exact += 255 * np.where(
        ramp / 65535 < 0.0031308, 0, 1.055 * (ramp / 65535) ** (1 / 2.4) - 0.055
    )
    assert np.abs(dark - exact).max() <= 0.51
    assert len(np.unique(dark)) > 8


def test_a_broken_or_unknown_profile_is_none_of_curves():
    whole = icc(curv(), P3)
    broken = [whole[:at] for at in range(0, len(whole) - 1, 7)]
    broken += [whole.replace(b"curv", b"vruc"), whole.replace(b"rXYZ", b"A2B0"), b"", None]
    for profile in [*broken, icc(para(3, *SRGB), P3).replace(b"para", b"parb")]:
        found = shaper(profile, 3)
        assert found is None or all(np.isfinite([found.curves[2](v) for v in (0.0, 0.5, 1.0)]))
    assert shaper(whole, 4) is None
    assert shaper(icc(para(2, 2.2, 0.9, -0.1, 0.05), P3), 3) is None  # whose black is grey


# --- kept ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["png", "webp"])
@pytest.mark.parametrize("image", [exact(9), alpha(), photo(32, 32)], ids=["few", "alpha", "many"])
def test_a_kept_profile_is_written_and_the_pixels_are_its_codes(image, format):
    profile = icc(para(3, *SRGB), P3)
    file = file_of(image, icc_profile=profile)
    picture = tinct.read(file, keep_profile=True)
    assert tinct.read(Image.open(io.BytesIO(file)), keep_profile=True).along == picture.along
    small = tinct.compress(picture, 16, format=format, metadata="none")
    shown = Image.open(io.BytesIO(small.data))
    assert np.array_equal(picture.pixels, image)
    assert shown.info["icc_profile"] == profile
    assert np.array_equal(shown.convert("RGBA"), Image.fromarray(small.image).convert("RGBA"))
    assert small.report.bytes_out == len(small.data)


def test_a_kept_profile_of_color_is_never_beside_a_grey_png():
    picture = tinct.read(file_of(photo(32, 32), icc_profile=icc(curv(460), P3)), keep_profile=True)
    for palette in ("bw", "gray4"):
        small = tinct.compress(picture, palette=palette)
        shown = Image.open(io.BytesIO(small.data))
        assert shown.mode == "P"
        assert np.array_equal(shown.convert("RGB"), small.image)


def test_what_has_no_wide_gamut_to_keep_becomes_srgb():
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    p3, srgb = icc(curv(460), P3), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    files = [file_of(grey, icc_profile=p3), file_of(photo(), icc_profile=srgb.tobytes())]
    files += [
        file_of(grey[:, :, 0], icc_profile=icc(curv(460))),
        file_of(photo(), icc_profile=b"?"),
    ]
    for file in files:
        kept = tinct.read(file, keep_profile=True)
        assert kept.along.profile == b""
        assert np.array_equal(kept.pixels, tinct.read(file).pixels)


def test_a_kept_profile_is_refused_where_it_can_not_be_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    how = {"icc_profile": icc(para(3, *SRGB), P3)}
    (tmp_path / "a.png").write_bytes(file_of(photo(), **how))
    frames = {"save_all": True, "append_images": [Image.fromarray(photo(24, 24, 2))]}
    (tmp_path / "moving.png").write_bytes(file_of(photo(24, 24), **how, **frames))
    assert main(["compress", "a.png", "--keep-profile", "-o", "b.png", "-q"]) == 0
    assert tinct.read("b.png", keep_profile=True).along.profile == how["icc_profile"]
    assert main(["compress", "a.png", "--keep-profile", "-o", "b.gif"]) != 0
    assert "a.png: a GIF can't hold its color profile" in capfd.readouterr().err
    assert main(["compress", "moving.png", "--keep-profile"]) != 0
    assert "moving.png: the color profile of an animation can't be kept" in capfd.readouterr().err
