"""Paint the page's samples: a badge with soft transparent edges, and dusk over a lake.

Usage: python examples/samples.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from bird import bird
from PIL import Image, ImageDraw, ImageFilter

HOME = Path(__file__).parent.parent / "src/tinct/web/static/samples"


def badge() -> Image.Image:
    """The bird in a round window that throws a shadow: 256x256, every opacity there is."""
    side, fine = 256, 4
    face = bird().resize((220, 220), Image.Resampling.LANCZOS)
    window = Image.new("L", (220 * fine, 220 * fine), 0)
    ImageDraw.Draw(window).ellipse((0, 0, 220 * fine - 1, 220 * fine - 1), fill=255)
    window = window.resize((220, 220), Image.Resampling.BOX)
    shadow = Image.new("L", (side, side), 0)
    shadow.paste(150, (18, 26), window)
    found = Image.new("RGBA", (side, side), (20, 30, 50, 0))
    found.putalpha(shadow.filter(ImageFilter.GaussianBlur(9)))
    face.putalpha(window)
    found.alpha_composite(face, (18, 12))
    return found


def dusk() -> Image.Image:
    """Sky, ranges of hills and their mirror image: 960x600, smooth where eight colors band."""
    wide, high = 960, 600
    chance = np.random.default_rng(11)
    y = np.linspace(0, 1, high // 2)[:, None, None]
    x = np.linspace(0, 1, wide)[None, :, None]
    stops, tones = [0, 0.4, 0.7, 1], [(28, 34, 84), (122, 72, 128), (238, 128, 96), (255, 214, 140)]
    sky = np.stack([np.interp(y[:, 0, 0], stops, [t[i] for t in tones]) for i in range(3)], axis=1)
    picture = np.repeat(sky[:, None, :], wide, axis=1)
    far = (x - 0.62) ** 2 * 2.5 + (y - 0.86) ** 2
    picture += np.exp(-far / 0.05) * np.array([70.0, 50.0, 10.0])
    picture[((x - 0.62) ** 2 * 10.24 + (y - 0.82) ** 2)[:, :, 0] < 0.0042] = (255, 246, 216)
    for depth, (top, tone) in enumerate(
        [(0.74, (150, 84, 112)), (0.84, (92, 56, 96)), (0.93, (44, 32, 66))]
    ):
        ridge = sum(
            np.sin(x[0, :, 0] * f * np.pi + chance.uniform(0, 6)) / f for f in (2, 5, 9, 17, 40, 77)
        )
        below = (y[:, :, 0] > (top - 0.07 * ridge)[None, :])[:, :, None]
        haze = np.clip((y - top) * 2 + 0.1 * depth, 0, 1)
        picture = np.where(below, np.array(tone) + haze * 26, picture)
    waves = np.arange(high // 2)
    shift = (np.sin(waves**1.35 / 3.1) * waves / 26).astype(int)
    lake = np.stack([np.roll(picture[::-1][i], shift[i], axis=0) for i in range(high // 2)])
    whole = np.concatenate([picture, lake * 0.78 + np.array([10, 16, 34])])
    whole += chance.normal(0, 1.2, whole.shape)
    return Image.fromarray(np.clip(whole, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HOME
    badge().save(folder / "badge.png", optimize=True)
    dusk().save(folder / "dusk.jpg", quality=92, subsampling=0)
