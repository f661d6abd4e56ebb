"""Slow twins of visibility, fills and pruning, from the definitions. Imports nothing of ours."""

from __future__ import annotations

import numpy as np

SIGMA, RADIUS, HALF = 1.0, 4, 0.006


def mirror(i, n):
    """The position inside 0...n-1 that stands for i: c b a | a b c | c b a."""
    while not 0 <= i < n:
        i = -1 - i if i < 0 else 2 * n - 1 - i
    return i


def blurred(plane):
    """A Gaussian mean around each place, mirrored at the borders."""
    taps = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    taps /= taps.sum()
    height, width = plane.shape
    out = np.zeros(plane.shape)
    for y in range(height):
        for x in range(width):
            for dy in range(-RADIUS, RADIUS + 1):
                for dx in range(-RADIUS, RADIUS + 1):
                    value = plane[mirror(y + dy, height), mirror(x + dx, width)]
                    out[y, x] += taps[dy + RADIUS] * taps[dx + RADIUS] * value
    return out


def visibility(points):
    """1 / (HALF + local standard deviation of the first coordinate and of opacity), of mean 1."""
    variance = 0
    for part in (0, 3) if points.shape[2] == 4 else (0,):
        plane = points[:, :, part].astype(np.float64)
        variance = variance + np.maximum(blurred(plane**2) - blurred(plane) ** 2, 0)
    weights = 1 / (HALF + np.sqrt(variance))
    return weights / weights.mean()


def smoothness(points, flat):
    """1 where neighbors differ by 0.004 or less in the mean of 13 x 13 pixels, 0 from 0.01 on.

    Differences are those of the first coordinate to the left and upwards. 0 where there are none;
    in `flat` pictures times 0.2 times the square of the share of pixels that have one. Differences
    below 1 / 65536 are none.
    """
    height, width = points.shape[:2]
    light, out = points[:, :, 0], np.zeros(points.shape[:2])
    steps = sum(np.abs(np.diff(light, axis=a, prepend=light.take([0], a))) for a in (1, 0))
    steps = np.floor(steps * 65536) / 65536
    for y in range(height):
        for x in range(width):
            around = np.s_[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7]
            mean = steps[around].mean() / 2
            share = 0.2 * (steps[around] > 0).mean() ** 2 if flat else mean > 0
            out[y, x] = share * np.clip((0.01 - mean) / 0.006, 0, 1)
    return out


# --- what coders charge -------------------------------------------------------------------------


def prefix_code(value):
    """The first code whose values reach so far: 1, 2, 3, 4, 5...6, 7...8, 9...12, 13...16, ..."""
    last, code = 0, -1
    while last < value:
        code += 1
        last += 1 if code < 4 else 1 << (code // 2 - 1)
    return code


def webp_distance_code(dx, dy, width):
    return prefix_code(dx + dy * width + 120)


def deflate_distance_code(dx, dy, width):
    return prefix_code(dx + dy * (width + 1))


# --- LZW ----------------------------------------------------------------------------------------


def unlzw(data, code_size):
    """The indices behind a GIF's codes, and how many codes there are (GIF89a, appendix F)."""
    clear, bits = 1 << code_size, int.from_bytes(data, "little")
    phrases, width, before, out, codes = [], code_size + 1, None, [], 0
    while True:
        code = bits & ((1 << width) - 1)
        bits >>= width
        codes += 1
        if code == clear + 1:
            return out, codes
        if code == clear:
            phrases = [[i] for i in range(clear)] + [None, None]
            width, before = code_size + 1, None
            continue
        if before is not None and len(phrases) < 4096:
            known = phrases[code] if code < len(phrases) else before
            phrases.append([*before, known[0]])
        before = phrases[code]
        out += before
        if len(phrases) == 1 << width and width < 12:
            width += 1


def fills(pixels):
    """Whether each pixel lies in an area of one color, of 16 or more, with few faint steps around.

    And how many runs of one color there are in rows.
    """
    height, width, channels = pixels.shape
    seen = pixels.astype(int)
    if channels == 4:
        seen[seen[..., 3] == 0] = -9
    area = np.full((height, width), -1)
    inside = np.zeros((height, width), np.uint8)
    for start in np.ndindex(height, width):
        if area[start] >= 0:
            continue
        members, border, faint = [start], 0, 0
        area[start] = name = start[0] * width + start[1]
        for y, x in members:
            for at in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if not (0 <= at[0] < height and 0 <= at[1] < width):
                    continue
                if (seen[at] == seen[y, x]).all():
                    if area[at] < 0:
                        area[at] = name
                        members.append(at)
                else:
                    border += 1
                    faint += (abs(pixels[at].astype(int) - pixels[y, x]) <= 2).all()
        if len(members) >= 16 and 2 * faint <= border:
            inside[area == name] = 1
    return inside, height + int((seen[:, 1:] != seen[:, :-1]).any(axis=2).sum())


def pruned(points, weights, entries, opaque, kept, indices, bit, least, apart, listed):
    """What each entry is replaced by: the one after the other that saves most, of what is left."""
    to, now = np.arange(len(entries)), indices.copy()

    def growth(i, other):
        own, away = now == i, ((entries[i] - entries[other]) ** 2).sum()
        near, far = (((points[own] - entries[j]) ** 2).sum(axis=1) for j in (i, other))
        return max((weights[own] * (far - near)).sum(), apart * weights[own].sum() * away)

    while len(used := np.unique(now)) > least:
        gains = {
            (i, other): bit * (24 + listed * (24 if opaque[i] else 32)) - growth(i, other)
            for i in used
            for other in used
            if i != other and not kept[i] and opaque[i] == opaque[other]
        }
        best = max(gains, key=gains.get, default=None)
        if best is None or gains[best] <= 0:
            break
        now[now == best[0]] = best[1]
        to[to == best[0]] = best[1]
    return to
