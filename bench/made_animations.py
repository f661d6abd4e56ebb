"""Animations for `bench.animations`, made of pictures: a pan, a recording, a cartoon, a fade.

python -m bench.made_animations FOLDER PHOTO PHOTO SCREENSHOT
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw


def pan(photo: Image.Image, frames: int = 16) -> list[Image.Image]:
    """A window of 320x200 that moves over a photograph."""
    return [photo.crop((8 * at, 3 * at, 8 * at + 320, 3 * at + 200)) for at in range(frames)]


def recording(screen: Image.Image, frames: int = 40) -> list[Image.Image]:
    """A screen of 480x300: text is typed, a pointer moves, then all scrolls."""
    text, found = "centers move, labels follow, inertia falls" * 2, []
    for at in range(frames):
        scrolled = 6 * max(at - 28, 0)
        image = screen.crop((0, scrolled, 480, scrolled + 300))
        draw = ImageDraw.Draw(image)
        draw.rectangle((20, 240, 460, 270), fill="white", outline="gray")
        draw.text((26, 248), text[: 2 * at], fill="black")
        draw.polygon([(x + 9 * at, y + 4 * at) for x, y in ((5, 5), (5, 21), (16, 16))], fill="red")
        found.append(image)
    return found


def cartoon(frames: int = 24) -> list[Image.Image]:
    """Flat shapes with soft edges that move, 320x240."""
    found = []
    for at in range(frames):
        image = Image.new("RGB", (960, 720), "#bde0fe")
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 540, 960, 720), fill="#70a050")
        draw.ellipse((700, 60, 820, 180), fill="#ffd166")
        left = 20 + 30 * at
        draw.ellipse((left, 300, left + 200, 500), fill="#e76f51", outline="#542216", width=9)
        draw.ellipse((left + 110, 350, left + 150, 400), fill="white", outline="black", width=5)
        draw.rounded_rectangle((left + 30, 490, left + 170, 600), 30, fill="#264653")
        draw.polygon([(600, 540), (700, 300 + 5 * at), (800, 540)], fill="#8d99ae")
        found.append(image.resize((320, 240), Image.Resampling.BOX))
    return found


def fade(before: Image.Image, after: Image.Image, frames: int = 12) -> list[Image.Image]:
    """One photograph that becomes another, 256x192."""
    first, last = (image.crop((0, 0, 512, 384)).resize((256, 192)) for image in (before, after))
    return [Image.blend(first, last, at / (frames - 1)) for at in range(frames)]


def main(folder: str, *paths: str) -> None:
    before, after, screen = (Image.open(path).convert("RGB") for path in paths)
    films = {"pan": pan(before), "recording": recording(screen), "cartoon": cartoon()}
    films["fade"] = fade(before, after)
    Path(folder).mkdir(exist_ok=True)
    for name, frames in films.items():
        for kind in ("gif", "png"):  # a GIF's colors are Pillow's, an APNG has all of them
            path = Path(folder) / f"{name}.{kind}"
            frames[0].save(path, save_all=True, append_images=frames[1:], duration=80, loop=0)
            print(path, path.stat().st_size)


if __name__ == "__main__":
    main(*sys.argv[1:])
