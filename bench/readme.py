"""Write the tables of the README from what the races left in bench/out.

python -m bench.readme
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
from bench.rate import bd_rate

OUT = Path("bench/out")

# Heading -> (key, format); trailing blanks keep equal headings apart.
ITERATION = {
    "picture": ("picture", ""),
    "K": ("k", ""),
    "tinct": ("tinct ms", ".2f"),
    "scikit-learn": ("scikit-learn ms", ".2f"),
    "faiss": ("faiss ms", ".2f"),
    "times scikit-learn": ("times scikit-learn", ".1f"),
    "times faiss": ("times faiss", ".1f"),
}
WHOLE = {
    "picture": ("picture", ""),
    "K": ("k", ""),
    "tinct": ("tinct s", ".3f"),
    "error": ("tinct error", ".1f"),
    "scikit-learn": ("scikit-learn s", ".2f"),
    "error ": ("scikit-learn error", ".1f"),
    "faiss": ("faiss s", ".2f"),
    "error  ": ("faiss error", ".1f"),
    "OpenCV": ("OpenCV s", ".2f"),
    "error   ": ("OpenCV error", ".1f"),
}
EXCESS = {
    "effort": ("effort", ""),
    **{f"K = {k}": (f"k {k} %", ".2f") for k in (16, 32, 64, 128, 256)},
    "mean": ("mean %", ".2f"),
    "seconds at K = 256": ("k 256 s", ".2f"),
}
TIMES = {
    "picture": ("picture", ""),
    "tinct s": ("tinct s", ".2f"),
    "pngquant s": ("pngquant s", ".2f"),
    "tinct MB": ("tinct MB", ".0f"),
    "pngquant MB": ("pngquant MB", ".0f"),
    "tinct bytes": ("tinct bytes", ",.0f"),
    "pngquant bytes": ("pngquant bytes", ",.0f"),
}
UNDITHERED = {
    "K": ("k", ""),
    "tinct bytes": ("tinct bytes", ",.0f"),
    "dB": ("tinct dB", ".2f"),
    "SSIMULACRA2": ("tinct SSIMULACRA2", ".1f"),
    "pngquant bytes": ("pngquant bytes", ",.0f"),
    "dB ": ("pngquant dB", ".2f"),
    "SSIMULACRA2 ": ("pngquant SSIMULACRA2", ".1f"),
}

ENGINE_PAGE = """\
{machine}, {instruction set}; scikit-learn {scikit-learn}, faiss {faiss-cpu}, OpenCV
{opencv-python-headless}; medians of {repeats}. One iteration on the distinct colors, in ms:

{iterations}

Whole fits from the pixels with default settings (scikit-learn with one start, faiss with 25
iterations of all pixels, OpenCV with k-means++), in seconds, and the mean squared error:

{whole}

Mean excess of the error over the best known, in %, 12 Kodak pictures, clustering in sRGB:

{excess}
"""
COMMAND_PAGE = """\
Whole processes, default options, 256 colors, medians. These are plain PNGs; other pictures and
options take 0.1 s more to start, which several pictures in one command share.

{times}

Without dithering, both through oxipng level 4, means of five Kodak pictures:

{undithered}
"""


def markdown(rows, columns):
    """A table of `rows`, dictionaries, with `columns` as above."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = (f"{row[key]:{form}}" for key, form in columns.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def gathered(results, kind):
    """The rows of all pictures' tables of one kind."""
    return [
        {"picture": name.removesuffix(kind)} | row
        for name, rows in results.items()
        if name.endswith(kind)
        for row in rows
    ]


def engine():
    results = json.loads((OUT / "engine.json").read_text())
    return ENGINE_PAGE.format(
        **results["about"],
        iterations=markdown(gathered(results, " iteration"), ITERATION),
        whole=markdown(gathered(results, " whole"), WHOLE),
        excess=markdown(results["excess"], EXCESS),
    )


def command():
    results = json.loads((OUT / "command.json").read_text())
    means = []
    for k in (16, 64, 256):
        rows = [row for row in results["undithered"] if row["k"] == k]
        keys = [key for key in rows[0] if key not in ("k", "picture")]
        means.append({"k": k} | {key: sum(row[key] for row in rows) / len(rows) for key in keys})
    return COMMAND_PAGE.format(
        times=markdown(results["times"], TIMES), undithered=markdown(means, UNDITHERED)
    )


RATE_PAGE = """\
Bytes of PNGs at the same look against pngquant 2.17 `--speed 1` with 8 to 256 colors, ours those of
`--quality` 50, 55 ... 90 at the default effort, both through oxipng level 4: mean relative
difference over the scores that both reach (BD-rate). Over {count} pictures {mean:+.1%} at equal
SSIMULACRA2, from {least:+.1%} to {most:+.1%}:

{table}
"""


def rate():
    """From rate.csv; the pictures as they were raced."""
    points = {}
    with (OUT / "rate.csv").open() as file:
        for row in csv.DictReader(file):
            points.setdefault(row["picture"], {"pngquant": [], "tinct": []})[row["tool"]].append(
                row
            )
    rows, means = [], []
    for picture, tools in points.items():
        looks = {
            tool: [(int(r["bytes"]), float(r["ssimulacra2"])) for r in tools[tool]]
            for tool in ("pngquant", "tinct")
        }
        norms = [
            [(int(r["bytes"]), -float(r["butteraugli_3"])) for r in tools[tool]]
            for tool in ("pngquant", "tinct")
            if all(r.get("butteraugli_3") for r in tools[tool])
        ]
        found = bd_rate(looks["pngquant"], looks["tinct"])
        other = bd_rate(*norms, -np.inf, np.inf) if len(norms) == 2 else None
        means += [] if found is None else [found]
        texts = ("-" if value is None else f"{value:+.1%}" for value in (found, other))
        rows.append(dict(zip(("picture", "look", "norm"), (picture, *texts), strict=True)))
    columns = {"picture": "picture", "SSIMULACRA2": "look", "butteraugli 3-norm": "norm"}
    if all(row["norm"] == "-" for row in rows):
        del columns["butteraugli 3-norm"]
    table = markdown(rows, {title: (key, "") for title, key in columns.items()})
    return RATE_PAGE.format(
        count=len(means), mean=np.mean(means), least=min(means), most=max(means), table=table
    )


def main():
    page = Path("README.md")
    text = page.read_text()
    for name, section in (("engine", engine), ("command", command), ("rate", rate)):
        if not (OUT / ("rate.csv" if name == "rate" else f"{name}.json")).exists():
            continue
        between = rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)"
        text = re.sub(between, lambda m, s=section: m[1] + s() + m[2], text, flags=re.DOTALL)
    page.write_text(text)


if __name__ == "__main__":
    main()
