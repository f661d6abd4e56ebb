"""Pictures for all tests, painted in code: the same pixels every time, (h, w, 3 or 4) uint8."""

from functools import cache

import numpy as np
from examples.bird import bird as painted_bird
from PIL import Image, ImageDraw, ImageFont

__all__ = [
    "PICTURES",
    "alpha",
    "bird",
    "exact",
    "faded",
    "flat",
    "grey",
    "one_color",
    "photo",
    "pixel",
    "text",
]


@cache
def photo(height=96, width=128, seed=1):
    """Like a photograph: soft color, some texture, a little noise; thousands of colors."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin(3 * x + 2 * y + phase) + 0.5 * np.cos(9 * x * y - phase) for phase in (0, 1, 2)]
    soft = 128 + 60 * np.stack(waves, axis=2)
    return sealed(np.clip(soft + chance.normal(0, 6, soft.shape), 0, 255))


@cache
def flat(size=64):
    """Shapes of five colors with hard edges."""
    image = Image.new("RGB", (size, size), (250, 250, 250))
    draw = ImageDraw.Draw(image)
    draw.rectangle((4, 4, size // 2, size // 2), fill=(220, 40, 40))
    draw.ellipse((size // 3, size // 3, size - 5, size - 5), fill=(30, 90, 200))
    draw.polygon([(size // 2, 6), (size - 6, 6), (size - 6, size // 3)], fill=(250, 200, 20))
    draw.line((0, size, size, 0), fill=(20, 20, 20), width=2)
    return sealed(image)


@cache
def text():
    """Antialiased black letters on white."""
    image = Image.new("RGB", (160, 40), "white")
    ImageDraw.Draw(image).text((4, 4), "few colours", "black", ImageFont.load_default(24))
    return sealed(image)


@cache
def alpha(size=64):
    """A ball whose edge fades out; the transparent corners hold a color of their own."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    opacity = np.clip((1 - np.hypot(x, y)) * 4, 0, 1)
    shade = [200 + 50 * x, 90 + 60 * y, 60 + 40 * x * y, 255 * opacity]
    pixels = np.stack(shade, axis=2)
    pixels[opacity == 0, :3] = (7, 8, 9)
    return sealed(pixels)


def faded(height=40, width=56):
    """A photograph that is opaque on the left, fades, and is fully transparent on the right."""
    opacity = np.linspace(500, -200, width).clip(0, 255) * np.ones((height, 1))
    return np.dstack([photo(height, width), opacity.astype(np.uint8)])


@cache
def grey(size=64):
    """All 256 greys."""
    ramp = np.arange(size * size).reshape(size, size) * 256 // (size * size)
    return sealed(np.repeat(ramp[:, :, None], 3, axis=2))


@cache
def exact(colors, size=32):
    """Exactly so many colors, each of them used, in a shuffled order."""
    chance = np.random.default_rng(colors)
    palette = chance.permutation(1 << 15)[:colors]
    rgb = np.stack([palette >> 10 & 31, palette >> 5 & 31, palette & 31], axis=1) * 8
    indices = chance.permutation(np.arange(size * size) % colors).reshape(size, size)
    return sealed(rgb[indices])


def one_color():
    """A wall."""
    return sealed(np.full((16, 24, 3), (12, 120, 200)))


def pixel():
    """The smallest picture."""
    return sealed(np.array([[[200, 100, 50]]]))


@cache
def bird():
    """The painted bird of the examples, 128x128, a few thousand colors."""
    return sealed(painted_bird())


def sealed(pixels):
    """As uint8, protected from the tests that share it."""
    array = np.ascontiguousarray(np.asarray(pixels), np.uint8)
    array.flags.writeable = False
    return array


PICTURES = {
    "photo": photo,
    "flat": flat,
    "text": text,
    "alpha": alpha,
    "grey": grey,
    "one color": one_color,
    "pixel": pixel,
    "4 colors": lambda: exact(4),
    "16 colors": lambda: exact(16),
    "17 colors": lambda: exact(17),
    "300 colors": lambda: exact(300),
    "bird": bird,
}


def few(seed):
    """A small picture of few colors: ramps, stripes, blocks or noise, in hues or greys, with alpha
    or without."""
    chance = np.random.default_rng(seed)
    height, width = chance.integers(1, 97, 2)
    y, x = np.mgrid[:height, :width]
    k = int(chance.choice([2, 3, 5, 16, 17, 40, 100, 200, 256]))
    block, tile = int(chance.integers(2, 9)), int(chance.integers(2, 20))
    far = np.hypot(y - height / 2, x - width / 2)
    places = [
        x % k,
        y % k,
        (x + y) % k,
        chance.integers(0, k, (height, width)),
        chance.integers(0, k, (97, 97))[y // block, x // block],
        chance.integers(0, k, width)[x],
        np.minimum(far / (far.max() + 1) * k, k - 1).astype(int),
        chance.integers(0, k, (tile, tile))[y % tile, x % tile],
        np.cumsum(chance.random(height * width) < 0.1).reshape(height, width) % k,
    ][chance.integers(9)]
    step, most = np.arange(k)[:, None], max(k - 1, 1)
    ends = chance.integers(0, 256, (2, 3))
    colors = [
        ends[0] + (ends[1] - ends[0]) * step // most,
        chance.integers(0, 256, (k, 3)),
        np.repeat(step * 255 // most, 3, axis=1),
        np.repeat(chance.integers(0, 256, (k, 1)), 3, axis=1),
        (step * chance.integers(1, 8, 3) + ends[0]) % 256,
    ][chance.integers(5)]
    opacity = [None, np.where(step % 3, 255, 0), step * 255 // most, np.full((k, 1), 77)]
    alpha = opacity[chance.integers(4)]
    if alpha is not None:
        colors = np.hstack([colors, alpha]) * (alpha > 0)
    return np.ascontiguousarray(colors.astype(np.uint8)[places])
