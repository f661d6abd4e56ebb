"""Write the README's tables of options from what the command declares.

python docs/make_options.py
"""

import re
from pathlib import Path

from tinct import options
from tinct.cli import cluster_options, palette_options, serve_options

README = Path(__file__).parent.parent / "README.md"
COMMANDS = {
    "compress": options.Compress,
    "palette": palette_options.Palette,
    "cluster": cluster_options.Cluster,
    "steps": cluster_options.Steps,
    "serve": serve_options.Serve,
}


def page(text):
    """The page with its tables made anew."""
    return re.sub(
        r"(<!-- options:(\w+) -->\n).*?(<!-- /options -->)",
        lambda found: found[1] + table(COMMANDS[found[2]]) + found[3],
        text,
        flags=re.S,
    )


def table(asked):
    """A row for each option, in Markdown."""
    rows = ["| option | meaning | default |", "|---|---|---|"]
    for option in options.declared(asked):
        if option.spellings:
            value = f" {option.kind.metavar}" if option.kind else ""
            spelled = ", ".join(f"`{word}`" for word in option.spellings).removesuffix("`")
            cells = (f"{spelled}{value}`".replace("|", "\\|"), option.meaning, option.usual)
            rows.append("| " + " | ".join(cells).rstrip() + " |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    README.write_text(page(README.read_text(encoding="utf-8")), encoding="utf-8")
