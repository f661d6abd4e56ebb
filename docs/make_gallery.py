"""Draw the gallery of the README into docs/figures.

Usage: python docs/make_gallery.py [BIRD.png]

Three pictures in 4, 8, 16 and 32 colors: the original, the example of scikit-learn's documentation
(K-means in RGB on 1,000 pixels, no dithering), `pngquant --speed 1`, and tinct by default. The
bird is bird_small.png of the course "Machine Learning", exercise 7; without it the painted one.
Needs pngquant on the PATH.
"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image
from sklearn.utils import shuffle

import tinct

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "examples"))
import bird  # noqa: E402

COLORS = (4, 8, 16, 32)
WIDTH, HEIGHT = 216, 160  # of a tile: what is shown of a picture, at 100 %
EDGE, LINE = 4, 22
LEFT = 30


def by_scikit_learn(pixels, k):
    """As the documentation of scikit-learn does it; the file is a PNG by Pillow."""
    points = pixels.reshape(-1, 3) / 255
    sample = shuffle(points, random_state=0, n_samples=1_000)
    model = KMeans(n_clusters=k, random_state=0).fit(sample)
    drawn = model.cluster_centers_[model.predict(points)].reshape(pixels.shape)
    file = io.BytesIO()
    drawn = np.round(drawn * 255).astype(np.uint8)
    Image.fromarray(drawn).save(file, "PNG", optimize=True)
    return drawn, len(file.getvalue())


def by_pngquant(pixels, k):
    """As `pngquant --speed 1` writes it."""
    source = io.BytesIO()
    Image.fromarray(pixels).save(source, "PNG")
    command = ["pngquant", "--speed", "1", str(k), "-"]
    done = subprocess.run(command, input=source.getvalue(), capture_output=True, check=True).stdout
    return np.asarray(Image.open(io.BytesIO(done)).convert("RGB")), len(done)


def by_tinct(pixels, k):
    """As tinct does it by default."""
    small = tinct.compress(pixels, k)
    return small.image, len(small.data)


WAYS = {"scikit-learn": by_scikit_learn, "pngquant": by_pngquant, "tinct": by_tinct}


def gallery(pixels, top, left, times=1):
    """A row for each number of colors; of the picture, enlarged, what lies from (top, left)."""
    columns = 1 + len(WAYS)
    width = LEFT + columns * (WIDTH + EDGE)
    row = HEIGHT + LINE
    page = Image.new("RGB", (width, LINE + len(COLORS) * row), "white")
    write = ImageDraw.Draw(page)
    font = ImageFont.load_default(13)

    def tile(at, column, drawn, text):
        seen = np.asarray(drawn).repeat(times, 0).repeat(times, 1)
        seen = seen[top : top + HEIGHT, left : left + WIDTH]
        x, y = LEFT + column * (WIDTH + EDGE), LINE + at * row
        page.paste(Image.fromarray(np.ascontiguousarray(seen)), (x, y))
        write.text((x, y + HEIGHT + 3), text, "black", font)

    for column, name in enumerate(("original", *WAYS)):
        write.text((LEFT + column * (WIDTH + EDGE), 4), name, "black", font)
    count = len(np.unique(pixels.reshape(-1, 3), axis=0))
    for at, k in enumerate(COLORS):
        write.text((4, LINE + at * row + HEIGHT // 2 - 8), str(k), "black", font)
        tile(at, 0, pixels, f"{count:,} colors")
        for column, way in enumerate(WAYS.values(), 1):
            drawn, size = way(pixels, k)
            tile(at, column, drawn, f"{size / 1000:.1f} kB")
    return page


def main():
    """Draw them all."""
    small = tinct.read(sys.argv[1] if len(sys.argv) > 1 else bird.bird()).pixels
    shown = {
        "flower": (load_sample_image("flower.jpg"), 90, 190),
        "china": (load_sample_image("china.jpg"), 150, 60),
        "bird": (small, 40, 40, 2),
    }
    for name, (pixels, *where) in shown.items():
        page = gallery(np.ascontiguousarray(pixels), *where)
        page.save(DOCS / "figures" / f"gallery-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
