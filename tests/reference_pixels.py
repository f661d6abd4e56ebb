"""Slow twins of the pixel kernels, from the definitions in plain loops. Imports nothing of ours."""

from __future__ import annotations

from collections import Counter

import numpy as np

CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
OPPONENTS = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
# The way back from Oklab to the cube roots of what the cones take in.
FROM_OPPONENTS = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)


def linear(code):
    """IEC 61966-2-1."""
    x = code / 255
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


def oklab(color):
    """Ottosson 2020: light, cone responses, cube roots, opponent colors."""
    light = [linear(int(code)) for code in color[:3]]
    cones = [sum(m * x for m, x in zip(row, light, strict=True)) ** (1 / 3) for row in CONES]
    return np.array([sum(m * x for m, x in zip(row, cones, strict=True)) for row in OPPONENTS])


def seen_over(color, backdrop):
    """Oklab of an RGBA color over a backdrop given in Oklab, mixed in Oklab."""
    opacity = color[3] / 255
    return opacity * oklab(color) + (1 - opacity) * np.asarray(backdrop)


def squared_distance(one, other):
    """Mean of the squared Oklab distances over black and over white."""
    backdrops = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    apart = [seen_over(one, b) - seen_over(other, b) for b in backdrops]
    return sum(float(d @ d) for d in apart) / 2


def distinct_colors(pixels):
    """How often each color occurs; all fully transparent ones are (0, 0, 0, 0)."""
    counts = Counter()
    for pixel in pixels.reshape(-1, pixels.shape[-1]).tolist():
        counts[(0, 0, 0, 0) if len(pixel) == 4 and pixel[3] == 0 else tuple(pixel)] += 1
    return counts


def squared_length(vector):
    total = np.float32(0)
    for x in vector:
        total += x * x
    return total


def nearest(point, entries):
    """The entry at the smallest distance, the first of equals, and that distance squared."""
    best, label = None, 0
    for i, entry in enumerate(entries):
        distance = squared_length(point - entry)
        if best is None or distance < best:
            best, label = distance, i
    return label, best


def allowed(alpha, alphas):
    """Which entries a pixel of that alpha may take: an opaque one opaque ones, if there are any."""
    opaque = [i for i, other in enumerate(alphas) if other == 255]
    return opaque if alpha == 255 and opaque else list(range(len(alphas)))


def rough_cube_root(x):
    """A third of the exponent, then one step of Halley's; of either sign."""
    one = np.float32
    size = abs(x) + one(1e-30)
    third = int(one(size.view(np.int32)) * (one(1) / one(3)))
    root = np.int32(third + 709921077).view(np.float32)
    cube = root * root * root
    return np.copysign(root + root * ((size - cube) / (cube + cube + size)), x)


def light_of(point):
    """What the cones take in; with alpha over mid grey, half the opacity beside it."""
    m = np.float32(FROM_OPPONENTS)
    first = point[0] + np.float32(0.5) if len(point) == 4 else point[0]
    root = m[:, 0] * first + m[:, 1] * point[1] + m[:, 2] * point[2]
    return np.concatenate([root * root * root, point[3:]])


def point_of(light):
    """The way back, by a rough cube root."""
    m, root = np.float32(OPPONENTS), [rough_cube_root(x) for x in light[:3]]
    point = m[:, 0] * root[0] + m[:, 1] * root[1] + m[:, 2] * root[2]
    if len(light) == 4:
        point[0] -= np.float32(0.5)
    return np.concatenate([point, light[3:]])


def steps_of(entries):
    """Each entry's distance to the nearest other; 0 of a single one."""
    if len(entries) == 1:
        return np.zeros(1, np.float32)
    apart = squared_length(np.moveaxis(entries[:, None] - entries, 2, 0))
    np.fill_diagonal(apart, np.inf)
    return np.sqrt(apart.min(axis=1))


