"""Files of 16-bit samples by their specifications, and what they show; nothing of ours."""

import struct
import zlib

import numpy as np

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
ADAM7 += [(0, 1, 1, 2)]


def rounded(value, top=65535):
    """A sample of 0...top as one of 0...255, the nearest; halves upwards."""
    return (2 * int(value) * 255 + top) // (2 * top)


def seen(samples, *, key=None, grey=False, premultiplied=False):
    """(h, w, c) of 16 bits, as 8-bit RGBA, pixel by pixel."""
    height, width = samples.shape[:2]
    shown = np.zeros((height, width, 4), np.uint8)
    for y in range(height):
        for x in range(width):
            *color, alpha = [*samples[y, x], 65535]
            if len(color) == (2 if grey else 4):
                *color, alpha = color
            elif key is not None and [int(c) for c in color] == list(key):
                alpha = 0
            if premultiplied:
                color = [rounded(min(c, alpha), int(alpha)) if alpha else 0 for c in color]
            else:
                color = [rounded(c) for c in color]
            shown[y, x] = (color * 3 if grey else color) + [rounded(alpha)]
    return shown


# --- PNG (W3C, third edition) -------------------------------------------------------------------


def _chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def _filtered(rows, step, kinds):
    """Each row of bytes behind its filter's number, filtered."""
    above = bytes(len(rows[0])) if rows else b""
    packed = b""
    for row, kind in zip(rows, kinds, strict=False):
        left, corner = bytes(step) + row, bytes(step) + above
        guess = [
            [0] * len(row),
            left,
            above,
            [(a + b) // 2 for a, b in zip(left, above, strict=False)],
            [_paeth(a, b, c) for a, b, c in zip(left, above, corner, strict=False)],
        ][kind]
        packed += bytes([kind, *((v - g) % 256 for v, g in zip(row, guess, strict=False))])
        above = row
    return packed


def png(samples, kinds, *, interlaced=False, key=None, extra=()):
    """(h, w, c) uint16 as a PNG: grey, grey and alpha, RGB, RGBA; a kind of filter per row."""
    height, width, channels = samples.shape
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    packed = b""
    for x, y, across, down in passes:
        part = samples[y::down, x::across]
        if part.size:
            rows = [row.astype(">u2").tobytes() for row in part]
            packed += _filtered(rows, 2 * channels, kinds)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, interlaced))]
    parts += extra
    if key is not None:
        parts.append(_chunk(b"tRNS", struct.pack(f">{channels}H", *key)))
    parts += [_chunk(b"IDAT", zlib.compress(packed)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gama(gamma):
    """The chunk that tells a PNG's gamma."""
    return _chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


# --- TIFF 6.0 -----------------------------------------------------------------------------------


def tiff(samples, *, order="<", rows=3, deflated=False, planar=False, extra=(), **tags):
    """(h, w, c) uint16 as a TIFF in strips of some rows; tags by their number: ``t262=5``."""
    height, width, channels = samples.shape
    planes = [samples[:, :, c : c + 1] for c in range(channels)] if planar else [samples]
    strips = [
        plane[y : y + rows].astype(f"{order}u2").tobytes()
        for plane in planes
        for y in range(0, height, rows)
    ]
    strips = [zlib.compress(strip) for strip in strips] if deflated else strips
    starts = [8 + sum(map(len, strips[:i])) for i in range(len(strips))]
    entries = {
        256: [width],
        257: [height],
        258: [16] * channels,
        259: [8 if deflated else 1],
        262: [2 if channels > 2 else 1],
        273: starts,
        277: [channels],
        278: [rows],
        279: [len(strip) for strip in strips],
        284: [2 if planar else 1],
    }
    if extra:
        entries[338] = list(extra)
    entries |= {int(name[1:]): [value] for name, value in tags.items()}
    return _tiff(b"".join(strips), entries, order)


def _tiff(pixels, entries, order):
    lists, table = b"", b""
    base = 8 + len(pixels)
    for tag, values in sorted(entries.items()):
        short = tag in (258, 259, 262, 274, 277, 284, 338)
        packed = struct.pack(f"{order}{len(values)}{'H' if short else 'I'}", *values)
        if len(packed) > 4:
            lists, packed = lists + packed, struct.pack(f"{order}I", base + len(lists))
        table += struct.pack(f"{order}HHI", tag, 3 if short else 4, len(values))
        table += packed.ljust(4, b"\0")
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, base + len(lists))
    return start + pixels + lists + struct.pack(f"{order}H", len(entries)) + table + bytes(4)


def tiff_12(samples):
    """(h, w) of 12 bits, w even, as a grey TIFF: two samples in three bytes."""
    pairs = samples.reshape(-1, 2).astype(int)
    packed = b"".join(bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in pairs)
    height, width = samples.shape
    entries = {256: [width], 257: [height], 258: [12], 259: [1], 262: [1], 273: [8], 277: [1]}
    return _tiff(packed, entries | {278: [height], 279: [len(packed)]}, "<")


# --- SGI ----------------------------------------------------------------------------------------


def sgi(samples, *, packed=False):
    """(h, w, c) uint16, 1, 3 or 4 channels, as an SGI file, run-length encoded or not."""
    height, width, channels = samples.shape
    dimension = 2 if channels == 1 else 3
    head = struct.pack(">hBBHHHH", 474, packed, 2, dimension, width, height, channels)
    head = head.ljust(512, b"\0")
    lines = [
        samples[y, :, c].astype(">u2").tobytes()
        for c in range(channels)
        for y in reversed(range(height))
    ]
    if not packed:
        return head + b"".join(lines)
    lines = [struct.pack(">H", 128 | width) + line + b"\0\0" for line in lines]
    count = len(lines)
    starts = [512 + 8 * count + sum(map(len, lines[:i])) for i in range(count)]
    return head + struct.pack(f">{2 * count}I", *starts, *map(len, lines)) + b"".join(lines)
