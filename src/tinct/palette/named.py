"""Palettes that have a name, and colors as text. Imports nothing: options are checked by it."""

__all__ = ["NAMED", "colors_in"]

_STEPS = ("00", "33", "66", "99", "cc", "ff")
NAMED = {
    "bw": "000000 ffffff",
    "gray4": "000000 555555 aaaaaa ffffff",
    "eink7": "000000 ffffff 00ff00 0000ff ff0000 ffff00 ff8000",
    "gameboy": "0f380f 306230 8bac0f 9bbc0f",
    "terminal16": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",  # xterm's
    "web216": " ".join(r + g + b for r in _STEPS for g in _STEPS for b in _STEPS),
}


def colors_in(text: str) -> bytes:
    """The colors that a list such as ``#f80,#00112280`` stands for, 4 bytes each.

    ValueError names the first that is none.

    Examples
    --------
    >>> colors_in("#f80, 01020304").hex()
    'ff8800ff01020304'
    """
    found = b""
    for word in text.replace(",", " ").split() or [""]:
        digits = word.removeprefix("#")
        if len(digits) in (3, 4):
            digits = "".join([digit * 2 for digit in digits])
        if len(digits) not in (6, 8) or not all(c in "0123456789abcdefABCDEF" for c in digits):
            raise ValueError(f"#rgb, #rrggbb or #rrggbbaa, not {word[:20] or 'nothing'}")
        found += bytes.fromhex(digits if len(digits) == 8 else digits + "ff")
    return found