def diffuse(
    points, hidden, entries, strength, limit, flat, serpentine, light=True, alpha=None, alphas=None
):
    """Floyd and Steinberg 1976 on points (h, w, d) float32, each operation rounded to float32.

    A hidden pixel, and one whose own point lies within `flat` of its entry, takes that entry and
    neither uses nor passes on an error. Rows alternate if `serpentine`. With `light`, error is one
    of light if entries are 0.04 apart in the mean, and of what is not passed on the fourth power is
    left where they are 0.3 apart. Errors longer than `limit`, with `light` also than the step to
    the next entry, are cut to it. With `alpha` (h, w) of the pixels and `alphas` (k,) of the
    entries, an opaque pixel takes its nearest opaque entry, if there is one, and of an error the
    color alone.
    """
    one = np.float32
    strength, limit, flat, steps = one(strength), one(limit), one(flat), steps_of(entries)
    lost = one(1) - strength
    far = np.clip((steps - one(0.1)) / (one(0.3) - one(0.1)), one(0), one(1))
    shares = one(1) - (lost + (lost * lost * (lost * lost) - lost) * far)
    limits = np.maximum(limit, steps)
    if not light:
        shares, limits = np.full_like(steps, strength), np.full_like(steps, limit)
    total = one(0)
    for step in steps:
        total += step
    in_light = light and total > one(0.04) * one(len(entries))
    there, back = (light_of, point_of) if in_light else (np.copy, np.copy)
    height, width, d = points.shape
    errors = np.zeros((height + 1, width + 2, d), dtype=np.float32)
    indices = np.zeros((height, width), dtype=np.uint8)
    for y in range(height):
        backwards = serpentine and y % 2 == 1
        step = -1 if backwards else 1
        for x in range(width)[::step]:
            may = list(range(len(entries))) if alpha is None else allowed(alpha[y, x], alphas)
            solid = alpha is not None and alpha[y, x] == 255 and 255 in alphas
            own, distance = nearest(points[y, x], entries[may])
            if hidden[y, x] or distance <= flat * flat:
                indices[y, x] = may[own]
                continue
            aim = there(points[y, x]) + errors[y, x + 1]
            if solid:
                aim[3] = points[y, x, 3]
            label, length = nearest(back(aim), entries[may])
            chosen = indices[y, x] = may[label]
            share = shares[chosen]
            if length > limits[chosen] * limits[chosen]:
                share = share * (limits[chosen] / np.sqrt(length))
            part = (aim - there(entries[chosen])) * share
            errors[y, x + 1 + step] += part * one(7 / 16)
            errors[y + 1, x + 1 - step] += part * one(3 / 16)
            errors[y + 1, x + 1] += part * one(5 / 16)
            errors[y + 1, x + 1 + step] += part * one(1 / 16)
    return indices


def unfiltered(rows, width, height, channels):
    """A PNG's rows, each behind its filter byte, as pixels (h, w, c) uint8; see its 9.2."""
    stride = width * channels
    assert len(rows) == height * (stride + 1)
    above = [0] * stride
    found = []
    for at in range(0, len(rows), stride + 1):
        kind, row = rows[at], list(rows[at + 1 : at + 1 + stride])
        if kind > 4:
            raise ValueError(f"filter {kind}")
        for x in range(stride):
            left = row[x - channels] if x >= channels else 0
            corner = above[x - channels] if x >= channels else 0
            near = left + above[x] - corner
            paeth = min((left, above[x], corner), key=lambda value: abs(near - value))
            guess = (0, left, above[x], (left + above[x]) // 2, paeth)[kind]
            row[x] = (row[x] + guess) % 256
        found.append(row)
        above = row
    return np.array(found, np.uint8).reshape(height, width, channels)


def bands(original, drawn, ground=0):
    """What areas of one lightness a small step apart share, more than the original's."""
    planes = [_lightness(pixels, ground) for pixels in (original, drawn)]
    total = _bands_at(*planes)
    if min(planes[0].shape) >= 2:
        total += _bands_at(*map(_halved, planes))
    return total


def _lightness(pixels, ground):
    pixels = pixels.astype(int)
    alpha = pixels[:, :, 3:] if pixels.shape[2] == 4 else 255
    seen = (pixels[:, :, :3] * alpha + ground * (255 - alpha) + 127) // 255
    return seen @ np.array([54, 183, 19])


def _halved(plane):
    height, width = (side // 2 * 2 for side in plane.shape)
    quarters = [plane[y:height:2, x:width:2] for y in (0, 1) for x in (0, 1)]
    return (sum(quarters) + 2) // 4


def _like_neighbors(plane, most):
    right, below = np.diff(plane, axis=1, append=plane[:, -1:]), np.diff(plane, axis=0)
    below = np.vstack([below, np.zeros_like(plane[:1])])
    return (abs(right) <= most) & (abs(below) <= most)


def _areas(plane):
    equal, (height, width) = _like_neighbors(plane, 128), plane.shape
    around = [
        [equal[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].mean() for x in range(width)]
        for y in range(height)
    ]
    return np.where(np.array(around) > 0.5, (plane + 128) // 256, -1)


def _bands_at(original, drawn):
    smooth, areas = _like_neighbors(original, 3 * 256), [_areas(original), _areas(drawn)]
    starts = [
        sorted({min(start, max(side - 32, 0)) for start in range(0, side, 32)})
        for side in original.shape
    ]
    found = []
    for y in starts[0]:
        for x in starts[1]:
            block = slice(y, y + 32), slice(x, x + 32)
            furthest = 40 if smooth[block].mean() > 0.9 else 8
            before, after = _edge(areas[0][block], 40), _edge(areas[1][block], furthest)
            found.append(max(after - before, 0))
    return np.mean(found)


def _edge(levels, furthest):
    counts = Counter(int(level) for level in levels.flat if level >= 0)
    shared = [
        min(other - one, 8) * counts[one] * counts[other] / (counts[one] + counts[other])
        for one in counts
        for other in counts
        if 0 < other - one <= furthest
    ]
    return max(shared, default=0) / levels.size
