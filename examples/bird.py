"""A painted bird, 128x128 pixels with a few thousand colors, drawn by this script.

Usage: python examples/bird.py OUT.png
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE, FINE = 128, 8  # painted eight times as large, then reduced: soft edges
WIDE = SIZE * FINE


def bird() -> Image.Image:
    """Paint it: always the same pixels."""
    chance = np.random.default_rng(7)
    picture = sky(chance)
    branch(picture, chance)
    tail_and_legs(picture, chance)
    body(picture, chance)
    wing(picture, chance)
    head(picture, chance)
    return picture.resize((SIZE, SIZE), Image.Resampling.BOX)


# fmt: off
def sky(chance):
    """Morning light over two soft hills."""
    picture = gradient((108, 164, 206), (255, 226, 176), angle=80)
    glow = Image.new("L", picture.size, 0)
    ImageDraw.Draw(glow).ellipse(scaled(72, 4, 118, 50), fill=230)
    picture.paste((255, 246, 214), mask=glow.filter(ImageFilter.GaussianBlur(9 * FINE)))
    far = "0,92 26,78 52,88 86,74 128,86 128,128 0,128"
    near = "0,108 34,100 70,106 104,94 128,98 128,128 0,128"
    paint(picture, far, (150, 178, 172), (196, 206, 180), blur=2.5)
    paint(picture, near, (96, 142, 110), (150, 176, 116), blur=1.5, grain=5, chance=chance)
    return picture


def branch(picture, chance):
    """A bough across the foreground, with leaves."""
    bough = "-6,114 30,105 66,102 100,94 134,82 134,90 98,103 60,111 -6,126"
    paint(picture, bough, (134, 92, 60), (66, 42, 34), 95, grain=16, stretch=(12, 1), chance=chance)
    blade = np.array([(0, 0), (0.3, -0.24), (0.7, -0.2), (1, 0), (0.7, 0.2), (0.3, 0.24)])
    for x, y, turn, size in ((104, 96, 65, 15), (116, 86, -40, 15), (22, 108, 55, 16),
                             (12, 111, -70, 13), (88, 98, -65, 12)):
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        leaf = blade * size @ np.array([[c, s], [-s, c]]) + (x, y)
        paint(picture, leaf, (168, 204, 78), (52, 112, 54), turn, grain=6, chance=chance)


def tail_and_legs(picture, chance):
    """What lies behind the body."""
    plumes = {"grain": 10, "stretch": (1, 6), "chance": chance}
    under = "34,76 24,97 8,123 15,126 33,105 46,84"
    paint(picture, under, (58, 84, 122), (34, 50, 84), 120, **plumes)
    over = "34,76 24,92 8,118 15,121 33,100 46,84"
    paint(picture, over, (88, 122, 164), (46, 66, 104), 120, **plumes)
    draw = ImageDraw.Draw(picture)
    for x in (60, 71):
        draw.line(scaled(x, 90, x + 1, 104), fill=(110, 66, 46), width=2 * FINE)
        for toe in (-5, 0, 6):
            claw = scaled(x + 1, 103, x + 1 + toe, 107)
            draw.line(claw, fill=(92, 54, 40), width=round(1.7 * FINE))


def body(picture, chance):
    """An orange breast, a white belly, and a blue back."""
    down = {"stretch": (1, 4), "chance": chance}
    breast = "72,36 90,52 93,70 84,88 66,96 46,90 42,80 50,64 58,50"
    paint(picture, breast, (250, 158, 62), (196, 66, 34), 100, grain=14, **down)
    belly = "78,76 72,92 58,95 46,89 50,80 64,74"
    paint(picture, belly, (252, 240, 220), (220, 190, 164), 100, blur=2.5, grain=8, chance=chance)
    nape = "66,36 52,42 40,56 30,80 44,78 56,62 70,50"
    paint(picture, nape, (110, 152, 196), (52, 80, 128), 75, grain=12, **down)


def wing(picture, chance):
    """The wing, and its long feathers, each with a light edge."""
    plumes = {"stretch": (1, 8), "chance": chance}
    whole = "58,48 68,58 68,72 56,82 40,88 24,96 30,80 38,64 46,52"
    paint(picture, whole, (112, 152, 192), (40, 62, 106), 70, grain=12, **plumes)
    for step in range(5):
        x, y = 61 - 4.5 * step, 62 + 4.2 * step
        edge = [(x, y), (x + 4, y + 8), (x - 14, y + 17), (x - 26, y + 19), (x - 12, y + 8)]
        paint(picture, edge, (186, 212, 232), (120, 156, 196), 60, blur=0.4)
        vane = [(x - 1, y + 1), (x + 2, y + 7), (x - 14, y + 15), (x - 24, y + 17), (x - 12, y + 8)]
        paint(picture, vane, (78, 112, 160), (34, 52, 92), 60, grain=10, **plumes)


def head(picture, chance):
    """A blue cap, a pale cheek, a beak, and the light in the eye."""
    skull = "62,30 70,20 84,17 97,24 101,36 95,49 82,55 68,51 60,42"
    down = {"stretch": (1, 4), "chance": chance}
    paint(picture, skull, (122, 168, 208), (48, 78, 128), 75, grain=12, **down)
    cheek = "80,34 92,32 99,38 95,49 84,54 75,47"
    paint(picture, cheek, (255, 236, 206), (240, 164, 92), 100, blur=1.6, grain=7, chance=chance)
    paint(picture, "99,33 108,35 116,39.5 107,40.5 99,39.5", (98, 90, 92), (42, 38, 46))
    paint(picture, "99,39 108,40 114,40.5 106,43 99,42.5", (70, 62, 66), (34, 30, 36))
    draw = ImageDraw.Draw(picture)
    draw.ellipse(scaled(83.5, 28, 92.5, 37), fill=(244, 214, 160))
    draw.ellipse(scaled(84.5, 29, 91.5, 36), fill=(30, 22, 26))
    draw.ellipse(scaled(88, 30, 90.4, 32.4), fill=(255, 255, 255))
# fmt: on


def paint(
    picture, outline, light, dark, angle=90, *, blur=0.0, grain=0, stretch=(1, 1), chance=None
):
    """Fill a smooth outline with a gradient, light to dark, and grain like feathers or bark."""
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).polygon([tuple(point) for point in smooth(outline) * FINE], fill=255)
    if blur:
        mask = mask.filter(ImageFilter.GaussianBlur(blur * FINE))
    rows, columns = np.nonzero(np.asarray(mask))
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    fill = gradient(light, dark, angle, size=(box[2] - box[0], box[3] - box[1]))
    if grain:
        noise = chance.normal(0, grain, (SIZE // stretch[1], SIZE // stretch[0]))
        texture = np.asarray(
            Image.fromarray(noise.astype(np.float32)).resize((WIDE, WIDE), Image.Resampling.BICUBIC)
        )
        shaded = np.asarray(fill) + texture[box[1] : box[3], box[0] : box[2], None]
        fill = Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))
    picture.paste(fill, (int(box[0]), int(box[1])), mask.crop(tuple(map(int, box))))


def smooth(outline):
    """A closed Catmull-Rom curve through the points."""
    if isinstance(outline, str):
        outline = [point.split(",") for point in outline.split()]
    p1 = np.asarray(outline, float)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.linspace(0, 1, 16, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (p[:, None] for p in (p0, p1, p2, p3))
    curve = p1 + t * (p2 - p0) / 2 + t**2 * (p0 - 2.5 * p1 + 2 * p2 - p3 / 2)
    return (curve + t**3 * (1.5 * (p1 - p2) + (p3 - p0) / 2)).reshape(-1, 2)


def gradient(start, end, angle, size=(WIDE, WIDE)):
    """From one color to another, at an angle in degrees: 90 runs downwards."""
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    along = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    share = np.clip((along + 1) / 2, 0, 1)[:, :, None]
    return Image.fromarray(np.rint(start + share * (np.array(end) - start)).astype(np.uint8))


def scaled(*places):
    """To the fine grid."""
    return [place * FINE for place in places]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    bird().save(sys.argv[1])
