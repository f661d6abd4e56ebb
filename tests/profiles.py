"""ICC profiles by the book, made in code."""

import struct

D50 = (0.9642, 1.0, 0.8249)
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(65536 * v) for v in values))


def curv(*values):
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


def para(kind, *values):
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*values)


def icc(curve, primaries=None):
    """A profile by the book: of these primaries and this curve, or of gray."""
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\2p" + bytes(79), b"cprt": b"text\0\0\0\0\0\0\0\0"}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + fixed(*D50)
    for name, column in zip((b"r", b"g", b"b"), primaries or (), strict=False):
        tags |= {name + b"XYZ": b"XYZ \0\0\0\0" + fixed(*column), name + b"TRC": curve}
    if primaries is None:
        tags[b"kTRC"] = curve
    at, rows, body = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        rows += struct.pack(">4sII", name, at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    head = struct.pack(
        ">II4s4s4s4s", at + len(body), 0, bytes([4, 32, 0, 0]), b"mntr", b"", b"XYZ "
    )
    head = bytearray(head.ljust(128, b"\0"))
    head[16:20] = b"RGB " if primaries else b"GRAY"
    head[36:40], head[68:80] = b"acsp", fixed(*D50)
    return bytes(head) + struct.pack(">I", len(tags)) + rows + body
