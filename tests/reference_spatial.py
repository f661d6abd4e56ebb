"""K-means under a blur, from its definition: float64, every error computed anew."""

import numpy as np

CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OPPONENTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
FLOOR = 0.0038


def to_light(codes):
    c = np.asarray(codes, float) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def derivative(pixels):
    """J of each pixel, (h, w, 3, 3): of 2 x 2 means, the eight around each of these counted in.

    What full transparency hides has no part in them.
    """
    h, w = pixels.shape[:2]
    cones = to_light(pixels[..., :3]) @ CONES.T
    seen = np.broadcast_to(pixels[..., 3:] != 0 if pixels.shape[2] == 4 else True, cones.shape)
    cones = np.where(seen, cones, 0)

    def mean(y, x):
        at = np.s_[y : y + 2, x : x + 2]
        return cones[at].sum(axis=(0, 1)) / np.maximum(seen[at].sum(axis=(0, 1)), 1)

    means = np.array([[mean(y, x) for x in range(0, w, 2)] for y in range(0, h, 2)])
    around = np.pad(means, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows, columns = means.shape[:2]
    share = np.array([1, 14, 1]) / 16
    smooth = sum(
        share[a] * share[b] * around[a : a + rows, b : b + columns]
        for a in range(3)
        for b in range(3)
    )
    slope = (smooth + FLOOR) ** (-2 / 3) / 3
    slope = slope.repeat(2, axis=0).repeat(2, axis=1)[:h, :w]
    return OPPONENTS * slope[:, :, None, :] @ CONES


def blur(plane, sigma):
    """A Gaussian cut off at 2 pixels, or 3 above a sigma of 1.1; nothing lies around the plane."""
    reach = 2 if sigma <= 1.1 else 3
    at = np.arange(-reach, reach + 1)
    taps = np.exp(-(at**2) / (2 * sigma**2)) if sigma else (at == 0).astype(float)
    taps /= taps.sum()
    for axis in (0, 1):
        plane = np.apply_along_axis(np.convolve, axis, plane, taps)
    return plane


def blocks(seen):
    """The sums of 16 x 16 pixels, and of what there is of them at the borders."""
    h, w = seen.shape[:2]
    return np.stack(
        [
            seen[y : y + 16, x : x + 16].sum(axis=(0, 1))
            for y in range(0, h, 16)
            for x in range(0, w, 16)
        ]
    )


def error(pixels, palette, indices, sigma, own, block, j=None):
    """E, of opaque pixels."""
    j = derivative(pixels) if j is None else j
    e = to_light(pixels[..., :3]) - to_light(palette[:, :3])[indices]
    seen = np.einsum("hwab,hwb->hwa", j, e)
    if pixels.shape[2] == 4:
        seen[pixels[..., 3] != 255] = 0
    blurred = np.stack([blur(seen[..., c], sigma) for c in range(3)], axis=2)
    spread = block / 256 * (blocks(seen) ** 2).sum()
    return (blurred**2).sum() + own * (seen**2).sum() + spread


def swept(pixels, palette, indices, back, **sight):
    """One sweep, by trying all; pictures of no more than 32 rows."""
    h, w, _ = pixels.shape
    j, indices = derivative(pixels), indices.copy()
    for y in range(h)[:: -1 if back else 1]:
        for x in range(w)[:: -1 if (y % 2 == 1) != back else 1]:
            errors = []
            for entry in range(len(palette)):
                indices[y, x] = entry
                errors.append(error(pixels, palette, indices, j=j, **sight))
            indices[y, x] = np.argmin(errors)
    return indices


def best_light(pixels, indices, k, sigma, own, block):
    """Light of the entries at the least E: (k, 3), outside of 0...1 where that is lower."""
    j = derivative(pixels)

    def seen(light):
        e = np.einsum("hwab,hwb->hwa", j, light)
        blurred = np.stack([blur(e[..., c], sigma) for c in range(3)], axis=2)
        sums = (block / 256) ** 0.5 * blocks(e)
        return np.concatenate([blurred.ravel(), own**0.5 * e.ravel(), sums.ravel()])

    columns = np.eye(3 * k).reshape(-1, k, 3)
    a = np.stack([seen(light[indices]) for light in columns], axis=1)
    return np.linalg.lstsq(a, seen(to_light(pixels)), rcond=None)[0].reshape(k, 3)
